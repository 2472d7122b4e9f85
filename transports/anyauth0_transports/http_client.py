"""Sends over the standard library alone: blocking, connections that stay open, and little work per call."""

import os
import warnings
from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from anyauth0 import TLS, ClientOptions, Request, Response, Transport, TransportError, hookimpl

from ._answer import Answer
from ._connect import connect
from ._http_client_stream import HttpClientStream
from ._messages import Body, bare, failure, outgoing, refuse_encoding, timed_out
from ._route import Route, Router
from ._tls import ssl_context
from ._wire import Malformed, Wire, message

if TYPE_CHECKING:
    from ssl import SSLContext

T = TypeVar("T")

__all__ = ["HttpClientTransport"]

_DEFAULT_LIMIT = 64 * 1024 * 1024
_CONNECTIONS = 64


class HttpClientTransport:
    """Sends over plain sockets. Safe to share between threads; a forked child opens its own connections."""

    def __init__(
        self,
        *,
        tls: TLS | None = None,
        proxy: str | bool | None = None,
        max_response_bytes: int | None = _DEFAULT_LIMIT,
    ) -> None:
        """Build a transport; nothing is opened before the first request.

        Raises `ConfigurationError` for `tls` or `proxy` that cannot be used.
        """
        self._context: SSLContext | None = None if tls is None else ssl_context(tls)
        self._router = Router(proxy)
        self._limit = max_response_bytes
        self._idle = _Idle()
        self._streams: set[HttpClientStream] = set()

    def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.Transport`)."""
        return self._attempt(request, self._whole)

    def open(self, request: Request, /) -> HttpClientStream:
        """Send `request` and return its answer without the body (see `anyauth0.StreamingTransport`).

        No limit of bytes counts for what is read from it.
        """
        return self._attempt(request, self._opened)

    def _attempt(self, request: Request, exchange: "Callable[[Request, Route, Wire, _Idle], T]") -> T:
        end = None if request.timeout is None else monotonic() + request.timeout
        idle = self._idle
        route = self._router.route(request.url)
        wire = idle.take(route) or Wire()
        wire.begin(end)
        try:
            return exchange(request, route, wire, idle)
        except BaseException as error:
            # Half an answer makes the connection useless for the next one.
            wire.close()
            if isinstance(error, TransportError):
                raise bare(error) from None
            if not isinstance(error, OSError):
                raise
            raise _translated(request, error, route, wire) from bare(error)

    def _whole(self, request: Request, route: Route, wire: Wire, idle: "_Idle") -> Response:
        answer = self._ask(request, route, wire, outgoing(request))
        body = Body(request, answer.headers, self._limit)
        while piece := answer.read():
            body.feed(piece)
        whole = body.whole()
        idle.release(route, wire, answer.keeps)
        return Response(status=answer.status, headers=answer.headers, body=whole)

    def _opened(self, request: Request, route: Route, wire: Wire, idle: "_Idle") -> HttpClientStream:
        answer = self._ask(request, route, wire, outgoing(request) | {"accept-encoding": "identity"})
        refuse_encoding(request, answer.headers)

        def release(stream: HttpClientStream, wire: Wire, keeps: bool) -> None:
            self._streams.discard(stream)
            idle.release(route, wire, keeps)

        stream = HttpClientStream(request, wire, answer, release)
        self._streams.add(stream)
        return stream

    def _ask(self, request: Request, route: Route, wire: Wire, headers: dict[str, str]) -> Answer:
        headers = {"host": route.netloc, **headers, **route.proxied_headers}
        data = message(request.method, route.target(request.url), headers, request.body)
        if wire.sock is None:
            connect(wire, route, self._tls)
        wire.send(data)
        return Answer(wire, request.method)

    def _tls(self) -> "SSLContext":
        if self._context is None:
            self._context = ssl_context(None)
        return self._context

    def close(self) -> None:
        """Close every connection that this transport opened, those too that are being read."""
        for stream in list(self._streams):
            stream.close()
        idle, self._idle = self._idle, _Idle()
        idle.close()

    def __del__(self, warnings: Any = warnings) -> None:
        # At the end of the interpreter modules may be gone before it is.
        idle: _Idle | None = getattr(self, "_idle", None)
        if idle is not None and idle.close():
            warnings.warn(
                f'unclosed {self!r}; use the client in a "with", or close() it', ResourceWarning, source=self
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Idle:
    """The connections that nobody uses, without a lock: a forked child would find it held for ever."""

    def __init__(self) -> None:
        self._closed = False
        self._wires: dict[Route, list[Wire]] = {}

    def take(self, route: Route) -> Wire | None:
        """Return the connection that was used last, if the server has not closed it meanwhile."""
        wires = self._wires.get(route)
        while wires:
            try:
                wire = wires.pop()
            except IndexError:
                break
            if wire.is_quiet():
                return wire
            wire.close()
        return None

    def release(self, route: Route, wire: Wire, keeps: bool) -> None:
        """Take a connection back, or close it when it cannot be used again or there are enough."""
        wires = self._wires.setdefault(route, [])
        if not keeps or not wire.is_empty or len(wires) >= _CONNECTIONS:
            wire.close()
            return
        wires.append(wire)
        if self._closed:
            self.close()

    def close(self) -> bool:
        """Close all, and tell whether one of them was of this process."""
        self._closed = True
        ours = False
        for wires in list(self._wires.values()):
            while wires:
                wire = wires.pop()
                ours = ours or wire.process == os.getpid()
                wire.close()
        return ours


def _translated(request: Request, error: OSError, route: Route, wire: Wire) -> TransportError:
    from ssl import SSLError

    if isinstance(error, TimeoutError):
        return timed_out(request, sent=wire.sent)
    if isinstance(error, SSLError):
        reason = str(error.reason or type(error).__name__).replace("_", " ").lower()
        what = f"and this client do not agree on TLS ({reason}); check tls=TLS(...)"
        return failure(request, what, sent=wire.sent)
    if wire.sent and isinstance(error, Malformed):
        return failure(request, f"sent what is no answer in HTTP/1.1 ({error})", sent=True)
    if wire.sent:
        return failure(request, f"broke the connection off ({type(error).__name__})", sent=True)
    if route.proxy is not None:
        return failure(request, 'could not be reached through the proxy; check option "proxy"', sent=False)
    return failure(request, "could not be reached; check the domain and the network", sent=False)


@hookimpl
def anyauth0_transport(options: ClientOptions) -> Transport:
    """Offer a transport over the standard library."""
    return HttpClientTransport(
        tls=options.tls, proxy=options.proxy, max_response_bytes=options.max_response_bytes
    )
