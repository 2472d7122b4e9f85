"""Sends over urllib3: blocking, one pool of connections that stay open, nothing done behind your back."""

import os
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from anyauth0 import TLS, ClientOptions, Request, Response, Transport, TransportError, hookimpl

from ._messages import Body, bare, joined, outgoing, refuse_encoding
from ._route import Route, Router

if TYPE_CHECKING:
    from ssl import SSLContext

    from urllib3 import HTTPConnectionPool, PoolManager
    from urllib3.response import BaseHTTPResponse

    from ._urllib3_stream import Urllib3Stream

if find_spec("urllib3") is None:
    # It is imported by the first call: it takes longer than all that a client imports before.
    raise ModuleNotFoundError("No module named 'urllib3'", name="urllib3")

T = TypeVar("T")

__all__ = ["Urllib3Transport"]

_DEFAULT_LIMIT = 64 * 1024 * 1024
_HOSTS = 32
_PIECE = 64 * 1024


class Urllib3Transport:
    """Sends requests over urllib3. Safe to share between threads; a forked child opens its own pool."""

    def __init__(
        self,
        *,
        tls: TLS | None = None,
        proxy: str | bool | None = None,
        max_response_bytes: int | None = _DEFAULT_LIMIT,
        pool: "PoolManager | None" = None,
    ) -> None:
        """Build a transport; nothing is opened before the first request.

        `pool` is a manager of your own, which decides on TLS and proxies by itself and is never closed.
        Raises `ConfigurationError` for `tls` or `proxy` that cannot be used.
        """
        self._context: SSLContext | None = None
        if tls is not None:
            from ._tls import ssl_context

            self._context = ssl_context(tls)
        self._router = Router(proxy if pool is None else False)
        self._limit = max_response_bytes
        self._given = pool
        # By process too: a forked child must leave alone the sockets that it shares with its parent.
        self._pools: dict[Route, HTTPConnectionPool] = {}
        self._streams: set[Urllib3Stream] = set()

    def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.Transport`)."""
        return self._attempt(request, self._whole, {})

    def open(self, request: Request, /) -> "Urllib3Stream":
        """Send `request` and return its answer without the body (see `anyauth0.StreamingTransport`).

        No limit of bytes counts for what is read from it.
        """
        return self._attempt(request, self._stream, {"accept-encoding": "identity"})

    def _attempt(
        self,
        request: Request,
        read: "Callable[[Request, BaseHTTPResponse], T]",
        headers: dict[str, str],
    ) -> T:
        from ._urllib3_pool import HTTPError, attempt, translated

        route = self._router.route(request.url)
        # What happens inside of somebody else's pool is unknown, but for the errors that tell.
        attempt.begin(request.timeout, sent=self._given is not None)
        try:
            answer = self._answer(request, route, outgoing(request) | headers)
            try:
                return read(request, answer)
            except BaseException:
                # Half an answer makes the connection useless for the next one.
                answer.close()
                raise
        except TransportError as error:
            raise bare(error) from None
        except (HTTPError, OSError) as error:
            proxy = route.proxy if self._given is None else self._given.proxy
            raise translated(request, error, proxied=proxy is not None) from bare(error)

    def _answer(self, request: Request, route: Route, headers: dict[str, str]) -> "BaseHTTPResponse":
        from ._urllib3_pool import NEVER, SKIP_HEADER, Timeout

        more: dict[str, Any] = {
            "body": request.body, "redirect": False, "retries": NEVER, "preload_content": False,
            "decode_content": False,
        }  # fmt: skip
        if self._given is not None:
            headers = {"user-agent": SKIP_HEADER, **headers}
            timeout = Timeout(total=request.timeout)
            return self._given.urlopen(request.method, request.url, headers=headers, timeout=timeout, **more)
        pool = self._pools.get(route) or self._open(route)
        headers = {"host": route.netloc, **headers}
        target = route.target(request.url)
        return pool.urlopen(request.method, target, headers=headers, assert_same_host=False, **more)

    def _whole(self, request: Request, answer: "BaseHTTPResponse") -> Response:
        from ._urllib3_pool import attempt

        headers = joined(answer.headers.items())
        body = Body(request, headers, self._limit)
        while piece := answer.read1(_PIECE, decode_content=False):
            body.feed(piece)
            attempt.left()
        whole = body.whole()
        answer.release_conn()
        return Response(status=answer.status, headers=headers, body=whole)

    def _stream(self, request: Request, answer: "BaseHTTPResponse") -> "Urllib3Stream":
        from ._urllib3_stream import Urllib3Stream

        headers = joined(answer.headers.items())
        refuse_encoding(request, headers)
        stream = Urllib3Stream(request, answer, headers, self._streams.discard)
        self._streams.add(stream)
        return stream

    def _open(self, route: Route) -> "HTTPConnectionPool":
        from ._urllib3_pool import open_pool

        if self._context is None:
            from ._tls import ssl_context

            self._context = ssl_context(None)
        pool = self._pools.setdefault(route, open_pool(route, self._context))
        if len(self._pools) > _HOSTS:
            # Whoever sends over it at the moment can go on.
            self._pools.pop(next(iter(tuple(self._pools))), None)
        return pool

    def close(self) -> None:
        """Close every connection that this transport opened, those too that are being read."""
        for stream in list(self._streams):
            stream.close()
        pools, self._pools = self._pools, {}
        for route, pool in pools.items():
            if route.process == os.getpid():
                pool.close()

    def __del__(self, os: Any = os, warnings: Any = warnings) -> None:
        # At the end of the interpreter modules may be gone before it is.
        if any(route.process == os.getpid() for route in getattr(self, "_pools", ())):
            warnings.warn(
                f'unclosed {self!r}; use the client in a "with", or close() it', ResourceWarning, source=self
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


@hookimpl
def anyauth0_transport(options: ClientOptions) -> Transport:
    """Offer a transport over urllib3."""
    return Urllib3Transport(
        tls=options.tls, proxy=options.proxy, max_response_bytes=options.max_response_bytes
    )
