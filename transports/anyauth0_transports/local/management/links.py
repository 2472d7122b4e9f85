"""Documents that belong to two others: written on one side, read on both, gone with either."""

from collections.abc import Mapping
from typing import Any

from ..store import Store
from .places import Place, filled, id_fields, singular

__all__ = ["link", "remove", "shown", "target", "unlink"]

Document = dict[str, Any]

# The last word of a kind below another, and the kind that its ids are from.
_TARGETS = {
    "client-grants": "client_grants",
    "clients": "clients",
    "enabled_connections": "connections",
    "groups": "groups",
    "members": "users",
    "organizations": "organizations",
    "roles": "roles",
    "users": "users",
}
_SIDES = {
    "roles/{}/users": "users/{}/roles",
    "roles/{}/groups": "groups/{}/roles",
    "organizations/{}/members": "users/{}/organizations",
    "organizations/{}/client-grants": "client_grants/{}/organizations",
    "organizations/{}/roles/{}/members": "organizations/{}/members/{}/roles",
    "organizations/{}/roles/{}/groups": "organizations/{}/groups/{}/roles",
}
# What the link to an application or a connection tells of it: no secrets.
_SEEN = ("name", "strategy", "app_type", "logo_uri", "is_first_party")
# What ends with a document: by its kind the other kinds, and their fields that name it.
_ENDING: Mapping[str, Mapping[str, str]] = {
    "clients": {"client_grants": "client_id", "grants": "clientID", "refresh-tokens": "client_id"},
    "device-credentials": {"refresh-tokens": "id"},
    "grants": {"refresh-tokens": "grant_id"},
    "refresh-tokens": {"device-credentials": "id", "refresh_tokens": "family"},
    "users": {
        "device-credentials": "user_id", "factors": "user_id", "federated_tokens": "user_id",
        "grants": "user_id", "linked_accounts": "user_id", "passkeys": "user_id", "refresh-tokens": "user_id",
        "sessions": "user_id",
    },
}  # fmt: skip
_OTHER_SIDE = {**_SIDES, **{there: here for here, there in _SIDES.items()}}


def target(template: str) -> str | None:
    """Return the kind of the documents that a nested collection links to, `None` where it has its own."""
    return _TARGETS.get(template.rpartition("/")[2]) if "{}/" in template else None


def link(store: Store, place: Place, identifier: str, document: Mapping[str, Any]) -> None:
    """Link the owner of `place` to another document, once; `document` is what the link itself says."""
    (field,) = id_fields(place.template)
    store.put(place.kind, identifier, {field: identifier, **document})
    for template, kind, owner in _other_side(place, identifier):
        (field,) = id_fields(template)
        store.put(kind, owner, {field: owner})


def unlink(store: Store, place: Place, identifier: str) -> None:
    """Remove one document of `place`, which may be a link."""
    for _, kind, owner in _other_side(place, identifier):
        store.remove(kind, owner)
    remove(store, place.kind, identifier)


def _other_side(place: Place, identifier: str) -> list[tuple[str, str, str]]:
    other = _OTHER_SIDE.get(place.template)
    return [(other, filled(other, (*place.owners[:-1], identifier)), place.owners[-1])] if other else []


def remove(store: Store, kind: str, identifier: str) -> None:
    """Remove a document, what is below it, the links to it, and what ends with it."""
    store.remove(kind, identifier)
    for other, field in _ENDING.get(kind, {}).items():
        for document in store.find(other, **{field: identifier}):
            remove(store, other, document["id"])
    store.remove_below(filled(f"{kind}/{{}}", (identifier,)))
    # A link goes with what is below the same owner, the document itself with all links there are.
    above, slash, word = kind.rpartition("/")
    words = [word] if slash else [word for word, target in _TARGETS.items() if target == kind]
    for word in words:
        store.remove_links(above + slash, word, identifier, filled(f"/{word}/{{}}/", (identifier,)))


def shown(store: Store, place: Place, document: Document, fields: frozenset[str]) -> Document:
    """Return a link as it is read: what it says, and what the document that it leads to says now."""
    kind = target(place.template)
    if kind is None:
        return document
    (field,) = id_fields(place.template)
    found = store.get(kind, str(document.get(field))) or {}
    if (name := singular(kind)) in fields:
        seen = {key: found[key] for key in _SEEN if key in found}
        return {**document, **({name: seen} if seen else {})}
    # A token that may read the members of an organization may not read all that is known of them.
    return {**{key: value for key, value in found.items() if key in fields}, **document}
