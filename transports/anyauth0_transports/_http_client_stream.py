"""Reads an answer of the `http_client` transport by and by."""

from collections.abc import Callable, Mapping
from time import monotonic

from anyauth0 import Request

from ._answer import Answer
from ._messages import bare, closed, failure, silent
from ._wire import Wire

__all__ = ["HttpClientStream"]


class HttpClientStream:
    """An answer that is read by and by (see `anyauth0.Stream`). Any thread may close it.

    A read that failed was the last one.
    """

    def __init__(
        self,
        request: Request,
        wire: Wire,
        answer: Answer,
        release: "Callable[[HttpClientStream, Wire, bool], None]",
    ) -> None:
        """Read `answer`, and `release` its wire at the end, with whether it can be used again."""
        self.status = answer.status
        self.headers: Mapping[str, str] = answer.headers
        self._request = request
        self._answer = answer
        self._wire: Wire | None = wire
        self._release = release
        self._ended = False

    def read(self, seconds: float | None, /) -> bytes:
        """Return what has come (see `anyauth0.Stream.read`)."""
        if self._ended:
            return b""
        wire = self._wire
        if wire is None:
            raise closed(self._request)
        wire.begin(None if seconds is None else monotonic() + seconds)
        try:
            piece = self._answer.read()
        except BaseException as error:
            gone = self._wire is None
            # Ctrl-C may have hit in the middle of a piece.
            self.close()
            if gone and isinstance(error, Exception):
                # Another thread closed it; what that makes of the socket in here is chance.
                raise closed(self._request) from None
            if not isinstance(error, OSError):
                raise
            what = f"broke the connection off ({type(error).__name__})"
            timeout = isinstance(error, TimeoutError)
            failed = silent(self._request, seconds) if timeout else failure(self._request, what, sent=True)
            raise failed from bare(error)
        if self._wire is None:
            raise closed(self._request)
        if not piece:
            self._ended = True
            self._wire = None
            self._release(self, wire, self._answer.keeps)
        return piece

    def close(self) -> None:
        """Drop the connection."""
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()
            self._release(self, wire, False)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"
