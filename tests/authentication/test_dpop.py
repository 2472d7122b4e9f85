"""Proof of possession (RFC 9449): what a proof says, where it goes, and what is done about nonces."""

import hashlib
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from anyauth0 import (
    AuthorizationError,
    ConfigurationError,
    DPoPAuth,
    DPoPKey,
    InvalidArgumentError,
    Request,
    Response,
)
from anyauth0.jose import thumbprint
from anyauth0.keys import generate_key

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json

TOKENS = {"access_token": "at", "token_type": "DPoP", "expires_in": 60, "refresh_token": "rt"}
SECRET = {"client_id": "cid", "client_secret": "shh"}
USERINFO = f"https://{DOMAIN}/userinfo"


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(scope="module")
def key() -> DPoPKey:
    return DPoPKey.generate()


def opened(proof: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Verify a proof by the key in it, with a library that is not ours; return header and claims."""
    header = jwt.get_unverified_header(proof)
    public = jwt.PyJWK(header["jwk"], algorithm="ES256").key
    return header, jwt.decode(proof, public, algorithms=["ES256"], options={"verify_iat": False})


def client(kind: Kind, key: DPoPKey, server: Any, **options: Any) -> tuple[Any, Any]:
    transport = kind.transport(otherwise=server)
    options = {**SECRET, "retry": False, "clock": Clock(), **options}
    return kind.authentication(domain=DOMAIN, transport=transport, dpop=key, **options), transport


def test_a_token_request_proves_the_key(kind: Kind, key: DPoPKey) -> None:
    auth, transport = client(kind, key, json(TOKENS))
    kind.do(lambda: auth.oauth.client_credentials_grant(audience="api"))
    header, claims = opened(transport.requests[0].headers["dpop"])
    assert (header["typ"], header["alg"], set(header["jwk"])) == (
        "dpop+jwt",
        "ES256",
        {"kty", "crv", "x", "y"},
    )
    assert set(claims) == {"jti", "htm", "htu", "iat"}
    assert (claims["htm"], claims["htu"], claims["iat"]) == (
        "POST",
        f"https://{DOMAIN}/oauth/token",
        int(START),
    )


def test_each_request_has_a_proof_of_its_own(kind: Kind, key: DPoPKey) -> None:
    auth, transport = client(kind, key, json(TOKENS))
    for _ in range(3):
        kind.do(lambda: auth.oauth.refresh_token_grant(refresh_token="rt"))
    assert len({opened(request.headers["dpop"])[1]["jti"] for request in transport.requests}) == 3


def test_user_info_is_asked_with_the_token_and_a_proof_for_it(kind: Kind, key: DPoPKey) -> None:
    auth, transport = client(kind, key, json({"sub": "auth0|1"}))
    kind.do(lambda: auth.user_info.get("at"))
    request = transport.requests[0]
    assert request.headers["authorization"] == "DPoP at"
    _, claims = opened(request.headers["dpop"])
    digest = urlsafe_b64encode(hashlib.sha256(b"at").digest()).rstrip(b"=").decode()
    assert (claims["ath"], claims["htm"], claims["htu"]) == (digest, "GET", USERINFO)


def test_the_management_api_is_called_with_the_token_that_was_bound(kind: Kind, key: DPoPKey) -> None:
    def server(request: Request) -> Response:
        return json(TOKENS if request.url.endswith("/oauth/token") else {"user_id": "auth0|1"})

    transport = kind.transport(otherwise=server)
    management = kind.management(domain=DOMAIN, transport=transport, dpop=key, **SECRET)
    kind.do(lambda: management.users.get("auth0|1", fields="email"))
    token, call = transport.requests
    assert "ath" not in opened(token.headers["dpop"])[1]
    assert call.headers["authorization"] == "DPoP at"
    assert opened(call.headers["dpop"])[1]["htu"] == f"https://{DOMAIN}/api/v2/users/auth0%7C1"


@pytest.mark.parametrize(
    "call", [lambda a: a.discovery.jwks(), lambda a: a.mfa.get_authenticators("mfa-token")]
)
def test_what_takes_no_bound_token_gets_no_proof(kind: Kind, key: DPoPKey, call: Any) -> None:
    auth, transport = client(kind, key, json([]))
    kind.do(lambda: call(auth))
    assert "dpop" not in transport.requests[0].headers
    assert transport.requests[0].headers.get("authorization") in (None, "Bearer mfa-token")


class Demanding:
    """A server that wants a nonce of its own in each proof, and changes it when told to."""

    def __init__(self, *, status: int = 400, challenge: bool = False, never: bool = False) -> None:
        self.nonce = "n-1"
        self.status = status
        self.challenge = challenge
        self.never = never
        self.seen: list[Any] = []

    def __call__(self, request: Request) -> Response:
        nonce = opened(request.headers["dpop"])[1].get("nonce")
        self.seen.append(nonce)
        if nonce == self.nonce and not self.never:
            return json({**TOKENS, "sub": "x"}, dpop_nonce=self.nonce)
        if self.never:
            self.nonce = f"n-{len(self.seen)}"
        headers = {"dpop_nonce": self.nonce}
        if self.challenge:
            return json({}, self.status, www_authenticate='DPoP error="use_dpop_nonce"', **headers)
        return json({"error": "use_dpop_nonce"}, self.status, **headers)


@pytest.mark.parametrize(("status", "challenge"), [(400, False), (401, True)])
def test_a_nonce_that_is_demanded_is_given_and_kept(
    kind: Kind, key: DPoPKey, status: int, challenge: bool
) -> None:
    server = Demanding(status=status, challenge=challenge)
    auth, _ = client(kind, key, server)
    for _ in range(2):
        kind.do(lambda: auth.oauth.client_credentials_grant(audience="api"))
    assert server.seen == [None, "n-1", "n-1"]
    server.nonce = "n-2"
    kind.do(lambda: auth.user_info.get("at"))
    assert server.seen[3:] == ["n-1", "n-2"]


def test_a_server_that_is_never_content_is_asked_twice(kind: Kind, key: DPoPKey) -> None:
    server = Demanding(never=True)
    auth, transport = client(kind, key, server)
    with pytest.raises(Exception, match="use_dpop_nonce"):
        kind.do(lambda: auth.oauth.client_credentials_grant(audience="api"))
    assert len(transport.requests) == 2


def test_an_error_of_another_kind_is_not_tried_again(kind: Kind, key: DPoPKey) -> None:
    answer = json({"error": "invalid_grant"}, 400, dpop_nonce="n")
    auth, transport = client(kind, key, answer)
    with pytest.raises(Exception, match="invalid_grant"):
        kind.do(lambda: auth.oauth.refresh_token_grant(refresh_token="rt"))
    assert len(transport.requests) == 1


@pytest.mark.parametrize("nonce", ["", "bad\r\nx: y", "ü", "x" * 1025])
def test_a_nonce_that_is_none_is_left_alone(kind: Kind, key: DPoPKey, nonce: str) -> None:
    auth, transport = client(kind, key, json({"error": "use_dpop_nonce"}, 400, dpop_nonce=nonce))
    with pytest.raises(Exception, match="use_dpop_nonce"):
        kind.do(lambda: auth.oauth.client_credentials_grant(audience="api"))
    assert len(transport.requests) == 1


def test_a_token_that_is_not_bound_is_refused_by_who_has_a_key(kind: Kind, key: DPoPKey) -> None:
    auth, _ = client(kind, key, json({**TOKENS, "token_type": "Bearer"}))
    with pytest.raises(AuthorizationError, match="not bound to the key") as caught:
        kind.do(lambda: auth.oauth.client_credentials_grant(audience="api"))
    assert caught.value.error == "token_type"


def test_a_token_that_is_bound_is_refused_by_who_has_no_key(kind: Kind) -> None:
    transport = kind.transport(otherwise=json(TOKENS))
    auth = kind.authentication(domain=DOMAIN, transport=transport, **SECRET)
    with pytest.raises(AuthorizationError, match='give option "dpop"'):
        kind.do(lambda: auth.oauth.client_credentials_grant(audience="api"))


def test_an_authorization_request_names_the_key(kind: Kind, key: DPoPKey) -> None:
    pushed = json({"request_uri": "urn:x", "expires_in": 90}, 201)
    auth, transport = client(kind, key, pushed)
    plain = kind.do(lambda: auth.authorize(redirect_uri="https://a/b"))
    assert parse_qs(urlsplit(plain.url).query)["dpop_jkt"] == [key.thumbprint]
    kind.do(lambda: auth.authorize(redirect_uri="https://a/b", pushed=True))
    [request] = transport.requests
    assert parse_qs(request.body.decode())["dpop_jkt"] == [key.thumbprint]
    opened(request.headers["dpop"])


def test_a_login_may_have_a_key_of_its_own(kind: Kind, key: DPoPKey) -> None:
    mine = DPoPKey.generate()
    auth, transport = client(kind, key, json(TOKENS))
    transport.script = [json({"request_uri": "urn:x", "expires_in": 90}, 201)]
    login = kind.do(lambda: auth.authorize(redirect_uri="https://a/b", scope="x", pushed=True, dpop=mine))
    kind.do(lambda: auth.complete(login, f"https://a/b?code=c&state={login.state}", dpop=mine))
    view = auth.with_options(dpop=mine)
    kind.do(lambda: view.oauth.refresh_token_grant(refresh_token="r"))
    kind.do(lambda: auth.oauth.refresh_token_grant(refresh_token="r"))
    used = [thumbprint(opened(request.headers["dpop"])[0]["jwk"]) for request in transport.requests]
    assert used == [mine.thumbprint] * 3 + [key.thumbprint]
    assert parse_qs(transport.requests[0].body.decode())["dpop_jkt"] == [mine.thumbprint]


@pytest.mark.parametrize("wrong", ["key", b"key", True])
def test_what_is_no_key_is_refused_by_a_login(kind: Kind, key: DPoPKey, wrong: Any) -> None:
    auth, transport = client(kind, key, json(TOKENS))
    login = kind.do(lambda: auth.authorize(redirect_uri="https://a/b"))
    for call in (
        lambda: auth.authorize(redirect_uri="https://a/b", dpop=wrong),
        lambda: auth.complete(login, f"https://a/b?code=c&state={login.state}", dpop=wrong),
    ):
        with pytest.raises(InvalidArgumentError, match="must be a DPoPKey"):
            kind.do(call)
    assert not transport.requests


def test_a_view_of_a_management_client_keeps_the_key_of_its_token(kind: Kind, key: DPoPKey) -> None:
    management = kind.management(domain=DOMAIN, transport=kind.transport(), dpop=key, **SECRET)
    assert management.with_options(dpop=key, timeout=5)
    with pytest.raises(ConfigurationError, match="make another client") as caught:
        management.with_options(dpop=DPoPKey.generate())
    assert caught.value.option == "dpop"


def test_a_key_is_kept_and_read_again(key: DPoPKey) -> None:
    assert DPoPKey.from_pem(key.to_pem()).thumbprint == key.thumbprint
    sealed = key.to_pem(password="hunter2")
    assert b"ENCRYPTED" in sealed
    assert DPoPKey.from_pem(sealed, password="hunter2").thumbprint == key.thumbprint
    with pytest.raises(ConfigurationError):
        DPoPKey.from_pem(sealed, password="wrong")


@pytest.mark.parametrize("algorithm", ["RS256", "ES384", "EdDSA", "HS256"])
def test_a_key_of_another_kind_is_refused(algorithm: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        DPoPKey(generate_key(algorithm))
    assert caught.value.option == "dpop"


def test_the_thumbprint_is_that_of_the_rfc() -> None:
    # RFC 9449, section 4.2 and 6.1: the key of its example, and `jkt` of the token that is bound to it.
    jwk = {
        "kty": "EC", "crv": "P-256", "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    }  # fmt: skip
    from anyauth0.keys.jwk import thumbprint

    assert thumbprint(jwk) == "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"


def test_the_key_shows_nothing_of_itself(key: DPoPKey) -> None:
    assert repr(key) == f"<DPoPKey {key.thumbprint}>"
    auth = DPoPAuth(key, "SECRET-TOKEN")
    assert "SECRET" not in repr(auth)


def test_dpop_and_mutual_tls_exclude_each_other(kind: Kind, key: DPoPKey) -> None:
    with pytest.raises(ConfigurationError, match="exclude each other"):
        kind.authentication(domain=DOMAIN, client_id="c", use_mtls=True, dpop=key, transport=kind.transport())
    with pytest.raises(ConfigurationError, match="a DPoPKey"):
        kind.authentication(domain=DOMAIN, client_id="c", dpop="key", transport=kind.transport())


def test_any_resource_server_is_called_by_headers_of_ours(key: DPoPKey) -> None:
    auth = DPoPAuth(key, lambda: "at", clock=Clock())
    url = "https://api.example.com/things?x=1#y"
    first = auth.headers("get", url)
    assert first["authorization"] == "DPoP at"
    _, claims = opened(first["dpop"])
    assert (claims["htm"], claims["htu"]) == ("GET", "https://api.example.com/things")
    assert auth.note(url, {"DPoP-Nonce": "n-1"}) is True
    assert auth.note(url, {"DPoP-Nonce": "n-1"}) is False
    assert opened(auth.headers("GET", url)["dpop"])[1]["nonce"] == "n-1"
    assert "nonce" not in opened(auth.headers("GET", "https://other.example.com/")["dpop"])[1]
