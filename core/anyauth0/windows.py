"""Beyond the wall: a search that serves so many items only goes on where its last item was created."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, TypeVar

from .errors import PageLimitReached
from .flow import Flow
from .iteration import Steps, following
from .pages import Offset, Page

T = TypeVar("T")
Fetch = Callable[..., Flow[Page[T]]]
Pages = Callable[[dict[str, Any], Fetch[T]], Steps[Page[T]]]

__all__ = ["in_windows"]

_TIME = re.compile(r"[0-9TZ:.+-]+")


def in_windows(
    title: str, facts: Offset, kwargs: dict[str, Any], fetch: Fetch[T], pages: Pages[T]
) -> Steps[Page[T]]:
    """Yield the pages of a search, and of the next one from the last item on, until there is no more.

    `pages` goes through one search up to the wall. The searches are in the order of `facts.beyond`, so that
    the last item of one is where the next begins; what both have is handed out once.
    """
    field, key = facts.beyond or "", facts.key or ""
    obstacle = _obstacle(field, key, kwargs)
    window: dict[str, Any] = {} if obstacle else {"sort": f"{field}:1"}
    seen: _Seen[T] = _Seen(field, key)
    while True:
        before = seen.moment
        steps = pages({**kwargs, **window}, partial(_with, window, fetch))
        flow = next(steps, None)
        try:
            while flow is not None:
                yield seen.fresh(flow, again="q" in window)
                flow = following(steps, seen.page)
            return
        except PageLimitReached as wall:
            reason = obstacle or seen.obstacle(since=before)
            refusal = _refused(wall.with_traceback(None), reason, seen) if reason else None
        if refusal is not None:
            raise refusal
        query = f'{field}:["{seen.moment}" TO *]'
        given = kwargs.get("q")
        window |= {"q": f"({given}) AND {query}" if given else query, facts.page: 0}


def _with(window: dict[str, Any], fetch: Fetch[T], **paging: object) -> Flow[Page[T]]:
    return fetch(**{**window, **paging})


class _Seen(Generic[T]):
    """What has been handed out: how many, and which at the latest moment."""

    def __init__(self, field: str, key: str) -> None:
        self.count = 0
        self.total: int | None = None
        self.moment = ""
        self.page: Page[T] = Page()
        """The latest page, as it came."""
        self._field = field
        self._key = key
        self._known: set[object] = set()

    def fresh(self, flow: Flow[Page[T]], *, again: bool) -> Flow[Page[T]]:
        """Return the page of `flow`; `again` is whether some of it may have been handed out before."""
        page = yield from flow
        new = [each for each in page.items if getattr(each, self._key, None) not in self._known]
        if self.total is None:
            self.total = page.total
        for each in page.items:
            at = getattr(each, self._field, None)
            if at != self.moment:
                self.moment, self._known = at if isinstance(at, str) else "", set()
            self._known.add(getattr(each, self._key, None))
        self.page = page
        start, self.count = self.count, self.count + len(new)
        if not again:
            return page
        return Page(new, total=self.total, start=start, limit=page.limit, length=len(new))

    def obstacle(self, since: str) -> str | None:
        """Return why there is nothing to go on from, or `None`; `since` is where this search began."""
        if not _TIME.fullmatch(self.moment):
            return f"its last item has no {self._field} to go on from"
        return f"too many have the same {self._field}" if self.moment == since else None


def _obstacle(field: str, key: str, kwargs: dict[str, Any]) -> str | None:
    """Return why a search cannot go on beyond the wall, or `None`."""
    if kwargs.get("sort") not in (None, f"{field}:1"):
        return f'it would have to be in order of {field}, so leave "sort" out'
    if kwargs.get("search_engine") not in (None, "v3"):
        return 'only search engine v3 can do it, so leave "search_engine" out'
    fields = kwargs.get("fields")
    if fields is not None:
        names = fields.split(",") if isinstance(fields, str) else list(fields)
        wanted = {name.strip() for name in names} >= {field, key}
        if kwargs.get("include_fields") is False:
            wanted = not {name.strip() for name in names} & {field, key}
        if not wanted:
            return f'it needs {field} and {key} among "fields"'
    return None


def _refused(wall: PageLimitReached, reason: str, seen: _Seen[Any]) -> PageLimitReached:
    what, _, advice = str(wall).partition(";")
    return PageLimitReached(
        f"{what} and cannot go on by itself: {reason}; or{advice}",
        received=seen.count,
        total=wall.total if seen.total is None else seen.total,
    )
