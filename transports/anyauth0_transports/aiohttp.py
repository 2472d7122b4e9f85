"""Sends over aiohttp: asyncio, connections that stay open, nothing done behind your back."""

import asyncio
import io
import ssl
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from anyauth0 import TLS, AsyncTransport, ClientOptions, Request, Response, TransportError, hookimpl

from ._aiohttp_stream import AiohttpStream, close_streams
from ._messages import Body, bare, failure, joined, outgoing, refuse_encoding, timed_out
from ._proxies import Proxy, proxy_finder
from ._tls import ssl_context

__all__ = ["AiohttpTransport"]

_DEFAULT_LIMIT = 64 * 1024 * 1024
_CONNECTIONS = 256

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
        self._context: Any = None if tls is None else ssl_context(tls)
        self._proxy = proxy
        self._find_proxy: Callable[[str], Proxy | None] | None = None
        if isinstance(proxy, str):
            self._find_proxy = proxy_finder(proxy)
        self._limit = max_response_bytes
        self._given = session
        self._opened: dict[asyncio.AbstractEventLoop, _Opened] = {}
        self._streams: set[AiohttpStream] = set()

    async def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end (see `anyauth0.AsyncTransport`)."""
        return await self._attempt(request, self._exchange)

    async def open(self, request: Request, /) -> AiohttpStream:
        """Send `request` and return its answer without the body (see `anyauth0.AsyncStreamingTransport`).

        No limit of bytes counts for what is read from it.
        """
        return await self._attempt(request, self._connect)

    async def _attempt(self, request: Request, exchange: "Callable[[Request, _Progress], Awaitable[T]]") -> T:
        proxy = self._proxy_for(request.url)
        # What happens inside of somebody else's session is unknown, but for the errors that tell.
        progress = _Progress(proxy, sent=self._given is not None)
        try:
            # That of aiohttp rounds up to whole seconds.
            async with asyncio.timeout(request.timeout):
                return await exchange(request, progress)
        except TransportError as error:
            failed, cause = error, None
        except (aiohttp.ClientError, OSError) as error:
            failed = _translated(request, error, sent=progress.sent, proxied=proxy is not None)
            # These hold the headers that were sent, or that came, for all to see.
            telling = isinstance(error, aiohttp.ClientResponseError | aiohttp.ServerDisconnectedError)
            cause = None if telling else bare(error)
        raise bare(failed) from cause

    async def _exchange(self, request: Request, progress: "_Progress") -> Response:
        async with await self._begin(request, outgoing(request), progress) as answer:
            headers = joined(answer.headers.items())
            body = Body(request, headers, self._limit)
            async for piece in answer.content.iter_any():
                body.feed(piece)
            return Response(status=answer.status, headers=headers, body=body.whole())

    async def _connect(self, request: Request, progress: "_Progress") -> AiohttpStream:
        answer = await self._begin(request, outgoing(request) | {"accept-encoding": "identity"}, progress)
        try:
            headers = joined(answer.headers.items())
            refuse_encoding(request, headers)
        except BaseException:
            answer.close()
            raise
        return AiohttpStream(request, answer, headers, self._streams)

    async def _begin(
        self, request: Request, headers: dict[str, str], progress: "_Progress"
    ) -> aiohttp.ClientResponse:
        session = self._given or await self._session()
        proxy = progress.proxy
        # Lets the loop notice which of the idle connections the server has closed meanwhile: TLS takes a turn
        # more than TCP.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await session.request(
            request.method,
            URL(request.url, encoded=True),
            headers=headers | (proxy.headers if proxy and request.url.startswith("http:") else {}),
            # It warns of bytes that are many.
            data=None if request.body is None else io.BytesIO(request.body),
            allow_redirects=False,
            auto_decompress=False,
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
            timeout=aiohttp.ClientTimeout(total=None),
            proxy=None if proxy is None else proxy.url,
            proxy_headers=None if proxy is None else proxy.headers,
            trace_request_ctx=None if self._given else progress,
        )

    def _proxy_for(self, url: str) -> Proxy | None:
        if self._given is not None:
            return None
        if self._find_proxy is None:
            self._find_proxy = proxy_finder(self._proxy)
        return self._find_proxy(url)

    async def _session(self) -> aiohttp.ClientSession:
        """Return the session of the running loop."""
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is not None and not opened.session.closed:
            return opened.session
        self._drop_closed_loops()
        if self._context is None:
            self._context = ssl_context(None)
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_sent)
        connector = _Connector(self._context)
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trace_configs=[trace],
        )
        # aiohttp would send a GET again by itself; that is for the retries to decide.
        session._retry_connection = False  # pyright: ignore[reportPrivateUsage]
        opened = _Opened(session, connector, self._opened, self._streams)
        await anext(opened.keeper)
        return session

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


class _Connector(aiohttp.TCPConnector):
    """Knows every connection that it made, those too that hang while they are being closed."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(ssl=context, limit=_CONNECTIONS)  # pyright: ignore[reportUnknownMemberType]
        self._made: WeakKeyDictionary[ResponseHandler, asyncio.Transport] = WeakKeyDictionary()

    async def _create_connection(self, *args: Any, **more: Any) -> ResponseHandler:
        protocol = await super()._create_connection(*args, **more)
        if protocol.transport is not None:
            self._made[protocol] = protocol.transport
        return protocol

    def abort(self) -> None:
        """Drop what is left, without waiting for a farewell that may never come."""
        for transport in self._made.values():
            transport.abort()

    def drop(self) -> None:
        """Close the sockets of a loop that was closed before them: nothing can be awaited in it any more."""
        self._closed = True
        for transport in self._made.values():
            # Each step asks the loop to go on with the next, and is told that it is closed.
            with suppress(RuntimeError):
                transport.abort()
            raw: Any = getattr(getattr(transport, "_ssl_protocol", None), "_transport", transport)
            with suppress(RuntimeError, AttributeError):
                raw._call_connection_lost(None)


class _Opened:
    """The session of one loop, which is closed when the loop ends; it is in `all_` until then."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        connector: _Connector,
        all_: "dict[asyncio.AbstractEventLoop, _Opened]",
        streams: set[AiohttpStream],
    ) -> None:
        self.session = session
        self.connector = connector
        self.keeper = self._keep(all_, streams)

    async def _keep(
        self, all_: "dict[asyncio.AbstractEventLoop, _Opened]", streams: set[AiohttpStream]
    ) -> AsyncGenerator[None, None]:
        loop = asyncio.get_running_loop()
        all_[loop] = self
        # A loop closes its async generators before it ends.
        try:
            yield
        finally:
            all_.pop(loop, None)
            close_streams(streams, loop)
            await self.session.close()
            self.connector.abort()
            # The sockets are closed when the loop comes round again.
            await asyncio.sleep(0)
            await asyncio.sleep(0)


class _Progress:
    """Which way a request goes, and whether it may have reached the server."""

    __slots__ = ("proxy", "sent")

    def __init__(self, proxy: Proxy | None, *, sent: bool) -> None:
        self.proxy = proxy
        self.sent = sent


async def _note_sent(
    session: aiohttp.ClientSession, context: Any, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    context.trace_request_ctx.sent = True


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
