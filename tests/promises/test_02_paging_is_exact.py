"""Promise 2: each item comes once, nothing is asked for in vain, and a wall is gone beyond or said."""

import inspect
import math
import re
from typing import Any
from urllib.parse import parse_qsl

import pytest

from anyauth0 import PageLimitReached, Request, Response
from anyauth0.management._tree import Tree
from anyauth0.pages import Page
from anyauth0.pagination import PagedEndpoint

from ..core.fakes import Kind, json

WALL = 1000
SIZES = [0, 1, 49, 50, 51, 99, 100, 101, 900, 950, 999, 1000, 1001, 2500]


def asked(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.url.partition("?")[2], keep_blank_values=True))


def time_of(number: int, per_second: int) -> str:
    second = number // per_second
    return f"2026-01-01T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}.000Z"


class Users:
    """So many users, found by a search that serves the first 1000 only."""

    def __init__(self, size: int, *, per_second: int = 3, totals: bool = True) -> None:
        self.users = [
            {"user_id": f"auth0|{number}", "created_at": time_of(number, per_second)}
            for number in range(size)
        ]
        self.totals = totals
        self.searches: list[str] = []
        self._found: dict[str, list[dict[str, str]]] = {}

    def __call__(self, request: Request) -> Response:
        query = asked(request)
        number, size = int(query.get("page", 0)), int(query.get("per_page", 50))
        if not 1 <= size <= 100 or (number + 1) * size > WALL:
            return json({"statusCode": 400, "error": "Bad Request", "message": "the wall"}, 400)
        search = query.get("q", "")
        if search not in self.searches:
            self.searches.append(search)
            since = re.search(r'created_at:\["([^"]+)" TO \*\]', search)
            assert since is None or query["sort"] == "created_at:1"
            self._found[search] = [
                user for user in self.users if since is None or user["created_at"] >= since[1]
            ]
        found = self._found[search]
        page = found[number * size : (number + 1) * size]
        if self.totals and query.get("include_totals") == "true":
            counters = {"start": number * size, "limit": size, "length": len(page), "total": len(found)}
            return json({"users": page, **counters})
        return json(page)


def walk(kind: Kind, server: Any, **query: Any) -> tuple[list[str], Any, PageLimitReached | None]:
    transport = kind.transport(otherwise=server)
    found: list[Any] = []
    error = None
    try:
        kind.drain(kind.management_client(transport).users.get_all.iter(**query), found)
    except PageLimitReached as reached:
        error = reached
    return [user.user_id for user in found], transport, error


def ids(size: int) -> list[str]:
    return [f"auth0|{number}" for number in range(size)]


@pytest.mark.parametrize("per_page", [1, 7, 50, 100, None])
@pytest.mark.parametrize("size", SIZES)
def test_all_users_come_once_beyond_the_wall_too(kind: Kind, size: int, per_page: int | None) -> None:
    found, transport, error = walk(kind, Users(size), **({} if per_page is None else {"per_page": per_page}))
    assert found == ids(size)
    assert error is None
    if size <= WALL:
        assert len(transport.requests) == max(1, math.ceil(size / (per_page or 50)))
    else:
        # Each search begins at the moment at which the one before ended, so they share up to three users.
        searches = math.ceil((size - 3) / (WALL - 3))
        assert len(transport.requests) <= math.ceil(size / (per_page or 50)) + 2 * searches


def test_a_search_of_the_users_own_is_kept_when_it_goes_on(kind: Kind) -> None:
    server = Users(1500)
    found, _, error = walk(kind, server, q="email:*@example.com OR name:x")
    assert (found, error) == (ids(1500), None)
    own = "email:*@example.com OR name:x"
    assert server.searches == [own, f'({own}) AND created_at:["{time_of(999, 3)}" TO *]']


@pytest.mark.parametrize("totals", [True, False])
def test_pages_say_how_many_there_are_in_all(kind: Kind, totals: bool) -> None:
    transport = kind.transport(otherwise=Users(1500, totals=totals))
    pages: list[Page[Any]] = []
    kind.drain(kind.management_client(transport).users.get_all.pages(per_page=100), pages)
    assert [user.user_id for page in pages for user in page] == ids(1500)
    if totals:
        assert {page.total for page in pages} == {1500}
        assert [page.start for page in pages] == [sum(map(len, pages[:n])) for n in range(len(pages))]


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"sort": "email:1"}, 'leave "sort" out'),
        ({"search_engine": "v2"}, 'leave "search_engine" out'),
        ({"fields": "user_id,email"}, "created_at and user_id"),
        ({"fields": ["created_at"], "include_fields": False}, "created_at and user_id"),
    ],
)
def test_where_it_cannot_go_on_it_says_exactly_why(kind: Kind, query: dict[str, Any], reason: str) -> None:
    found, _, error = walk(kind, Users(1500), **query)
    assert found == ids(WALL)
    assert error is not None
    assert (error.received, error.total) == (WALL, 1500)
    assert reason in str(error)
    assert "1000" in str(error)


def test_the_fields_that_it_needs_are_enough(kind: Kind) -> None:
    found, _, error = walk(kind, Users(1500), fields=["user_id", "created_at"])
    assert (found, error) == (ids(1500), None)
    found, _, error = walk(kind, Users(1500), fields="email", include_fields=False)
    assert (found, error) == (ids(1500), None)


def test_more_than_the_wall_created_at_one_moment_cannot_be_told_apart(kind: Kind) -> None:
    found, transport, error = walk(kind, Users(2500, per_second=1200), per_page=100)
    assert error is not None
    assert "too many have the same created_at" in str(error)
    assert found == ids(len(found))
    assert error.received == len(found) >= WALL
    assert len(transport.requests) <= 30


def test_users_without_a_time_end_at_the_wall(kind: Kind) -> None:
    server = Users(1200)
    for user in server.users:
        del user["created_at"]
    found, _, error = walk(kind, server)
    assert found == ids(WALL)
    assert "no created_at to go on from" in str(error)


PAGED = [
    (f"{resource}.{name}", endpoint)
    for resource, getter in vars(Tree).items()
    if isinstance(getter, property)
    for owner in [type(getter.fget(type("Any", (), {"_core": None})()))]  # type: ignore[misc]
    for name, endpoint in {
        name: each for base in reversed(owner.__mro__) for name, each in vars(base).items()
    }.items()
    if isinstance(endpoint, PagedEndpoint)
]


class Things:
    """So many items of any list endpoint, served as its facts say."""

    def __init__(self, endpoint: PagedEndpoint[..., Any], size: int) -> None:
        self.endpoint = endpoint
        self.size = size
        self.requests = 0

    def __call__(self, request: Request) -> Response:
        self.requests += 1
        query = asked(request)
        checkpoint, offset = self.endpoint.checkpoint, self.endpoint.offset
        extra: dict[str, Any] = {}
        if checkpoint is not None and (checkpoint.from_ in query or checkpoint.take in query):
            start, most = int(query.get(checkpoint.from_) or 0), int(query.get(checkpoint.take, 50))
            assert most <= checkpoint.most
            end = min(start + most, self.size)
            if checkpoint.next and end < self.size:
                extra = {checkpoint.next: str(end)}
        else:
            assert offset is not None
            number, most = int(query.get(offset.page, 0)), int(query.get(offset.per_page, 50))
            start, end = number * most, min((number + 1) * most, self.size)
            if offset.totals is None or query.get(offset.totals) == "true":
                extra = {offset.total: self.size, "start": start, "limit": most, "length": end - start}
        id_ = (checkpoint and checkpoint.item_field) or "id"
        found = [{id_: str(number + 1)} for number in range(start, end)]
        return json({self.endpoint.items: found, **extra} if self.endpoint.items and extra else found)


@pytest.mark.parametrize(("title", "endpoint"), PAGED, ids=[title for title, _ in PAGED])
def test_every_list_of_the_management_api_is_gone_through_exactly(
    title: str, endpoint: PagedEndpoint[..., Any]
) -> None:
    kind = Kind(asynchronous=False)
    transport = kind.transport()
    client = kind.management_client(transport)
    resource, _, name = title.partition(".")
    needed = [
        each
        for each in inspect.signature(endpoint.function).parameters.values()
        if each.default is each.empty
    ]
    path = ["x" for each in needed[1:] if each.kind is each.POSITIONAL_ONLY]
    query = {each.name: "x" for each in needed if each.kind is each.KEYWORD_ONLY}
    most = 50
    if endpoint.checkpoint is not None:
        most = min(endpoint.checkpoint.most, 100)
    found, expected = {}, {}
    for size in (0, 1, 50, 51, 250):
        transport.otherwise = server = Things(endpoint, size)
        pages = list(getattr(getattr(client, resource), name).pages(*path, **query))
        found[size] = (sum(map(len, pages)), server.requests)
        # A log ends with the page that has nothing left: nobody says that the last one was it.
        ends_empty = endpoint.checkpoint is not None and endpoint.checkpoint.next is None and size
        expected[size] = (size, max(1, math.ceil(size / most)) + bool(ends_empty))
    assert found == expected


def test_there_are_as_many_lists_as_the_catalogue_says() -> None:
    assert len(PAGED) == 83
