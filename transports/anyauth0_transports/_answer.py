"""Reads an answer in HTTP/1.1: strictly, so that nobody can take it for another one."""

import re

from ._messages import joined
from ._wire import Malformed, Wire

__all__ = ["Answer", "head"]

_PIECE = 64 * 1024
_FIELDS = 100

# RFC 9112, sections 4, 5 and 7.1, without what it calls obsolete: folded headers, spaces before the colon.
_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\r\0]*)?")
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\r\0]*)")
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LENGTH = re.compile(r"[0-9]{1,18}")


def head(wire: Wire) -> tuple[bool, int, dict[str, str]]:
    """Return of the next head whether it is HTTP/1.1, the status, and the headers."""
    first = _STATUS.fullmatch(wire.line())
    if first is None:
        raise Malformed("no status line")
    return first[1] == b"1", int(first[2]), joined(_fields(wire))


def _fields(wire: Wire) -> list[tuple[str, str]]:
    fields: list[tuple[str, str]] = []
    while line := wire.line():
        field = _FIELD.fullmatch(line.decode("latin-1"))
        if field is None:
            raise Malformed("no header line")
        fields.append((field[1], field[2].strip(" \t")))
        if len(fields) > _FIELDS:
            raise Malformed("too many headers")
    return fields


class Answer:
    """An answer whose head is there and whose body is read piece by piece."""

    __slots__ = ("_chunked", "_started", "_wire", "headers", "keeps", "left", "status")

    def __init__(self, wire: Wire, method: str) -> None:
        """Read the head. Raises `Malformed` when it is ambiguous where the body ends."""
        recent, self.status, self.headers = head(wire)
        while self.status < 200:
            if self.status == 101:
                raise Malformed("another protocol")
            recent, self.status, self.headers = head(wire)
        self._wire = wire
        self._started = False
        self._chunked = False
        self.left: int | None = None
        """The bytes that are still to come, of the chunk or of the body; `None` until the server closes."""
        length = self.headers.get("content-length")
        coding = self.headers.get("transfer-encoding")
        if method == "HEAD" or self.status in (204, 304):
            self.left = 0
        elif coding is not None:
            if not recent or length is not None or coding.lower() != "chunked":
                raise Malformed("no clear length")
            self._chunked = True
            self.left = 0
        elif length is not None:
            if not _LENGTH.fullmatch(length):
                raise Malformed("no clear length")
            self.left = int(length)
        options = self.headers.get("connection", "").lower().split(",")
        self.keeps = recent and self.left is not None and "close" not in map(str.strip, options)
        """Whether the connection can be used again after the end."""

    def read(self) -> bytes:
        """Return the next piece of the body, as it came; `b""` at the end."""
        if self._chunked and self.left == 0:
            self._next_chunk()
        if self.left == 0:
            return b""
        piece = self._wire.take(_PIECE if self.left is None else self.left)
        if self.left is not None:
            if not piece:
                raise ConnectionResetError
            self.left -= len(piece)
        return piece

    def _next_chunk(self) -> None:
        if self._started and self._wire.line():
            raise Malformed("a chunk without its end")
        self._started = True
        line = self._wire.line()
        size = _SIZE.fullmatch(line.partition(b";")[0].rstrip(b" \t"))
        if size is None or b"\r" in line or b"\0" in line:
            raise Malformed("no size of a chunk")
        self.left = int(size[0], 16)
        if self.left == 0:
            _fields(self._wire)
            self._chunked = False
