"""What is gone through by and by: in order, no step too early, and closed by whoever stops."""

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from anyauth0 import (
    Flow,
    InvalidArgumentError,
    PageLimitReached,
    Request,
    Resource,
    Response,
    Steps,
    iteration,
)
from anyauth0.endpoint import Mode

from .fakes import KINDS, Asynchronous, Kind, json, things
from .test_pagination import Numbered


class Counting(Resource[Mode]):
    """A resource that counts, a portion for each request."""

    closed: list[str]

    @iteration
    def up(self, to: int, /, *, by: int = 2) -> Steps[Iterable[int]]:
        """Count up to a number."""
        if by < 1:
            raise InvalidArgumentError("by", '"by" must be 1 or more')
        return self._up(to, by)

    def _up(self, to: int, by: int) -> Steps[Iterable[int]]:
        try:
            for start in range(0, to, by):
                portion = yield self._portion(start, min(start + by, to))
                assert list(portion) == list(range(start, min(start + by, to)))
        finally:
            type(self).closed.append("closed")

    def _portion(self, start: int, end: int) -> Flow[Iterable[int]]:
        yield Request(method="GET", url=f"https://tenant.eu.auth0.com/{start}")
        return list(range(start, end))


def counting(kind: Kind, transport: Any) -> Any:
    Counting.closed = []
    return Counting[Any](kind.management_client(transport)._core)


def test_items_come_in_order_portion_by_portion(kind: Kind) -> None:
    transport = kind.transport()
    assert kind.collect(counting(kind, transport).up(5)) == [0, 1, 2, 3, 4]
    assert [url[-1] for url in transport.urls] == ["0", "2", "4"]
    assert Counting.closed == ["closed"]


def test_nothing_runs_before_the_first_item_is_asked_for(kind: Kind) -> None:
    transport = kind.transport()
    counting(kind, transport).up(5)
    assert transport.requests == []


def test_who_stops_early_has_the_steps_closed_and_asked_for_no_more(kind: Kind) -> None:
    transport = kind.transport()
    assert kind.collect(counting(kind, transport).up(100), most=3) == [0, 1, 2]
    assert len(transport.requests) == 2
    assert Counting.closed == ["closed"]


def test_an_error_comes_after_the_items_before_it_and_closes_the_steps(kind: Kind) -> None:
    transport = kind.transport([json({}), OSError("broken")])
    found: list[Any] = []
    with pytest.raises(OSError, match="broken"):
        kind.drain(counting(kind, transport).up(5), found)
    assert found == [0, 1]
    assert Counting.closed == ["closed"]


def test_arguments_are_checked_when_it_is_called(kind: Kind) -> None:
    up = counting(kind, kind.transport()).up
    with pytest.raises(InvalidArgumentError, match='"by" must be') as caught:
        up(5, by=0)
    assert caught.value.argument == "by"
    with pytest.raises(InvalidArgumentError, match='did you mean "by"'):
        up(5, bye=1)


def test_a_paged_iterator_checks_its_arguments_when_it_is_called(kind: Kind) -> None:
    get_all = things(kind.management_client(kind.transport())).get_all
    for method in (get_all.iter, get_all.pages):
        with pytest.raises(InvalidArgumentError, match='did you mean "per_page"'):
            method(perpage=5)


ASYNC = KINDS[1]


def reading_ahead(server: Any) -> tuple[Any, Asynchronous]:
    transport = Asynchronous(otherwise=server)
    return things(ASYNC.management_client(transport, read_ahead=True)).get_all, transport


@pytest.mark.parametrize("size", [0, 1, 50, 51, 149, 150, 999])
def test_read_ahead_gives_the_same_by_as_many_requests(size: int) -> None:
    get_all, transport = reading_ahead(Numbered(size))
    assert [thing.id for thing in ASYNC.collect(get_all.iter())] == [str(n) for n in range(size)]
    plain = Asynchronous(otherwise=Numbered(size))
    ASYNC.collect(things(ASYNC.management_client(plain)).get_all.iter())
    assert transport.urls == plain.urls


def test_read_ahead_has_the_next_page_under_way_while_this_one_is_used() -> None:
    get_all, transport = reading_ahead(Numbered(500))

    async def main() -> list[int]:
        counts: list[int] = []
        async for _ in get_all.pages():
            for _ in range(5):
                await asyncio.sleep(0)
            counts.append(len(transport.requests))
        return counts

    assert asyncio.run(main()) == [2, 3, 4, 5, 6, 7, 8, 9, 10, 10]


def test_read_ahead_that_is_given_up_leaves_no_task_behind() -> None:
    get_all, transport = reading_ahead(Numbered(500))

    async def main() -> int:
        pages = get_all.pages()
        await anext(pages)
        await pages.aclose()
        return len(asyncio.all_tasks())

    assert asyncio.run(main()) == 1
    assert len(transport.requests) <= 2


def failing_at(page: int) -> Any:
    server = Numbered(500)

    def answer(request: Request) -> Response:
        if f"page={page}" in request.url:
            raise OSError("broken")
        return server(request)

    return answer


def test_read_ahead_hands_out_what_came_before_it_tells_of_an_error() -> None:
    get_all, _ = reading_ahead(failing_at(3))
    found: list[Any] = []
    with pytest.raises(OSError, match="broken"):
        ASYNC.drain(get_all.iter(), found)
    assert len(found) == 150


def test_read_ahead_that_is_given_up_swallows_the_error_that_nobody_will_see() -> None:
    get_all, _ = reading_ahead(failing_at(1))

    async def main() -> int:
        problems: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
        pages = get_all.pages()
        await anext(pages)
        for _ in range(5):
            await asyncio.sleep(0)
        await pages.aclose()
        return len(problems)

    assert asyncio.run(main()) == 0


def test_read_ahead_hands_out_the_last_page_before_the_wall_is_told() -> None:
    get_all, _ = reading_ahead(Numbered(1500))
    found: list[Any] = []
    with pytest.raises(PageLimitReached):
        ASYNC.drain(get_all.iter(per_page=100), found)
    assert len(found) == 1000


def test_a_blocking_client_reads_nothing_ahead() -> None:
    kind = KINDS[0]
    transport = kind.transport(otherwise=Numbered(500))
    pages = things(kind.management_client(transport, read_ahead=True)).get_all.pages()
    next(pages)
    assert len(transport.requests) == 1
