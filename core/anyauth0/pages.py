"""A page of a list as a sequence, and the two ways in which an endpoint pages."""

from collections.abc import Iterator, Sequence
from typing import TypeVar, overload

import msgspec

T_co = TypeVar("T_co", covariant=True)

__all__ = ["Checkpoint", "Offset", "Page"]


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
    that the server serves at most this way, `None` where no such limit is known. With `beyond`, the field of
    the time by which items can be searched, and `key`, that of their id, a search goes on by itself there;
    where it cannot, `advice` says what to do.
    """

    page: str = "page"
    per_page: str = "per_page"
    totals: str | None = "include_totals"
    total: str = "total"
    wall: int | None = None
    beyond: str | None = None
    key: str | None = None
    advice: str | None = None


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
