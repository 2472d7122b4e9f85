"""The endpoints for old applications, called by the SDK: shut by default, honest where they are open."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from anyauth0 import (
    AuthenticationApiError,
    AuthenticationClient,
    BadRequest,
    Forbidden,
    NotFound,
    Unauthorized,
)
from anyauth0.jose import parse_token
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-7"
DATABASE = "Username-Password-Authentication"
GRANT = "http://auth0.com/oauth/legacy/grant-type/"
GRANTS = ["ro", "access_token", "delegation/id_token", "delegation/refresh_token"]


def claims(token: str) -> dict[str, Any]:
    return parse_token(token, ("RS256", "HS256")).claims()


@pytest.fixture
def auth(tenant: LocalTenant, ada: dict[str, Any]) -> Iterator[Any]:
    """Return a client of an application that may use it all."""
    app = tenant.add_client(grant_types=["password", "refresh_token", *(f"{GRANT}{name}" for name in GRANTS)])
    who = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    with AuthenticationClient(domain=tenant.domain, transport="local", clock=tenant.clock, **who) as client:
        yield client


def tokens(auth: Any, scope: str = "openid offline_access") -> Any:
    return auth.oauth.password_grant(username="ada@example.com", password=PASSWORD, scope=scope).data


CALLS: dict[str, Callable[[Any], Any]] = {
    "ro": lambda auth: auth.legacy.resource_owner(username="a", password="b", connection=DATABASE),
    "verify": lambda auth: auth.legacy.passwordless_verify(connection="email", username="a", code="b"),
    "social": lambda auth: auth.legacy.social_access_token(access_token="a", connection="facebook"),
    "by id token": lambda auth: auth.legacy.delegation(id_token="a"),
    "by refresh token": lambda auth: auth.legacy.delegation(refresh_token="a"),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_application_of_today_may_not_use_them(tenant: LocalTenant, call: Callable[[Any], Any]) -> None:
    with AuthenticationClient(domain=tenant.domain, client_id=tenant.client_id, transport="local") as auth:
        with pytest.raises(Forbidden, match=f"Grant type '{GRANT}.*' not allowed") as caught:
            call(auth)
        assert caught.value.code == "unauthorized_client"
    nobody = AuthenticationClient(domain=tenant.domain, client_id="nobody", transport="local")
    with nobody, pytest.raises(Unauthorized):
        call(nobody)


def test_nobody_impersonates_anybody(auth: Any, ada: dict[str, Any]) -> None:
    with pytest.raises(NotFound):
        auth.legacy.impersonate(ada["user_id"], access_token="t", impersonator_id="auth0|admin")


# --- names and passwords


def test_a_name_and_a_password_are_compared(auth: Any, tenant: LocalTenant, ada: dict[str, Any]) -> None:
    login = {"username": "ada@example.com", "password": PASSWORD, "connection": DATABASE}
    found = auth.legacy.resource_owner(**login, scope="openid email").data
    assert (found.claims["sub"], found.claims["email"]) == (ada["user_id"], "ada@example.com")
    assert auth.user_info.get(found.access_token).data.sub == ada["user_id"]
    for wrong in ({"password": "wrong"}, {"username": "nobody"}, {"connection": "email"}):
        with pytest.raises(Forbidden):
            auth.legacy.resource_owner(**{**login, **wrong})
    with pytest.raises(BadRequest):
        auth.legacy.resource_owner(**login, grant_type="implicit")
    tenant.require_mfa(ada)
    with pytest.raises(AuthenticationApiError) as caught:
        auth.legacy.resource_owner(**login)
    assert caught.value.code == "mfa_required"


def test_a_code_is_good_once(auth: Any, tenant: LocalTenant) -> None:
    auth.passwordless.send_email(email="new@example.com", send="code")
    login = {"connection": "email", "username": "new@example.com", "code": str(tenant.outbox[-1].code)}
    with pytest.raises(Forbidden):
        auth.legacy.passwordless_verify(**{**login, "code": "x"})
    found = auth.legacy.passwordless_verify(**login, scope="openid email").data
    assert found.claims["email"] == "new@example.com"
    with pytest.raises(Forbidden):
        auth.legacy.passwordless_verify(**login)
    with pytest.raises(BadRequest):
        auth.legacy.passwordless_verify(**{**login, "connection": DATABASE})


def test_a_token_of_a_provider_is_one_that_the_vault_has(
    auth: Any, tenant: LocalTenant, ada: dict[str, Any]
) -> None:
    tenant.add_connection("facebook", strategy="facebook")
    tenant.add_connection("github", strategy="github")
    tenant.link_identity(ada["user_id"], connection="facebook", access_token="fb-1")
    tenant.link_identity(ada["user_id"], connection="github", access_token="gh-1")
    call = auth.legacy.social_access_token
    found = call(access_token="fb-1", connection="facebook", scope="openid").data
    assert claims(found.id_token)["sub"] == ada["user_id"]
    for token, connection in (("fb-2", "facebook"), ("fb-1", "twitter"), ("gh-1", "github")):
        with pytest.raises(AuthenticationApiError) as caught:
            call(access_token=token, connection=connection)
        assert caught.value.code == "invalid_request"
    tenant.advance(3600)
    with pytest.raises(Unauthorized):
        call(access_token="fb-1", connection="facebook")


# --- tokens for tokens


def altered(token: str) -> str:
    head, payload, signature = token.split(".")
    return f"{head}.{payload}.{signature[::-1]}"


@pytest.mark.parametrize("alg", ["RS256", "HS256"])
def test_the_profile_in_an_id_token_is_told_while_it_is_good(
    auth: Any, tenant: LocalTenant, ada: dict[str, Any], alg: str
) -> None:
    app = tenant.add_client(id_token_alg=alg)
    token = tenant.tokens.id_token(app, ada, scope="openid")
    profile = auth.legacy.token_info(id_token=token).data
    assert (profile["user_id"], profile["email"], profile["name"]) == (
        ada["user_id"], "ada@example.com", "Ada",
    )  # fmt: skip
    assert profile["identities"] == ada["identities"]
    for wrong in ("x", altered(token), tokens(auth).access_token):
        with pytest.raises(Unauthorized):
            auth.legacy.token_info(id_token=wrong)
    tenant.advance(36000)
    with pytest.raises(Unauthorized):
        auth.legacy.token_info(id_token=token)


@pytest.mark.parametrize("kind", ["id_token", "refresh_token"])
def test_a_token_is_delegated_to_another_application(
    auth: Any, tenant: LocalTenant, ada: dict[str, Any], kind: str
) -> None:
    target = tenant.add_client("Target")["client_id"]
    token = getattr(tokens(auth), kind)
    found = auth.legacy.delegation(**{kind: token}, target=target, scope="openid email", api_type="app").data
    told = claims(found["id_token"])
    assert (told["aud"], told["sub"], told["email"]) == (target, ada["user_id"], "ada@example.com")
    assert found["expires_in"] == told["exp"] - told["iat"]
    own = auth.legacy.delegation(**{kind: token}).data
    assert claims(own["id_token"])["aud"] != target
    for wrong in ({"target": "nobody"}, {"api_type": "aws"}):
        with pytest.raises(BadRequest):
            auth.legacy.delegation(**{kind: token, **wrong})
    # One for another application is of no use here.
    other = tenant.tokens.id_token(tenant.add_client(), ada, scope="openid")
    with pytest.raises((Unauthorized, Forbidden)):
        auth.legacy.delegation(**{kind: other if kind == "id_token" else f"{token}x"})
    tenant.store.put("users", ada["user_id"], {**ada, "blocked": True})
    with pytest.raises(Unauthorized, match="blocked"):
        auth.legacy.delegation(**{kind: token})


def test_an_old_id_token_is_not_delegated(auth: Any, tenant: LocalTenant) -> None:
    token = tokens(auth).id_token
    tenant.advance(36000)
    with pytest.raises(Unauthorized):
        auth.legacy.delegation(id_token=token)


def test_exactly_one_token_is_delegated(tenant: LocalTenant, wire: Any) -> None:
    for given in ({}, {"id_token": "a", "refresh_token": "b"}):
        answer = wire.json("/delegation", client_id=tenant.client_id, **given)
        assert (answer.status, json.loads(answer.body)["error"]) == (400, "invalid_request")


# --- linked accounts


def test_an_account_is_unlinked_by_its_user(auth: Any, tenant: LocalTenant, ada: dict[str, Any]) -> None:
    tenant.add_connection("github", strategy="github")
    tenant.link_identity(ada["user_id"], connection="github", access_token="gh-1")
    linked = (tenant.store.get("users", ada["user_id"]) or {})["identities"][1]
    account = f"github|{linked['user_id']}"
    mine = tokens(auth).access_token
    eve = tenant.add_user(email="eve@example.com", password=PASSWORD)
    theirs = auth.oauth.password_grant(username=eve["email"], password=PASSWORD, scope="openid").data
    for token, name in ((theirs.access_token, account), (mine, ada["user_id"]), (mine, "github|none")):
        with pytest.raises(BadRequest):
            auth.legacy.unlink(access_token=token, user_id=name)
    bound = tenant.tokens.access_token(
        {"client_id": "x"}, subject=ada["user_id"], audience=[f"{tenant.issuer}userinfo"], scope="openid",
        gty=None, lifetime=60, more={"cnf": {"jkt": "x"}},
    )  # fmt: skip
    for token in ("x", altered(mine), theirs.id_token, bound):
        with pytest.raises(Unauthorized):
            auth.legacy.unlink(access_token=token, user_id=account)
    assert auth.legacy.unlink(access_token=mine, user_id=account).status == 200
    assert (tenant.store.get("users", ada["user_id"]) or {})["identities"] == ada["identities"]
    assert tenant.store.get("users", account) is not None
