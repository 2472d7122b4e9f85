"""The connections of one event loop, kept by aiohttp, and an exchange over one of them."""

import asyncio
import select
import ssl
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from multidict import CIMultiDict
from yarl import URL

from anyauth0 import Request, Response

from ._aiohttp_stream import AiohttpStream, close_streams
from ._connect import address
from ._messages import Body, joined
from ._route import Route
from ._wire import message

__all__ = ["Connections", "Progress", "note_sent"]

_CONNECTIONS = 256
_PIECE = 64 * 1024
_NO_LIMIT = aiohttp.ClientTimeout(total=None)


class Progress:
    """Whether a request may have reached the server."""

    __slots__ = ("sent",)

    def __init__(self, *, sent: bool) -> None:
        self.sent = sent


async def note_sent(
    session: aiohttp.ClientSession, context: Any, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    """Note of a request that goes through a session that it has left."""
    context.trace_request_ctx.sent = True


class Connections:
    """The connections of one loop, which are closed when the loop ends; they are in `all_` until then."""

    def __init__(
        self,
        context: ssl.SSLContext,
        all_: "dict[asyncio.AbstractEventLoop, Connections]",
        streams: set[AiohttpStream],
    ) -> None:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(note_sent)
        self.connector = _Connector(context)
        self.session = aiohttp.ClientSession(
            connector=self.connector, cookie_jar=aiohttp.DummyCookieJar(), trace_configs=[trace]
        )
        # aiohttp would send a GET again by itself; that is for the retries to decide.
        self.session._retry_connection = False  # pyright: ignore[reportPrivateUsage]
        self.keeper = self._keep(all_, streams)
        self._ways: dict[Route, aiohttp.ClientRequest] = {}

    async def _keep(
        self, all_: "dict[asyncio.AbstractEventLoop, Connections]", streams: set[AiohttpStream]
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

    async def exchange(
        self, request: Request, route: Route, headers: dict[str, str], progress: Progress, limit: int | None
    ) -> Response:
        """Send `request` and read its answer to the end.

        A session of aiohttp takes longer for it than all the rest of a call.
        """
        headers = {"host": route.netloc, **headers, **route.proxied_headers}
        data = message(request.method, route.target(request.url), headers, request.body)
        connection = await self._connect(route)
        try:
            protocol, transport = connection.protocol, connection.transport
            assert protocol is not None
            assert transport is not None
            protocol.set_response_params(
                skip_payload=request.method == "HEAD",
                read_until_eof=True,
                auto_decompress=False,
                read_bufsize=_PIECE,
            )
            progress.sent = True
            transport.write(data)
            head, content = await protocol.read()
            while 100 <= head.code < 200 and head.code != 101:
                head, content = await protocol.read()
            fields = joined(head.headers.items())
            body = Body(request, fields, limit)
            while not content.at_eof():
                body.feed(await content.readany())
            whole = body.whole()
        except BaseException:
            # Half an answer makes the connection useless for the next one.
            connection.close()
            raise
        connection.release()
        return Response(status=head.code, headers=fields, body=whole)

    async def _connect(self, route: Route) -> Connection:
        way = self.way(route)
        while True:
            connection = await self.connector.connect(way, [], _NO_LIMIT)
            protocol = connection.protocol
            assert protocol is not None
            if protocol in self.connector.fresh or _is_quiet(protocol.transport):
                return connection
            connection.close()

    def way(self, route: Route) -> aiohttp.ClientRequest:
        """Return what aiohttp takes for a way to a host. Raises `OSError` for a URL without one."""
        return self._ways.get(route) or self._ways.setdefault(route, self._new_way(route))

    def _new_way(self, route: Route) -> aiohttp.ClientRequest:
        host, port = address(f"{route.scheme}://{route.netloc}")
        url = URL.build(scheme=route.scheme, host=host, port=port)
        proxy = None if route.proxy is None else URL(route.proxy.url)
        way = aiohttp.ClientRequest(
            "GET", url, loop=asyncio.get_running_loop(), session=self.session, ssl=True, proxy=proxy
        )
        if route.proxy is not None:
            # aiohttp adds the host when it connects, and would not find the connection by the others alone.
            way.proxy_headers = CIMultiDict({**route.proxy.headers, "Host": way.headers["Host"]})
        return way


def _is_quiet(transport: asyncio.BaseTransport | None) -> bool:
    """Return whether the server has neither closed the connection nor said anything on it unasked.

    The loop may not have come round to notice it.
    """
    sock: Any = None if transport is None else transport.get_extra_info("socket")
    number = -1 if sock is None else sock.fileno()
    if number < 0:
        return False
    if _poll is None:
        return not select.select([number], [], [], 0)[0]
    poll = _poll()
    poll.register(number, select.POLLIN)
    return not poll.poll(0)


_poll = getattr(select, "poll", None)


class _Connector(aiohttp.TCPConnector):
    """Knows every connection that it made, those too that hang while they are being closed."""

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(ssl=context, limit=_CONNECTIONS)  # pyright: ignore[reportUnknownMemberType]
        self._made: WeakKeyDictionary[ResponseHandler, asyncio.Transport] = WeakKeyDictionary()
        self.fresh: set[ResponseHandler] = set()
        """Those that carry their first request: TLS may have more to say on them."""

    def _release(self, key: Any, protocol: ResponseHandler, **more: Any) -> None:
        self.fresh.discard(protocol)
        super()._release(key, protocol, **more)

    async def _create_connection(self, *args: Any, **more: Any) -> ResponseHandler:
        protocol = await super()._create_connection(*args, **more)
        self.fresh.add(protocol)
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
