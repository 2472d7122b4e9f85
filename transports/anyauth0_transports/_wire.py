"""Sends and receives over one connection, for no longer than an attempt may take."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from time import monotonic

from anyauth0 import InvalidArgumentError

__all__ = ["Malformed", "Wire", "message"]

_PIECE = 64 * 1024
_LINE = 64 * 1024


def message(method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
    """Return a request as it goes over the wire, with the length of its body.

    Raises `InvalidArgumentError` for a method that would be more than a word in it.
    """
    if not (method.isascii() and method.isalpha()):
        raise InvalidArgumentError("method", 'the "method" of a request must be a word, such as "GET"')
    lines = dict(headers)
    if body is not None or method in ("POST", "PUT", "PATCH"):
        lines["content-length"] = str(len(body or b""))
    head = "\r\n".join([f"{method} {target} HTTP/1.1", *map(": ".join, lines.items()), "", ""])
    return head.encode("ascii") + (body or b"")


class Malformed(ConnectionError):
    """What the server sent is no answer in HTTP/1.1. Says why in words of our own."""


class Wire:
    """A connection, in the hands of one attempt at a time, or of one stream."""

    __slots__ = ("_at", "_buffer", "_end", "process", "sent", "sock")

    def __init__(self, sock: socket.socket | None = None) -> None:
        """Open nothing; `sock` is open already."""
        self.process = os.getpid()
        self.sent = False
        """Whether the server may have got something of the request."""
        self.sock = sock
        self._end: float | None = None
        self._buffer = b""
        self._at = 0

    def begin(self, end: float | None) -> None:
        """Begin what must be done by the time `end`."""
        self._end = end

    def send(self, data: bytes) -> None:
        """Send a request."""
        self.sent = True
        # A server that refuses a body before it has come whole may still have said why.
        with suppress(BrokenPipeError):
            self.write(data)

    def write(self, data: bytes) -> None:
        """Send what is no request yet."""
        assert self.sock is not None
        rest = memoryview(data)
        while rest:
            self.sock.settimeout(self.left())
            rest = rest[self.sock.send(rest) :]

    def line(self) -> bytes:
        """Return the next line without its end."""
        while (end := self._buffer.find(b"\n", self._at)) < 0:
            if len(self._buffer) - self._at > _LINE:
                raise Malformed("a line too long")
            if not self._fill():
                raise ConnectionResetError
        line = self._buffer[self._at : end]
        self._at = end + 1
        if not line.endswith(b"\r") or len(line) > _LINE:
            raise Malformed("a line without its end")
        return line[:-1]

    def take(self, count: int) -> bytes:
        """Return what has come, at most so many bytes and at least one; `b""` when the server has closed."""
        if self.is_empty and not self._fill():
            return b""
        piece = self._buffer[self._at : self._at + count]
        self._at += len(piece)
        return piece

    def _fill(self) -> bool:
        sock = self.sock
        if sock is None:
            raise ConnectionAbortedError
        sock.settimeout(self.left())
        data = sock.recv(_PIECE)
        self._buffer = data if self.is_empty else self._buffer[self._at :] + data
        self._at = 0
        return bool(data)

    def left(self) -> float | None:
        """Return the seconds that are left. Raises `TimeoutError` when there are none."""
        if self._end is None:
            return None
        seconds = self._end - monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    @property
    def is_empty(self) -> bool:
        """Whether nothing has come that was not taken."""
        return self._at == len(self._buffer)

    def is_quiet(self) -> bool:
        """Return whether the server has neither closed the connection nor said anything on it unasked."""
        sock = self.sock
        if sock is None:
            return False
        try:
            sock.settimeout(0)
            # Below TLS: `ssl` cannot look ahead, and keeps nothing back, for no record is as long as a piece.
            socket.socket.recv(sock, 1, socket.MSG_PEEK)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    def close(self) -> None:
        """Drop the connection, and wake up a thread that reads from it."""
        sock, self.sock = self.sock, None
        if sock is None:
            return
        # Not in a forked child: it would end the connection of its parent too.
        if self.process == os.getpid():
            # That of `ssl` would break the state of the reader.
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        with suppress(OSError):
            sock.close()
