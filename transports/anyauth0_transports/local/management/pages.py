"""Lists as the Management API answers them: bare or with totals, by number or by cursor, by some fields."""

from collections.abc import Sequence
from typing import Any

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, management_refusal
from .search import matcher

__all__ = ["narrowed", "only_fields", "page", "sorted_by", "whole_number"]

Document = dict[str, Any]
_LARGEST = 100
_DEFAULT = 50
# Query parameters that narrow a list by a field of another name.
_FIELDS = {
    "actionName": "name", "client_ids": "client_id", "grant_ids": "id", "identifiers": "identifier",
    "name_filter": "name",
}  # fmt: skip
_FOR_PAGES = ("fields", "from", "include_fields", "include_totals", "page", "per_page", "q", "sort", "take")


def page(
    incoming: Incoming,
    documents: Sequence[Document],
    items: str | None,
    *,
    take: int | None = None,
    numbers: bool = True,
    wall: int | None = None,
    counted: bool = False,
) -> Response:
    """Return the page of `documents` that was asked for.

    `items` is the field that holds them in an object. `take` is the largest page by cursor, `None` where the
    endpoint has no cursors; `numbers` says whether it pages by number, `wall` how many it serves so at most,
    `counted` whether the counters come unasked.
    """
    if items and take and (not numbers or {"from", "take"} & set(incoming.query)):
        return _by_cursor(incoming, documents, items, take)
    size = whole_number(incoming, "per_page", _DEFAULT, _LARGEST) or _DEFAULT
    number = whole_number(incoming, "page", 0)
    if wall is not None and (number + 1) * size > wall:
        message = f"You can only page through the first {wall} records"
        raise management_refusal(400, "invalid_paging", message)
    start = number * size
    found = [only_fields(incoming, document) for document in documents[start : start + size]]
    if not items or not (counted or incoming.one("include_totals") == "true"):
        return json_response(found)
    counters = {"start": start, "limit": size, "length": len(found), "total": len(documents)}
    return json_response({**counters, items: found})


def _by_cursor(incoming: Incoming, documents: Sequence[Document], items: str, largest: int) -> Response:
    size = whole_number(incoming, "take", _DEFAULT, largest) or _DEFAULT
    start = whole_number(incoming, "from", 0)
    found = [only_fields(incoming, document) for document in documents[start : start + size]]
    answer: Document = {items: found}
    if start + size < len(documents):
        answer["next"] = str(start + size)
    return json_response(answer)


def whole_number(incoming: Incoming, name: str, default: int, largest: int | None = None) -> int:
    """Return a number of the query. Anything else is refused with 400."""
    text = incoming.one(name)
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _invalid(f"Query validation error: '{name}' must be a whole number")
    value = int(text)
    if largest is not None and value > largest:
        raise _invalid(f"Query validation error: '{name}' must be at most {largest}")
    return value


def _invalid(message: str) -> Refusal:
    return management_refusal(400, "invalid_query_string", message)


def only_fields(incoming: Incoming, document: Document) -> Document:
    """Return the fields that `fields` names, or with `include_fields=false` the others."""
    names = {name.strip() for name in (incoming.one("fields") or "").split(",") if name.strip()}
    if not names:
        return document
    wanted = incoming.one("include_fields") != "false"
    return {name: value for name, value in document.items() if (name in names) is wanted}


def sorted_by(incoming: Incoming, documents: list[Document]) -> list[Document]:
    """Return `documents` as `sort` asks for, `field:1` or `field:-1`; in their own order without it."""
    field, _, direction = (incoming.one("sort") or "").partition(":")
    if not field:
        return documents
    if direction not in ("1", "-1"):
        raise _invalid("Query validation error: 'sort' must be field:1 or field:-1")

    def key(document: Document) -> tuple[bool, float, str]:
        value = document.get(field)
        number = float(value) if isinstance(value, int | float) else 0.0
        return value is None, number, "" if value is None else str(value)

    return sorted(documents, key=key, reverse=direction == "-1")


def narrowed(incoming: Incoming, documents: list[Document], fields: frozenset[str]) -> list[Document]:
    """Return the documents that fit `q`, and the values that the query wants of `fields`, sorted."""
    fits = matcher(incoming.one("q"))
    documents = [document for document in documents if fits(document)]
    for name, values in incoming.query.items():
        # Grants alone write it so.
        field = "clientID" if name == "client_id" and "clientID" in fields else _FIELDS.get(name, name)
        if field in fields and name not in _FOR_PAGES:
            wanted = {value.lower() for value in values}
            if name == "name_filter":
                documents = [item for item in documents if values[-1].lower() in _text(item.get(field))]
            else:
                documents = [item for item in documents if _text(item.get(field)) in wanted]
    return sorted_by(incoming, documents)


def _text(value: object) -> str:
    return str(value).lower()
