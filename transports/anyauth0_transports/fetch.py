"""Makes a transport of any function of the user's, blocking or asynchronous."""

import inspect
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from anyauth0 import (
    AsyncTransport,
    ClientOptions,
    ConfigurationError,
    Request,
    Response,
    Transport,
    TransportError,
    TransportTimeout,
    hookimpl,
)

__all__ = ["AsyncFetchTransport", "FetchTransport"]


class FetchTransport:
    """Sends by a function `Request -> Response`."""

    def __init__(self, function: Callable[[Request], Response]) -> None:
        self._function = function

    def send(self, request: Request, /) -> Response:
        """Call the function. An `OSError` that it raises is a `TransportError`, the rest is as it is."""
        try:
            return _checked(self._function(request))
        except OSError as error:
            raise _translated(error) from error.with_traceback(None)

    def close(self) -> None:
        """Do nothing: what the function holds is the user's."""

    def __repr__(self) -> str:
        return f"<FetchTransport {_name(self._function)}>"


class AsyncFetchTransport:
    """Sends by an async function `Request -> Response`."""

    def __init__(self, function: Callable[[Request], Awaitable[Response]]) -> None:
        self._function = function

    async def send(self, request: Request, /) -> Response:
        """Await the function (see `FetchTransport.send`)."""
        try:
            return _checked(await self._function(request))
        except OSError as error:
            raise _translated(error) from error.with_traceback(None)

    async def close(self) -> None:
        """Do nothing: what the function holds is the user's."""

    def __repr__(self) -> str:
        return f"<AsyncFetchTransport {_name(self._function)}>"


def _checked(answer: object) -> Response:
    if isinstance(answer, Response):
        return answer
    if inspect.iscoroutine(answer):
        answer.close()
    raise ConfigurationError(
        "transport",
        f'the function of option "transport" must return an anyauth0.Response, not {type(answer).__name__}',
    )


def _translated(error: OSError) -> TransportError:
    # Nobody but the function knows how far it came.
    if isinstance(error, TimeoutError):
        return TransportTimeout('the transport function timed out; raise "timeout"', request_sent=True)
    return TransportError(
        f"the transport function failed ({type(error).__name__}); see the cause", request_sent=True
    )


def _is_async(function: Any) -> bool:
    while isinstance(function, partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))


@hookimpl
def anyauth0_transport(options: ClientOptions) -> Transport | AsyncTransport | None:
    """Offer the function that was given as `transport`."""
    function: Any = options.transport if callable(options.transport) else None
    if function is None:
        return None
    return AsyncFetchTransport(function) if _is_async(function) else FetchTransport(function)
