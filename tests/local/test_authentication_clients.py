"""A client proves itself in the one way in which it is registered, and in no other."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from anyauth0 import TLS, ConfigurationError, Request, Response
from anyauth0.jose import SigningKey, generate_key, load_private_key, public_jwk, secret_key, sign
from anyauth0_transports.local import LocalTenant

API = "https://api.example"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
GRANT = {"grant_type": "client_credentials", "audience": API}


@pytest.fixture(autouse=True)
def api(tenant: LocalTenant) -> None:
    tenant.add_api(API, ["read:x"])


def refused(response: Response, status: int, error: str) -> str:
    found = json.loads(response.body)
    assert (response.status, found["error"]) == (status, error), found
    return found["error_description"]


# --- secrets


def test_a_secret_in_the_body_is_compared(tenant: LocalTenant, wire: Any) -> None:
    client = tenant.add_client()
    who = {"client_id": client["client_id"]}
    assert wire.token(**GRANT, **who, client_secret=client["client_secret"]).status == 200
    for wrong in ("x", "", client["client_secret"] + "x", "ü"):
        response = wire.token(**GRANT, **who, client_secret=wrong)
        assert response.body == b'{"error":"access_denied","error_description":"Unauthorized"}'
        assert response.status == 401
    refused(wire.token(**GRANT, **who), 401, "access_denied")
    refused(wire.token(**GRANT, client_id="nobody", client_secret="x"), 401, "access_denied")
    assert refused(wire.form("/oauth/token", **GRANT), 400, "invalid_request") == (
        "Missing required parameter: client_id"
    )


def basic(client_id: str, secret: str) -> dict[str, str]:
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


def test_a_secret_in_the_header_is_compared(tenant: LocalTenant, wire: Any) -> None:
    secret = "a:b c%/ü"
    client = tenant.add_client(client_secret=secret, token_endpoint_auth_method="client_secret_basic")
    client_id = client["client_id"]
    assert wire.form("/oauth/token", headers=basic(client_id, secret), **GRANT).status == 200
    assert (
        wire.form("/oauth/token", headers=basic(client_id, secret), client_id=client_id, **GRANT).status
        == 200
    )
    refused(wire.form("/oauth/token", headers=basic(client_id, "x"), **GRANT), 401, "access_denied")
    other = wire.form("/oauth/token", headers=basic(client_id, secret), client_id="other", **GRANT)
    refused(other, 400, "invalid_request")
    for broken in ("Basic", "Basic %%%", f"Basic {base64.b64encode(b'no colon').decode()}"):
        response = wire.form("/oauth/token", headers={"authorization": broken}, **GRANT)
        refused(response, 400, "invalid_request")


def test_two_proofs_at_once_are_refused(tenant: LocalTenant, wire: Any) -> None:
    client = tenant.add_client()
    client_id, secret = client["client_id"], client["client_secret"]
    twice = wire.form(
        "/oauth/token",
        headers=basic(client_id, secret),
        client_id=client_id,
        client_secret=secret,
        **GRANT,
    )
    refused(twice, 400, "invalid_request")
    both = wire.token(
        **GRANT,
        client_id=client_id,
        client_secret=secret,
        client_assertion="x",
        client_assertion_type=ASSERTION,
    )
    refused(both, 400, "invalid_request")
    body = f"grant_type=client_credentials&client_id={client_id}&client_secret={secret}&client_id=x"
    response = wire.send(
        "POST", "/oauth/token", body.encode(), {"content-type": "application/x-www-form-urlencoded"}
    )
    refused(response, 400, "invalid_request")


def test_a_public_client_may_do_nothing_for_itself(tenant: LocalTenant, wire: Any) -> None:
    client = tenant.add_client(public=True)
    who = {"client_id": client["client_id"]}
    refused(wire.token(**GRANT, **who), 401, "unauthorized_client")
    pushed = wire.form("/oauth/par", response_type="code", redirect_uri="https://app.example", **who)
    refused(pushed, 401, "unauthorized_client")
    assert wire.form("/oauth/revoke", token="x", **who).status == 200
    assert wire.json("/passwordless/start", connection="email", email="z@example.com", **who).status == 200


def test_the_token_endpoint_takes_json_too(tenant: LocalTenant, wire: Any) -> None:
    who = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    assert wire.json("/oauth/token", **GRANT, **who).status == 200


# --- private_key_jwt


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return generate_key("ES256")


def assertion(
    tenant: LocalTenant, client_id: str, key: SigningKey, *, algorithm: str = "ES256", **changes: Any
) -> str:
    now = int(tenant.clock())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": tenant.issuer,
        "iat": now,
        "exp": now + 60,
        "jti": base64.b64encode(str(changes).encode()).decode()[:20] + str(len(tenant.requests)),
        **changes,
    }
    kept = {name: value for name, value in claims.items() if value is not None}
    return sign(kept, key, algorithm=algorithm)


def prove(wire: Any, text: str, kind: str = ASSERTION, **fields: str) -> Response:
    return wire.form("/oauth/token", **GRANT, client_assertion=text, client_assertion_type=kind, **fields)


@pytest.mark.parametrize("form", ["jwk", "pem"])
def test_a_signed_assertion_proves_the_client(
    tenant: LocalTenant, wire: Any, key: SigningKey, form: str
) -> None:
    given: Any = public_jwk(key, kid="k1")
    private = key
    if form == "pem":
        made = ec.generate_private_key(ec.SECP256R1())
        private = load_private_key(
            made.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        given = made.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    client = tenant.add_client(public_key=given)
    client_id = client["client_id"]
    assert "token_endpoint_auth_method" not in client
    assert prove(wire, assertion(tenant, client_id, private)).status == 200
    assert prove(wire, assertion(tenant, client_id, private, x=1), client_id=client_id).status == 200
    assert prove(wire, assertion(tenant, client_id, private, aud=["other", tenant.issuer])).status == 200
    other = generate_key("ES256")
    refused(prove(wire, assertion(tenant, client_id, other)), 401, "invalid_client")
    # Its secret is no way in.
    who = {"client_id": client_id, "client_secret": client["client_secret"]}
    refused(wire.token(**GRANT, **who), 401, "access_denied")
    refused(wire.token(**GRANT, client_id=client_id), 401, "access_denied")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "other"}, "iss and sub"),
        ({"aud": None}, "aud"),
        ({"aud": "https://tenant.local.example"}, "aud"),
        ({"aud": ["https://other.example/"]}, "aud"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": 1}, "expired"),
        ({"exp": 10**12}, "lives longer"),
        ({"iat": 10**12}, "future"),
        ({"nbf": 10**12}, "future"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "j" * 65}, "jti"),
        ({"pad": "p" * 2048}, "longer than"),
    ],
)
def test_an_assertion_that_breaks_a_rule_is_refused(
    tenant: LocalTenant, wire: Any, key: SigningKey, changes: dict[str, Any], why: str
) -> None:
    client_id = tenant.add_client(public_key=public_jwk(key))["client_id"]
    text = assertion(tenant, client_id, key, **changes)
    assert why in refused(prove(wire, text), 401, "invalid_client")


def test_an_assertion_for_another_client_is_refused(tenant: LocalTenant, wire: Any, key: SigningKey) -> None:
    mine = tenant.add_client(public_key=public_jwk(key))["client_id"]
    other = tenant.add_client(public_key=public_jwk(key))["client_id"]
    refused(prove(wire, assertion(tenant, mine, key), client_id=other), 401, "invalid_client")
    plain = tenant.add_client()["client_id"]
    refused(prove(wire, assertion(tenant, plain, key)), 401, "invalid_client")
    refused(prove(wire, assertion(tenant, "nobody", key)), 401, "access_denied")


def test_an_assertion_is_good_once_and_for_a_minute(tenant: LocalTenant, wire: Any, key: SigningKey) -> None:
    client_id = tenant.add_client(public_key=public_jwk(key))["client_id"]
    text = assertion(tenant, client_id, key)
    assert prove(wire, text).status == 200
    assert "used before" in refused(prove(wire, text), 401, "invalid_client")
    late = assertion(tenant, client_id, key)
    tenant.advance(60)
    assert "expired" in refused(prove(wire, late), 401, "invalid_client")


def test_what_is_no_assertion_is_refused(tenant: LocalTenant, wire: Any, key: SigningKey) -> None:
    client = tenant.add_client(public_key=public_jwk(key))
    client_id = client["client_id"]
    good = assertion(tenant, client_id, key)
    refused(prove(wire, good, kind="jwt"), 400, "invalid_request")
    head, payload, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    hmac = assertion(tenant, client_id, secret_key(client["client_secret"]), algorithm="HS256")
    tampered = f"{head}.{payload}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
    for text in ("x", "a.b.c", f"{none}.{payload}.", f"{head}.{payload}.", hmac, tampered):
        refused(prove(wire, text), 401, "invalid_client")


def test_a_key_that_is_none_is_refused_when_the_client_is_made(tenant: LocalTenant, key: SigningKey) -> None:
    before = tenant.store.count("clients")
    for options in (
        {"public_key": "-----BEGIN PUBLIC KEY-----\nx\n-----END PUBLIC KEY-----"},
        {"certificate": "none"},
        {"public_key": public_jwk(key), "public": True},
    ):
        with pytest.raises(ConfigurationError):
            tenant.add_client(**options)
    assert tenant.store.count("clients") == before


# --- mutual TLS


def test_the_certificate_of_the_connection_proves_the_client(
    tenant: LocalTenant, tmp_path: Path, make_certificate: Any
) -> None:
    cert, key = make_certificate()
    other, _ = make_certificate()
    file = tmp_path / "client.pem"
    file.write_bytes(key + cert)
    client = tenant.add_client(certificate=cert)
    registered = client["client_authentication_methods"]["self_signed_tls_client_auth"]["credentials"][0]
    made = x509.load_pem_x509_certificate(cert)
    thumbprint = base64.urlsafe_b64encode(made.fingerprint(hashes.SHA256())).rstrip(b"=").decode()
    assert registered["thumbprint_sha256"] == thumbprint
    body = f"grant_type=client_credentials&audience={quote_plus(API)}&client_id={client['client_id']}"

    def ask(tls: TLS | None, host: str) -> Response:
        return tenant.transport(tls=tls).send(
            Request(method="POST", url=f"https://{host}/oauth/token", body=body.encode())
        )

    mtls_host = f"mtls.{tenant.domain}"
    assert ask(TLS(cert=file), mtls_host).status == 200
    assert ask(TLS(cert=cert, key=key), mtls_host).status == 200
    assert "not one of those" in refused(ask(TLS(cert=other), mtls_host), 401, "invalid_client")
    # Only the alias asks for the certificate.
    assert "No client certificate" in refused(ask(TLS(cert=cert), tenant.domain), 401, "invalid_client")
    assert "No client certificate" in refused(ask(None, mtls_host), 401, "invalid_client")


def test_a_certificate_that_cannot_be_read_is_named(tenant: LocalTenant, tmp_path: Path) -> None:
    for cert in (tmp_path / "missing.pem", b"nothing"):
        with pytest.raises(ConfigurationError, match='"cert"') as caught:
            tenant.transport(tls=TLS(cert=cert))
        assert caught.value.option == "tls"


def test_the_metadata_names_the_alias(
    tenant: LocalTenant, wire: Any, body: Callable[[Response], Any]
) -> None:
    found = body(wire.get("/.well-known/openid-configuration"))
    assert found["issuer"] == tenant.issuer
    aliases = found["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"https://mtls.{tenant.domain}/oauth/token"
    assert found["pushed_authorization_request_endpoint"] == f"{tenant.issuer}oauth/par"
