"""From page to page: which request comes next, no page too many, and what is told at a wall."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from .errors import InvalidArgumentError, PageLimitReached
from .flow import Flow
from .iteration import Steps
from .pages import Checkpoint, Offset, Page
from .windows import in_windows

T = TypeVar("T")
Fetch = Callable[..., Flow[Page[T]]]

__all__ = ["by_cursor", "by_number"]


def by_cursor(title: str, facts: Checkpoint, kwargs: dict[str, Any], fetch: Fetch[T]) -> Steps[Page[T]]:
    """Yield a flow for each page, each from where the last one ended."""
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


def by_number(title: str, facts: Offset, kwargs: dict[str, Any], fetch: Fetch[T]) -> Steps[Page[T]]:
    """Yield a flow for each page, by numbers, beyond the wall too where the endpoint allows it."""
    if facts.beyond is None:
        return _up_to_the_wall(title, facts, kwargs, fetch)
    return in_windows(title, facts, kwargs, fetch, partial(_up_to_the_wall, title, facts))


def _up_to_the_wall(title: str, facts: Offset, kwargs: dict[str, Any], fetch: Fetch[T]) -> Steps[Page[T]]:
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
                f"{title} serves {facts.wall} items of {total} this way; "
                + (facts.advice or f"narrow the query (q=...) into parts of at most {facts.wall}"),
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
