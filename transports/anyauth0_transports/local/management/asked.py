"""What answers of all kinds are made from: the request, its body, the document it makes, the refusals."""

from types import NoneType
from typing import TYPE_CHECKING, Any, cast

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, management_refusal
from ..store import Store
from ..values import timestamp
from .places import Facts, Place, fields_of, id_fields, listed_in, model_of, singular

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = [
    "Asked", "Document", "body_of", "changed", "conflict", "empty", "items_of", "merged", "missing",
    "no_content", "not_json", "object_of", "refuse_double", "stamped",
]  # fmt: skip

Document = dict[str, Any]

_UNIQUE = {
    "custom-domains": "domain", "organizations": "name", "resource_servers": "identifier", "roles": "name",
    "rules": "name",
}  # fmt: skip


class Asked(msgspec.Struct, frozen=True):
    """One request, with all that its answer depends on."""

    tenant: "LocalTenant"
    incoming: Incoming
    endpoint: Facts
    place: Place

    @property
    def store(self) -> Store:
        """All that the tenant knows."""
        return self.tenant.store

    @property
    def model(self) -> Any:
        """The type of the answer."""
        return model_of(self.endpoint)

    def answer(self, document: object, status: int = 200) -> Response:
        """Return a document as the answer, or 204 where the endpoint answers nothing."""
        return no_content() if self.model is NoneType else json_response(document, status)


def changed(asked: Asked, found: Document) -> Document:
    """Return what becomes of a document: PUT replaces all of it, anything else what the body names."""
    if asked.incoming.method == "PUT":
        kept = {"created_at": found["created_at"]} if "created_at" in found else {}
        return stamped(asked, {**kept, **merged({}, object_of(asked))})
    return stamped(asked, merged(found, object_of(asked)))


def stamped(asked: Asked, document: Document) -> Document:
    """Return a document with the times and the id of its parent that its model has room for."""
    fields, now = fields_of(asked.endpoint), timestamp(asked.tenant.clock())
    first = {"created_at": now, **{f"{singular(kind)}_id": id for kind, id in asked.place.parents[-1:]}}
    document = {**{name: value for name, value in first.items() if name in fields}, **document}
    return {**document, "updated_at": now} if "updated_at" in fields else document


def refuse_double(asked: Asked, document: Document, identifier: str) -> None:
    """Raise `Refusal` where another document has the field that only one may have."""
    field = _UNIQUE.get(asked.place.template)
    if field is None or not isinstance(document.get(field), str):
        return
    (id_field,) = id_fields(asked.place.template)
    for other in asked.store.find(asked.place.kind, **{field: document[field]}):
        if other[id_field] != identifier:
            raise conflict(asked.place.kind, field)


def conflict(kind: str, field: str) -> Refusal:
    """Return the refusal for something that is there already."""
    message = f"There is a {singular(kind).replace('_', ' ')} with this {field} already"
    return management_refusal(409, "conflict", message)


def empty(asked: Asked) -> Any:
    """Return what is read before anything was written."""
    if asked.model is float:
        return 0
    field = listed_in(asked.endpoint)
    return {field: []} if field else {}


def object_of(asked: Asked) -> Document:
    """Return the body, which must be an object."""
    body = body_of(asked.incoming)
    if not isinstance(body, dict):
        raise not_json()
    return cast("Document", body)


def body_of(incoming: Incoming) -> object:
    """Return the body as JSON; without one, nothing for DELETE and an empty object for the others."""
    if not incoming.body:
        return None if incoming.method == "DELETE" else {}
    try:
        return msgspec.json.decode(incoming.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise not_json() from None


def items_of(body: object) -> list[object] | None:
    """Return the items of a body that is a list, or whose only field is one."""
    if isinstance(body, dict) and len(values := list(cast("Document", body).values())) == 1:
        body = values[0]
    return cast("list[object]", body) if isinstance(body, list) else None


def not_json() -> Refusal:
    """Return the refusal for a body of another shape."""
    return management_refusal(400, "invalid_body", "Invalid request payload JSON format")


def merged(document: Document, changes: Document) -> Document:
    """Return `document` with `changes` at its top level; `None` takes a field away."""
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def missing(what: str) -> Refusal:
    """Return the refusal for something that is not there."""
    kind = singular(what)
    return management_refusal(404, f"inexistent_{kind}", f"The {kind.replace('_', ' ')} does not exist.")


def no_content() -> Response:
    """Return the answer that says nothing."""
    return Response(status=204)
