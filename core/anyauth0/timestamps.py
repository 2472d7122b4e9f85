"""Times as the API writes them, as `datetime`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from .errors import InvalidArgumentError

__all__ = ["parse_timestamp"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# More digits of a second than `datetime` can hold are cut, not rounded: a time must not come too late.
_FRACTION = r"(?<=\.)\d+"


def parse_timestamp(value: str | float | Mapping[str, Any] | None, /) -> datetime | None:
    """Return a time of an answer (`user.created_at`) as a `datetime` with its time zone; `None` stays `None`.

    Takes ISO 8601 (`2026-11-24T09:30:00.000Z`, with any offset, or a date alone), and epoch seconds or
    milliseconds as a number. A time without an offset is taken as UTC, as the API means it.

    Raises `InvalidArgumentError` for anything else, such as the object that the API says some fields may be.
    """
    if value is None:
        return None
    given = cast("object", value)
    try:
        if isinstance(given, str):
            text = re.sub(_FRACTION, lambda digits: digits[0][:6].ljust(6, "0"), given.strip())
            found = datetime.fromisoformat(text)
            return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
        if isinstance(given, int | float) and not isinstance(given, bool):
            # The year 5138 in seconds is 1973 in milliseconds: nothing here is as far away as either.
            return _EPOCH + timedelta(seconds=given / 1000 if abs(given) >= _MILLISECONDS else given)
    except (ValueError, OverflowError):
        pass
    raise InvalidArgumentError("value", f"{_short(given)} is no time that the API writes; expected ISO 8601")


_MILLISECONDS = 1e11


def _short(given: object) -> str:
    # Python writes out no number of thousands of digits.
    return "a number" if isinstance(given, int | float) else ascii(given)[:60]
