"""Collections of the Management API: listed, added to one by one or by a list, cleared."""

from types import NoneType
from typing import Any, cast, get_args, get_origin

import msgspec

from anyauth0 import Response
from anyauth0.pagination import PagedEndpoint

from ..incoming import json_response
from ..values import random_id
from .asked import (
    Asked,
    Document,
    body_of,
    conflict,
    empty,
    items_of,
    no_content,
    not_json,
    object_of,
    refuse_double,
    stamped,
)
from .begun import begun
from .links import link, shown, target, unlink
from .pages import narrowed, only_fields, page
from .places import Place, fields_of, id_fields, is_list, listed_in

__all__ = ["many"]

_PREFIXES = {
    "actions/actions": "act_", "client_grants": "cgr_", "custom-domains": "cd_", "organizations": "org_",
    "roles": "rol_",
}  # fmt: skip


def many(asked: Asked) -> Response:
    """Answer a request about a collection."""
    method = asked.incoming.method
    if method == "GET":
        return _listing(asked)
    body = body_of(asked.incoming)
    items = items_of(body)
    if method == "DELETE":
        # A body that cannot be understood must not clear everything.
        if body is not None and items is None:
            raise not_json()
        _clear(asked, items)
        return no_content()
    field = listed_in(asked.endpoint)
    listing = is_list(asked.endpoint) or (asked.model is NoneType and items is not None)
    if method == "POST" and not listing:
        return asked.answer(_created(asked), 201)
    if method == "PUT":
        _clear(asked, None)
    documents = [_added(asked, item) for item in items or []]
    return asked.answer({field: documents} if field else documents, 201 if method == "POST" else 200)


def _listing(asked: Asked) -> Response:
    incoming, fields = asked.incoming, fields_of(asked.endpoint)
    found = [
        shown(asked.store, asked.place, document, fields) for document in asked.store.list(asked.place.kind)
    ]
    found = narrowed(incoming, found, fields)
    endpoint = cast("object", asked.endpoint)
    if isinstance(endpoint, PagedEndpoint):
        facts = cast("PagedEndpoint[..., Any]", endpoint)
        return page(
            incoming,
            found,
            facts.items,
            take=facts.checkpoint.most if facts.checkpoint else None,
            numbers=facts.offset is not None,
            wall=facts.offset.wall if facts.offset else None,
            counted=facts.offset is not None and facts.offset.totals is None,
        )
    documents = [only_fields(incoming, document) for document in found]
    if get_args(asked.model) == (str,):
        return json_response([document["id"] for document in documents])
    if get_origin(asked.model) is list:
        return json_response(documents)
    # Of some collections only one document is ever read.
    field = listed_in(asked.endpoint)
    return json_response({field: documents} if field else documents[-1] if documents else empty(asked))


def _created(asked: Asked) -> Document:
    """Create a document of the body; one that links two others is there once however often it is created."""
    place, store = asked.place, asked.store
    body = object_of(asked)
    if target(place.template):
        return cast("Document", _added(asked, body))
    made = {
        field: f"{_PREFIXES.get(place.template, '')}{random_id(16)}" for field in id_fields(place.template)
    }
    document = stamped(asked, {**made, **begun(asked, body), **body})
    identifier = _identifier(place, document)
    refuse_double(asked, document, identifier)
    if store.get(place.kind, identifier) is not None:
        raise conflict(place.kind, id_fields(place.template)[0])
    store.put(place.kind, identifier, document)
    for name, value in body.items():
        # What an organization is created with is a collection below it from then on.
        below = Place("many", f"{place.template}/{{}}/{name}", (*place.owners, identifier))
        if name == "enabled_connections" and isinstance(value, list):
            for item in cast("list[object]", value):
                link(store, below, _identifier(below, item), _said(item))
    return document


def _added(asked: Asked, item: object) -> object:
    """Add what a list in a body names: a link, a document with or without an id, or a bare word."""
    place, store = asked.place, asked.store
    identifier = _identifier(place, item)
    if target(place.template):
        link(store, place, identifier, _said(item))
        return shown(store, place, store.get(place.kind, identifier) or {}, fields_of(asked.endpoint))
    if not isinstance(item, dict):
        store.put(place.kind, identifier, {"id": identifier})
        return item
    document = cast("Document", item)
    if asked.model is not NoneType:
        made = {field: random_id(16) for field in id_fields(place.template)}
        document = stamped(asked, {**made, **document})
        identifier = _identifier(place, document)
        document = {**(store.get(place.kind, identifier) or {}), **document}
    store.put(place.kind, identifier, document)
    return document


def _said(item: object) -> Document:
    return cast("Document", item) if isinstance(item, dict) else {}


def _identifier(place: Place, item: object) -> str:
    """Return the id of an item: itself, its id fields, or without these all of it."""
    if not isinstance(item, dict):
        return str(item)
    document = cast("Document", item)
    values = [str(document[field]) for field in id_fields(place.template) if document.get(field)]
    if not values and target(place.template):
        values = [str(value) for name, value in document.items() if name.endswith("_id")][:1]
        if not values:
            raise not_json()
    return " ".join(values) or msgspec.json.encode(document, order="sorted").decode()


def _clear(asked: Asked, items: list[object] | None) -> None:
    """Remove the items, or without any all documents that the query does not rule out."""
    if items is None:
        found = asked.store.list(asked.place.kind)
        items = [*narrowed(asked.incoming, found, frozenset(field for item in found for field in item))]
    for item in items:
        unlink(asked.store, asked.place, _identifier(asked.place, item))
