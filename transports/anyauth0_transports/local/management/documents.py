"""Every endpoint that has no rules of its own: a document is created, read, changed and deleted as it is."""

from collections.abc import Callable
from contextlib import nullcontext
from types import NoneType
from typing import TYPE_CHECKING, cast

from anyauth0 import Response

from ..incoming import Incoming
from ..values import random_id
from .asked import (
    Asked,
    Document,
    body_of,
    changed,
    conflict,
    empty,
    items_of,
    merged,
    missing,
    no_content,
    not_json,
    refuse_double,
)
from .links import shown, unlink
from .lists import many
from .pages import only_fields
from .places import Facts, Place, fields_of, id_fields, place_of, singular

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["answer", "merged", "missing", "no_content"]

# Read without ever having been written: there is nothing that creates them.
_ALWAYS_THERE = (
    "prompts/rendering", "prompts/{}/custom-text", "self-service-profiles/{}/custom-text/{}", "user-blocks",
)  # fmt: skip
# Found by another field than the id.
_NAMED = {
    "organizations/name": ("organizations", "name"),
    "organizations/{}/discovery-domains/name": ("organizations/{}/discovery-domains", "domain"),
}
_LATEST = {"branding/themes/default": "branding/themes"}
# Written by one name, read by another.
_READ_AS = {"branding/templates/universal-login": ("template", "body")}


def answer(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...], endpoint: Facts) -> Response:
    """Answer a request by the document, or the documents, that its endpoint is about."""
    place = place_of(endpoint, path)
    with nullcontext() if incoming.method == "GET" else tenant.store.transaction():
        for kind, identifier in place.parents:
            if tenant.store.get(kind, identifier) is None:
                raise missing(kind)
        return _FORMS[place.form](Asked(tenant, incoming, endpoint, place))


def _one(asked: Asked) -> Response:
    place, method = asked.place, asked.incoming.method
    found = asked.store.get(place.kind, place.id)
    if place.template in _NAMED:
        template, field = _NAMED[place.template]
        place = Place("one", template, place.owners)
        found = next(iter(asked.store.find(place.kind, **{field: asked.place.id})), None)
    if method == "DELETE":
        unlink(asked.store, place, place.id)
        return no_content()
    # A document that has a name, not an id, is made by writing it.
    made = method == "PUT" and (asked.model is NoneType or not asked.endpoint.path.endswith("id}"))
    if found is None and not made and place.template not in _ALWAYS_THERE:
        raise missing(place.kind)
    fields = id_fields(place.template)
    values = [place.id] if len(fields) == 1 else place.id.split(" ")
    known = dict(zip(fields, values, strict=False)) if place.id else {}
    if method == "GET":
        document = found if found is not None else {**empty(asked), **known}
    else:
        document = {**changed(asked, found or {}), **known}
        refuse_double(asked, document, place.id)
        asked.store.put(place.kind, place.id, document)
    document = shown(asked.store, place, document, fields_of(asked.endpoint))
    return asked.answer(only_fields(asked.incoming, document))


def _only(asked: Asked) -> Response:
    store, kind, method = asked.store, asked.place.kind, asked.incoming.method
    found = store.get(kind, "")
    if kind in _LATEST and (found := store.last(_LATEST[kind])) is None:
        raise missing(_LATEST[kind])
    if method == "DELETE":
        names = items_of(body_of(asked.incoming))
        if names is None:
            store.remove(kind, "")
            store.remove_below(kind)
        else:
            store.put(kind, "", {name: value for name, value in (found or {}).items() if name not in names})
        return no_content()
    if method == "GET":
        return asked.answer(empty(asked) if found is None else only_fields(asked.incoming, found))
    if method == "POST" and found is not None and asked.model is not NoneType:
        raise conflict(kind, "name")
    if kind in _READ_AS:
        document = _renamed(body_of(asked.incoming), *_READ_AS[kind])
    else:
        document = changed(asked, found or {})
    store.put(kind, "", document)
    return asked.answer(document, 201 if method == "POST" else 200)


def _renamed(body: object, written: str, read: str) -> Document:
    """Return what is read of a body that is a text, or has it in the field `written`."""
    text = cast("Document", body).get(written) if isinstance(body, dict) else body
    if not isinstance(text, str):
        raise not_json()
    return {read: text}


def _act(asked: Asked) -> Response:
    """Answer the fields of the document acted on that the endpoint speaks of, and what the act yields."""
    document: Document = {}
    fields = fields_of(asked.endpoint)
    for kind, identifier in asked.place.parents[-1:]:
        document = asked.store.get(kind, identifier) or {}
        if asked.endpoint.path.endswith("/status"):
            document = changed(asked, document)
            asked.store.put(kind, identifier, document)
        document = {**document, f"{singular(kind)}_id": identifier}
    link = f"https://{asked.tenant.domain}/lo/ticket?ticket={(made := random_id(32))}"
    yielded = {
        "is_valid": True, "recovery_code": made[:24].upper(), "success": True, "ticket": link,
        "ticket_id": made, "ticket_url": link,
    }  # fmt: skip
    answer = {**document, **yielded}
    return asked.answer({name: value for name, value in answer.items() if name in fields})


_FORMS: dict[str, Callable[[Asked], Response]] = {"one": _one, "many": many, "only": _only, "act": _act}
