"""Sends over urllib3: blocking, one pool of connections that stay open, nothing done behind your back."""

import os
import socket
import warnings
from collections.abc import Callable
from typing import Any, TypeVar, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.exceptions import (
    TimeoutError as AnyTimeoutError,
)
from urllib3.response import BaseHTTPResponse
from urllib3.util import SKIP_HEADER, Timeout

from anyauth0 import TLS, ClientOptions, Request, Response, Transport, TransportError, hookimpl

from ._messages import Body, bare, failure, joined, outgoing, refuse_encoding, timed_out
from ._proxies import Proxy, proxy_finder
from ._tls import ssl_context
from ._urllib3_stream import Answer, Urllib3Stream, attempt

T = TypeVar("T")

__all__ = ["Urllib3Transport"]

_DEFAULT_LIMIT = 64 * 1024 * 1024
_CONNECTIONS = 64
_PIECE = 64 * 1024
_RECORD = 16 * 1024


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
        self._proxy = proxy
        self._find_proxy: Callable[[str], Proxy | None] | None = None
        if isinstance(proxy, str):
            self._find_proxy = proxy_finder(proxy)
        self._limit = max_response_bytes
        self._given = pool
        # By process: a forked child must leave alone the sockets that it shares with its parent.
        self._pools: dict[tuple[int, Proxy | None], urllib3.PoolManager] = {}
        self._streams: set[Urllib3Stream] = set()

    def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.Transport`)."""
        return self._attempt(request, self._exchange)

    def open(self, request: Request, /) -> Urllib3Stream:
        """Send `request` and return its answer without the body (see `anyauth0.StreamingTransport`).

        No limit of bytes counts for what is read from it.
        """
        return self._attempt(request, self._connect)

    def _attempt(self, request: Request, exchange: Callable[[urllib3.PoolManager, Request], T]) -> T:
        pool = self._given or self._pool(request.url)
        # What happens inside of somebody else's pool is unknown, but for the errors that tell.
        attempt.begin(request.timeout, sent=self._given is not None)
        try:
            return exchange(pool, request)
        except TransportError as error:
            raise bare(error) from None
        except (HTTPError, OSError) as error:
            raise _translated(request, error, proxied=pool.proxy is not None) from bare(error)

    def _exchange(self, pool: urllib3.PoolManager, request: Request) -> Response:
        answer = _begin(pool, request, outgoing(request))
        try:
            headers = joined(answer.headers.items())
            body = Body(request, headers, self._limit)
            while piece := answer.read1(_PIECE, decode_content=False):
                body.feed(piece)
                attempt.left()
            whole = body.whole()
        except BaseException:
            # Half an answer makes the connection useless for the next one.
            answer.close()
            raise
        answer.release_conn()
        return Response(status=answer.status, headers=headers, body=whole)

    def _connect(self, pool: urllib3.PoolManager, request: Request) -> Urllib3Stream:
        answer = _begin(pool, request, outgoing(request) | {"accept-encoding": "identity"})
        try:
            headers = joined(answer.headers.items())
            refuse_encoding(request, headers)
            stream = Urllib3Stream(request, answer, headers, self._streams.discard)
            self._streams.add(stream)
        except BaseException:
            answer.close()
            raise
        return stream

    def _pool(self, url: str) -> urllib3.PoolManager:
        if self._find_proxy is None:
            self._find_proxy = proxy_finder(self._proxy)
        key = os.getpid(), self._find_proxy(url)
        return self._pools.get(key) or self._pools.setdefault(key, self._open(key[1]))

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
        """Close every connection that this transport opened, those too that are being read."""
        for stream in list(self._streams):
            stream.close()
        pools, self._pools = self._pools, {}
        for (process, _), pool in pools.items():
            if process == os.getpid():
                # `pool.clear()` would leave it to the garbage collector, and a timeout holds on to its pool.
                hosts = pool.pools.keys()
                for host in hosts:
                    if (connections := pool.pools.pop(host, None)) is not None:
                        connections.close()

    def __del__(self, os: Any = os, warnings: Any = warnings) -> None:
        # At the end of the interpreter modules may be gone before it is.
        pools: dict[tuple[int, Proxy | None], urllib3.PoolManager] = getattr(self, "_pools", {})
        if any(process == os.getpid() and pool.pools for (process, _), pool in pools.items()):
            warnings.warn(
                f'unclosed {self!r}; use the client in a "with", or close() it', ResourceWarning, source=self
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _begin(pool: urllib3.PoolManager, request: Request, headers: dict[str, str]) -> BaseHTTPResponse:
    return pool.urlopen(
        request.method,
        request.url,
        body=request.body,
        headers={"user-agent": SKIP_HEADER, **headers},
        redirect=False,
        retries=False,
        preload_content=False,
        decode_content=False,
        timeout=Timeout(total=request.timeout),
    )


class _Connection(HTTPConnection):
    """Knows whether the request has left, and does nothing for longer than the attempt may take."""

    response_class = Answer

    def _new_conn(self) -> Any:
        host = self._dns_host
        try:
            found = list(
                dict.fromkeys(at[4][0] for at in socket.getaddrinfo(host, self.port, type=socket.SOCK_STREAM))
            )
        except socket.gaierror as error:
            raise NameResolutionError(host, self, error) from error
        try:
            for number, address in enumerate(found):
                left = attempt.left()
                # Each of them would be given all the time that there is.
                self.timeout = None if left is None else left / (len(found) - number)
                self.host = str(address)
                try:
                    sock = super()._new_conn()
                except ConnectTimeoutError:  # NewConnectionError is one too
                    if address == found[-1]:
                        raise
                else:
                    sock.settimeout(attempt.left())
                    return sock
        finally:
            self.host = host
        raise AssertionError("unreachable")

    def request(self, method: str, url: str, *args: Any, **more: Any) -> None:
        if self.sock is None:
            self.connect()
        attempt.sent = True
        super().request(method, str.__str__(url), *args, **more)

    def send(self, data: Any) -> None:
        # In TLS a larger piece would be several records, each with a time limit of its own.
        for start in range(0, len(data), _RECORD):
            self.sock.settimeout(attempt.left())
            super().send(data[start : start + _RECORD])


class _TlsConnection(_Connection, HTTPSConnection):
    @property
    def is_connected(self) -> bool:
        # What came after the last answer is no answer to the next request; urllib3 looks below TLS only.
        # TLS within TLS is an object of urllib3's own.
        source: Any = getattr(self.sock, "sslobj", self.sock)
        return super().is_connected and not source.pending()


class _Target(str):
    """What urllib3 writes to its log: a query may be a signature."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.partition("?")[0]

    __repr__ = __str__


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]

    def _make_request(self, conn: Any, method: str, url: str, *args: Any, **more: Any) -> Any:
        return super()._make_request(conn, method, _Target(url), *args, **more)


class _TlsPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


def _translated(request: Request, error: Exception, *, proxied: bool) -> TransportError:
    unreached = isinstance(error, ConnectTimeoutError | ProxyError)  # NewConnectionError is one too
    sent = attempt.sent and not unreached
    # What the socket says is wrapped at times; and "refused" is a kind of timeout to urllib3.
    reasons = [reason for reason in (error, *error.args) if not isinstance(reason, NewConnectionError)]
    if any(isinstance(reason, AnyTimeoutError | TimeoutError) for reason in reasons):
        return timed_out(request, sent=sent)
    if isinstance(error, SSLError):
        return failure(
            request, f"and this client do not agree on TLS ({_reason(error)}); check tls=TLS(...)", sent=sent
        )
    if sent:
        return failure(request, f"broke the connection off ({type(error).__name__})", sent=True)
    if proxied:
        return failure(request, 'could not be reached through the proxy; check option "proxy"', sent=False)
    return failure(request, "could not be reached; check the domain and the network", sent=False)


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
