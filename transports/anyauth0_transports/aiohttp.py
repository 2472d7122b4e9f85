"""Sends over aiohttp: asyncio, connections that stay open, nothing done behind your back."""

import asyncio
import io
import ssl
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from yarl import URL

from anyauth0 import TLS, AsyncTransport, ClientOptions, Request, Response, TransportError, hookimpl

from ._aiohttp_connections import Connections, Progress
from ._aiohttp_stream import AiohttpStream, close_streams
from ._limit import Limit
from ._messages import Body, bare, failure, joined, outgoing, refuse_encoding, timed_out
from ._route import Route, Router
from ._tls import ssl_context

__all__ = ["AiohttpTransport"]

_DEFAULT_LIMIT = 64 * 1024 * 1024

T = TypeVar("T")


class AiohttpTransport:
    """Sends requests over aiohttp. May be used in several event loops, one after another."""

    def __init__(
        self,
        *,
        tls: TLS | None = None,
        proxy: str | bool | None = None,
        max_response_bytes: int | None = _DEFAULT_LIMIT,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        """Build a transport; nothing is opened before the first request.

        `session` is one of your own, which decides on TLS and proxies by itself and is never closed.
        Raises `ConfigurationError` for `tls` or `proxy` that cannot be used.
        """
        self._context: ssl.SSLContext | None = None if tls is None else ssl_context(tls)
        self._router = Router(proxy if session is None else False)
        self._limit = max_response_bytes
        self._given = session
        self._opened: dict[asyncio.AbstractEventLoop, Connections] = {}
        self._streams: set[AiohttpStream] = set()

    async def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.AsyncTransport`)."""
        return await self._attempt(request, self._exchange)

    async def open(self, request: Request, /) -> AiohttpStream:
        """Send `request` and return its answer without the body (see `anyauth0.AsyncStreamingTransport`).

        No limit of bytes counts for what is read from it.
        """
        return await self._attempt(request, self._connect)

    async def _attempt(
        self, request: Request, exchange: Callable[[Request, Route, Progress], Awaitable[T]]
    ) -> T:
        route = self._router.route(request.url)
        # What happens inside of somebody else's session is unknown, but for the errors that tell.
        progress = Progress(sent=self._given is not None)
        try:
            # That of aiohttp rounds up to whole seconds.
            with Limit(request.timeout):
                return await exchange(request, route, progress)
        except TransportError as error:
            failed, cause = error, None
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            proxied = route.proxy is not None
            failed = _translated(request, error, sent=progress.sent, proxied=proxied)
            # These hold the headers that were sent, or that came, for all to see.
            telling = isinstance(
                error, aiohttp.ClientResponseError | aiohttp.ServerDisconnectedError | HttpProcessingError
            )
            cause = None if telling else bare(error)
        raise bare(failed) from cause

    async def _exchange(self, request: Request, route: Route, progress: Progress) -> Response:
        if self._given is None:
            connections = self._known() or await self._made()
            return await connections.exchange(request, route, outgoing(request), progress, self._limit)
        async with await self._answer(self._given, request, outgoing(request), progress) as answer:
            headers = joined(answer.headers.items())
            body = Body(request, headers, self._limit)
            async for piece in answer.content.iter_any():
                body.feed(piece)
            return Response(status=answer.status, headers=headers, body=body.whole())

    async def _connect(self, request: Request, route: Route, progress: Progress) -> AiohttpStream:
        headers = outgoing(request) | {"accept-encoding": "identity"}
        if self._given is None:
            connections = self._known() or await self._made()
            way = connections.way(route)
            headers |= route.proxied_headers
            answer = await self._answer(connections.session, request, headers, progress, way)
        else:
            answer = await self._answer(self._given, request, headers, progress)
        try:
            headers = joined(answer.headers.items())
            refuse_encoding(request, headers)
        except BaseException:
            answer.close()
            raise
        return AiohttpStream(request, answer, headers, self._streams)

    async def _answer(
        self,
        session: aiohttp.ClientSession,
        request: Request,
        headers: dict[str, str],
        progress: Progress,
        way: aiohttp.ClientRequest | None = None,
    ) -> aiohttp.ClientResponse:
        # Lets the loop notice which of the idle connections the server has closed meanwhile: TLS takes a turn
        # more than TCP.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers,
            # It warns of bytes that are many.
            data=None if request.body is None else io.BytesIO(request.body),
            allow_redirects=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None),
            proxy=None if way is None else way.proxy,
            proxy_headers=None if way is None else way.proxy_headers,
            trace_request_ctx=None if way is None else progress,
        )

    def _known(self) -> Connections | None:
        """Return those of the running loop, if there are any."""
        opened = self._opened.get(asyncio.get_running_loop())
        return None if opened is None or opened.session.closed else opened

    async def _made(self) -> Connections:
        self._drop_closed_loops()
        if self._context is None:
            self._context = ssl_context(None)
        made = Connections(self._context, self._opened, self._streams)
        await anext(made.keeper)
        return made

    async def close(self) -> None:
        """Close every connection that this transport opened in the running loop, or in one that is closed."""
        loop = asyncio.get_running_loop()
        self._drop_closed_loops()
        close_streams(self._streams, loop)
        opened = self._opened.get(loop)
        if opened is not None:
            await opened.keeper.aclose()

    def _drop_closed_loops(self) -> None:
        for loop in list(self._opened):
            if loop.is_closed() and (opened := self._opened.pop(loop, None)):
                opened.session.detach()
                opened.connector.drop()

    def __del__(self, warnings: Any = warnings) -> None:
        # At the end of the interpreter modules may be gone before it is.
        if getattr(self, "_opened", None):
            warnings.warn(
                f'unclosed {self!r}; use the client in an "async with", or close() it',
                ResourceWarning,
                source=self,
            )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def _translated(request: Request, error: Exception, *, sent: bool, proxied: bool) -> TransportError:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
        reason = _reason(error)
        return failure(
            request, f"and this client do not agree on TLS ({reason}); check tls=TLS(...)", sent=False
        )
    sent = sent and not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ClientHttpProxyError)
    if isinstance(error, TimeoutError):
        return timed_out(request, sent=sent)
    if sent:
        return failure(request, f"broke the connection off ({type(error).__name__})", sent=True)
    if proxied:
        return failure(request, 'could not be reached through the proxy; check option "proxy"', sent=False)
    return failure(request, "could not be reached; check the domain and the network", sent=False)


def _reason(error: aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError) -> str:
    inner: object = getattr(error, "certificate_error", None) or getattr(error, "os_error", None)
    return str(getattr(inner, "reason", None) or type(inner).__name__).replace("_", " ").lower()


@hookimpl
def anyauth0_transport(options: ClientOptions) -> AsyncTransport:
    """Offer a transport over aiohttp."""
    return AiohttpTransport(
        tls=options.tls, proxy=options.proxy, max_response_bytes=options.max_response_bytes
    )
