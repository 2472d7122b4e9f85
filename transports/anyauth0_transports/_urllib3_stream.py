"""Reads what comes over a connection of urllib3, for as long as an attempt may take, or by and by."""

import io
import os
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPResponse
from time import monotonic
from typing import Any

from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as AnyTimeoutError
from urllib3.response import BaseHTTPResponse

from anyauth0 import Request

from ._messages import bare, closed, failure, silent

__all__ = ["Answer", "Urllib3Stream", "attempt"]

_PIECE = 64 * 1024


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


class _Reader(io.RawIOBase):
    """Reads from a socket for as long as the attempt may take; `socket` would start anew with each byte."""

    def __init__(self, sock: Any) -> None:
        self.in_head = False
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(attempt.left())
        count: int | None = self._raw.readinto(buffer)
        if count == 0 and self.in_head:
            # `http.client` would take what came so far for the whole answer.
            raise ConnectionResetError("the connection ended within the headers")
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class Answer(HTTPResponse):
    """An answer that is read through a `_Reader`."""

    def __init__(self, sock: Any, *args: Any, **more: Any) -> None:
        super().__init__(sock, *args, **more)
        self.fp.close()
        self._reader = _Reader(sock)
        self.fp = io.BufferedReader(self._reader)

    def begin(self) -> None:
        self._reader.in_head = True
        super().begin()
        self._reader.in_head = False


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
        # Neither urllib3 nor `http.client` gives it out; there is none where no body follows.
        source: Any = getattr(getattr(answer, "_fp", None), "fp", None)
        self._sock: socket.socket | None = getattr(getattr(source, "raw", None), "_sock", None)
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
