"""Any function of the user's is a transport, of the kind that it is."""

import asyncio
import pickle
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from anyauth0 import (
    AsyncManagementClient,
    ConfigurationError,
    ManagementClient,
    Request,
    Response,
    TransportError,
    TransportTimeout,
)
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.fetch import AsyncFetchTransport, FetchTransport
from anyauth0_transports.urllib3 import Urllib3Transport

from .senders import Sender, failing, get
from .servers import answer, answering, serve

USER = Response(status=200, body=b'{"user_id":"auth0|1"}')
OPTIONS: dict[str, Any] = {"domain": "tenant.example.com", "token": "t"}


def fetch(request: Request) -> Response:
    return USER


async def async_fetch(request: Request) -> Response:
    return USER


class Fetching:
    def __call__(self, request: Request) -> Response:
        return USER

    def method(self, request: Request) -> Response:
        return USER


class AsyncFetching:
    async def __call__(self, request: Request) -> Response:
        return USER

    async def method(self, request: Request) -> Response:
        return USER


def fetch_for(name: str, request: Request) -> Response:
    return USER


async def async_fetch_for(name: str, request: Request) -> Response:
    return USER


BLOCKING = [
    fetch,
    Fetching(),
    Fetching().method,
    partial(fetch_for, "x"),
    partial(Fetching()),
    lambda request: USER,
]
ASYNCIO = [
    async_fetch,
    AsyncFetching(),
    AsyncFetching().method,
    partial(async_fetch_for, "x"),
    partial(partial(AsyncFetching())),
]


@pytest.mark.parametrize("function", BLOCKING)
def test_a_blocking_function_serves_a_blocking_client(function: Any) -> None:
    with ManagementClient(transport=function, **OPTIONS) as management:
        assert management.users.get("auth0|1").data.user_id == "auth0|1"


@pytest.mark.parametrize("function", ASYNCIO)
def test_an_async_function_serves_an_asyncio_client(function: Any) -> None:
    async def main() -> None:
        async with AsyncManagementClient(transport=function, **OPTIONS) as management:
            assert (await management.users.get("auth0|1")).data.user_id == "auth0|1"

    asyncio.run(main())


@pytest.mark.parametrize("function", ASYNCIO)
def test_an_async_function_is_refused_by_a_blocking_client(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="asyncio") as caught:
        ManagementClient(transport=function, **OPTIONS)
    assert caught.value.option == "transport"


@pytest.mark.parametrize("function", BLOCKING)
def test_a_blocking_function_is_refused_by_an_asyncio_client(function: Any) -> None:
    with pytest.raises(ConfigurationError, match="blocking") as caught:
        AsyncManagementClient(transport=function, **OPTIONS)
    assert caught.value.option == "transport"


def raising(error: Exception, *, asynchronous: bool) -> FetchTransport | AsyncFetchTransport:
    def function(request: Request) -> Response:
        raise error

    async def async_function(request: Request) -> Response:
        raise error

    return AsyncFetchTransport(async_function) if asynchronous else FetchTransport(function)


both = pytest.mark.parametrize("asynchronous", [False, True], ids=["blocking", "asyncio"])


@both
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError("canary"), TransportError),
        (ConnectionResetError("canary"), TransportError),
        (TimeoutError("canary"), TransportTimeout),
    ],
)
def test_an_error_of_the_system_is_one_of_the_transport(
    error: Exception, kind: type[TransportError], asynchronous: bool
) -> None:
    with Sender(raising(error, asynchronous=asynchronous)) as sender:
        # Nobody knows how far the function came.
        found = failing(sender, get("https://tenant.example.com/"), sent=True)
    assert type(found) is kind
    assert found.__cause__ is error
    assert "canary" not in str(found)
    assert pickle.loads(pickle.dumps(found)).request_sent is True


@both
@pytest.mark.parametrize(
    "error", [TransportError("no", request_sent=False), ValueError("a bug"), KeyError("a bug")]
)
def test_any_other_error_passes_as_it_is(error: Exception, asynchronous: bool) -> None:
    with Sender(raising(error, asynchronous=asynchronous)) as sender, pytest.raises(type(error)) as caught:
        sender.send(get("https://tenant.example.com/"))
    assert caught.value is error


@both
@pytest.mark.parametrize("result", [None, 200, {"status": 200}, b"{}"])
def test_what_is_no_response_is_refused(result: Any, asynchronous: bool) -> None:
    async def async_function(request: Request) -> Any:
        return result

    transport: Any = (
        AsyncFetchTransport(async_function) if asynchronous else FetchTransport(lambda request: result)
    )
    with (
        Sender(transport) as sender,
        pytest.raises(ConfigurationError, match=type(result).__name__) as caught,
    ):
        sender.send(get("https://tenant.example.com/"))
    assert caught.value.option == "transport"
    assert "anyauth0.Response" in str(caught.value)


def test_a_coroutine_from_a_blocking_function_is_refused_and_not_left_behind() -> None:
    hidden: Callable[[Request], Any] = lambda request: async_fetch(request)  # noqa: E731
    with pytest.raises(ConfigurationError, match="coroutine"):
        FetchTransport(hidden).send(get("https://tenant.example.com/"))


def test_a_function_can_send_by_a_transport_of_ours() -> None:
    own = Urllib3Transport()
    seen: list[str] = []

    def function(request: Request) -> Response:
        seen.append(request.method)
        return own.send(request.with_headers({"x-mine": "1"}))

    with serve(answering(answer(200, b"hello"))) as server, Sender(FetchTransport(function)) as sender:
        assert sender.send(get(server.url)).body == b"hello"
        own.close()
    assert seen == ["GET"]
    assert server.requests[0].headers["x-mine"] == "1"


def test_an_async_function_can_send_by_a_transport_of_ours() -> None:
    async def main(url: str) -> None:
        own = AiohttpTransport()

        async def function(request: Request) -> Response:
            return await own.send(request.with_headers({"x-mine": "1"}))

        assert (await AsyncFetchTransport(function).send(get(url))).body == b"hello"
        await own.close()

    with serve(answering(answer(200, b"hello"))) as server:
        asyncio.run(main(server.url))
    assert server.requests[0].headers["x-mine"] == "1"


def test_it_names_the_function_and_nothing_else() -> None:
    assert repr(FetchTransport(fetch)) == "<FetchTransport fetch>"
    assert repr(FetchTransport(partial(fetch_for, "canary"))) == "<FetchTransport partial>"
    assert repr(AsyncFetchTransport(AsyncFetching())) == "<AsyncFetchTransport AsyncFetching>"
