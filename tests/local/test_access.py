"""What the Management API says is ended is ended: refresh tokens, sessions, and all that a user had."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from anyauth0 import ApiError, AuthenticationClient, Forbidden, ManagementClient, NotFound
from anyauth0_transports.local import LocalTenant

User = dict[str, Any]
PASSWORD = "correct-Horse-7"
API = "https://api.example"


@pytest.fixture
def options(tenant: LocalTenant) -> dict[str, Any]:
    tenant.add_api(API, ["read:notes"])
    client = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
    return {"domain": tenant.domain, "transport": "local", "strict": True, **client}


@pytest.fixture
def management(options: dict[str, Any]) -> Iterator[ManagementClient]:
    with ManagementClient(**options) as management:
        yield management


@pytest.fixture
def auth(tenant: LocalTenant, options: dict[str, Any]) -> Iterator[AuthenticationClient]:
    with AuthenticationClient(**options, clock=tenant.clock) as auth:
        yield auth


@pytest.fixture
def log_in(tenant: LocalTenant, auth: AuthenticationClient) -> Callable[[User], Any]:
    def log_in(user: User, audience: str | None = API) -> Any:
        request = auth.authorize(
            redirect_uri="https://app.example/callback", scope="openid offline_access", audience=audience
        )
        return auth.complete(request, tenant.authorize(request.url, user=user)).data

    return log_in


@pytest.fixture
def good(auth: AuthenticationClient) -> Callable[[Any], bool]:
    """Return a function that says whether the refresh token of a login is good."""

    def good(tokens: Any) -> bool:
        try:
            auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token)
        except Forbidden:
            return False
        return True

    return good


ENDS: dict[str, Callable[[ManagementClient, str, Any, str], Any]] = {
    "users.delete_refresh_tokens": lambda m, user, t, id: m.users.delete_refresh_tokens(user),
    "users.revoke_access": lambda m, user, t, id: m.users.revoke_access(user),
    "users.revoke_access of a session": lambda m, user, t, id: m.users.revoke_access(
        user, session_id=t.claims["sid"]
    ),
    "sessions.revoke": lambda m, user, t, id: m.sessions.revoke(t.claims["sid"]),
    "refresh_tokens.delete": lambda m, user, t, id: m.refresh_tokens.delete(id),
    "refresh_tokens.revoke by id": lambda m, user, t, id: m.refresh_tokens.revoke(ids=[id]),
    "refresh_tokens.revoke by user": lambda m, user, t, id: m.refresh_tokens.revoke(user_id=user),
    "refresh_tokens.revoke by audience": lambda m, user, t, id: m.refresh_tokens.revoke(
        user_id=user, audience=API
    ),
    "device_credentials.delete": lambda m, user, t, id: m.device_credentials.delete(id),
    "grants.delete": lambda m, user, t, id: m.grants.delete(m.grants.get_all(user_id=user).data[0].id),
    "grants.delete_by_user_id": lambda m, user, t, id: m.grants.delete_by_user_id(user_id=user),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_refresh_token_ends_with_what_it_belongs_to(
    name: str, tenant: LocalTenant, ada: User, management: ManagementClient, log_in: Any, good: Any
) -> None:
    bob = tenant.add_user(email="bob@example.com", password=PASSWORD)
    hers, his = log_in(ada), log_in(bob)
    (shown,) = management.users.get_refresh_tokens(ada["user_id"]).data
    assert (shown.session_id, shown.client_id, shown.rotating) == (
        hers.claims["sid"], tenant.client_id, False,
    )  # fmt: skip
    assert good(hers)
    ENDS[name](management, ada["user_id"], hers, shown.id)
    assert (good(hers), good(his)) == (False, True)
    for left in (management.refresh_tokens.get_all, management.device_credentials.get_all):
        assert len(left(user_id=ada["user_id"]).data) == 0
        assert len(left(user_id=bob["user_id"]).data) == 1
    with pytest.raises(NotFound):
        management.refresh_tokens.get(shown.id)


def test_what_is_not_named_goes_on(ada: User, management: ManagementClient, log_in: Any, good: Any) -> None:
    first, second = log_in(ada), log_in(ada, audience=None)
    user_id: str = ada["user_id"]
    management.refresh_tokens.revoke(user_id=user_id, audience="https://other.example")
    management.users.revoke_access(user_id, preserve_refresh_tokens=True)
    assert len(management.users.get_sessions(user_id).data) == 0
    assert good(first)
    management.users.revoke_access(user_id, session_id=second.claims["sid"])
    assert (good(first), good(second)) == (True, False)
    with pytest.raises(ApiError) as caught:
        management.refresh_tokens.revoke(audience=API)
    assert caught.value.status == 400


def test_a_rotating_family_is_one_token_with_one_id(
    tenant: LocalTenant, ada: User, management: ManagementClient, auth: AuthenticationClient, good: Any
) -> None:
    rotating: Any = {"rotation_type": "rotating", "expiration_type": "expiring"}
    management.clients.update(tenant.client_id, refresh_token=rotating)
    granted: Any = auth.oauth.password_grant(
        username=ada["email"], password=PASSWORD, scope="openid offline_access"
    ).data
    renewed = auth.oauth.refresh_token_grant(refresh_token=granted.refresh_token).data
    (shown,) = management.device_credentials.get_all(type="rotating_refresh_token").data
    management.refresh_tokens.delete(shown.id)
    assert not good(renewed)
    assert tenant.store.count("refresh_tokens") == 0


def test_a_session_is_shown_and_ends(
    tenant: LocalTenant, ada: User, management: ManagementClient, log_in: Any, good: Any
) -> None:
    tokens = [log_in(ada) for _ in range(3)]
    first, second, third = (each.claims["sid"] for each in tokens)
    assert [each.id for each in management.users.get_sessions(ada["user_id"]).data] == [first, second, third]
    assert management.sessions.get(first).data.user_id == ada["user_id"]
    management.sessions.delete(first)
    management.sessions.revoke(second)
    assert [each.id for each in management.users.get_sessions(ada["user_id"]).data] == [third]
    management.users.delete_sessions(ada["user_id"])
    assert tenant.store.count("sessions") == 0
    # A refresh token outlives its session, unless that is revoked.
    assert [good(each) for each in tokens] == [True, False, True]
    with pytest.raises(NotFound):
        management.sessions.revoke(second)


def test_an_application_takes_along_what_was_granted_to_it(
    tenant: LocalTenant, ada: User, management: ManagementClient, options: dict[str, Any]
) -> None:
    client = tenant.add_client()
    with AuthenticationClient(
        **{**options, "client_id": client["client_id"], "client_secret": client["client_secret"]}
    ) as other:
        other.oauth.password_grant(username=ada["email"], password=PASSWORD, scope="offline_access")
    grants = management.grants.get_all
    assert [len(grants(client_id=each).data) for each in (client["client_id"], tenant.client_id)] == [1, 0]
    management.clients.delete(client["client_id"])
    for kind in ("refresh_tokens", "refresh-tokens", "device-credentials", "grants"):
        assert tenant.store.count(kind) == 0, kind
    assert tenant.store.find("client_grants", client_id=client["client_id"]) == []


def test_nothing_of_a_user_comes_back_with_the_id(
    tenant: LocalTenant, management: ManagementClient, log_in: Any, good: Any, wire: Any
) -> None:
    name = {"user_id": "ada", "email": "ada@example.com", "password": PASSWORD}
    user, linked = tenant.add_user(**name), tenant.add_user(email="eve@example.com", password=PASSWORD)
    user_id: str = user["user_id"]
    tokens = log_in(user)
    tenant.add_connection("github", strategy="github")
    tenant.link_identity(user_id, connection="github", access_token="of-github")
    management.users.link(user_id, provider="auth0", user_id=linked["user_id"])
    tenant.add_factor(user_id)
    tenant.require_mfa(user_id)
    management.users.delete(user_id)
    tenant.add_user(**name)
    assert not good(tokens)
    assert len(management.users.get_sessions(user_id).data) == 0
    for kind in ("factors", "federated_tokens", "linked_accounts", "mfa_demands", "recovery_codes"):
        assert tenant.store.count(kind) == 0, kind
    asked = {"grant_type": "password", "password": PASSWORD, "scope": "openid"}
    assert wire.token(username="ada@example.com", **asked).status == 200
    assert wire.token(username="eve@example.com", **asked).status == 403
    assert tenant.store.count("passwords") == 1


def test_a_linked_account_keeps_what_is_linked_to_it(
    tenant: LocalTenant, management: ManagementClient
) -> None:
    first, second, third = (
        tenant.add_user(email=f"{name}@example.com", password=PASSWORD)["user_id"] for name in "abc"
    )
    management.users.link(second, provider="auth0", user_id=third)
    management.users.link(first, provider="auth0", user_id=second)
    assert {each["user_id"] for each in tenant.store.list("linked_accounts")} == {first}
    assert tenant.store.count("linked_accounts") == 2
