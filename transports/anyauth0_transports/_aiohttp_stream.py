"""Reads an answer of aiohttp by and by."""

import asyncio
from collections.abc import Mapping

import aiohttp

from anyauth0 import Request

from ._messages import bare, closed, failure, silent

__all__ = ["AiohttpStream", "close_streams"]


class AiohttpStream:
    """An answer that is read by and by (see `anyauth0.AsyncStream`).

    A read that failed or was cancelled was the last one.
    """

    def __init__(
        self,
        request: Request,
        answer: aiohttp.ClientResponse,
        headers: Mapping[str, str],
        streams: "set[AiohttpStream]",
    ) -> None:
        """Read `answer`, and be in `streams` for as long as it is open."""
        self.status = answer.status
        self.headers = headers
        self.loop = asyncio.get_running_loop()
        self._request = request
        self._answer: aiohttp.ClientResponse | None = answer
        self._streams = streams
        self._ended = False
        streams.add(self)

    async def read(self, seconds: float | None, /) -> bytes:
        """Return what has come (see `anyauth0.AsyncStream.read`)."""
        if self._ended:
            return b""
        try:
            piece = await self._piece(seconds)
        except BaseException as error:
            gone = self._answer is None
            self.close()
            if gone and isinstance(error, Exception):
                raise closed(self._request) from None
            if not isinstance(error, aiohttp.ClientError | OSError):
                raise
            if isinstance(error, TimeoutError):
                raise silent(self._request, seconds) from bare(error)
            what = f"broke the connection off ({type(error).__name__})"
            raise failure(self._request, what, sent=True) from bare(error)
        if not piece:
            # aiohttp has let go of the connection by itself.
            self._ended = True
            self._answer = None
            self._streams.discard(self)
        return piece

    async def _piece(self, seconds: float | None) -> bytes:
        # An answer shows its URL and headers: it must not be in a variable where an error begins.
        answer = self._answer
        if answer is None:
            raise closed(self._request)
        async with asyncio.timeout(seconds):
            return await answer.content.readany()

    def close(self) -> None:
        """Drop the connection."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        self._streams.discard(self)
        connection = answer.connection
        transport = connection.transport if connection is not None else None
        answer.close()
        if connection is not None and self.loop.is_closed():
            # aiohttp leaves it as it is, and warns of it later; the connector has the socket closed.
            connection._protocol = None  # pyright: ignore[reportPrivateUsage]
        elif transport is not None:
            # A farewell in TLS would wait for the server.
            transport.abort()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"


def close_streams(streams: set[AiohttpStream], loop: asyncio.AbstractEventLoop) -> None:
    """Close the streams of `loop`, and those of loops that are closed."""
    for stream in list(streams):
        if stream.loop is loop or stream.loop.is_closed():
            stream.close()
