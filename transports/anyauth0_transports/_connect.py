"""Opens connections: over every address of a host, through a proxy, with TLS."""

import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ._answer import head
from ._route import Route
from ._wire import Malformed, Wire

if TYPE_CHECKING:
    import ssl

__all__ = ["address", "connect", "tunnel"]


def connect(wire: Wire, route: Route, context: "Callable[[], ssl.SSLContext]") -> None:
    """Reach the server, through the proxy if there is one, and agree on TLS if it is asked for."""
    host, port = address(f"{route.scheme}://{route.netloc}")
    wire.sock = _reach(wire, *(address(route.proxy.url) if route.proxy else (host, port)))
    wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if route.scheme == "https":
        if route.proxy is not None:
            tunnel(wire, host, port, route.proxy.headers)
        settings = context()
        wire.sock.settimeout(wire.left())
        wire.sock = settings.wrap_socket(wire.sock, server_hostname=host)


def _reach(wire: Wire, host: str, port: int) -> socket.socket:
    try:
        found = list(dict.fromkeys(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except ValueError:
        raise _unreachable() from None
    reason = _unreachable()
    for number, (family, kind, protocol, _, address) in enumerate(found):
        left = wire.left()
        with ExitStack() as stack:
            try:
                sock = stack.enter_context(socket.socket(family, kind, protocol))
                # The first of them must not take all the time that there is.
                sock.settimeout(None if left is None else left / (len(found) - number))
                sock.connect(address)
            except OSError as error:
                reason = error
            else:
                stack.pop_all()
                return sock
    raise reason


def tunnel(wire: Wire, host: str, port: int, headers: Mapping[str, str]) -> None:
    """Ask the proxy for a tunnel to a host (RFC 9110, section 9.3.6). Raises `OSError` when it refuses."""
    target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    headers = {"host": target, **headers}
    lines = [f"CONNECT {target} HTTP/1.1", *map(": ".join, headers.items()), "", ""]
    wire.write("\r\n".join(lines).encode("ascii"))
    _, status, _ = head(wire)
    if not 200 <= status < 300 or not wire.is_empty:
        raise Malformed("the proxy refused")


def address(url: str) -> tuple[str, int]:
    """Return host and port of a URL. Raises `OSError` where there is none."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise _unreachable() from None
    if not host or parts.scheme not in ("http", "https"):
        raise _unreachable()
    return host, (443 if parts.scheme == "https" else 80) if port is None else port


def _unreachable() -> OSError:
    return OSError("no such address")
