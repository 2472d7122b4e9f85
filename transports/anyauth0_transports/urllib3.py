"""Sends over urllib3: blocking, one pool of connections that stay open, nothing done behind your back."""

import os
import threading
from collections.abc import Callable
from time import monotonic
from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as AnyTimeoutError,
)
from urllib3.util import SKIP_HEADER, Timeout

from anyauth0 import TLS, ClientOptions, Request, Response, Transport, hookimpl

from ._messages import Body, failure, joined, outgoing, timed_out
from ._proxies import Proxy, proxy_finder
from ._tls import ssl_context

__all__ = ["Urllib3Transport"]

_DEFAULT_LIMIT = 64 * 1024 * 1024
_CONNECTIONS = 64
_PIECE = 64 * 1024


class Urllib3Transport:
    """Sends requests over urllib3. Safe to share between threads; a forked child opens its own pool."""

    def __init__(
        self,
        *,
        tls: TLS | None = None,
        proxy: str | bool | None = None,
        max_response_bytes: int | None = _DEFAULT_LIMIT,
        pool: urllib3.PoolManager | None = None,
    ) -> None:
        """Build a transport; nothing is opened before the first request.

        `pool` is a manager of your own, which decides on TLS and proxies by itself and is never closed.
        Raises `ConfigurationError` for `tls` or `proxy` that cannot be used.
        """
        self._context: Any = None if tls is None else ssl_context(tls)
        self._find_proxy: Callable[[str], Proxy | None] | None = None
        self._proxy = proxy
        if isinstance(proxy, str):
            self._find_proxy = proxy_finder(proxy)
        self._limit = max_response_bytes
        self._given = pool
        self._pools: dict[Proxy | None, urllib3.PoolManager] = {}
        self._guard = threading.Lock()
        self._process = os.getpid()

    def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.Transport`)."""
        headers = {"user-agent": SKIP_HEADER, **outgoing(request)}
        pool = self._given or self._pool(request.url)
        limit = request.timeout
        end = None if limit is None else monotonic() + limit
        _progress.sent = self._given is not None
        try:
            answer = pool.urlopen(
                request.method,
                request.url,
                body=request.body,
                headers=headers,
                redirect=False,
                retries=False,
                preload_content=False,
                decode_content=False,
                timeout=Timeout(total=limit),
            )
            try:
                return self._read(request, answer, end)
            except BaseException:
                # Half an answer makes the connection useless for the next one.
                answer.close()
                raise
        except (HTTPError, OSError) as error:
            raise _translated(request, error) from error.with_traceback(None)

    def _read(self, request: Request, answer: urllib3.BaseHTTPResponse, end: float | None) -> Response:
        headers = joined(answer.headers.items())
        body = Body(request, headers, self._limit)
        while True:
            if end is not None:
                left = end - monotonic()
                if left <= 0:
                    raise timed_out(request, sent=True)
                # A server that sends now and then would never run into a limit for each piece.
                sock = getattr(answer.connection, "sock", None)
                if sock is not None:
                    sock.settimeout(left)
            piece = answer.read1(_PIECE, decode_content=False)
            if not piece:
                break
            body.feed(piece)
        answer.release_conn()
        return Response(status=answer.status, headers=headers, body=body.whole())

    def _pool(self, url: str) -> urllib3.PoolManager:
        if self._process != os.getpid():
            # The sockets of the parent are forgotten, not shut down: it still uses them.
            self._guard, self._pools, self._process = threading.Lock(), {}, os.getpid()
        if self._find_proxy is None:
            self._find_proxy = proxy_finder(self._proxy)
        proxy = self._find_proxy(url)
        pool = self._pools.get(proxy)
        if pool is None:
            with self._guard:
                pool = self._pools.get(proxy) or self._open(proxy)
                self._pools[proxy] = pool
        return pool

    def _open(self, proxy: Proxy | None) -> urllib3.PoolManager:
        if self._context is None:
            self._context = ssl_context(None)
        options: dict[str, Any] = {"maxsize": _CONNECTIONS, "ssl_context": self._context}
        pool: urllib3.PoolManager
        if proxy is None:
            pool = urllib3.PoolManager(**options)
        else:
            pool = urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, **options)
        cast("Any", pool).pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        return pool

    def close(self) -> None:
        """Close every connection that this transport opened."""
        with self._guard:
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            pool.clear()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Progress(threading.local):
    """Whether the request of this thread may have reached the server."""

    sent = False


_progress = _Progress()


class _Connection(HTTPConnection):
    def request(self, *args: Any, **more: Any) -> None:
        if self.sock is None:
            self.connect()
        _progress.sent = True
        super().request(*args, **more)


class _TlsConnection(HTTPSConnection):
    def request(self, *args: Any, **more: Any) -> None:
        if self.sock is None:
            self.connect()
        _progress.sent = True
        super().request(*args, **more)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection  # pyright: ignore[reportAssignmentType]


def _translated(request: Request, error: Exception) -> Exception:
    sent = _progress.sent and not isinstance(error, ConnectTimeoutError | NewConnectionError | ProxyError)
    if isinstance(error, NewConnectionError):
        # This one is a kind of timeout to urllib3.
        return failure(request, "could not be reached; check the domain and the network", sent=False)
    if isinstance(error, AnyTimeoutError | TimeoutError):
        return timed_out(request, sent=sent)
    if isinstance(error, ProxyError):
        return failure(request, "could not be reached through the proxy; check the proxy", sent=False)
    if isinstance(error, SSLError):
        return failure(
            request, f"and this client do not agree on TLS ({_reason(error)}); check tls=TLS(...)", sent=sent
        )
    what = "broke the connection off" if sent else "could not be reached"
    return failure(request, f"{what} ({type(error).__name__})", sent=sent)


def _reason(error: Exception) -> str:
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None) or type(inner).__name__
    return str(reason).replace("_", " ").lower()


@hookimpl
def anyauth0_transport(options: ClientOptions) -> Transport:
    """Offer a transport over urllib3."""
    return Urllib3Transport(
        tls=options.tls, proxy=options.proxy, max_response_bytes=options.max_response_bytes
    )
