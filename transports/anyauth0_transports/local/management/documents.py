"""Every endpoint that has no rules of its own: a document is created, read, changed and deleted as it is."""

import secrets
from types import NoneType
from typing import TYPE_CHECKING, Any, cast, get_args, get_origin

import msgspec

from anyauth0 import Response
from anyauth0.endpoint import EndpointFacts
from anyauth0.pagination import PagedEndpoint

from ..incoming import Incoming, Refusal, json_response, management_refusal
from ..store import Duplicate
from ..values import random_id
from .pages import only_fields, page

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["answer", "merged", "missing", "no_content"]

_IDS = {"clients": "client_id", "users": "user_id", "logs": "log_id"}
_PREFIXES = {
    "connections": "con_",
    "organizations": "org_",
    "roles": "rol_",
    "actions": "act_",
    "jobs": "job_",
}


def answer(
    tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...], endpoint: EndpointFacts[..., Any]
) -> Response:
    """Answer a request by the document, or the documents, at its path."""
    segments = endpoint.path.strip("/").split("/")
    values = iter(path)
    places = [next(values) if segment.startswith("{") else segment for segment in segments]
    if segments[-1].startswith("{") and len(segments) > 1:
        return _one(tenant, incoming, "/".join(places[:-1]), places[-1], endpoint)
    kind = "/".join(places)
    if isinstance(cast("object", endpoint), PagedEndpoint) or _answers_list(endpoint):
        return _many(tenant, incoming, kind, endpoint)
    if incoming.method == "POST":
        return _create(tenant, incoming, kind)
    return _one(tenant, incoming, kind, "", endpoint)


def _answers_list(endpoint: EndpointFacts[..., Any]) -> bool:
    return endpoint.method == "GET" and get_origin(_model(endpoint)) is list


def _model(endpoint: EndpointFacts[..., Any]) -> Any:
    """Return the type of the answer, out of `-> Call[...]`."""
    return get_args(endpoint.function.__annotations__["return"])[0]


def _many(
    tenant: "LocalTenant", incoming: Incoming, kind: str, endpoint: EndpointFacts[..., Any]
) -> Response:
    documents = tenant.store.list(kind)
    if not isinstance(endpoint, PagedEndpoint):
        return json_response([only_fields(incoming, document) for document in documents])
    paged = cast("PagedEndpoint[..., Any]", endpoint)
    offset = paged.offset
    return page(
        incoming,
        documents,
        paged.items,
        cursors=paged.checkpoint is not None,
        numbers=offset is not None,
        wall=offset.wall if offset else None,
    )


def _create(tenant: "LocalTenant", incoming: Incoming, kind: str) -> Response:
    body: object = _body(incoming)
    if not isinstance(body, dict):
        # A list of links, of ids: kept as one document, for it has no id of its own.
        tenant.store.put(kind, secrets.token_hex(8), {"items": body})
        return Response(status=201)
    document = cast("dict[str, Any]", body)
    field = _IDS.get(kind, "id")
    identifier = str(document.get(field) or f"{_PREFIXES.get(kind, '')}{random_id(16)}")
    document = {field: identifier, **document}
    try:
        tenant.store.add(kind, identifier, document)
    except Duplicate:
        raise management_refusal(409, "conflict", "There is one of this id already") from None
    return json_response(document, 201)


def _one(
    tenant: "LocalTenant", incoming: Incoming, kind: str, identifier: str, endpoint: EndpointFacts[..., Any]
) -> Response:
    store = tenant.store
    if incoming.method == "DELETE":
        store.remove(kind, identifier)
        return no_content()
    document = store.get(kind, identifier)
    if incoming.method in ("PUT", "POST") or (document is None and not identifier):
        # A thing of which there is only one is there from the start, and empty.
        document = {} if document is None or incoming.method == "PUT" else document
    if document is None:
        raise missing(kind)
    if incoming.method != "GET":
        body: object = _body(incoming)
        if isinstance(body, dict):
            document = merged(document, cast("dict[str, Any]", body))
        store.put(kind, identifier, document)
    if _model(endpoint) is NoneType:
        return no_content()
    return json_response(only_fields(incoming, document))


def _body(incoming: Incoming) -> object:
    if not incoming.body:
        return {}
    try:
        return msgspec.json.decode(incoming.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise management_refusal(400, "invalid_body", "Invalid request payload JSON format") from None


def merged(document: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return `document` with `changes` at its top level; `None` takes a field away."""
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def missing(what: str) -> Refusal:
    """Return the refusal for something that is not there."""
    return management_refusal(404, f"inexistent_{what.split('/')[-1].rstrip('s')}", "There is no such thing")


def no_content() -> Response:
    """Return the answer that says nothing."""
    return Response(status=204)
