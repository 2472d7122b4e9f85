"""Values into URLs and bodies, so that none of them can mean anything but itself."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus

import msgspec

from .errors import InvalidArgumentError

__all__ = ["FORM", "HEADER_VALUE", "encode_form", "encode_json", "encode_path", "encode_query"]

FORM = "application/x-www-form-urlencoded"
"""The content type of `encode_form`."""
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
"""What may stand in a header: one line of latin-1 (RFC 9110, section 5.5)."""

_PARAMETER = re.compile(r"\{(\w+)\}")
_SURROGATE = re.compile("[\ud800-\udfff]")


def encode_path(template: str, values: Sequence[object]) -> str:
    """Return `template` with its parameters replaced by `values`, each percent-encoded into one segment.

    Raises `InvalidArgumentError` for a value that is empty, not a string, or would climb out of its segment.
    """
    if not values:
        return template
    names = _PARAMETER.findall(template)
    for name, value in zip(names, values, strict=True):
        if not isinstance(value, str):
            raise InvalidArgumentError(
                name, f'"{name}" of {template} must be a string, not {type(value).__name__}'
            )
        if not value.strip():
            raise InvalidArgumentError(name, f'"{name}" of {template} is empty; give the id of what you mean')
        if not {".", ".."}.isdisjoint(value.replace("\\", "/").split("/")) or not value.isprintable():
            raise InvalidArgumentError(
                name, f'"{name}" of {template} must be an id, not a path or text with control characters'
            )
    encoded = iter([quote(cast("str", value), safe="") for value in values])
    return _PARAMETER.sub(lambda _: next(encoded), template)


def encode_query(values: Mapping[str, object]) -> str:
    """Return `values` as a query string: `None` left out, a sequence as the name repeated."""
    return "&".join(f"{quote(name, safe='')}={quote(text, safe='')}" for name, text in _pairs(values))


def encode_form(values: Mapping[str, object]) -> bytes:
    """Return `values` as `application/x-www-form-urlencoded`: `None` left out, a sequence repeated."""
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in _pairs(values)).encode()


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
        _text(name, name)
        if isinstance(value, list | tuple | set | frozenset):
            pairs += [(name, _text(name, item)) for item in cast("Sequence[Any]", value)]
        elif value is not None:
            pairs.append((name, _text(name, value)))
    return pairs


def _text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if _SURROGATE.search(value):
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
