"""A proxy for the tests: tunnels by CONNECT, forwards plain requests, may ask for a password."""

import socket
import threading
from base64 import b64encode
from contextlib import AbstractContextManager, suppress

from .servers import Peer, Received, Server, answer, serve

__all__ = ["proxying"]


def proxying(*, credentials: str | None = None) -> AbstractContextManager[Server]:
    """Run a proxy that lets through whoever proves to know `credentials` (`user:password`)."""
    expected = None if credentials is None else f"Basic {b64encode(credentials.encode()).decode()}"

    def handler(peer: Peer) -> None:
        while (received := peer.read()) is not None:
            if expected is not None and received.headers.get("proxy-authorization") != expected:
                peer.send(answer(407, b"", ("Proxy-Authenticate", "Basic")))
            elif received.method == "CONNECT":
                host, _, port = received.target.rpartition(":")
                _tunnel(peer, host, int(port))
                return
            else:
                peer.send(_forward(received))

    return serve(handler)


def _tunnel(peer: Peer, host: str, port: int) -> None:
    with socket.create_connection((host, port)) as upstream:
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        back = threading.Thread(target=_pump, args=(upstream, peer.sock))
        back.start()
        _pump(peer.sock, upstream)
        back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
    # One end that is gone takes the other one with it.
    for sock in (source, target):
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _forward(received: Received) -> bytes:
    host, _, path = received.target.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    with socket.create_connection((name, int(port))) as upstream:
        kept = "".join(
            f"{header}: {value}\r\n"
            for header, value in received.headers.items()
            if not header.startswith("proxy-")
        )
        upstream.sendall(f"{received.method} /{path} HTTP/1.1\r\n{kept}\r\n".encode() + received.body)
        return upstream.recv(65536)
