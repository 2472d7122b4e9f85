"""Many calls at a time: in order, none lost, none twice, each failure at its row."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import (
    AsyncManagementClient,
    Forbidden,
    InvalidArgumentError,
    ManagementClient,
    NotFound,
    Request,
    Response,
    TransportError,
)
from anyauth0.fan_out import MapProgress, Outcome

from .fakes import DOMAIN, KINDS, Kind, json, things


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


def name_of(request: Request) -> str:
    return request.url.rpartition("/")[2]


def echo(request: Request) -> Response:
    return json({"id": name_of(request)})


class Crowd:
    """A transport that counts who is inside at the same time, and lets nobody out until so many are."""

    def __init__(self, answer: Callable[[Request], Response] = echo, meet: int = 1) -> None:
        self.answer = answer
        self.inside = self.most = 0
        self.names: list[str] = []
        self._guard = threading.Condition()
        self._met = asyncio.Event()
        self._meet = meet

    def _enter(self, request: Request) -> None:
        self.names.append(name_of(request))
        self.inside += 1
        self.most = max(self.most, self.inside)

    def close(self) -> None: ...


class Blocking(Crowd):
    def send(self, request: Request, /) -> Response:
        with self._guard:
            self._enter(request)
            self._guard.notify_all()
            assert self._guard.wait_for(lambda: self.most >= self._meet, 20)
            self.inside -= 1
        return self.answer(request)


class Asynchronous(Crowd):
    async def send(self, request: Request, /) -> Response:
        self._enter(request)
        if self.most >= self._meet:
            self._met.set()
        await self._met.wait()
        self.inside -= 1
        return self.answer(request)

    async def close(self) -> None: ...


def crowd(kind: Kind, *args: Any, **kwargs: Any) -> Any:
    return (Asynchronous if kind.asynchronous else Blocking)(*args, **kwargs)


def outcomes(kind: Kind, client: Any, method: Any, rows: Any, **options: Any) -> list[Outcome[Any, Any]]:
    return kind.collect(client.map(method, rows, **options))


@pytest.mark.parametrize("concurrency", [1, 2, 8, 50])
def test_each_row_is_called_once_and_the_outcomes_are_in_order(kind: Kind, concurrency: int) -> None:
    transport = crowd(kind)
    client = kind.management_client(transport)
    rows = [str(number) for number in range(200)]
    found = outcomes(kind, client, things(client).get, rows, concurrency=concurrency)
    assert [each.index for each in found] == list(range(200))
    assert [each.row for each in found] == rows
    assert [each.result().data.id for each in found] == rows
    assert sorted(transport.names, key=int) == rows
    assert transport.most <= concurrency


def test_so_many_are_under_way_at_the_same_time_and_no_more(kind: Kind) -> None:
    transport = crowd(kind, meet=6)
    client = kind.management_client(transport)
    found = outcomes(kind, client, things(client).get, map(str, range(30)), concurrency=6)
    assert len(found) == 30
    assert transport.most == 6


def test_a_failure_is_the_outcome_of_its_row_and_the_others_go_on(kind: Kind) -> None:
    def answer(request: Request) -> Response:
        if name_of(request) == "3":
            return json({"error": "Not Found"}, status=404)
        if name_of(request) == "5":
            raise TransportError("the line was cut", request_sent=True)
        if name_of(request) == "6":
            raise ZeroDivisionError
        return echo(request)

    client = kind.management_client(crowd(kind, answer))
    found = outcomes(kind, client, things(client).get, [*map(str, range(8)), "", 8], concurrency=3)
    errors = {each.index: type(each.error).__name__ for each in found if each.error is not None}
    assert errors == {
        3: "NotFound",
        5: "TransportError",
        6: "ZeroDivisionError",
        8: "InvalidArgumentError",
        9: "InvalidArgumentError",
    }
    with pytest.raises(NotFound):
        found[3].result()
    assert [each.result().data.id for each in found[:3]] == ["0", "1", "2"]


def test_a_row_is_one_argument_or_several_or_has_names(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({}))
    client = kind.management_client(transport)
    get = things(client).get
    rows = ["a", ("b",), {"id": "c", "fields": "d"}, {"fields": "e"}, ("f", "g"), {"id": "h", "field": "i"}]
    found = outcomes(kind, client, get, rows, concurrency=1)
    assert [url.partition("/v2")[2] for url in transport.urls] == [
        "/things/a",
        "/things/b",
        "/things/c?fields=d",
    ]
    said = [str(each.error) for each in found[3:]]
    assert ['"id"' in said[0], '"field"' in said[2]] == [True, True]
    assert all(isinstance(each.error, InvalidArgumentError) for each in found[3:])


def test_the_rows_are_not_changed(kind: Kind) -> None:
    client = kind.management_client(crowd(kind))
    row = {"id": "a", "fields": "b"}
    outcomes(kind, client, things(client).get, [row])
    assert row == {"id": "a", "fields": "b"}


def test_an_operation_of_several_calls_will_do(kind: Kind) -> None:
    def answer(request: Request) -> Response:
        return json({"id": name_of(request), "status": "completed", "type": "users_import"})

    client = kind.management_client(crowd(kind, answer))
    found = outcomes(kind, client, client.jobs.wait, ["job_1", "job_2"])
    assert [each.result().id for each in found] == ["job_1", "job_2"]


def test_rows_are_read_as_they_are_needed(kind: Kind) -> None:
    read: list[int] = []

    def rows() -> Iterator[str]:
        for number in range(1000):
            read.append(number)
            yield str(number)

    client = kind.management_client(crowd(kind))
    found = kind.collect(client.map(things(client).get, rows(), concurrency=2), most=5)
    assert [each.row for each in found] == ["0", "1", "2", "3", "4"]
    assert len(read) <= 5 + 2 * 4 + 1


def test_rows_that_break_off_lose_nothing_that_was_begun(kind: Kind) -> None:
    def rows() -> Iterator[str]:
        yield from ("0", "1", "2")
        raise OSError("the file is gone")

    client = kind.management_client(crowd(kind))
    found: list[Outcome[Any, Any]] = []
    with pytest.raises(OSError, match="the file is gone"):
        kind.drain(client.map(things(client).get, rows(), concurrency=8), found)
    assert [each.result().data.id for each in found] == ["0", "1", "2"]


def test_rows_may_come_asynchronously_to_an_asyncio_client() -> None:
    async def rows() -> AsyncIterator[str]:
        for number in range(20):
            await asyncio.sleep(0)
            yield str(number)

    kind = KINDS[1]
    client = kind.management_client(crowd(kind))
    found = outcomes(kind, client, things(client).get, rows())
    assert [each.row for each in found] == [str(number) for number in range(20)]
    blocking = KINDS[0].management_client(crowd(KINDS[0]))
    with pytest.raises(InvalidArgumentError, match='"rows" is an async iterable'):
        blocking.map(things(blocking).get, rows())


def test_it_is_stopped_on_demand_and_what_is_under_way_is_told(kind: Kind) -> None:
    transport = crowd(kind, meet=4)
    client = kind.management_client(transport)
    found: list[Outcome[Any, Any]] = []
    running = client.map(things(client).get, map(str, range(100)), concurrency=4)

    if kind.asynchronous:

        async def main() -> None:
            async for each in running:
                found.append(each)
                running.stop()

        asyncio.run(main())
    else:
        for each in running:
            found.append(each)
            running.stop()
    assert [each.row for each in found] == sorted(transport.names, key=int)
    assert len(found) < 30


def test_closing_it_begins_nothing_more_and_leaves_no_thread_behind() -> None:
    transport = Blocking()
    client = KINDS[0].management_client(transport)
    before = threading.active_count()
    running = client.map(things(client).get, map(str, range(100)), concurrency=4)
    next(running)
    running.close()
    assert threading.active_count() == before
    assert len(transport.names) < 10
    with pytest.raises(StopIteration):
        next(running)


def test_closing_it_waits_for_no_pause_and_no_other_attempt() -> None:
    pausing, sent = threading.Semaphore(0), list[str]()

    def send(request: Request) -> Response:
        sent.append(request.url.rpartition("/")[2])
        if request.url.endswith("/a"):
            # Until the others have been answered.
            assert all(pausing.acquire(timeout=20) for _ in "bc")
            return json({"id": "a"})
        pausing.release()
        return json({}, status=429, retry_after="3")

    client = ManagementClient(domain=DOMAIN, token="t", transport=send)
    before, progress = threading.active_count(), list[MapProgress]()
    running = client.map(things(client).get, ["a", "b", "c"], concurrency=3, progress=progress.append)
    next(running)
    running.close()
    assert threading.active_count() == before
    assert sorted(sent) == ["a", "b", "c"]
    assert [each.done for each in progress] == [1]


def test_one_at_a_time_needs_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("no threads here")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = KINDS[0].management_client(Blocking())
    found = outcomes(KINDS[0], client, things(client).get, ["a", "b"], concurrency=1)
    assert [each.result().data.id for each in found] == ["a", "b"]


def test_where_no_thread_can_be_started_it_says_what_to_do_before_a_row_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    client = KINDS[0].management_client(Blocking())
    rows = iter(["a", "b"])
    with pytest.raises(InvalidArgumentError, match='use "concurrency" 1') as caught:
        outcomes(KINDS[0], client, things(client).get, rows, concurrency=2)
    assert caught.value.argument == "concurrency"
    assert list(rows) == ["a", "b"]


def test_leaving_it_on_asyncio_cancels_what_is_under_way() -> None:
    cancelled: list[str] = []

    class Stuck(Crowd):
        async def send(self, request: Request, /) -> Response:
            if name_of(request) == "0":
                return echo(request)
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                cancelled.append(name_of(request))
                raise
            return echo(request)

        async def close(self) -> None: ...

    async def main() -> None:
        client = KINDS[1].management_client(Stuck())
        running = client.map(things(client).get, map(str, range(9)), concurrency=3)
        assert (await anext(running)).row == "0"
        await asyncio.sleep(0)
        await running.aclose()

    asyncio.run(main())
    assert cancelled == ["1", "2"]


def test_progress_counts_and_knows_the_total_where_there_is_one(kind: Kind) -> None:
    def answer(request: Request) -> Response:
        return json({}, status=403) if name_of(request) == "2" else echo(request)

    client = kind.management_client(crowd(kind, answer))
    told: list[MapProgress] = []
    rows = [str(number) for number in range(5)]
    found = outcomes(kind, client, things(client).get, rows, progress=told.append)
    assert [each.done for each in told] == [1, 2, 3, 4, 5]
    assert told[-1] == MapProgress(done=5, failed=1, total=5)
    assert isinstance(found[2].error, Forbidden)
    outcomes(kind, client, things(client).get, iter(rows), progress=told.append)
    assert told[-1].total is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("method", (lambda row: row, [])),
        ("method", ("users.get", [])),
        ("rows", (None, "abc")),
        ("rows", (None, {"id": "a"})),
        ("rows", (None, 5)),
    ],
)
def test_what_cannot_be_done_is_refused_at_once(kind: Kind, name: str, arguments: tuple[Any, Any]) -> None:
    client = kind.management_client(crowd(kind))
    method, rows = arguments
    with pytest.raises(InvalidArgumentError, match=f'map: "{name}"'):
        client.map(method or client.users.get, rows)
    with pytest.raises(InvalidArgumentError, match='"method"'):
        client.map(client.users.get_all.iter, [])
    with pytest.raises(InvalidArgumentError, match='"progress"'):
        client.map(client.users.get, [], progress="print")
    for concurrency in (0, "8", None, 2.5):
        with pytest.raises(InvalidArgumentError, match='"concurrency"'):
            client.map(client.users.get, [], concurrency=concurrency)
    with pytest.raises(InvalidArgumentError, match=r'map has no .* "concurency": did you mean "concurrency"'):
        client.map(client.users.get, [], concurency=4)
    with pytest.raises(InvalidArgumentError, match='map needs "rows"'):
        client.map(client.users.get)


def test_the_calls_are_batch_calls_and_keep_the_other_options_of_their_view(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({}))
    client = kind.management_client(transport).with_options(headers={"x-mine": "1"})
    seen = client.map(things(client).get, ["a"])._work.core.options
    assert (seen.priority, client._core.options.priority) == ("batch", "interactive")
    outcomes(kind, client, things(client).get, ["a"])
    assert transport.requests[0].headers["x-mine"] == "1"


def test_no_repr_shows_a_row() -> None:
    assert "swordfish" not in repr(Outcome(index=0, row={"password": "swordfish"}, response="swordfish"))


@given(st.lists(st.sampled_from(["ok", "fails", "breaks"]), max_size=40), st.integers(1, 9))
def test_every_row_is_accounted_for(script: list[str], concurrency: int) -> None:
    def answer(request: Request) -> Response:
        what = script[int(name_of(request))]
        if what == "breaks":
            raise TransportError("cut", request_sent=False)
        return json({}, status=404) if what == "fails" else echo(request)

    for kind in KINDS:
        client = kind.management_client(crowd(kind, answer))
        rows = [str(number) for number in range(len(script))]
        found = outcomes(kind, client, things(client).get, rows, concurrency=concurrency)
        names = {"NoneType": "ok", "NotFound": "fails", "TransportError": "breaks"}
        told = [names[type(each.error).__name__] for each in found]
        assert told == script


def test_the_types_of_both_clients_have_it() -> None:
    for client in (ManagementClient, AsyncManagementClient):
        assert client(domain=DOMAIN, token="t", transport=crowd(KINDS[client is AsyncManagementClient])).map
