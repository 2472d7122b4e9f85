"""Users log in at a server that others wrote: by a code, on a device; tokens are refreshed and revoked."""

from typing import Any

import pytest
from msgspec import structs

from anyauth0 import AuthorizationError, BadRequest, Forbidden, IdTokenChecks, IdTokenError, Unauthorized
from anyauth0.tokens import MemoryTokenStore

from .conftest import Slept
from .oauth_server import Peer
from .records import Client

CALLBACK = "https://app.example.com/callback"
SCOPE = "openid profile offline_access"


@pytest.fixture
def public(peer: Peer) -> dict[str, Any]:
    """Return the options of a client without a secret."""
    return {"client_id": peer.store.add(Client("none")).client_id}


@pytest.fixture(params=["public", "with a secret"])
def app(request: pytest.FixtureRequest, peer: Peer, public: dict[str, Any]) -> dict[str, Any]:
    if request.param == "public":
        return public
    client = peer.store.add(Client("client_secret_post", secret="shh"))
    return {"client_id": client.client_id, "client_secret": "shh"}


def begin(call: Any, options: Any, **more: Any) -> Any:
    return call(lambda auth: auth.authorize(redirect_uri=CALLBACK, scope=SCOPE, **more), **options)


def log_in(call: Any, peer: Peer, options: Any) -> Any:
    request = begin(call, options)
    back = peer.visit(request.url)
    return call(lambda auth: auth.complete(request, back), **options).data


def test_a_code_with_pkce_becomes_tokens_and_the_id_token_is_verified(
    call: Any, peer: Peer, app: dict[str, Any]
) -> None:
    request = begin(call, app, max_age=300)
    back = peer.visit(request.url)
    assert "iss=" in back, "RFC 9207"
    tokens = call(lambda auth: auth.complete(request, back), **app).data
    assert tokens.claims["nonce"] == request.nonce
    assert (tokens.claims["sub"], tokens.claims["name"]) == ("auth0|jane", "Jane")
    assert tokens.claims["aud"] == [app["client_id"]]
    assert (tokens.token_type, tokens.scope) == ("Bearer", SCOPE)
    assert tokens.refresh_token
    profile = call(
        lambda auth: auth.user_info.get(tokens.access_token, expected_subject="auth0|jane"), **app
    ).data
    assert (profile.sub, profile.name) == ("auth0|jane", "Jane")
    with pytest.raises(BadRequest) as caught:
        call(lambda auth: auth.complete(request, back), **app)
    assert caught.value.code == "invalid_grant", "a code is good once"


def test_an_id_token_by_an_elliptic_curve_is_verified(call: Any, peer: Peer, public: dict[str, Any]) -> None:
    peer.store.clients[public["client_id"]].id_token_signed_response_alg = "ES256"
    with pytest.raises(IdTokenError) as caught:
        log_in(call, peer, public)
    assert caught.value.rule == "alg"
    assert log_in(call, peer, {**public, "id_token_signing_alg": "ES256"}).claims["sub"] == "auth0|jane"


def test_another_verifier_is_refused(call: Any, peer: Peer, app: dict[str, Any]) -> None:
    request = begin(call, app)
    back = peer.visit(request.url)
    with pytest.raises(BadRequest, match="Code challenge failed") as caught:
        call(lambda auth: auth.complete(structs.replace(request, code_verifier="v" * 43), back), **app)
    assert caught.value.code == "invalid_grant"


def test_another_redirect_uri_is_refused(call: Any, peer: Peer, app: dict[str, Any]) -> None:
    request = begin(call, app)
    back = peer.visit(request.url)
    other = structs.replace(request, redirect_uri=f"{CALLBACK}/other")
    with pytest.raises(BadRequest) as caught:
        call(lambda auth: auth.complete(other, back), **app)
    assert caught.value.code == "invalid_grant"


def test_a_nonce_of_another_login_is_refused_here(call: Any, peer: Peer, public: dict[str, Any]) -> None:
    request = begin(call, public)
    back = peer.visit(request.url)
    with pytest.raises(IdTokenError) as caught:
        call(lambda auth: auth.complete(structs.replace(request, nonce="another"), back), **public)
    assert caught.value.rule == "nonce"


def test_a_user_who_says_no_is_an_authorization_error(call: Any, peer: Peer, public: dict[str, Any]) -> None:
    request = begin(call, public)
    back = peer.visit(request.url, user=None)
    with pytest.raises(AuthorizationError) as caught:
        call(lambda auth: auth.complete(request, back), **public)
    assert caught.value.error == "access_denied"
    assert peer.answers[-1][0] == "/authorize", "nothing is exchanged"


def test_a_refresh_token_is_exchanged_for_another_and_is_void_then(
    call: Any, peer: Peer, app: dict[str, Any]
) -> None:
    first = log_in(call, peer, app)

    def refresh(token: str, **more: Any) -> Any:
        return call(lambda auth: auth.oauth.refresh_token_grant(refresh_token=token, **more), **app).data

    second = refresh(first.refresh_token)
    assert second.refresh_token not in (None, first.refresh_token)
    assert second.access_token != first.access_token
    assert second.claims["sub"] == "auth0|jane"
    with pytest.raises(BadRequest) as caught:
        refresh(first.refresh_token)
    assert caught.value.code == "invalid_grant"
    third = refresh(second.refresh_token, scope="openid")
    assert third.scope == "openid"
    with pytest.raises(BadRequest) as caught:
        refresh(third.refresh_token, scope="openid profile")
    assert caught.value.code == "invalid_scope"


def test_kept_tokens_follow_the_rotation(call: Any, peer: Peer, public: dict[str, Any]) -> None:
    first = log_in(call, peer, public)
    options = {**public, "token_store": MemoryTokenStore()}

    def access() -> Any:
        return call(
            lambda auth: auth.tokens.for_refresh_token(first.refresh_token, scope="openid"), **options
        )

    second, again = access(), access()
    assert second.refresh_token not in (None, first.refresh_token)
    assert again == second
    assert [form["grant_type"] for form in peer.forms] == ["authorization_code", "refresh_token"]


def test_what_is_revoked_is_refused(call: Any, peer: Peer, app: dict[str, Any]) -> None:
    tokens = log_in(call, peer, app)
    refresh = tokens.refresh_token
    assert call(lambda auth: auth.oauth.revoke_refresh_token(token=refresh), **app).data is None
    with pytest.raises(BadRequest) as caught:
        call(lambda auth: auth.oauth.refresh_token_grant(refresh_token=refresh), **app)
    assert caught.value.code == "invalid_grant"
    with pytest.raises(Unauthorized) as caught:
        call(lambda auth: auth.user_info.get(tokens.access_token), **app)
    assert caught.value.code == "invalid_token"
    # RFC 7009, section 2.2: what nobody knows is as good as revoked.
    assert call(lambda auth: auth.oauth.revoke_refresh_token(token="unknown"), **app).data is None


def test_what_was_issued_to_another_client_cannot_be_revoked(
    call: Any, peer: Peer, public: dict[str, Any]
) -> None:
    refresh = log_in(call, peer, public).refresh_token
    thief = {"client_id": peer.store.add(Client("none")).client_id}
    for steal in (
        lambda auth: auth.oauth.revoke_refresh_token(token=refresh),
        lambda auth: auth.oauth.refresh_token_grant(refresh_token=refresh),
    ):
        with pytest.raises(BadRequest) as caught:
            call(steal, **thief)
        assert caught.value.code == "invalid_grant"


def test_a_token_without_openid_does_not_read_the_profile(call: Any, peer: Peer, public: Any) -> None:
    refresh = log_in(call, peer, public).refresh_token
    less = call(
        lambda auth: auth.oauth.refresh_token_grant(refresh_token=refresh, scope="profile"), **public
    ).data
    assert less.id_token is None
    with pytest.raises(Forbidden) as caught:
        call(lambda auth: auth.user_info.get(less.access_token), **public)
    assert caught.value.code == "insufficient_scope"


def test_the_server_is_discovered(call: Any, peer: Peer, public: dict[str, Any]) -> None:
    found = call(lambda auth: auth.discovery.openid_configuration(), **public).data
    assert found["issuer"] == peer.issuer
    keys = call(lambda auth: auth.discovery.jwks(), **public).data["keys"]
    assert {key["kty"] for key in keys} == {"RSA", "EC"}


def asked(peer: Peer) -> list[str | None]:
    """Return what the token endpoint answered, error by error."""
    return [error for path, _, error in peer.answers if path == "/oauth/token"]


def start(call: Any, slept: Slept, options: Any) -> Any:
    return call(lambda auth: auth.device.start(scope=SCOPE), clock=slept.clock, **options).data


def test_a_device_asks_at_the_pace_of_the_server_until_the_user_agrees(
    call: Any, peer: Peer, slept: Slept, app: dict[str, Any]
) -> None:
    device = start(call, slept, app)
    assert device.interval == 2
    assert device.verification_uri_complete == f"{peer.issuer}activate?user_code={device.user_code}"
    jane = peer.store.users["jane"]
    slept.meanwhile[4] = lambda: peer.store.decisions.update({device.user_code: (jane, True)})
    tokens = call(
        lambda auth: auth.device.poll(device, id_token=IdTokenChecks(max_age=60)), clock=slept.clock, **app
    ).data
    assert tokens.claims["sub"] == "auth0|jane"
    assert tokens.refresh_token
    assert asked(peer) == ["slow_down", "authorization_pending", "authorization_pending", None]
    assert slept.all == [2, 7, 7, 7]


def test_a_device_stops_when_the_user_says_no(
    call: Any, peer: Peer, slept: Slept, public: dict[str, Any]
) -> None:
    device = start(call, slept, public)
    jane = peer.store.users["jane"]
    slept.meanwhile[2] = lambda: peer.store.decisions.update({device.user_code: (jane, False)})
    with pytest.raises(AuthorizationError) as caught:
        call(lambda auth: auth.device.poll(device), clock=slept.clock, **public)
    assert caught.value.error == "access_denied"
    assert asked(peer) == ["slow_down", "access_denied"]


def test_a_device_stops_when_the_server_has_forgotten_the_login(
    call: Any, peer: Peer, slept: Slept, public: dict[str, Any]
) -> None:
    device = start(call, slept, public)
    peer.store.devices[device.device_code]["expires_at"] = 0
    with pytest.raises(AuthorizationError) as caught:
        call(lambda auth: auth.device.poll(device), clock=slept.clock, **public)
    assert caught.value.error == "expired_token"
    assert asked(peer) == ["expired_token"]


def test_a_device_code_of_another_client_is_refused(
    call: Any, peer: Peer, slept: Slept, public: dict[str, Any]
) -> None:
    device = start(call, slept, public)
    thief = {"client_id": peer.store.add(Client("none")).client_id}
    with pytest.raises(BadRequest) as caught:
        call(lambda auth: auth.device.poll(device), clock=slept.clock, **thief)
    assert caught.value.code == "unauthorized_client"
