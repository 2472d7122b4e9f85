"""Every endpoint that has no rules of its own: a document is created, read, changed and deleted as it is."""

from types import NoneType
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

import msgspec

from anyauth0 import Response
from anyauth0.endpoint import EndpointFacts
from anyauth0.pagination import PagedEndpoint

from ..incoming import Incoming, Refusal, json_response, management_refusal
from ..store import Duplicate, Store
from ..values import random_id
from .pages import only_fields, page

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["answer", "merged", "missing", "no_content"]

Document = dict[str, Any]
Facts = EndpointFacts[..., Any]

_IDS = {"clients": "client_id", "users": "user_id", "logs": "log_id"}
_PREFIXES = {"actions": "act_", "client_grants": "cgr_", "organizations": "org_", "roles": "rol_"}
# The tenant itself reads these to issue tokens.
_KINDS = {"client-grants": "client_grants", "resource-servers": "resource_servers"}
# What is below one of these is there only when it is.
_PARENTS = ("clients", "connections", "organizations", "resource_servers", "roles", "users")


def answer(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...], endpoint: Facts) -> Response:
    """Answer a request by the document, or the documents, at its path.

    A path that ends in a parameter is one document, any other a collection, or a thing of which there is only
    one: which of the two, the type of the answer tells.
    """
    segments = endpoint.path.strip("/").split("/")
    values = iter(path)
    places = [next(values) if segment.startswith("{") else segment for segment in segments]
    places[0] = _KINDS.get(places[0], places[0])
    if len(places) > 2 and places[0] in _PARENTS and tenant.store.get(places[0], places[1]) is None:
        raise missing(places[0])
    if segments[-1].startswith("{"):
        kind, identifier = "/".join(places[:-1]), places[-1]
        document = tenant.store.get(kind, identifier)
        if document is None and incoming.method in ("GET", "PATCH"):
            raise missing(kind)
        return _one(tenant.store, incoming, kind, identifier, document, endpoint)
    kind, model = "/".join(places), _model(endpoint)
    if isinstance(cast("object", endpoint), PagedEndpoint) or get_origin(model) is list:
        return _many(tenant.store, incoming, kind, endpoint)
    if incoming.method == "DELETE" or (incoming.method == "POST" and model is NoneType):
        _change_members(tenant.store, incoming, kind)
        return no_content()
    if incoming.method == "POST":
        return _create(tenant.store, incoming, kind)
    # What was created is the only one; without that it is there from the start, and empty.
    document = tenant.store.get(kind, "") or tenant.store.last(kind) or {}
    return _one(tenant.store, incoming, kind, str(document.get("id", "")), document, endpoint)


def _model(endpoint: Facts) -> Any:
    """Return the type of the answer, out of `-> Call[...]`."""
    return get_args(endpoint.function.__annotations__["return"])[0]


def _one(
    store: Store, incoming: Incoming, kind: str, identifier: str, document: Document | None, endpoint: Facts
) -> Response:
    if incoming.method == "DELETE":
        store.remove(kind, identifier)
        return no_content()
    found = document or {}
    if incoming.method != "GET":
        body = _body(incoming)
        if not isinstance(body, dict):
            raise _not_json()
        field = _IDS.get(kind, "id")
        known = {field: identifier} if identifier else {}
        found = {**merged({} if incoming.method == "PUT" else found, cast("Document", body)), **known}
        store.put(kind, identifier, found)
    return no_content() if _model(endpoint) is NoneType else json_response(only_fields(incoming, found))


def _many(store: Store, incoming: Incoming, kind: str, endpoint: Facts) -> Response:
    if incoming.method != "GET":
        if incoming.method == "PUT":
            _clear(store, kind)
        body = _body(incoming)
        documents = [_added(store, kind, item) for item in _listed(body)]
        return json_response(documents, 201 if incoming.method == "POST" else 200)
    documents = store.list(kind)
    if not isinstance(endpoint, PagedEndpoint):
        return json_response([only_fields(incoming, document) for document in documents])
    paged = cast("PagedEndpoint[..., Any]", endpoint)
    return page(
        incoming,
        documents,
        paged.items,
        take=paged.checkpoint.most if paged.checkpoint else None,
        numbers=paged.offset is not None,
        wall=paged.offset.wall if paged.offset else None,
    )


def _create(store: Store, incoming: Incoming, kind: str) -> Response:
    body = _body(incoming)
    if not isinstance(body, dict):
        raise _not_json()
    document = cast("Document", body)
    field = _IDS.get(kind, "id")
    document = {field: f"{_PREFIXES.get(kind, '')}{random_id(16)}", **document}
    try:
        store.add(kind, str(document[field]), document)
    except Duplicate:
        raise management_refusal(409, "conflict", "There is one of this id already") from None
    return json_response(document, 201)


def _change_members(store: Store, incoming: Incoming, kind: str) -> None:
    """Put in, or take out, what the body lists (`{"roles": ["rol_1"]}`); DELETE without a body takes all."""
    if incoming.method == "DELETE" and not incoming.body:
        _clear(store, kind)
    for item in _listed(_body(incoming)):
        if incoming.method == "DELETE":
            store.remove(kind, _identifier(kind, item))
        else:
            _added(store, kind, item)


def _listed(body: object) -> list[object]:
    """Return the items of a list, or of the first list in an object."""
    if isinstance(body, dict):
        values = cast("dict[str, object]", body).values()
        body = next(filter(lambda value: isinstance(value, list), values), None)
    return cast("list[object]", body) if isinstance(body, list) else []


def _added(store: Store, kind: str, item: object) -> Document:
    """Add an item: an object, or the id of a document that is kept elsewhere under the same name."""
    identifier = _identifier(kind, item)
    if isinstance(item, dict):
        document = cast("Document", item)
    else:
        document = store.get(kind.rpartition("/")[2], identifier) or {"id": identifier}
    store.put(kind, identifier, document)
    return document


def _identifier(kind: str, item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    found = cast("Document", item).get(_IDS.get(kind.rpartition("/")[2], "id"))
    return str(found) if found else msgspec.json.encode(item, order="sorted").decode()


def _clear(store: Store, kind: str) -> None:
    store.remove(kind, "")
    for document in store.list(kind):
        store.remove(kind, _identifier(kind, document))


def _body(incoming: Incoming) -> object:
    if not incoming.body:
        return {}
    try:
        return msgspec.json.decode(incoming.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _not_json() from None


def _not_json() -> Refusal:
    return management_refusal(400, "invalid_body", "Invalid request payload JSON format")


def merged(document: Document, changes: Document) -> Document:
    """Return `document` with `changes` at its top level; `None` takes a field away."""
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def missing(what: str) -> Refusal:
    """Return the refusal for something that is not there."""
    kind = what.split("/")[-1].rstrip("s")
    return management_refusal(404, f"inexistent_{kind}", f"The {kind.replace('_', ' ')} does not exist.")


def no_content() -> Response:
    """Return the answer that says nothing."""
    return Response(status=204)
