"""Lists that come in pages: the page as a sequence, and iterators that ask for no page too many."""

from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

import msgspec

from .endpoint import Async, Bound, Call, EndpointFacts, Resource, Sync
from .errors import InvalidArgumentError, PageLimitReached
from .flow import Flow
from .messages import ApiResponse

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

__all__ = ["Checkpoint", "Offset", "Page", "PagedEndpoint", "paged"]


class Page(Sequence[T_co]):
    """The items of one page, a sequence, with what the server said about the whole.

    `total`, `start`, `limit` and `length` are `None` where the server did not say; `next` is the checkpoint
    to go on from, `None` on the last page.
    """

    __slots__ = ("items", "length", "limit", "next", "start", "total")

    def __init__(
        self,
        items: Sequence[T_co] = (),
        *,
        total: int | None = None,
        start: int | None = None,
        limit: int | None = None,
        length: int | None = None,
        next: str | None = None,
    ) -> None:
        self.items = items
        self.total = total
        self.start = start
        self.limit = limit
        self.length = length
        self.next = next

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | Sequence[T_co]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T_co]:
        return iter(self.items)

    def __repr__(self) -> str:
        of = "" if self.total is None else f" of {self.total}"
        return f"<Page of {len(self.items)} items{of}>"


class Offset(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint pages by number.

    `page` and `per_page` are its query parameters, `totals` the one that asks for the counters (`None` where
    they always come), `total` the field of the answer that counts all items. `wall` is the number of items
    that the server serves at most this way, `None` where no such limit is known.
    """

    page: str = "page"
    per_page: str = "per_page"
    totals: str | None = "include_totals"
    total: str = "total"
    wall: int | None = None


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """How an endpoint pages by cursor.

    `from_` and `take` are its query parameters, `next` the field of the answer that holds the cursor. Where
    there is none, the cursor is the `item_field` of the last item. `most` is the largest page.
    """

    from_: str = "from"
    take: str = "take"
    next: str | None = "next"
    item_field: str | None = None
    most: int = 100


class PagedMethod(Protocol[P, T]):
    """A list endpoint of a blocking client."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> ApiResponse[Page[T]]:
        """Get one page."""
        ...

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        ...

    def pages(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[Page[T]]:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        ...


class AsyncPagedMethod(Protocol[P, T]):
    """A list endpoint of an asyncio client."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, ApiResponse[Page[T]]]:
        """Get one page."""
        ...

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        ...

    def pages(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Page[T]]:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        ...


class PagedEndpoint(EndpointFacts[P, Page[T]], Generic[P, T]):
    """An endpoint that answers a `Page`, with the facts of its paging (see `paged`)."""

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], Call[Page[T]]],
        method: str,
        path: str,
        *,
        items: str | None,
        offset: Offset | None,
        checkpoint: Checkpoint | None,
        scopes: tuple[str, ...] = (),
        lifecycle: str = "GA",
    ) -> None:
        super().__init__(function, method, path, scopes=scopes, lifecycle=lifecycle)
        self.items = items
        self.offset = offset
        self.checkpoint = checkpoint

    def steps(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Steps[T]":
        """Yield a flow for each page in turn; each is to be run and its page sent back."""

        def fetch(**paging: object) -> Flow[Page[T]]:
            response = yield from self.start(resource, args, {**kwargs, **paging})
            return response.data

        by_number = self.offset is not None and any(
            kwargs.get(name) is not None
            for name in (self.offset.page, self.offset.per_page, self.offset.totals)
            if name
        )
        if self.checkpoint is not None and not by_number:
            return _by_cursor(self.title, self.checkpoint, kwargs, fetch)
        return _by_number(self.title, self.offset or Offset(), kwargs, fetch)

    @overload
    def __get__(self, instance: None, owner: type) -> "PagedEndpoint[P, T]": ...
    @overload
    def __get__(self, instance: Resource[Sync], owner: type) -> PagedMethod[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Async], owner: type) -> AsyncPagedMethod[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Any], owner: type) -> Any: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        if instance is None:
            return self
        asynchronous = instance._core.options.asynchronous  # pyright: ignore[reportPrivateUsage]
        return (AsyncPagedBound if asynchronous else PagedBound)(self, instance)


def paged(
    method: str,
    path: str,
    *,
    items: str | None = None,
    offset: Offset | None = None,
    checkpoint: Checkpoint | None = None,
    scopes: tuple[str, ...] = (),
    lifecycle: str = "GA",
) -> Callable[[Callable[Concatenate[Any, P], Call[Page[T]]]], PagedEndpoint[P, T]]:
    """Make an endpoint of a method that returns a `Call[Page[T]]`.

    `items` is the field of the answer that holds the items, `None` where the answer is always a bare array.
    """

    def decorate(function: Callable[Concatenate[Any, P], Call[Page[T]]]) -> PagedEndpoint[P, T]:
        return PagedEndpoint(
            function,
            method,
            path,
            items=items,
            offset=offset,
            checkpoint=checkpoint,
            scopes=scopes,
            lifecycle=lifecycle,
        )

    return decorate


class PagedBound(Bound):
    """A list endpoint of a blocking client (see `PagedMethod`)."""

    __slots__ = ()

    def pages(self, *args: Any, **kwargs: Any) -> Iterator[Page[Any]]:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        steps = cast("PagedEndpoint[..., Any]", self._descriptor).steps(self._resource, args, kwargs)
        run = self._resource._core.run  # pyright: ignore[reportPrivateUsage]
        flow = next(steps, None)
        while flow is not None:
            page = run(flow)
            yield page
            flow = _following(steps, page)

    def iter(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        for page in self.pages(*args, **kwargs):
            yield from page


class AsyncPagedBound(Bound):
    """A list endpoint of an asyncio client (see `AsyncPagedMethod`)."""

    __slots__ = ()

    async def pages(self, *args: Any, **kwargs: Any) -> AsyncIterator[Page[Any]]:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        steps = cast("PagedEndpoint[..., Any]", self._descriptor).steps(self._resource, args, kwargs)
        run = self._resource._core.run  # pyright: ignore[reportPrivateUsage]
        flow = next(steps, None)
        while flow is not None:
            page = await run(flow)
            yield page
            flow = _following(steps, page)

    async def iter(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        async for page in self.pages(*args, **kwargs):
            for item in page:
                yield item


Steps = Generator[Flow[Page[T]], Page[T], None]
Fetch = Callable[..., Flow[Page[T]]]


def _following(steps: Steps[T], page: Page[T]) -> Flow[Page[T]] | None:
    try:
        return steps.send(page)
    except StopIteration:
        return None


def _by_cursor(title: str, facts: Checkpoint, kwargs: dict[str, Any], fetch: Fetch[T]) -> Steps[T]:
    # Python spells the query parameter `from` with an underscore.
    from_ = f"{facts.from_}_" if facts.from_ == "from" else facts.from_
    take = kwargs.get(facts.take) or min(facts.most, _TAKE)
    cursor = kwargs.get(from_)
    if cursor is None and facts.next is None:
        # The log starts at its first entry only when it is asked for a cursor, if an empty one.
        cursor = ""
    received = 0
    while True:
        page = yield fetch(**{from_: cursor, facts.take: take})
        received += len(page)
        following = page.next if facts.next else _last_field(page, facts.item_field)
        if not following or (not len(page) and facts.next is None):
            return
        if following == cursor:
            raise PageLimitReached(
                f"{title} was given the same checkpoint twice after {received} items and would never end",
                received=received,
                total=page.total,
            )
        cursor = following


_TAKE = 100


def _last_field(page: Page[Any], field: str | None) -> str | None:
    last = getattr(page[-1], field or "", None) if len(page) else None
    return last if isinstance(last, str) else None


def _by_number(title: str, facts: Offset, kwargs: dict[str, Any], fetch: Fetch[T]) -> Steps[T]:
    totals = {facts.totals: True} if facts.totals and kwargs.get(facts.totals) is None else {}
    number, size = kwargs.get(facts.page) or 0, kwargs.get(facts.per_page)
    for name, value, least in ((facts.page, number, 0), (facts.per_page, size, 1)):
        if value is not None and (not isinstance(value, int) or value < least):
            raise InvalidArgumentError(name, f'{title}: "{name}" must be a whole number from {least} up')
    previous: Page[T] | None = None
    received = 0
    while True:
        page = yield _unlike(previous, fetch(**totals, **{facts.page: number}), title, facts, received)
        received += len(page)
        # What the server says of its page size wins over what was asked for.
        size = page.limit or size or len(page)
        end = (number + 1) * size
        if not len(page) or (len(page) < size if page.total is None else end >= page.total):
            return
        previous, number = page, number + 1
        if facts.wall is not None and end + size > facts.wall:
            if end < facts.wall:
                # The last full page does not fit under the wall: ask for one that ends at it, and skip
                # what is known already.
                largest = _LARGEST if size <= _LARGEST else size
                last = {facts.page: facts.wall // largest - 1, facts.per_page: largest}
                page = yield _without(fetch(**totals, **last), end - (facts.wall - largest))
                received += len(page)
                if len(page) < facts.wall - end if page.total is None else page.total <= facts.wall:
                    return
            total = "more" if page.total is None else f"{page.total}"
            raise PageLimitReached(
                f"{title} serves {facts.wall} items of {total} this way; narrow the query (q=...) into parts "
                f"of at most {facts.wall}, or export all with jobs.export_users",
                received=received,
                total=page.total,
            )


_LARGEST = 100


def _unlike(
    previous: Page[T] | None, flow: Flow[Page[T]], title: str, facts: Offset, received: int
) -> Flow[Page[T]]:
    """Return the page that `flow` returns.

    Raises `PageLimitReached` when it is the previous one again. Where the server says at which item a page
    starts, its items may be like those before (they are, if few fields were asked for).
    """
    page = yield from flow
    again = previous is not None and page.start == previous.start and list(page) == list(previous)
    if again and len(page):
        raise PageLimitReached(
            f'{title} was given the same page twice: the server ignores "{facts.page}"',
            received=received,
            total=page.total,
        )
    return page


def _without(flow: Flow[Page[T]], known: int) -> Flow[Page[T]]:
    """Return the page that `flow` returns without its first `known` items."""
    page = yield from flow
    return Page(page.items[known:], total=page.total, start=page.start, limit=page.limit, length=page.length)
