"""Loopback servers that speak HTTP by hand, so that they can also speak it wrongly."""

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import msgspec

__all__ = ["Peer", "Received", "Server", "answer", "answering", "reset", "serve", "unused_port"]


class Received(msgspec.Struct, frozen=True):
    """One request as it arrived."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket, server: "Server") -> None:
        self.sock = sock
        self.server = server
        self._buffer = b""

    def read(self) -> Received | None:
        """Return the next request and note it; `None` when the client is gone."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._more():
                return None
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        while len(self._buffer) < length:
            if not self._more():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        received = Received(method, target, headers, body)
        self.server.requests.append(received)
        return received

    def _more(self) -> bool:
        piece = self.sock.recv(65536)
        self._buffer += piece
        return bool(piece)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def wait_until_gone(self) -> None:
        """Return when the client has closed its end."""
        while self.sock.recv(65536):
            pass

    @property
    def certificate(self) -> Mapping[str, object] | None:
        """The certificate that the client showed."""
        return self.sock.getpeercert() if isinstance(self.sock, ssl.SSLSocket) else None


Handler = Callable[[Peer], None]


class Server:
    """What a test sees of a server: where it is, what it got, how many connections it accepted."""

    def __init__(self, port: int, scheme: str) -> None:
        self.port = port
        self.url = f"{scheme}://localhost:{port}"
        self.requests: list[Received] = []
        self.accepted = 0
        self.certificates: list[Mapping[str, object] | None] = []
        self.done = threading.Event()
        """Set whenever a connection has been closed by the server."""
        self.over = threading.Event()
        """Set when the test is over, however it went: what a handler may wait for."""


@contextmanager
def serve(handler: Handler, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Run `handler` in a thread of its own for each connection, and end them all afterwards."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    server = Server(listener.getsockname()[1], "http" if context is None else "https")
    open_: set[socket.socket] = set()
    threads: list[threading.Thread] = []

    def converse(sock: socket.socket) -> None:
        try:
            # What a client does to a connection is its own affair; what a test expects, it asserts itself.
            with suppress(OSError, ValueError):
                if context is not None:
                    sock = context.wrap_socket(sock, server_side=True)
                    open_.add(sock)
                peer = Peer(sock, server)
                if context is not None:
                    server.certificates.append(peer.certificate)
                handler(peer)
        finally:
            open_.discard(sock)
            sock.close()
            server.done.set()

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            server.accepted += 1
            open_.add(sock)
            thread = threading.Thread(target=converse, args=(sock,))
            threads.append(thread)
            thread.start()

    acceptor = threading.Thread(target=accept)
    acceptor.start()
    try:
        yield server
    finally:
        server.over.set()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()
        listener.close()
        for sock in list(open_):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
        for sock in open_:
            sock.close()


def answer(status: int = 200, body: bytes = b"", *headers: tuple[str, str]) -> bytes:
    """Return an answer with a `Content-Length`."""
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers)]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def answering(*data: bytes) -> Handler:
    """Return a handler that answers each request of a connection by `data`, and keeps the connection open."""

    def handler(peer: Peer) -> None:
        while peer.read() is not None:
            for piece in data or (answer(200, b"{}"),):
                peer.send(piece)

    return handler


def reset(sock: socket.socket) -> None:
    """Close so that the other side gets a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def unused_port() -> int:
    """Return a port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port
