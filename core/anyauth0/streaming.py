"""Endpoints that never end: a method that is an iterator of events, connected again when the line breaks."""

from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

import msgspec

from ._json import as_object, as_text, parse
from .endpoint import Async, Call, EndpointFacts, Resource, Sync
from .errors import ConfigurationError, EventStreamError, TransportError, api_error
from .flow import Flow, compose, perform, sleep
from .iteration import IterationBound, Steps
from .messages import Event, Request, Response
from .sse import Message, Parser

if TYPE_CHECKING:
    from .client import Core

P = ParamSpec("P")
E = TypeVar("E")

__all__ = ["Event", "StreamEndpoint", "subscription"]

_SILENCE = 60.0
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
# Where the server asks for it.
_LONGEST_RETRY = 300.0
_LONGEST_REFUSAL = 1024 * 1024
# After these the server has nothing against going on.
_GOES_ON = frozenset({"timeout", "connection_timeout"})


class StreamEndpoint(EndpointFacts[P, E], Generic[P, E]):
    """An endpoint that answers events for as long as one listens (see `subscription`)."""

    bound = IterationBound

    def start(
        self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Steps[list[Event]]:
        """Check the arguments and return the steps."""
        core: Core = resource._core  # pyright: ignore[reportPrivateUsage]
        return _listen(core, self, self.call(resource, args, kwargs))

    @overload
    def __get__(self, instance: None, owner: type) -> "StreamEndpoint[P, E]": ...
    @overload
    def __get__(self, instance: Resource[Sync], owner: type) -> Callable[P, Iterator[E]]: ...
    @overload
    def __get__(self, instance: Resource[Async], owner: type) -> Callable[P, AsyncIterator[E]]: ...
    @overload
    def __get__(self, instance: Resource[Any], owner: type) -> Callable[P, Any]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else self.bound(self, instance)


def subscription(
    method: str, path: str, *, scopes: tuple[str, ...] = (), lifecycle: str = "GA"
) -> Callable[[Callable[Concatenate[Any, P], Call[E]]], StreamEndpoint[P, E]]:
    """Make an iterator of a method that returns a `Call` of the events that it answers."""

    def decorate(function: Callable[Concatenate[Any, P], Call[E]]) -> StreamEndpoint[P, E]:
        return StreamEndpoint(function, method, path, scopes=scopes, lifecycle=lifecycle)

    return decorate


def _listen(core: "Core", endpoint: EndpointFacts[..., Any], call: Call[Any]) -> Steps[list[Event]]:
    """Yield a flow for whatever comes next; what breaks is opened again after the last event that came."""
    pause, query = 0.0, dict(call.query)
    line = _Line(core)
    try:
        while True:
            yield line.open(endpoint, msgspec.structs.replace(call, query=query), pause)
            pause = min(max(_FIRST_PAUSE, pause * 2), _LONGEST_PAUSE)
            while line.connected:
                if (yield line.read()):
                    pause = 0.0
                if line.offset is not None:
                    # Either says where to begin; the server takes one of them.
                    query.pop("from_timestamp", None)
                    query["from"] = line.offset
            pause = max(pause, min(line.retry or 0.0, _LONGEST_RETRY))
    finally:
        line.close()


class _Line:
    """A connection that events come over."""

    def __init__(self, core: "Core") -> None:
        self.offset: str | None = None
        self.retry: float | None = None
        self._core = core
        self._stream: Any = None
        self._parser = Parser()
        self._refusal: EventStreamError | None = None

    @property
    def connected(self) -> bool:
        return self._stream is not None

    def open(self, endpoint: EndpointFacts[..., Any], call: Call[Any], pause: float) -> Flow[list[Event]]:
        """Connect after `pause` seconds. Returns no event."""
        if pause:
            yield from sleep(pause)
        self._parser = Parser()
        self._stream = yield from _open(self._core, endpoint, call)
        return []

    def read(self) -> Flow[list[Event]]:
        """Return the events that have come. At the end, and when nothing comes, the line is cut.

        Raises `EventStreamError` when the server has ended the events, after those that came before.
        """
        if self._refusal is not None:
            raise self._refusal
        try:
            data: bytes = yield from _io(self._core, partial(self._stream.read, _SILENCE))
        except TransportError:
            data = b""
        messages = self._parser.feed(data)
        self.retry = self._parser.retry
        events: list[Event] = []
        for message in messages:
            events += self._events(message)
            if self._refusal is not None:
                # What came before it is handed out first.
                return events
        if self._parser.refused:
            self._refusal = EventStreamError(
                'the server sent an event of more than 4 MiB; ask for fewer kinds by "event_type"',
                code="payload_too_large",
                offset=self.offset,
            )
        elif not data:
            self.close()
        return events

    def _events(self, message: Message) -> list[Event]:
        body = as_object(parse(message.data.encode()))
        error = as_object(body.get("error"))
        offset = as_text(body.get("offset")) or as_text(error.get("offset")) or message.id
        self.offset = offset or self.offset
        kind = as_text(body.get("type")) or message.event
        if kind == "error":
            code = as_text(error.get("code")) or "unknown"
            if code not in _GOES_ON:
                reason = (as_text(error.get("message")) or code)[:200]
                self._refusal = EventStreamError(
                    f'the server ended the events: {reason}; go on with from_="..." of the last offset',
                    code=code,
                    offset=offset,
                )
            return []
        if "event" in body:
            return [Event(type=kind, offset=offset, event=as_object(body["event"]))]
        # Of a message that says no more than where it is there is nothing to hand out.
        known = kind == "offset-only"
        return [] if known else [Event(type=kind, offset=offset, event={"data": message.data})]

    def close(self) -> None:
        """Let go of the connection, if there is one."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def _io(core: "Core", function: Callable[[], Any]) -> Flow[Any]:
    """Call a function of the transport, or await it."""
    return perform(asynchronous=function) if core.options.asynchronous else perform(function)


def _open(core: "Core", endpoint: EndpointFacts[..., Any], call: Call[Any]) -> Flow[Any]:
    """Send `call` through the pipeline and return its answer once the headers are there.

    Raises `ApiError` for an answer that is not 2xx, and `ConfigurationError` over a transport that cannot
    stream.
    """
    transport = core.session.driver.transport
    if not hasattr(transport, "open"):
        raise ConfigurationError(
            "transport",
            f'{endpoint.title} needs a transport that streams (that has a method "open"): '
            '"urllib3", "http_client", "aiohttp" or "local"',
        )
    streams: list[Any] = []

    def connect(request: Request) -> Flow[Response]:
        opened = yield from _io(core, partial(transport.open, request))
        body = b""
        if 200 <= opened.status < 300:
            streams.append(opened)
        else:
            body = yield from _rest(core, opened, request)
        return Response(status=opened.status, headers=opened.headers, body=body)

    request, _ = core.request(endpoint, call)
    headers = {**request.headers, "accept": "text/event-stream", "accept-encoding": "identity"}
    request = msgspec.structs.replace(request, headers=headers)
    try:
        response = yield from compose(core.layers, connect)(request)
        if not streams or not 200 <= response.status < 300:
            raise api_error(core.family, response, call=request.endpoint)
    except BaseException:
        for opened in streams:
            opened.close()
        raise
    for opened in streams[:-1]:
        opened.close()
    return streams[-1]


def _rest(core: "Core", opened: Any, request: Request) -> Flow[bytes]:
    """Return the body of a refusal, as far as it is of use."""
    body = b""
    end = None if request.timeout is None else monotonic() + request.timeout
    try:
        while len(body) < _LONGEST_REFUSAL:
            left = None if end is None else max(0.0, end - monotonic())
            piece: bytes = yield from _io(core, partial(opened.read, left))
            if not piece:
                break
            body += piece
    except TransportError:
        # What came of it says enough; the status is known.
        pass
    finally:
        opened.close()
    return body
