"""Reads an answer of the `urllib3` transport by and by."""

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as AnyTimeoutError
from urllib3.response import BaseHTTPResponse

from anyauth0 import Request

from ._messages import bare, closed, failure, silent
from ._urllib3_pool import WireAnswer, attempt

__all__ = ["Urllib3Stream"]

_PIECE = 64 * 1024


class Urllib3Stream:
    """An answer that is read by and by (see `anyauth0.Stream`). Any thread may close it.

    A read that failed was the last one.
    """

    def __init__(
        self,
        request: Request,
        answer: BaseHTTPResponse,
        headers: Mapping[str, str],
        forget: "Callable[[Urllib3Stream], None]",
    ) -> None:
        self.status = answer.status
        self.headers = headers
        self._request = request
        self._answer: BaseHTTPResponse | None = answer
        self._forget = forget
        self._sock = _socket(answer)
        self._process = os.getpid()
        self._ended = False

    def read(self, seconds: float | None, /) -> bytes:
        """Return what has come (see `anyauth0.Stream.read`)."""
        if self._ended:
            return b""
        answer = self._answer
        if answer is None:
            raise closed(self._request)
        attempt.begin(seconds, sent=True)
        try:
            if self._sock is not None:
                # In a pool of the user's nothing else sets it.
                self._sock.settimeout(attempt.left())
            piece = answer.read1(_PIECE, decode_content=False)
        except BaseException as error:
            gone = self._answer is None
            # Ctrl-C may have hit in the middle of a piece.
            self.close()
            if gone and isinstance(error, Exception):
                # Another thread closed it; what that makes of the files in here is chance.
                raise closed(self._request) from None
            if not isinstance(error, HTTPError | OSError):
                raise
            what = f"broke the connection off ({type(error).__name__})"
            timeout = isinstance(error, AnyTimeoutError | TimeoutError)
            failed = silent(self._request, seconds) if timeout else failure(self._request, what, sent=True)
            raise failed from bare(error)
        if self._answer is None:
            raise closed(self._request)
        if not piece:
            self._ended = True
            self._answer = None
            self._forget(self)
            answer.release_conn()
        return piece

    def close(self) -> None:
        """Drop the connection."""
        answer, self._answer = self._answer, None
        # A forked child must leave alone the socket that it shares with its parent.
        if answer is None or self._process != os.getpid():
            return
        self._forget(self)
        with suppress(OSError):
            if self._sock is not None:
                # Unlike closing, this wakes up a thread that reads. That of `ssl` would break its state.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)
        with suppress(HTTPError, OSError):
            answer.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"


def _socket(answer: Any) -> socket.socket | None:
    if isinstance(answer, WireAnswer):
        return answer.sock
    # Neither urllib3 nor `http.client` gives it out; there is none where no body follows.
    source: Any = getattr(getattr(answer, "_fp", None), "fp", None)
    return getattr(getattr(source, "raw", None), "_sock", None)
