"""Promise 2: paging is exact. Each item comes once, and nothing is asked for in vain."""

import math
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyauth0 import InvalidArgumentError, PageLimitReached, Request, Response

from .fakes import KINDS, Kind, json, things

WALL = 1000
SIZES = [0, 1, 49, 50, 51, 99, 100, 101, 900, 950, 999, 1000, 1001, 2500]


def asked(request: Request) -> dict[str, str]:
    return {
        name: values[0]
        for name, values in parse_qs(urlsplit(request.url).query, keep_blank_values=True).items()
    }


def things_from(start: int, end: int) -> list[dict[str, str]]:
    return [{"id": str(number)} for number in range(start, end)]


class Numbered:
    """A server of so many things that serves pages by number, as the Management API does."""

    def __init__(
        self, size: int, *, default: int = 50, totals: bool = True, ignores_page: bool = False
    ) -> None:
        self.size = size
        self.default = default
        self.totals = totals
        self.ignores_page = ignores_page

    def __call__(self, request: Request) -> Response:
        query = asked(request)
        number, per_page = int(query.get("page", 0)), int(query.get("per_page", self.default))
        if not 1 <= per_page <= 100:
            return json({"statusCode": 400, "error": "Bad Request", "message": "per_page"}, 400)
        if (number + 1) * per_page > WALL:
            return json({"statusCode": 400, "error": "Bad Request", "message": "the wall"}, 400)
        start = 0 if self.ignores_page else number * per_page
        items = things_from(start, max(start, min(start + per_page, self.size)))
        if self.totals and query.get("include_totals") == "true":
            whole = {"start": start, "limit": per_page, "length": len(items), "total": self.size}
            return json({"things": items, **whole})
        return json(items)


def walk(
    kind: Kind, server: Callable[[Request], Response], **query: Any
) -> tuple[list[str], Any, PageLimitReached | None]:
    """Go through all things; return their ids, the transport, and the error at the end, if any."""
    transport = kind.transport(otherwise=server)
    found: list[Any] = []
    error = None
    try:
        kind.drain(things(kind.management_client(transport)).get_all.iter(**query), found)
    except PageLimitReached as reached:
        error = reached
    return [thing.id for thing in found], transport, error


@pytest.mark.parametrize("per_page", [1, 7, 50, 100, None])
@pytest.mark.parametrize("size", SIZES)
def test_each_comes_once_without_a_superfluous_request_up_to_the_wall(
    kind: Kind, size: int, per_page: int | None
) -> None:
    ids, transport, error = walk(kind, Numbered(size), **({} if per_page is None else {"per_page": per_page}))
    assert ids == [str(number) for number in range(min(size, WALL))]
    assert len(transport.requests) == max(1, math.ceil(min(size, WALL) / (per_page or 50)))
    assert (error is not None) is (size > WALL)
    if error is not None:
        assert (error.received, error.total) == (WALL, size)


@pytest.mark.parametrize("per_page", [1, 7, 50, 100])
@pytest.mark.parametrize("size", [0, 1, 49, 50, 51, 99, 100, 101, 999])
def test_without_counters_a_page_that_is_not_full_is_the_last(kind: Kind, size: int, per_page: int) -> None:
    ids, transport, error = walk(kind, Numbered(size, totals=False), per_page=per_page)
    assert ids == [str(number) for number in range(size)]
    # Only a full last page leaves it open whether there is more.
    assert len(transport.requests) == size // per_page + 1
    assert error is None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1200), st.integers(1, 100), st.booleans())
def test_any_size_by_any_page_size_is_exact(size: int, per_page: int, totals: bool) -> None:
    ids, transport, error = walk(KINDS[0], Numbered(size, totals=totals), per_page=per_page)
    assert ids == [str(number) for number in range(min(size, WALL))]
    assert not any(asked(request).get("page") == "10" and per_page == 100 for request in transport.requests)
    if totals:
        assert (error is not None) is (size > WALL)
    assert all(int(r["page"]) * int(r["per_page"]) < WALL for r in map(asked, transport.requests))


def test_counters_are_asked_for_since_they_spare_a_request_and_may_be_turned_off(kind: Kind) -> None:
    _, transport, _ = walk(kind, Numbered(120))
    assert [asked(r).get("include_totals") for r in transport.requests] == ["true"] * 3
    ids, transport, _ = walk(kind, Numbered(120), include_totals=False)
    assert [asked(r).get("include_totals") for r in transport.requests] == ["false"] * 3
    assert len(ids) == 120


def test_paging_may_begin_at_a_later_page(kind: Kind) -> None:
    ids, transport, error = walk(kind, Numbered(120), page=1, per_page=50)
    assert ids == [str(number) for number in range(50, 120)]
    assert [asked(r)["page"] for r in transport.requests] == ["1", "2"]
    assert error is None


def test_pages_keep_what_the_server_said(kind: Kind) -> None:
    transport = kind.transport(otherwise=Numbered(120))
    pages = kind.collect(things(kind.management_client(transport)).get_all.pages())
    assert [(page.start, page.limit, page.length, page.total) for page in pages] == [
        (0, 50, 50, 120),
        (50, 50, 50, 120),
        (100, 50, 20, 120),
    ]


@pytest.mark.parametrize("totals", [True, False])
def test_past_the_wall_the_error_says_how_many_came_and_how_to_go_on(kind: Kind, totals: bool) -> None:
    ids, _, error = walk(kind, Numbered(2500, totals=totals), per_page=7)
    assert len(ids) == len(set(ids)) == WALL
    assert error is not None
    assert error.received == WALL
    assert error.total == (2500 if totals else None)
    assert "narrow the query" in str(error)
    assert "narrow the query (q=...) into parts of at most 1000" in str(error)
    assert len(str(error)) < 300


@pytest.mark.parametrize("totals", [True, False])
def test_a_server_that_ignores_the_page_is_noticed_after_two_equal_pages(kind: Kind, totals: bool) -> None:
    ids, transport, error = walk(kind, Numbered(500, totals=totals, ignores_page=True), per_page=50)
    assert error is not None
    assert "page" in str(error)
    assert len(transport.requests) == 2
    assert ids == [str(number) for number in range(50)], "what came twice is given once"
    assert error.received == 50


@pytest.mark.parametrize("size", [50, 100])
def test_a_server_that_ignores_the_page_is_noticed_on_what_would_be_the_last_page(
    kind: Kind, size: int
) -> None:
    ids, _, error = walk(kind, Numbered(size, ignores_page=True), per_page=50)
    assert len(ids) == 50
    assert (error is not None) is (size == 100)


def test_pages_of_like_items_are_no_sign_of_a_server_that_ignores_the_page(kind: Kind) -> None:
    def alike(request: Request) -> Response:
        start = int(asked(request).get("page", 0)) * 50
        items = [{"count": 1}] * min(50, 120 - start)
        return json({"things": items, "start": start, "limit": 50, "length": len(items), "total": 120})

    ids, _, error = walk(kind, alike)
    assert len(ids) == 120
    assert error is None


def test_a_server_may_serve_smaller_pages_than_were_asked_for(kind: Kind) -> None:
    def capped(request: Request) -> Response:
        number = int(asked(request).get("page", 0))
        items = things_from(number * 10, min(number * 10 + 10, 35))
        return json({"things": items, "start": number * 10, "limit": 10, "length": len(items), "total": 35})

    ids, transport, error = walk(kind, capped, per_page=100)
    assert ids == [str(number) for number in range(35)]
    assert len(transport.requests) == 4
    assert error is None


@pytest.mark.parametrize(
    "first", [[], {"things": []}, {"things": [], "total": 0}, {"things": [], "total": 9}, {}, None]
)
def test_an_empty_first_page_is_the_end(kind: Kind, first: Any) -> None:
    ids, transport, error = walk(kind, lambda _: json(first))
    assert (ids, len(transport.requests), error) == ([], 1, None)


@pytest.mark.parametrize(
    ("query", "name"),
    [({"per_page": 0}, "per_page"), ({"per_page": -1}, "per_page"), ({"page": -1}, "page"),
     ({"page": "1"}, "page"), ({"per_page": 1.5}, "per_page")],
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused_before_anything_is_sent(kind: Kind, query: Any, name: str) -> None:
    transport = kind.transport()
    with pytest.raises(InvalidArgumentError) as caught:
        kind.collect(things(kind.management_client(transport)).get_all.iter(**query))
    assert caught.value.argument == name
    assert transport.requests == []


@pytest.mark.parametrize("method", ["iter", "pages"])
def test_an_argument_that_does_not_exist_is_refused_before_anything_is_sent(kind: Kind, method: str) -> None:
    transport = kind.transport()
    with pytest.raises(InvalidArgumentError, match='did you mean "per_page"'):
        kind.collect(getattr(things(kind.management_client(transport)).get_all, method)(per_pages=5))
    assert transport.requests == []


def test_an_abandoned_iteration_has_asked_for_no_page_too_many(kind: Kind) -> None:
    for most, requests in ((1, 1), (50, 1), (51, 2)):
        transport = kind.transport(otherwise=Numbered(500))
        items = things(kind.management_client(transport)).get_all.iter()
        assert transport.requests == []
        assert len(kind.collect(items, most)) == most
        assert len(transport.requests) == requests


def test_an_error_in_the_middle_comes_out_after_what_came_before(kind: Kind) -> None:
    server = Numbered(120)
    transport = kind.transport([server, json({"error": "x"}, 400)], server)
    found: list[Any] = []
    with pytest.raises(Exception, match="400"):
        kind.drain(things(kind.management_client(transport)).get_all.iter(), found)
    assert len(found) == 50


def test_two_iterations_of_one_method_do_not_disturb_each_other(kind: Kind) -> None:
    resource = things(kind.management_client(kind.transport(otherwise=Numbered(60))))
    method = resource.get_all
    assert [len(kind.collect(method.iter())) for _ in range(2)] == [60, 60]


class Chain:
    """A server that serves pages by an opaque cursor."""

    def __init__(self, size: int, *, says_next: str = "next") -> None:
        self.size = size
        self.says_next = says_next

    def __call__(self, request: Request) -> Response:
        query = asked(request)
        start = int(query["from"].removeprefix("c")) if "from" in query else 0
        end = min(start + int(query.get("take", 50)), self.size)
        following = {self.says_next: f"c{end}"} if end < self.size else {}
        return json({"things": things_from(start, end), **following})


@pytest.mark.parametrize("take", [1, 7, 50, 100, None])
@pytest.mark.parametrize("size", [0, 1, 49, 50, 99, 100, 101, 350])
def test_by_cursor_each_comes_once_without_a_superfluous_request(
    kind: Kind, size: int, take: int | None
) -> None:
    transport = kind.transport(otherwise=Chain(size))
    resource = things(kind.management_client(transport))
    found = kind.collect(resource.chain.iter(**({} if take is None else {"take": take})))
    assert [thing.id for thing in found] == [str(number) for number in range(size)]
    assert len(transport.requests) == max(1, math.ceil(size / (take or 100)))
    assert "from" not in asked(transport.requests[0])


def test_by_cursor_one_may_go_on_from_where_one_was(kind: Kind) -> None:
    transport = kind.transport(otherwise=Chain(100))
    found = kind.collect(things(kind.management_client(transport)).chain.iter(from_="c90"))
    assert [thing.id for thing in found] == [str(number) for number in range(90, 100)]


def test_an_empty_page_in_the_middle_of_a_chain_is_not_its_end(kind: Kind) -> None:
    script = [json({"things": [], "next": "c"}), json({"things": things_from(0, 1)})]
    transport = kind.transport(script)
    assert len(kind.collect(things(kind.management_client(transport)).chain.iter())) == 1
    assert len(transport.requests) == 2


def test_a_chain_that_never_ends_is_noticed(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"things": things_from(0, 1), "next": "same"}))
    found: list[Any] = []
    with pytest.raises(PageLimitReached, match="twice"):
        kind.drain(things(kind.management_client(transport)).chain.iter(), found)
    assert len(transport.requests) == 2
    assert len(found) == 2


class Log:
    """A server of entries that serves those after the one of a given id."""

    def __init__(self, size: int) -> None:
        self.size = size

    def __call__(self, request: Request) -> Response:
        query = asked(request)
        start = int(query["from"]) + 1 if query.get("from") else 0
        return json(things_from(start, min(start + int(query["take"]), self.size)))


@pytest.mark.parametrize("size", [0, 1, 99, 100, 101, 12_345])
def test_a_log_is_read_to_its_last_entry_by_the_id_of_the_last_one(kind: Kind, size: int) -> None:
    transport = kind.transport(otherwise=Log(size))
    found = kind.collect(things(kind.management_client(transport)).log.iter())
    assert [thing.id for thing in found] == [str(number) for number in range(size)]
    # A log may have grown meanwhile, so only an empty page is its end.
    assert len(transport.requests) == math.ceil(size / 100) + 1
    assert asked(transport.requests[0])["from"] == ""


def test_a_log_is_resumed_from_a_stored_position(kind: Kind) -> None:
    transport = kind.transport(otherwise=Log(250))
    resource = things(kind.management_client(transport))
    first = kind.collect(resource.log.iter(), 130)
    rest = kind.collect(resource.log.iter(from_=first[-1].id))
    assert [thing.id for thing in first + rest] == [str(number) for number in range(250)]


def test_a_log_that_gives_the_same_page_again_is_noticed(kind: Kind) -> None:
    transport = kind.transport(otherwise=json(things_from(0, 3)))
    found: list[Any] = []
    with pytest.raises(PageLimitReached, match="twice"):
        kind.drain(things(kind.management_client(transport)).log.iter(), found)
    assert len(transport.requests) == 2


def test_a_page_of_a_log_whose_last_entry_is_odd_is_the_end_and_not_an_endless_loop(kind: Kind) -> None:
    transport = kind.transport(otherwise=json([{"id": "1"}, "odd"]))
    assert len(kind.collect(things(kind.management_client(transport)).log.iter())) == 2
    assert len(transport.requests) == 1
