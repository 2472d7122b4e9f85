"""Plain JSON data, narrowed: what the checkers need in order to look into a body that may hold anything."""

from typing import Any, TypeGuard

import msgspec


def read(body: bytes) -> Any:
    """Return `body` as plain data, by a tolerant reader where the fast one refuses.

    The fast one knows no half of a surrogate pair (a name that was cut within an emoji) and no number beyond
    its range; a byte that is not UTF-8 becomes a replacement character.

    Not for what is signed: there JSON is JSON to the letter (`parse`).

    Raises `ValueError` when it is not JSON at all; that error holds nothing of the body.
    """
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    import json

    try:
        return json.loads(body.decode("utf-8-sig", "replace"), parse_int=_integer)
    except (ValueError, RecursionError):
        # Their errors hold the body, so they must not be the context of this one.
        pass
    raise ValueError("the body is not JSON")


def _integer(text: str) -> int | float:
    # Beyond the range of a double Python takes quadratic time, or refuses.
    return int(text) if len(text) <= 309 else float(text)


def parse(body: bytes) -> Any:
    """Return `body` as plain data, or `None` when it is not JSON to the letter."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Say whether `value` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Say whether `value` is a JSON array."""
    return isinstance(value, list)


def as_object(value: object) -> dict[str, Any]:
    """Return `value` when it is a JSON object, else an empty one."""
    return value if is_object(value) else {}


def as_array(value: object) -> list[Any]:
    """Return `value` when it is a JSON array, else an empty one."""
    return value if is_array(value) else []


def as_text(value: object) -> str | None:
    """Return `value` when it is a string with something in it, else `None`."""
    return value if isinstance(value, str) and value.strip() else None
