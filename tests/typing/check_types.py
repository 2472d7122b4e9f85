"""What the type checkers must see; both of them run over this file, nothing ever executes it."""

from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any, assert_type

from anyauth0 import (
    ApiResponse,
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    IdTokenChecks,
    ManagementClient,
    Page,
    RateLimit,
    Request,
    Response,
)
from anyauth0.authentication.models import PushedAuthorizationResponse, SignUpUser, TokenSet, UserInfoResponse
from anyauth0.authentication.oauth import OAuth
from anyauth0.endpoint import Endpoint
from anyauth0.management.jobs import Job
from anyauth0.management.logs import Log
from anyauth0.management.users import User, Users
from anyauth0.pagination import PagedEndpoint
from anyauth0_plugins.file_store import FileTokenStore
from anyauth0_transports.http_client import HttpClientTransport


def blocking(auth: AuthenticationClient, management: ManagementClient) -> None:
    tokens = auth.oauth.password_grant(username="a", password="b", id_token=IdTokenChecks(nonce="n"))
    assert_type(tokens, ApiResponse[TokenSet])
    assert_type(tokens.data.expires_in, int | None)
    assert_type(tokens.rate_limit, RateLimit)
    assert_type(auth.database.sign_up(password="p", connection="c", email="e").data, SignUpUser)
    assert_type(auth.database.change_password(connection="c", email="e").data, str)
    assert_type(auth.oauth.revoke_refresh_token(token="t").data, None)
    assert_type(auth.oauth.pushed_authorization(redirect_uri="u").data, PushedAuthorizationResponse)
    assert_type(auth.user_info.get("t").data, UserInfoResponse)

    assert_type(management.users.get("id").data, User)
    assert_type(management.users.update("id", user_metadata={"a": 1}).data, User)
    assert_type(management.users.get_all(q="x"), ApiResponse[Page[User]])
    assert_type(management.users.get_all.iter(q="x"), Iterator[User])
    assert_type(management.users.get_all.pages(q="x"), Iterator[Page[User]])
    for entry in management.logs.get_all(from_="", take=10).data:
        assert_type(entry, Log)
    assert_type(management.jobs.wait("id"), Job)
    assert_type(management.users.delete("id").data, None)
    assert_type(management.with_options(timeout=5), ManagementClient)
    with management as same:
        assert_type(same, ManagementClient)


async def asynchronous(auth: AsyncAuthenticationClient, management: AsyncManagementClient) -> None:
    call = assert_type(
        auth.oauth.client_credentials_grant(audience="a"), Coroutine[Any, Any, ApiResponse[TokenSet]]
    )
    assert_type((await call).data, TokenSet)
    assert_type((await management.users.get("id")).data, User)
    assert_type(await management.users.get_all(q="x"), ApiResponse[Page[User]])
    assert_type(management.users.get_all.iter(q="x"), AsyncIterator[User])
    assert_type(management.users.get_all.pages(q="x"), AsyncIterator[Page[User]])
    assert_type(await management.jobs.wait("id"), Job)
    async with management as same:
        assert_type(same, AsyncManagementClient)


def descriptors() -> None:
    # Reached through the class, an endpoint tells its facts.
    assert_type(Users.get.method, str)
    assert_type(Users.get.scopes, tuple[str, ...])
    password_grant: Endpoint[..., TokenSet] = OAuth.password_grant
    get_all: PagedEndpoint[..., User] = Users.get_all
    print(password_grant, get_all)


def packages() -> None:
    # A package without its `py.typed` has no types for whoever installs it.
    assert_type(FileTokenStore("tokens"), FileTokenStore)
    assert_type(HttpClientTransport().send(Request(method="GET", url="https://tenant.example")), Response)


def mistakes(auth: AuthenticationClient, management: ManagementClient) -> None:
    # Each of these must be an error: an ignore that is not needed is reported by both checkers.
    auth.oauth.password_grant(username="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    auth.oauth.password_grant(user="a", password="b")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    management.users.get(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    management.users.get(id="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    management.users.update("id", user_metadat={})  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    management.users.update("id", blocked="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    management.users.create(email="a")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    management.with_options(domain="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    ManagementClient(domain="x", tokn="y")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
