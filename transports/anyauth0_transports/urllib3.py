"""Sends over urllib3: blocking, one pool of connections that stay open, nothing done behind your back."""

import io
import os
import socket
import threading
from collections.abc import Callable
from http.client import HTTPResponse
from time import monotonic
from typing import Any, cast

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
from urllib3.util import SKIP_HEADER, Timeout

from anyauth0 import TLS, ClientOptions, Request, Response, Transport, TransportError, hookimpl

from ._messages import Body, bare, failure, joined, outgoing, timed_out
from ._proxies import Proxy, proxy_finder
from ._tls import ssl_context

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

    def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.Transport`)."""
        pool = self._given or self._pool(request.url)
        # What happens inside of somebody else's pool is unknown, but for the errors that tell.
        _attempt.sent = self._given is not None
        _attempt.end = None if request.timeout is None else monotonic() + request.timeout
        try:
            return self._exchange(pool, request)
        except TransportError as error:
            raise bare(error) from None
        except (HTTPError, OSError) as error:
            raise _translated(request, error, proxied=pool.proxy is not None) from bare(error)

    def _exchange(self, pool: urllib3.PoolManager, request: Request) -> Response:
        answer = pool.urlopen(
            request.method,
            request.url,
            body=request.body,
            headers={"user-agent": SKIP_HEADER, **outgoing(request)},
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(total=request.timeout),
        )
        try:
            headers = joined(answer.headers.items())
            body = Body(request, headers, self._limit)
            while piece := answer.read1(_PIECE, decode_content=False):
                body.feed(piece)
                _attempt.left()
            whole = body.whole()
        except BaseException:
            # Half an answer makes the connection useless for the next one.
            answer.close()
            raise
        answer.release_conn()
        return Response(status=answer.status, headers=headers, body=whole)

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
        """Close every connection that this transport opened."""
        pools, self._pools = self._pools, {}
        for (process, _), pool in pools.items():
            if process == os.getpid():
                pool.clear()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class _Attempt(threading.local):
    """What this thread is at: whether its request may have reached the server, and when it must be done."""

    sent = False
    end: float | None = None

    def left(self) -> float | None:
        """Return the seconds that are left. Raises `TimeoutError` when there are none."""
        if self.end is None:
            return None
        seconds = self.end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


_attempt = _Attempt()


class _Stream(io.RawIOBase):
    """Reads from a socket for as long as the attempt may take; `socket` would start anew with each byte."""

    def __init__(self, sock: Any) -> None:
        self.in_head = False
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(_attempt.left())
        count: int | None = self._raw.readinto(buffer)
        if count == 0 and self.in_head:
            # `http.client` would take what came so far for the whole answer.
            raise ConnectionResetError("the connection ended within the headers")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    def __init__(self, sock: Any, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self._stream = _Stream(sock)
        self.fp = io.BufferedReader(self._stream)

    def begin(self) -> None:
        self._stream.in_head = True
        super().begin()
        self._stream.in_head = False


class _Connection(HTTPConnection):
    """Knows whether the request has left, and does nothing for longer than the attempt may take."""

    response_class = _Answer

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
                left = _attempt.left()
                # Each of them would be given all the time that there is.
                self.timeout = None if left is None else left / (len(found) - number)
                self.host = str(address)
                try:
                    sock = super()._new_conn()
                except ConnectTimeoutError:  # NewConnectionError is one too
                    if address == found[-1]:
                        raise
                else:
                    sock.settimeout(_attempt.left())
                    return sock
        finally:
            self.host = host
        raise AssertionError("unreachable")

    def request(self, *args: Any, **more: Any) -> None:
        if self.sock is None:
            self.connect()
        _attempt.sent = True
        super().request(*args, **more)

    def send(self, data: Any) -> None:
        # In TLS a larger piece would be several records, each with a time limit of its own.
        for start in range(0, len(data), _RECORD):
            self.sock.settimeout(_attempt.left())
            super().send(data[start : start + _RECORD])


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType]


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection  # pyright: ignore[reportAssignmentType]


def _translated(request: Request, error: Exception, *, proxied: bool) -> TransportError:
    unreached = isinstance(error, ConnectTimeoutError | ProxyError)  # NewConnectionError is one too
    sent = _attempt.sent and not unreached
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
