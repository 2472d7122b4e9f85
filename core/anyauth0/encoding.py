"""Values into URLs and bodies, so that none of them can mean anything but itself."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import msgspec

from .errors import InvalidArgumentError

__all__ = [
    "FORM", "encode_form", "encode_json", "encode_path", "encode_query", "is_header_value", "percent_encode",
]  # fmt: skip

FORM = "application/x-www-form-urlencoded"
"""The content type of `encode_form`."""

# By hand, not by `re`: a fresh process would spend more on its patterns than on all else here.
_UNRESERVED = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.~-"
_IN_A_HEADER = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
_CLIMBING = frozenset({".", ".."})
_SURROGATE = "[\ud800-\udfff]"


def encode_path(template: str, values: Sequence[object]) -> str:
    """Return `template` with its parameters replaced by `values`, each percent-encoded into one segment.

    Raises `InvalidArgumentError` for a value that is empty, not a string, or would climb out of its segment.
    """
    if not values:
        return template
    pieces = _pieces(template)
    encoded = pieces[0]
    for name, rest, value in zip(pieces[1::2], pieces[2::2], values, strict=True):
        if not isinstance(value, str):
            raise InvalidArgumentError(
                name, f'"{name}" of {template} must be a string, not {type(value).__name__}'
            )
        if not value.strip():
            raise InvalidArgumentError(name, f'"{name}" of {template} is empty; give the id of what you mean')
        climbs = "." in value and not _CLIMBING.isdisjoint(value.replace("\\", "/").split("/"))
        if climbs or not value.isprintable():
            raise InvalidArgumentError(
                name, f'"{name}" of {template} must be an id, not a path or text with control characters'
            )
        encoded += percent_encode(value) + rest
    return encoded


@cache
def _pieces(template: str) -> list[str]:
    # Text and names by turns.
    return template.replace("}", "{").split("{")


def encode_query(values: Mapping[str, object]) -> str:
    """Return `values` as a query string: `None` left out, a sequence as the name repeated."""
    return "&".join(f"{percent_encode(name)}={percent_encode(text)}" for name, text in _pairs(values))


def encode_form(values: Mapping[str, object]) -> bytes:
    """Return `values` as `application/x-www-form-urlencoded`: `None` left out, a sequence repeated."""
    pairs = "&".join(f"{percent_encode(name)}={percent_encode(text)}" for name, text in _pairs(values))
    return pairs.replace("%20", "+").encode()


def percent_encode(text: str) -> str:
    """Return `text` with all but the unreserved characters percent-encoded (RFC 3986, section 2.1)."""
    raw = text.encode()
    if not raw.translate(None, _UNRESERVED):
        return text
    table = _percent_encoded()
    return "".join([table[byte] for byte in raw])


@cache
def _percent_encoded() -> list[str]:
    return [chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256)]


def is_header_value(text: str) -> bool:
    """Say whether `text` may stand in a header: one line of latin-1 (RFC 9110, section 5.5)."""
    try:
        return not text.encode("latin-1").translate(None, _IN_A_HEADER)
    except UnicodeEncodeError:
        return False


def json_text(value: object) -> object:
    """Return a list or a mapping as the JSON that a form or a query has it in; anything else as it is."""
    if isinstance(value, str | bytes) or not isinstance(value, Mapping | Sequence):
        return value
    return encode_json(cast("Any", value)).decode()


def encode_json(value: object) -> bytes:
    """Return `value` as JSON.

    Raises `InvalidArgumentError` for what JSON has no word for.
    """
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except UnicodeEncodeError:
        # That error holds the text itself, so it must not be kept as the cause of ours.
        reason = "a text in it holds half a surrogate pair"
    except RecursionError:
        reason = "it is nested too deeply, or holds itself"
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        reason = str(error)
    raise InvalidArgumentError("body", f"the body cannot be written as JSON: {reason}")


def _plain(value: object) -> str:
    # A text that is more than a text, such as one whose `repr` hides it.
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def _pairs(values: Mapping[str, object]) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if value is None:
            continue
        _text(name, name)
        if isinstance(value, list | tuple | set | frozenset):
            pairs += [(name, _text(name, item)) for item in cast("Sequence[Any]", value)]
        else:
            pairs.append((name, _text(name, value)))
    return pairs


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if not value.isascii() and re.search(_SURROGATE, value):
            raise InvalidArgumentError(name, f'"{name}" holds half a surrogate pair; give well-formed text')
        return value
    if isinstance(value, int | float):
        try:
            return str(value)
        except ValueError:
            # That would take quadratic time.
            message = f'"{name}" is a number of more digits than Python writes; give a smaller one'
            raise InvalidArgumentError(name, message) from None
    raise InvalidArgumentError(name, f'"{name}" must be text or a number, not {type(value).__name__}')
