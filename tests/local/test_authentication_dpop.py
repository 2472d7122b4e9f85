"""A token that is bound to a key is good only for who holds the key."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from anyauth0 import Request, Response
from anyauth0.jose import SigningKey, generate_key, parse_token, public_jwk, sign, thumbprint
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.in_process import LocalTransport, first_certificate

PASSWORD = "correct-Horse-7"
REDIRECT = "https://app.example/callback"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256",)).claims()


def s256(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Prover:
    """Makes proofs with one key, and sends them."""

    def __init__(self, tenant: LocalTenant, wire: Any, key: SigningKey) -> None:
        self.tenant, self.wire, self.key = tenant, wire, key
        self.jkt = thumbprint(key)

    def proof(
        self, path: str, method: str = "POST", *, token: str | None = None,
        header: dict[str, Any] | None = None, **changes: Any,
    ) -> str:  # fmt: skip
        made: dict[str, Any] = {
            "jti": secrets.token_hex(8),
            "htm": method,
            "htu": f"https://{self.tenant.domain}{path}",
            "iat": int(self.tenant.clock()),
            "ath": token and s256(token),
            **changes,
        }
        headers = {"typ": "dpop+jwt", "jwk": public_jwk(self.key), **(header or {})}
        given = {name: value for name, value in made.items() if value is not None}
        return sign(given, self.key, algorithm="ES256", headers=headers)

    def token(self, *, proof: str | None = None, nonce: str | None = None, **fields: str) -> Response:
        if "client_id" not in fields:
            fields |= {"client_id": self.tenant.client_id, "client_secret": self.tenant.client_secret}
        proof = proof or self.proof("/oauth/token", nonce=nonce)
        return self.wire.form("/oauth/token", headers={"dpop": proof}, **fields)

    def log_in(self, **more: Any) -> Response:
        who = {"username": "ada@example.com", "password": PASSWORD}
        return self.token(grant_type="password", scope="openid offline_access", **who, **more)

    def user_info(self, token: str, *, scheme: str = "DPoP", proof: str | None = None) -> Response:
        proof = self.proof("/userinfo", "GET", token=token) if proof is None else proof
        headers = {"authorization": f"{scheme} {token}"} | ({"dpop": proof} if proof else {})
        return self.wire.get("/userinfo", **headers)


@pytest.fixture(scope="module")
def keys() -> list[SigningKey]:
    return [generate_key("ES256"), generate_key("ES256")]


@pytest.fixture
def prover(tenant: LocalTenant, wire: Any, ada: dict[str, Any], keys: list[SigningKey]) -> Prover:
    return Prover(tenant, wire, keys[0])


@pytest.fixture
def thief(tenant: LocalTenant, wire: Any, keys: list[SigningKey]) -> Prover:
    return Prover(tenant, wire, keys[1])


# --- the token endpoint


def test_a_proof_binds_the_token_to_its_key(prover: Prover, body: Callable[[Response], Any]) -> None:
    found = body(prover.log_in())
    assert found["token_type"] == "DPoP"
    assert claims(found["access_token"])["cnf"] == {"jkt": prover.jkt}
    assert "cnf" not in claims(found["id_token"])
    plain = body(prover.wire.token(grant_type="password", username="ada@example.com", password=PASSWORD))
    assert plain["token_type"] == "Bearer"
    assert "cnf" not in claims(plain["access_token"])


def test_client_credentials_are_bound_too(tenant: LocalTenant, prover: Prover) -> None:
    tenant.add_api("https://api.example")
    response = prover.token(grant_type="client_credentials", audience="https://api.example")
    found = json.loads(response.body)
    assert (found["token_type"], claims(found["access_token"])["cnf"]) == ("DPoP", {"jkt": prover.jkt})


WRONG = {
    "another method": {"htm": "GET"},
    "lower case": {"htm": "post"},
    "no method": {"htm": None},
    "another path": {"htu": "https://tenant.local.example/oauth/par"},
    "another host": {"htu": "https://other.example/oauth/token"},
    "another scheme": {"htu": "http://tenant.local.example/oauth/token"},
    "no URL": {"htu": "https://["},
    "a number for a URL": {"htu": 7},
    "no time": {"iat": None},
    "a text for a time": {"iat": "now"},
    "no jti": {"jti": None},
    "an empty jti": {"jti": ""},
    "typ": {"header": {"typ": "JWT"}},
    "no key": {"header": {"jwk": None}},
    "a key that is none": {"header": {"jwk": {"kty": "EC", "crv": "P-256", "x": "x", "y": "y"}}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_a_wrong_proof_is_refused(prover: Prover, changes: dict[str, Any]) -> None:
    refused(prover.log_in(proof=prover.proof("/oauth/token", **changes)), 400, "invalid_dpop_proof")


def test_a_proof_with_a_query_or_the_default_port_is_the_same(prover: Prover) -> None:
    for htu in (
        "https://TENANT.local.example:443/oauth/token",
        "https://tenant.local.example/oauth/token?a#b",
    ):
        assert prover.log_in(proof=prover.proof("/oauth/token", htu=htu)).status == 200


def test_a_proof_is_of_the_moment(tenant: LocalTenant, prover: Prover) -> None:
    now = int(tenant.clock())
    for age in (-60, 400):
        refused(prover.log_in(proof=prover.proof("/oauth/token", iat=now - age)), 400, "invalid_dpop_proof")
    for age in (-10, 200):
        assert prover.log_in(proof=prover.proof("/oauth/token", iat=now - age)).status == 200


def test_a_proof_is_good_once(prover: Prover) -> None:
    proof = prover.proof("/oauth/token")
    assert prover.log_in(proof=proof).status == 200
    assert refused(prover.log_in(proof=proof), 400, "invalid_dpop_proof") == "The proof was used before"


def test_a_proof_is_signed_by_its_own_public_key(prover: Prover, thief: Prover, tenant: LocalTenant) -> None:
    swapped = prover.proof("/oauth/token", header={"jwk": public_jwk(thief.key)})
    private = prover.proof("/oauth/token", header={"jwk": {**public_jwk(prover.key), "d": "AAAA"}})
    head, payload, signature = prover.proof("/oauth/token").split(".")
    for proof in (swapped, private, f"{head}.{payload}.{signature[::-1]}", f"{head}.{payload}.", "x", ""):
        response = prover.wire.form(
            "/oauth/token", headers={"dpop": proof}, grant_type="password", username="ada@example.com",
            password=PASSWORD, client_id=tenant.client_id, client_secret=tenant.client_secret,
        )  # fmt: skip
        refused(response, 400, "invalid_dpop_proof")
    two = f"{prover.proof('/oauth/token')}, {prover.proof('/oauth/token')}"
    refused(prover.log_in(proof=two), 400, "invalid_dpop_proof")


# --- nonces


def test_a_public_application_must_use_a_nonce_and_spends_nothing_before(
    tenant: LocalTenant, prover: Prover
) -> None:
    client_id = tenant.add_client(public=True)["client_id"]
    verifier = secrets.token_urlsafe(32)
    back = tenant.authorize(
        user="ada@example.com", client_id=client_id, redirect_uri=REDIRECT,
        code_challenge=s256(verifier), dpop_jkt=prover.jkt,
    )  # fmt: skip
    grant = {
        "grant_type": "authorization_code",
        "client_id": client_id,
        "code": parse_qs(urlsplit(back).query)["code"][0],
        "redirect_uri": REDIRECT,
        "code_verifier": verifier,
    }
    first = prover.token(**grant)
    refused(first, 400, "use_dpop_nonce")
    refused(prover.token(**grant, nonce="made-up"), 400, "use_dpop_nonce")
    nonce = first.headers["dpop-nonce"]
    response = prover.token(**grant, nonce=nonce)
    assert response.status == 200, response.body
    tenant.advance(300)
    late = prover.token(**grant, nonce=nonce)
    refused(late, 400, "use_dpop_nonce")
    assert late.headers["dpop-nonce"] != nonce


def test_a_tenant_may_demand_a_nonce_of_everybody(tenant: LocalTenant, prover: Prover) -> None:
    token = json.loads(prover.log_in().body)["access_token"]
    tenant.demand_dpop_nonce = True
    first = prover.log_in()
    refused(first, 400, "use_dpop_nonce")
    assert prover.log_in(nonce=first.headers["dpop-nonce"]).status == 200
    at_resource = prover.user_info(token)
    refused(at_resource, 401, "use_dpop_nonce")
    nonce = at_resource.headers["dpop-nonce"]
    proof = prover.proof("/userinfo", "GET", token=token, nonce=nonce)
    assert prover.user_info(token, proof=proof).status == 200


# --- refresh tokens and codes


def test_a_refresh_token_is_bound_to_the_same_key(prover: Prover, thief: Prover) -> None:
    kept = json.loads(prover.log_in().body)["refresh_token"]
    grant = {"grant_type": "refresh_token", "refresh_token": kept}
    refused(thief.token(**grant), 400, "invalid_dpop_proof")
    refused(prover.wire.token(**grant), 400, "invalid_dpop_proof")
    found = json.loads(prover.token(**grant).body)
    assert claims(found["access_token"])["cnf"] == {"jkt": prover.jkt}


def test_rotation_keeps_the_key(tenant: LocalTenant, prover: Prover, thief: Prover) -> None:
    client = tenant.add_client(rotating=True)
    who = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    first = json.loads(prover.log_in(**who).body)["refresh_token"]
    response = prover.token(grant_type="refresh_token", refresh_token=first, **who)
    second = json.loads(response.body)["refresh_token"]
    stolen = thief.token(grant_type="refresh_token", refresh_token=second, **who)
    refused(stolen, 400, "invalid_dpop_proof")
    assert prover.token(grant_type="refresh_token", refresh_token=second, **who).status == 200


def exchange(tenant: LocalTenant, sender: Any, back: str) -> Response:
    code = parse_qs(urlsplit(back).query)["code"][0]
    return sender.token(grant_type="authorization_code", code=code, redirect_uri=REDIRECT)


def test_dpop_jkt_binds_the_code(
    tenant: LocalTenant, wire: Any, prover: Prover, thief: Prover, ada: dict[str, Any]
) -> None:
    for sender in (thief, wire):
        back = tenant.authorize(user=ada, redirect_uri=REDIRECT, dpop_jkt=prover.jkt)
        refused(exchange(tenant, sender, back), 400, "invalid_dpop_proof")
    back = tenant.authorize(user=ada, redirect_uri=REDIRECT, dpop_jkt=prover.jkt)
    assert exchange(tenant, prover, back).status == 200


def test_a_pushed_request_binds_the_code_to_the_key_of_its_proof(
    tenant: LocalTenant, prover: Prover, thief: Prover, ada: dict[str, Any]
) -> None:
    form = {
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "response_type": "code",
        "redirect_uri": REDIRECT,
    }

    def push(**more: str) -> Response:
        proof = {"dpop": prover.proof("/oauth/par")}
        return prover.wire.form("/oauth/par", headers=proof, **form, **more)

    refused(push(dpop_jkt=thief.jkt), 400, "invalid_dpop_proof")
    for sender, status in ((thief, 400), (prover, 200)):
        request_uri = json.loads(push().body)["request_uri"]
        back = tenant.authorize(user=ada, request_uri=request_uri)
        assert exchange(tenant, sender, back).status == status
    broken = prover.wire.form("/oauth/par", headers={"dpop": prover.proof("/oauth/token")}, **form)
    refused(broken, 400, "invalid_dpop_proof")


# --- resources


def test_a_bound_token_is_nothing_without_its_proof(prover: Prover, thief: Prover) -> None:
    token = json.loads(prover.log_in().body)["access_token"]
    assert prover.user_info(token).status == 200
    as_bearer = prover.wire.get("/userinfo", authorization=f"Bearer {token}")
    assert "bound to a key" in refused(as_bearer, 401, "invalid_token")
    assert as_bearer.headers["www-authenticate"] == 'DPoP error="invalid_token", algs="ES256"'
    refused(prover.user_info(token, proof=""), 401, "invalid_dpop_proof")
    refused(thief.user_info(token), 401, "invalid_token")
    for wrong in (
        prover.proof("/userinfo", "GET"),
        prover.proof("/userinfo", "GET", token="another"),
        prover.proof("/userinfo", "POST", token=token),
        prover.proof("/other", "GET", token=token),
    ):
        refused(prover.user_info(token, proof=wrong), 401, "invalid_dpop_proof")
    proof = prover.proof("/userinfo", "GET", token=token)
    assert prover.user_info(token, proof=proof).status == 200
    refused(prover.user_info(token, proof=proof), 401, "invalid_dpop_proof")


def test_a_token_without_a_key_is_no_dpop_token(prover: Prover) -> None:
    response = prover.wire.token(
        grant_type="password", username="ada@example.com", password=PASSWORD, scope="openid"
    )
    token = json.loads(response.body)["access_token"]
    assert "send it as Bearer" in refused(prover.user_info(token), 401, "invalid_token")


def test_the_management_api_takes_bound_tokens(tenant: LocalTenant, prover: Prover, thief: Prover) -> None:
    response = prover.token(grant_type="client_credentials", audience=tenant.management_audience)
    token = json.loads(response.body)["access_token"]

    def ask(sender: Prover | None, scheme: str) -> Response:
        headers = {"authorization": f"{scheme} {token}"}
        if sender is not None:
            headers["dpop"] = sender.proof("/api/v2/users", "GET", token=token)
        return prover.wire.get("/api/v2/users?page=0", **headers)

    assert ask(prover, "DPoP").status == 200
    for sender, scheme, error in (
        (None, "Bearer", "invalid_token"),
        (None, "DPoP", "invalid_dpop_proof"),
        (thief, "DPoP", "invalid_token"),
    ):
        answer = ask(sender, scheme)
        found = json.loads(answer.body)
        assert (answer.status, found["statusCode"], found["errorCode"]) == (401, 401, error)


# --- certificates


@pytest.fixture
def ask_with(tenant: LocalTenant) -> Callable[..., Response]:
    """Return a function that sends a request over a connection with a certificate."""

    def ask(pem: bytes | None, method: str, path: str, headers: dict[str, str], **form: str) -> Response:
        import ssl

        der = None if pem is None else ssl.PEM_cert_to_DER_cert(first_certificate(pem.decode()))
        url = f"https://{tenant.mtls_host}{path}"
        request = Request(method=method, url=url, headers=headers, body=urlencode(form).encode())
        return LocalTransport(tenant, der).send(request)

    return ask


@pytest.mark.parametrize("by", ["application", "api", "neither"])
def test_a_token_is_bound_to_the_certificate_where_that_is_asked_for(
    tenant: LocalTenant,
    make_certificate: Callable[[], tuple[bytes, bytes]],
    ask_with: Callable[..., Response],
    by: str,
) -> None:
    pem, other = make_certificate()[0], make_certificate()[0]
    client = tenant.add_client(certificate=pem, require_proof_of_possession=by == "application")
    if by == "api":
        [api] = tenant.store.find("resource_servers", identifier=tenant.management_audience)
        api["proof_of_possession"] = {"mechanism": "mtls", "required": True}
        tenant.store.put("resource_servers", api["id"], api)
    grant = {
        "grant_type": "client_credentials",
        "client_id": client["client_id"],
        "audience": tenant.management_audience,
    }
    found = json.loads(ask_with(pem, "POST", "/oauth/token", FORM, **grant).body)
    assert found["token_type"] == "Bearer"
    credential = client["client_authentication_methods"]["self_signed_tls_client_auth"]["credentials"][0]
    confirmation = claims(found["access_token"]).get("cnf")
    assert confirmation == (None if by == "neither" else {"x5t#S256": credential["thumbprint_sha256"]})
    header = {"authorization": f"Bearer {found['access_token']}"}
    statuses = [ask_with(shown, "GET", "/api/v2/users", header).status for shown in (pem, other, None)]
    assert statuses == ([200, 200, 200] if by == "neither" else [200, 401, 401])


def test_who_must_show_a_key_gets_no_token_without(tenant: LocalTenant, prover: Prover) -> None:
    client = tenant.add_client(require_proof_of_possession=True)
    who = {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    plain = prover.wire.token(grant_type="password", username="ada@example.com", password=PASSWORD, **who)
    refused(plain, 400, "invalid_request")
    assert prover.log_in(**who).status == 200
    for mechanism, required_for, status in (
        ("dpop", "all_clients", 400),
        ("dpop", "public_clients", 200),
        ("mtls", "all_clients", 400),
    ):
        audience = f"https://{mechanism}.{required_for}.example"
        proof = {"mechanism": mechanism, "required": True, "required_for": required_for}
        tenant.add_api(audience, proof_of_possession=proof)
        grant = {"grant_type": "client_credentials", "audience": audience}
        assert prover.wire.token(**grant).status == status
        assert prover.token(**grant).status == (400 if mechanism == "mtls" else 200)
