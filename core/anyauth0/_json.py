"""Plain JSON data, narrowed: what the checkers need in order to look into a body that may hold anything."""

from typing import Any, TypeGuard

import msgspec


def parse(body: bytes) -> Any:
    """Return `body` as plain data, or `None` when it is not JSON."""
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
