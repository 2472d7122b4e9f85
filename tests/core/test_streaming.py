"""Events come in order and each once, over a line that breaks, refuses, falls silent, and is let go."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from anyauth0 import (
    AsyncManagementClient,
    Auth0Error,
    ConfigurationError,
    Event,
    EventStreamError,
    InvalidArgumentError,
    ManagementClient,
    NotFound,
    Request,
    Response,
    RetryPolicy,
    TransportError,
    TransportTimeout,
    Unauthorized,
    hookimpl,
)
from anyauth0.errors import ManagementApiError

from .fakes import DOMAIN, Asynchronous, Blocking, Kind, json

SECRET = "canary-secret"


class Line:
    """A scripted answer: what each read gives, then the end."""

    def __init__(self, *pieces: bytes | Exception, status: int = 200, **headers: str) -> None:
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pieces = list(pieces)
        self.waits: list[float | None] = []
        self.closed = 0

    def take(self, seconds: float | None) -> bytes:
        assert not self.closed, "it is read after it was closed"
        self.waits.append(seconds)
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, Exception):
            raise piece
        return piece

    def close(self) -> None:
        self.closed += 1


class BlockingLine(Line):
    def read(self, seconds: float | None) -> bytes:
        return self.take(seconds)


class AsynchronousLine(Line):
    async def read(self, seconds: float | None) -> bytes:
        await asyncio.sleep(0)
        return self.take(seconds)


class BlockingStreams(Blocking):
    """A blocking transport that streams: by `lines`, each of them a `Line` or an exception."""

    lines: list[Any]
    opened: list[Request]

    def next(self, request: Request) -> Any:
        self.opened.append(request)
        line = self.lines.pop(0)
        if isinstance(line, Exception):
            raise line
        return line

    def open(self, request: Request, /) -> Any:
        return self.next(request)


class AsynchronousStreams(Asynchronous):
    """An asyncio transport that streams (see `BlockingStreams`)."""

    next = BlockingStreams.next

    async def open(self, request: Request, /) -> Any:
        await asyncio.sleep(0)
        return self.next(request)


class Stage:
    """A client over lines that a test scripts, and what came of it."""

    def __init__(self, kind: Kind, pauses: list[float]) -> None:
        self.kind = kind
        self.pauses = pauses
        self.line: Callable[..., Any] = AsynchronousLine if kind.asynchronous else BlockingLine
        self.transport: Any = (AsynchronousStreams if kind.asynchronous else BlockingStreams)()
        self.transport.opened = []
        self.transport.lines = []

    def script(self, *lines: Any) -> None:
        self.transport.lines = list(lines)

    def events(self, *, client: Any = None, **query: Any) -> Any:
        client = client or self.kind.management_client(self.transport)
        return client.events.subscribe(**query)

    def listen(self, most: int, **query: Any) -> list[Any]:
        """Return the first events."""
        return self.kind.collect(self.events(**query), most)

    def until(self, error: type[Exception], **query: Any) -> tuple[list[Any], Any]:
        """Return the events that came before the error, and that."""
        found: list[Any] = []
        with pytest.raises(error) as caught:
            self.kind.drain(self.events(**query), found)
        return found, caught.value

    @property
    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(request.url).query) for request in self.transport.opened]


@pytest.fixture
def stage(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> Stage:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def pause(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("anyauth0.blocking.time.sleep", pauses.append)
    monkeypatch.setattr("anyauth0.aio.asyncio.sleep", pause)
    return Stage(kind, pauses)


def event(number: int, kind: str = "user.created") -> bytes:
    message = {"type": kind, "offset": str(number), "event": {"id": f"evt_{number}"}}
    return message_of(message)


def message_of(data: Any, head: str = "") -> bytes:
    return f"{head}data: {msgspec.json.encode(data).decode()}\n\n".encode()


def refusal(code: str, message: str = "why", **more: str) -> bytes:
    return message_of({"type": "error", "error": {"code": code, "message": message, **more}})


BREAK = TransportError("the connection broke", request_sent=True)
SILENCE = TransportTimeout("nothing came", request_sent=True)


def offsets(events: list[Any]) -> list[str | None]:
    return [found.offset for found in events]


def gone(stage: Stage) -> Any:
    """Return a line that ends it all."""
    return stage.line(b'{"message":"The cursor is too old"}', status=410)


# What comes


def test_an_event_is_what_the_server_says(stage: Stage) -> None:
    happened = {"specversion": "1.0", "type": "user.created", "data": {"object": {"user_id": "auth0|1"}}}
    stage.script(stage.line(message_of({"type": "user.created", "offset": "7", "event": happened})))
    assert stage.listen(1) == [Event(type="user.created", offset="7", event=happened)]


def test_events_come_in_order_wherever_the_bytes_are_cut(stage: Stage) -> None:
    data = b"".join(event(number) for number in range(1, 6))
    stage.script(stage.line(*(data[start : start + 7] for start in range(0, len(data), 7))))
    assert offsets(stage.listen(5)) == ["1", "2", "3", "4", "5"]


def test_the_names_of_the_protocol_stand_in_for_what_a_message_does_not_say(stage: Stage) -> None:
    stage.script(stage.line(b"event: odd\nid: 3\ndata: not json\n\n", message_of({"event": {}}, "id: 4\n")))
    assert stage.listen(2) == [
        Event(type="odd", offset="3", event={"data": "not json"}),
        Event(type="message", offset="4", event={}),
    ]


def test_the_request_is_one_for_events_with_the_token(stage: Stage) -> None:
    stage.script(stage.line(event(1)))
    stage.listen(1, from_timestamp="2026-11-24T00:00:00Z", event_type=["user.created", "user.deleted"])
    (request,) = stage.transport.opened
    assert request.url.startswith(f"https://{DOMAIN}/api/v2/events?")
    assert request.method == "GET"
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["authorization"] == "Bearer token"
    assert stage.queries == [
        {"from_timestamp": ["2026-11-24T00:00:00Z"], "event_type": ["user.created", "user.deleted"]}
    ]
    assert stage.transport.requests == []


def test_nothing_is_opened_before_the_first_event_is_asked_for(stage: Stage) -> None:
    stage.events()
    assert stage.transport.opened == []
    with pytest.raises(InvalidArgumentError, match='did you mean "from_"'):
        stage.events(form_="1")


# Lines that break


@pytest.mark.parametrize("end", [(), (BREAK,), (SILENCE,)], ids=["ended", "broken", "silent"])
def test_each_event_comes_once_over_lines_that_end(stage: Stage, end: tuple[Exception, ...]) -> None:
    first = stage.line(event(1), event(2), *end)
    # Half an event is none; the server sends it again.
    second = stage.line(event(3) + event(4)[:20], *end)
    third = stage.line(event(4), event(5))
    stage.script(first, second, third)
    assert offsets(stage.listen(5)) == ["1", "2", "3", "4", "5"]
    assert [query.get("from") for query in stage.queries] == [None, ["2"], ["3"]]
    assert [line.closed for line in (first, second, third)] == [1, 1, 1]
    assert set(first.waits) == {60.0}


def test_after_an_event_it_goes_on_from_there_and_not_from_a_time(stage: Stage) -> None:
    begin = "2026-11-24T00:00:00Z"
    stage.script(stage.line(), stage.line(event(1)), stage.line(event(2)))
    stage.listen(2, from_timestamp=begin, event_type=["user.created"])
    assert stage.queries == [
        {"from_timestamp": [begin], "event_type": ["user.created"]},
        {"from_timestamp": [begin], "event_type": ["user.created"]},
        {"from": ["1"], "event_type": ["user.created"]},
    ]


def test_an_offset_without_an_event_counts_and_is_not_handed_out(stage: Stage) -> None:
    at = message_of({"type": "offset-only", "offset": "41"})
    stage.script(stage.line(at), stage.line(event(42)))
    assert offsets(stage.listen(1, from_="7")) == ["42"]
    assert [query["from"] for query in stage.queries] == [["7"], ["41"]]


def test_pauses_grow_while_nothing_comes_and_begin_anew_after_an_event(stage: Stage) -> None:
    at = stage.line(message_of({"type": "offset-only", "offset": "1"}))
    empty = [stage.line() for _ in range(7)]
    stage.script(*empty, at, stage.line(event(2)), stage.line(), stage.line(), gone(stage))
    stage.until(ManagementApiError)
    assert stage.pauses == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 0.5, 1.0]


@pytest.mark.parametrize(("asked", "pause"), [("2000", 2.0), ("100", 0.5), ("99999999", 300.0)])
def test_the_server_may_ask_for_a_longer_pause_but_not_for_ever(
    stage: Stage, asked: str, pause: float
) -> None:
    stage.script(stage.line(f"retry: {asked}\n\n".encode()), gone(stage))
    stage.until(ManagementApiError)
    assert stage.pauses == [pause]


# What the server refuses


@pytest.mark.parametrize("code", ["timeout", "connection_timeout"])
def test_a_server_that_grew_tired_is_asked_again(stage: Stage, code: str) -> None:
    stage.script(stage.line(event(1), refusal(code, offset="5")), stage.line(event(6)))
    assert offsets(stage.listen(2)) == ["1", "6"]
    assert stage.queries[1] == {"from": ["5"]}


@pytest.mark.parametrize("code", ["invalid_cursor", "cursor_expired", "payload_too_large", "new_in_2027"])
def test_an_error_is_raised_after_the_events_before_it(stage: Stage, code: str) -> None:
    line = stage.line(event(1) + event(2) + refusal(code, "It is over", offset="9") + event(3))
    stage.script(line)
    found, error = stage.until(EventStreamError)
    assert offsets(found) == ["1", "2"]
    assert (error.code, error.offset) == (code, "9")
    assert "It is over" in str(error)
    assert "from_=" in str(error)
    assert line.closed == 1
    assert len(stage.transport.opened) == 1


def test_an_error_may_say_little_or_much(stage: Stage) -> None:
    stage.script(stage.line(b'data: {"type":"error"}\n\n'))
    _, error = stage.until(EventStreamError)
    assert (error.code, error.offset) == ("unknown", None)
    stage.script(stage.line(refusal("invalid_cursor", "x" * 5000)))
    assert len(str(stage.until(EventStreamError)[1])) <= 300


def test_an_event_that_is_too_long_is_an_error_after_those_before_it(stage: Stage) -> None:
    line = stage.line(event(1) + b"data: ", *[bytes(1024 * 1024)] * 5, event(2))
    stage.script(line)
    found, error = stage.until(EventStreamError)
    assert offsets(found) == ["1"]
    assert (error.code, error.offset) == ("payload_too_large", "1")
    assert line.closed == 1


@pytest.mark.parametrize(
    ("status", "error"), [(400, ManagementApiError), (404, NotFound), (410, ManagementApiError)]
)
def test_an_answer_that_is_none_raises_what_the_server_says(
    stage: Stage, status: int, error: type[Exception]
) -> None:
    body = [b'{"statusCode":%d,' % status, b'"message":"The cursor is too old"}']
    refused = stage.line(*body, status=status)
    stage.script(stage.line(event(1)), refused)
    found, caught = stage.until(error)
    assert offsets(found) == ["1"]
    assert caught.status == status
    assert "The cursor is too old" in str(caught)
    assert refused.closed == 1


def test_a_refusal_is_told_however_its_body_ends(stage: Stage) -> None:
    for rest in ((BREAK,), (SILENCE,), tuple(bytes(100_000) for _ in range(1000))):
        refused = stage.line(b'{"message":', *rest, status=404)
        stage.script(refused)
        stage.until(NotFound)
        assert refused.closed == 1
        assert len(refused.waits) < 20
        assert all(wait is not None for wait in refused.waits)


def test_a_line_that_cannot_be_opened_is_an_error(stage: Stage) -> None:
    stage.script(stage.line(event(1)), TransportError("no such host", request_sent=False))
    found, _ = stage.until(TransportError)
    assert offsets(found) == ["1"]


# What stands around it


def with_secret(stage: Stage, **options: Any) -> Any:
    """Return a client that fetches its tokens, over the lines of the stage."""
    numbers = iter(range(1, 10))
    stage.transport.otherwise = lambda _: json({"access_token": f"t{next(numbers)}", "expires_in": 86400})
    options = {"client_id": "c", "client_secret": SECRET, "token": None, **options}
    return stage.kind.management_client(stage.transport, **options)


def test_a_token_that_is_refused_is_fetched_anew(stage: Stage) -> None:
    stale = stage.line(b'{"message":"Expired token"}', status=401)
    stage.script(stage.line(event(1)), stale, stage.line(event(2)))
    found = stage.kind.collect(stage.events(client=with_secret(stage)), 2)
    assert offsets(found) == ["1", "2"]
    sent = [request.headers["authorization"] for request in stage.transport.opened]
    assert sent == ["Bearer t1", "Bearer t1", "Bearer t2"]
    assert stage.queries[2] == {"from": ["1"]}
    assert stale.closed == 1


def test_a_token_that_is_refused_twice_is_an_error(stage: Stage) -> None:
    lines = [stage.line(b"{}", status=401) for _ in range(2)]
    stage.script(*lines)
    with pytest.raises(Unauthorized):
        stage.kind.collect(stage.events(client=with_secret(stage)), 1)
    assert [line.closed for line in lines] == [1, 1]


def test_opening_is_tried_again_as_the_client_tries_again(stage: Stage) -> None:
    busy = stage.line(b"{}", status=429, retry_after="3")
    broken = TransportError("refused", request_sent=False)
    stage.script(busy, broken, stage.line(event(1)))
    policy = RetryPolicy(retries=3)
    client = stage.kind.management_client(stage.transport, retry=policy, random=lambda: 1.0)
    assert offsets(stage.kind.collect(stage.events(client=client), 1)) == ["1"]
    assert stage.pauses == [3.0, min(policy.max_delay, policy.first_delay * 2)]
    assert busy.closed == 1


def test_each_attempt_to_open_has_the_timeout_of_the_client(stage: Stage) -> None:
    stage.script(stage.line(event(1)))
    stage.kind.collect(stage.events(client=stage.kind.management_client(stage.transport, timeout=7)), 1)
    assert stage.transport.opened[0].timeout == 7


class Plugin:
    """Offers one middleware for a call."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    @hookimpl
    def anyauth0_middleware(self) -> Any:
        return [self.layer]


def test_a_line_is_closed_when_what_stands_around_it_fails(stage: Stage) -> None:
    def failing(request: Request, inner: Any) -> Any:
        yield from inner(request)
        raise LookupError("of the user's own")

    def replacing(request: Request, inner: Any) -> Any:
        yield from inner(request)
        return Response(status=404, body=b"{}")

    def twice(request: Request, inner: Any) -> Any:
        yield from inner(request)
        return (yield from inner(request))

    for middleware, error in ((failing, LookupError), (replacing, NotFound)):
        line = stage.line(event(1))
        stage.script(line)
        client = stage.kind.management_client(stage.transport, plugins=[Plugin(middleware)])
        with pytest.raises(error):
            stage.kind.collect(stage.events(client=client), 1)
        assert line.closed == 1
    first, second = stage.line(event(1)), stage.line(event(2))
    stage.script(first, second)
    client = stage.kind.management_client(stage.transport, plugins=[Plugin(twice)])
    assert offsets(stage.kind.collect(stage.events(client=client), 1)) == ["2"]
    assert (first.closed, second.closed) == (1, 1)


def test_a_transport_that_does_not_stream_is_refused_with_the_mend(kind: Kind) -> None:
    transport = kind.transport()
    with pytest.raises(ConfigurationError, match='a method "open"') as caught:
        kind.collect(kind.management_client(transport).events.subscribe(), 1)
    assert caught.value.option == "transport"
    assert '"urllib3", "http_client", "aiohttp" or "local"' in str(caught.value)
    assert transport.requests == []


def test_a_client_that_is_closed_opens_no_line(stage: Stage) -> None:
    client = stage.kind.management_client(stage.transport)
    events = stage.events(client=client)
    stage.kind.do(client.close)
    with pytest.raises(Auth0Error, match="closed"):
        stage.kind.collect(events, 1)
    assert stage.transport.opened == []


# Who stops


def test_who_stops_early_has_the_line_closed(stage: Stage) -> None:
    line = stage.line(event(1) + event(2), event(3))
    stage.script(line)
    assert offsets(stage.listen(1)) == ["1"]
    assert line.closed == 1


def test_a_loop_that_raises_has_the_line_closed(stage: Stage) -> None:
    line = stage.line(event(1), event(2))
    stage.script(line)

    def blocking() -> None:
        for _ in stage.events():
            raise LookupError("of the user's own")

    async def asynchronous() -> None:
        events = stage.events()
        try:
            async for _ in events:
                raise LookupError("of the user's own")
        finally:
            await events.aclose()

    with pytest.raises(LookupError):
        stage.kind.do(asynchronous if stage.kind.asynchronous else blocking)
    assert line.closed == 1


@pytest.mark.parametrize("where", ["open", "read", "pause"])
def test_a_task_that_is_cancelled_leaves_no_line_open(where: str) -> None:
    class Waiting(AsynchronousLine):
        def close(self) -> None:
            super().close()
            ended.set()

        async def read(self, seconds: float | None) -> bytes:
            return await super().read(seconds) if self.pieces else await wait("read")

    async def wait(place: str) -> bytes:
        if place == where:
            reached.set()
            await asyncio.get_running_loop().create_future()
        return b""

    class Transport(AsynchronousStreams):
        async def open(self, request: Request, /) -> Any:
            await wait("open")
            return await super().open(request)

    async def main() -> None:
        async with AsyncManagementClient(domain=DOMAIN, token="t", transport=transport) as client:
            task = asyncio.create_task(consume(client))
            if where == "pause":
                # It waits for half a second when the line has ended; long before that it is cancelled.
                await ended.wait()
                await asyncio.sleep(0)
            else:
                await reached.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    async def consume(client: Any) -> None:
        async for _ in client.events.subscribe():
            pass

    reached, ended = asyncio.Event(), asyncio.Event()
    line = Waiting(message_of({"type": "offset-only", "offset": "1"}))
    transport = Transport()
    transport.opened, transport.lines = [], [line]
    asyncio.run(main())
    assert line.closed == (0 if where == "open" else 1)


def test_nothing_secret_is_in_what_is_shown(stage: Stage) -> None:
    client = with_secret(stage)
    stage.script(stage.line(refusal("cursor_expired")))
    events = stage.events(client=client)
    with pytest.raises(EventStreamError) as caught:
        stage.kind.collect(events, 1)
    for shown in (repr(events), repr(caught.value), str(caught.value)):
        assert SECRET not in shown
        assert "t1" not in shown.split()


def test_it_is_an_iterator_of_its_kind(stage: Stage) -> None:
    events = stage.events()
    assert hasattr(events, "__anext__" if stage.kind.asynchronous else "__next__")
    client = AsyncManagementClient if stage.kind.asynchronous else ManagementClient
    assert list(inspect.signature(client(domain=DOMAIN, token="t").events.subscribe).parameters) == [
        "from_", "from_timestamp", "event_type",
    ]  # fmt: skip
