"""What both HTTP libraries need: headers safe to send, bodies that stay within bounds, plain errors."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, TypeVar

from anyauth0 import InvalidArgumentError, Request, TransportError, TransportTimeout

__all__ = [
    "Body", "bare", "closed", "failure", "joined", "outgoing", "refuse_encoding", "silent", "timed_out",
]  # fmt: skip

# RFC 9110, section 5.1 and 5.5, without what is not ASCII: no two libraries agree how to send that.
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PLAIN = bytes([0x09, *range(0x20, 0x7F)])


def outgoing(request: Request) -> dict[str, str]:
    """Return the headers to send, with the encodings that `Body` can read.

    Raises `InvalidArgumentError` for a header or URL that a server could take for something else.
    """
    # No value may be in a variable here: tracebacks can show them.
    if not (all(map(_is_name, request.headers)) and _is_value("".join(request.headers.values()))):
        bad = next(k for k, v in request.headers.items() if not (_is_name(k) and _is_value(v)))
        raise InvalidArgumentError(
            "headers",
            f'"headers" has {ascii(bad)[:60]} in it, which is no header; use ASCII without line breaks',
        )
    if not request.url.isascii() or not request.url.isprintable() or " " in request.url:
        raise InvalidArgumentError(
            "url", 'the "url" of a request must be percent-encoded; it has other signs in it'
        )
    return {"accept-encoding": "gzip, deflate", **request.headers}


@lru_cache(256)
def _is_name(name: str) -> bool:
    return re.fullmatch(_NAME, name) is not None


def _is_value(value: str) -> bool:
    # Of the ways to look at every character, the fastest.
    return value.isascii() and not value.encode().translate(None, _PLAIN)


def joined(headers: Collection[tuple[str, str]]) -> dict[str, str]:
    """Return headers with lower-case names; one that came more than once is joined by `", "`."""
    result = {name.lower(): value for name, value in headers}
    if len(result) < len(headers):
        for name in result:
            result[name] = ", ".join(value for other, value in headers if other.lower() == name)
    return result


def refuse_encoding(request: Request, headers: Mapping[str, str]) -> None:
    """Raise `TransportError` for an answer whose body is not as it is."""
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding not in ("identity", ""):
        raise failure(
            request, f"answered in the encoding {encoding[:20]!r}, which nobody asked for", sent=True
        )


class Body:
    """Collects the pieces of a body, decompressed, and refuses one that grows beyond `limit` bytes."""

    def __init__(self, request: Request, headers: Mapping[str, str], limit: int | None) -> None:
        """Raise `TransportError` for an encoding that was not asked for."""
        self._request = request
        self._limit = limit
        self._left = limit
        self._pieces: list[bytes] = []
        self._decoder: Any = None
        self._started = False
        if "content-encoding" not in headers:
            return
        encoding = headers["content-encoding"].strip().lower()
        if encoding in ("gzip", "x-gzip", "deflate"):
            import zlib

            self._decoder = zlib.decompressobj(zlib.MAX_WBITS + (0 if encoding == "deflate" else 16))
        else:
            refuse_encoding(request, headers)

    def feed(self, data: bytes) -> None:
        """Take one piece. Raises `TransportError` when it is broken or one too many."""
        if self._decoder is None:
            self._keep(data)
            return
        import zlib

        more = False
        try:
            while data or more:
                if self._decoder.eof:
                    # One gzip file may follow another.
                    self._decoder = zlib.decompressobj(16 + zlib.MAX_WBITS)
                self._started = True
                piece = self._decoder.decompress(data, _PIECE)
                self._keep(piece)
                data = self._decoder.unconsumed_tail or self._decoder.unused_data
                # All of `data` may be read before all that is in it has been written.
                more = len(piece) == _PIECE and not self._decoder.eof
        except zlib.error:
            raise failure(self._request, "sent a body that cannot be decompressed", sent=True) from None

    def _keep(self, piece: bytes) -> None:
        if self._left is not None:
            self._left -= len(piece)
            if self._left < 0:
                raise failure(
                    self._request,
                    f'sent more than the {self._limit} bytes of option "max_response_bytes"; '
                    "raise it if that is right",
                    sent=True,
                )
        self._pieces.append(piece)

    def whole(self) -> bytes:
        """Return the body. Raises `TransportError` when it broke off."""
        if self._decoder is not None and self._started and not self._decoder.eof:
            raise failure(self._request, "broke off in the middle of its answer", sent=True)
        return b"".join(self._pieces)


_PIECE = 1024 * 1024

Error = TypeVar("Error", bound=BaseException)


def bare(error: Error) -> Error:
    """Return `error` without its tracebacks and those of its causes: their frames hold headers and bodies."""
    part: BaseException | None = error
    while part is not None:
        part.__traceback__ = None
        part = part.__cause__ or part.__context__
    return error


def failure(request: Request, what: str, *, sent: bool) -> TransportError:
    """Return the error for a request that got no answer; it names the host only."""
    return TransportError(f"{_host(request)} {what}", request_sent=sent)


def timed_out(request: Request, *, sent: bool) -> TransportTimeout:
    """Return the error for a request that took too long."""
    limit = f"{request.timeout:g} s" if request.timeout is not None else "the time given"
    return TransportTimeout(
        f'{_host(request)} did not answer within {limit}; raise "timeout", or look at the network',
        request_sent=sent,
    )


def silent(request: Request, seconds: float | None) -> TransportTimeout:
    """Return the error for a stream over which nothing came for so many seconds."""
    limit = "the time given" if seconds is None else f"{seconds:g} s"
    return TransportTimeout(f"{_host(request)} sent nothing for {limit}; open it again", request_sent=True)


def closed(request: Request) -> TransportError:
    """Return the error for a stream that is read after it was closed."""
    return failure(request, "is not listened to any more: the stream was closed; open another", sent=True)


def _host(request: Request) -> str:
    rest = request.url.partition("://")[2]
    return re.split("[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
