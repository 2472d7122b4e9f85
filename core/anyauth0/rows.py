"""Rows of users read one by one, and packed into files that know the place of each row."""

from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import Any, cast

import msgspec

from ._json import as_object
from .encoding import encode_json
from .errors import InvalidArgumentError
from .flow import Flow, perform

__all__ = ["END", "File", "encoded", "keys_of", "reader"]

END = object()
"""What a reader answers after the last row."""

_KEYS = ("user_id", "email", "username", "phone_number")


class File:
    """Rows of one upload, as JSON, with their places in what was given."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.places: list[int] = []
        self.size = 2
        self.job = ""

    def add(self, place: int, row: bytes) -> None:
        self.rows.append(row)
        self.places.append(place)
        self.size += len(row) + 1

    def body(self) -> bytes:
        return b"[" + b",".join(self.rows) + b"]"

    def users(self) -> Iterable[tuple[int, dict[str, Any]]]:
        """Go through the rows as they were sent, each with its place."""
        for place, row in zip(self.places, self.rows, strict=True):
            yield place, as_object(msgspec.json.decode(row))

    def by_key(self) -> dict[tuple[str, str], deque[int]]:
        """Return the places of the rows by each of what may name a user."""
        found: dict[tuple[str, str], deque[int]] = {}
        for place, user in self.users():
            for key in keys_of(user):
                found.setdefault(key, deque()).append(place)
        return found


def keys_of(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what may name a user: the name of the field, and the value in small letters."""
    return [(name, str(user[name]).lower()) for name in _KEYS if user.get(name) is not None]


def reader(rows: Any, *, asynchronous: bool, title: str, of: str = "rows") -> Callable[[], Flow[Any]]:
    """Return the flow that reads the next row, or answers `END`.

    Raises `InvalidArgumentError` in the name of the method `title`, where `rows` are no iterable `of` those.
    """
    given = rows
    if isinstance(rows, AsyncIterable):
        if not asynchronous:
            raise InvalidArgumentError(
                "rows", f'{title}: "rows" is an async iterable, which a blocking client cannot read'
            )
        source: Any = aiter(given)

        async def step() -> Any:
            return await anext(source, END)

        return lambda: perform(asynchronous=step)
    if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Iterable):
        raise InvalidArgumentError("rows", f'{title}: "rows" must be an iterable of {of}')
    iterator: Any = iter(given)

    def following() -> Flow[Any]:
        return next(iterator, END)
        yield

    return following


def encoded(row: object) -> bytes | str:
    """Return a row as JSON, or as text why it cannot be sent."""
    if not isinstance(row, Mapping):
        return f"a row must be a mapping, not {type(row).__name__}"
    try:
        return encode_json(cast("Mapping[str, Any]", row))
    except InvalidArgumentError as error:
        return str(error)
