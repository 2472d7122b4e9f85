"""Pools of urllib3 whose connections speak over a `Wire`; what urllib3 loads is loaded with this module."""

import socket
import threading
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

from urllib3 import PoolManager, ProxyManager
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
from urllib3.exceptions import TimeoutError as AnyTimeoutError
from urllib3.util import SKIP_HEADER, Retry, Timeout

from anyauth0 import Request, TransportError

from ._answer import Answer
from ._connect import address, tunnel
from ._messages import failure, timed_out
from ._route import Route
from ._wire import Malformed, Wire, message

if TYPE_CHECKING:
    from ssl import SSLContext

__all__ = [
    "NEVER", "SKIP_HEADER", "HTTPError", "Timeout", "WireAnswer", "attempt", "open_pool", "translated",
]  # fmt: skip

_CONNECTIONS = 64

NEVER = Retry(total=False, redirect=False)
"""Retries and redirects are not for urllib3 to decide."""


class _Attempt(threading.local):
    """What this thread is at: whether its request may have reached the server, and when it must be done."""

    sent = False
    end: float | None = None

    def begin(self, seconds: float | None, *, sent: bool) -> None:
        """Begin what may take so many seconds."""
        self.sent = sent
        self.end = None if seconds is None else monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left. Raises `TimeoutError` when there are none."""
        if self.end is None:
            return None
        seconds = self.end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds


attempt = _Attempt()


def open_pool(route: Route, context: "SSLContext") -> HTTPConnectionPool:
    """Return a pool of connections that go this way. Raises `OSError` for a URL without a host."""
    host, port = address(f"{route.scheme}://{route.netloc}")
    options: dict[str, Any] = {"maxsize": _CONNECTIONS, "ssl_context": context}
    manager: PoolManager
    if route.proxy is None:
        manager = PoolManager(**options)
    else:
        manager = ProxyManager(route.proxy.url, proxy_headers=route.proxy.headers, **options)
    cast("Any", manager).pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return manager.connection_from_host(host, port, route.scheme)


class WireAnswer:
    """An answer that is read over a `Wire`, as urllib3 and the transport know answers."""

    version_string = "HTTP/1.1"
    retries: object = None
    _connection: Any = None
    _pool: Any = None

    def __init__(self, wire: Wire, answer: Answer) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.length_remaining = answer.left
        self._answer = answer
        self._wire = wire

    @property
    def sock(self) -> socket.socket | None:
        """The socket that it is read from."""
        return self._wire.sock

    def read1(self, amount: int, *, decode_content: bool) -> bytes:
        """Return the next piece as it came, however long, or `b""` at the end."""
        self._wire.begin(attempt.end)
        return self._answer.read()

    def release_conn(self) -> None:
        """Give the connection back; one that cannot be used again is opened anew by who takes it next."""
        if not self._answer.keeps or not self._wire.is_empty:
            self._connection.close()
        self._pool._put_conn(self._connection)

    def close(self) -> None:
        """Drop the connection."""
        self._connection.close()


class _Connection(HTTPConnection):
    """Does nothing for longer than the attempt may take, and says so when the request leaves."""

    _method = ""
    _wire: Wire | None = None

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

    def _over(self, sock: Any) -> Wire:
        if self._wire is None or self._wire.sock is not sock:
            self._wire = Wire(sock=sock)
        self._wire.begin(attempt.end)
        return self._wire

    def _tunnel(self) -> None:
        more: Any = self
        host = more._tunnel_host.removeprefix("[").removesuffix("]")
        tunnel(self._over(self.sock), host, more._tunnel_port, more._tunnel_headers)

    @property
    def is_connected(self) -> bool:
        return self.sock is not None and self._over(self.sock).is_quiet()

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any) -> None:
        data = message(method, str.__str__(url), headers, body)
        if self.sock is None:
            self.connect()
        self._method = method
        attempt.sent = True
        self._over(self.sock).send(data)

    def getresponse(self) -> Any:
        wire = self._over(self.sock)
        return WireAnswer(wire, Answer(wire, self._method))

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
        super().close()


class _TlsConnection(_Connection, HTTPSConnection):
    pass


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


def translated(request: Request, error: Exception, *, proxied: bool) -> TransportError:
    """Return what is raised instead of an error of urllib3 or of the socket."""
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
        for reason in reasons:
            if isinstance(reason, Malformed):
                return failure(request, f"sent what is no answer in HTTP/1.1 ({reason})", sent=True)
        return failure(request, f"broke the connection off ({type(error).__name__})", sent=True)
    if proxied:
        return failure(request, 'could not be reached through the proxy; check option "proxy"', sent=False)
    return failure(request, "could not be reached; check the domain and the network", sent=False)


def _reason(error: Exception) -> str:
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None) or type(inner).__name__
    return str(reason).replace("_", " ").lower()
