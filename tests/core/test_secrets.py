"""No secret in an error, not even for those who print the locals of a traceback."""

import asyncio
import pickle
import traceback
from typing import Any

import pytest

from anyauth0 import (
    AsyncAuthenticationClient,
    AsyncManagementClient,
    Auth0Error,
    AuthenticationClient,
    ManagementClient,
    Request,
    Response,
)
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.urllib3 import Urllib3Transport

SECRET = "canary-0123456789"
CALLS: list[Any] = [
    lambda auth: auth.oauth.password_grant(username="ada", password=SECRET),
    lambda auth: auth.oauth.password_grant(username="ada", password=SECRET, unknown="x"),
    lambda auth: auth.oauth.password_grant(password=SECRET),
    lambda auth: auth.oauth.password_grant(username=" ", password=SECRET),
    lambda auth: auth.oauth.password_grant(username=5, password=SECRET),
    lambda auth: auth.oauth.refresh_token_grant(refresh_token=SECRET, scope=object()),
    lambda auth: auth.oauth.client_credentials_grant(client_secret=SECRET, audience="a"),
    lambda auth: auth.user_info.get(SECRET),
    lambda auth: auth.database.sign_up(
        email="e", password=SECRET, connection="c", user_metadata={"x": object()}
    ),
    lambda auth: auth.passwordless.login_with_email(email="e", code=SECRET),
]


def shown(error: BaseException) -> str:
    """Return all that could be printed of an error, the locals of the library's own frames included."""
    told = [f"{error!r} {error}", repr(pickle.loads(pickle.dumps(error)).__dict__)]
    seen: BaseException | None = error
    while seen is not None:
        trace = seen.__traceback__
        while trace is not None:
            if "anyauth0" in trace.tb_frame.f_code.co_filename:
                told.append(repr({name: repr(value) for name, value in trace.tb_frame.f_locals.items()}))
            trace = trace.tb_next
        seen = seen.__cause__ or seen.__context__
    told.append("".join(traceback.TracebackException.from_exception(error).format()))
    return "\n".join(told).replace("SECRET", "")


def failing(call: Any, *, asynchronous: bool, **options: Any) -> Auth0Error:
    kind = AsyncAuthenticationClient if asynchronous else AuthenticationClient
    client: Any = kind(
        domain="localhost:1", client_id="c", client_secret=SECRET, retry=False, headers={"x-key": SECRET},
        **options,
    )  # fmt: skip

    async def whole() -> None:
        async with client:
            await call(client)

    with pytest.raises(Auth0Error) as caught:
        asyncio.run(whole()) if asynchronous else call(client)
    if not asynchronous:
        client.close()
    return caught.value


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asyncio"])
def test_a_call_that_finds_no_server(call: Any, asynchronous: bool) -> None:
    assert SECRET not in shown(failing(call, asynchronous=asynchronous, proxy=False))


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asyncio"])
@pytest.mark.parametrize(
    "answer",
    [
        Response(status=403, body=b'{"error": "invalid_grant", "error_description": "no"}'),
        Response(status=200, body=b"no json"),
        Response(status=200, body=b'{"access_token": "t", "id_token": "a.b.c"}'),
        Response(status=200, body=b'{"access_token": 5}'),
    ],
    ids=["an error", "no JSON", "a broken ID token", "no token"],
)
def test_a_call_that_is_answered_badly(call: Any, asynchronous: bool, answer: Response) -> None:
    def send(request: Request) -> Response:
        return answer

    async def send_async(request: Request) -> Response:
        return answer

    kind = AsyncAuthenticationClient if asynchronous else AuthenticationClient
    client: Any = kind(
        domain="t.example", client_id="c", client_secret=SECRET, retry=False,
        transport=send_async if asynchronous else send,
    )  # fmt: skip

    def outcome() -> str:
        try:
            found = call(client)
            return repr((asyncio.run(found) if asynchronous else found).data)
        except Auth0Error as error:
            return shown(error)

    assert SECRET not in outcome()


@pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asyncio"])
def test_the_token_of_the_management_api(asynchronous: bool) -> None:
    kind = AsyncManagementClient if asynchronous else ManagementClient
    transport = AiohttpTransport(proxy=False) if asynchronous else Urllib3Transport(proxy=False)
    client: Any = kind(domain="localhost:1", token=SECRET, retry=False, transport=transport)

    async def whole() -> None:
        try:
            await client.users.get("auth0|1")
        finally:
            await transport.close()  # type: ignore[misc]

    with pytest.raises(Auth0Error) as caught:
        asyncio.run(whole()) if asynchronous else client.users.get("auth0|1")
    assert SECRET not in shown(caught.value)


def test_nothing_that_a_user_holds_shows_a_secret() -> None:
    client = ManagementClient(
        domain="t.example", client_id="c", client_secret=SECRET, token=SECRET, headers={"x": SECRET},
        transport=lambda request: Response(status=200),
    )  # fmt: skip
    view = client.with_options(headers={"y": SECRET})
    for thing in (client, view, client.users, client.users.get, client.users.get_all, client._core.options):
        assert SECRET not in f"{thing!r} {thing}"
