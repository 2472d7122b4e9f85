"""Events of users, organizations and connections: noted whenever one changes, told by GET /events."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

import msgspec

from anyauth0 import InvalidArgumentError, Response, parse_timestamp

from ..incoming import Incoming, Refusal, management_refusal
from ..values import random_id, timestamp

if TYPE_CHECKING:
    from ..store import Note
    from ..tenant import LocalTenant

__all__ = ["subscribe", "watching"]

Document = Mapping[str, Any]

# By kind: what its events are about, and their words for added, changed and removed.
_WATCHED: dict[str, tuple[str, tuple[str, str | None, str]]] = {
    "users": ("user", ("created", "updated", "deleted")),
    "connections": ("connection", ("created", "updated", "deleted")),
    "organizations": ("organization", ("created", "updated", "deleted")),
    "organizations/{}/members": ("organization.member", ("added", None, "deleted")),
    "organizations/{}/members/{}/roles": ("organization.member.role", ("assigned", None, "deleted")),
    "organizations/{}/groups/{}/roles": ("organization.group.role", ("assigned", None, "deleted")),
    "organizations/{}/enabled_connections": ("organization.connection", ("added", "updated", "removed")),
}
# A login changes these; it is no event.
_OF_LOGINS = frozenset({"last_login", "last_ip", "logins_count"})
# All that an event may tell: the options of a connection hold secrets.
_TOLD = {
    "connections": (
        "id", "name", "display_name", "strategy", "enabled_clients", "is_domain_connection", "metadata",
        "realms", "show_as_button",
    ),
    "organizations": ("id", "name", "display_name", "metadata", "branding"),
}  # fmt: skip
_NAMED = {"organizations": ("id", "name"), "roles": ("id", "name"), "groups": ("id",), "connections": ("id",)}
_OF_LINKS = ("assign_membership_on_login", "is_signup_enabled", "show_as_button")
_NO_EVENT = f"{0:012d}"
_KEPT = timedelta(days=1)


def watching(tenant: "LocalTenant") -> "Callable[[str], Note | None]":
    """Return what the store of `tenant` asks, by kind, who is to be told of a change."""

    def watch(kind: str) -> "Note | None":
        segments = kind.split("/")
        template = "/".join("{}" if index % 2 else word for index, word in enumerate(segments))
        if template not in _WATCHED:
            return None
        owners = [unquote(segment) for segment in segments[1::2]]
        return lambda id, before, after: _note(tenant, template, [*owners, id], before, after)

    return watch


def _note(
    tenant: "LocalTenant", template: str, ids: list[str], before: Document | None, after: Document | None
) -> None:
    what, (added, changed, removed) = _WATCHED[template]
    verb = added if before is None else removed if after is None else changed
    if verb is None or (template == "users" and _told_of(before) == _told_of(after)):
        return
    now, name = timestamp(tenant.clock()), tenant.domain.partition(":")[0].partition(".")[0]
    subject = dict(after or before or {})
    if template == "users":
        subject |= {"deleted_at": now} if after is None else {}
    elif template in _TOLD:
        subject = {field: subject[field] for field in _TOLD[template] if field in subject}
    else:
        subject = _linked(tenant, template, ids, subject)
        if what == "organization.group.role":
            subject["created_at"] = now
    kind = f"{what}.{verb}"
    event = {
        "specversion": "1.0",
        "type": kind,
        "source": f"urn:auth0:{name}",
        "id": f"evt_{random_id(16)}",
        "time": now,
        "data": {"object": subject},
        "a0tenant": name,
        "a0stream": "est_localtenant00000",
    }
    offset = f"{int(_last_offset(tenant)) + 1:012d}"
    tenant.store.add("events", offset, {"type": kind, "offset": offset, "event": event})


def _told_of(user: Document | None) -> Document:
    return {name: value for name, value in (user or {}).items() if name not in _OF_LOGINS}


def _linked(tenant: "LocalTenant", template: str, ids: list[str], link: Document) -> dict[str, Any]:
    """Return the documents that a link is between, as far as they are told, and what the link itself says."""
    told: dict[str, Any] = {}
    words = [word for word in template.split("/") if word != "{}"]
    for word, id in zip(words, ids, strict=True):
        kind = {"members": "users", "enabled_connections": "connections"}.get(word, word)
        if kind == "users":
            told["user"] = {"user_id": id}
        else:
            found = tenant.store.get(kind, id) or {}
            told[kind.removesuffix("s")] = {"id": id} | {
                name: found[name] for name in _NAMED[kind] if name in found
            }
    return told | {name: link[name] for name in _OF_LINKS if name in link}


def _last_offset(tenant: "LocalTenant") -> str:
    last = tenant.store.last("events")
    return _NO_EVENT if last is None else last["offset"]


def subscribe(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /events: all there is to say, then where to go on."""
    wanted = incoming.query.get("event_type")
    lines: list[str] = []
    for message in _asked_for(tenant, incoming):
        if not wanted or message["type"] in wanted:
            lines += _lines(message)
    lines += _lines({"type": "offset-only", "offset": _last_offset(tenant)})
    return Response(
        status=200,
        headers={"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"},
        body="".join(lines).encode(),
    )


def _lines(message: Document) -> list[str]:
    data = msgspec.json.encode(message).decode()
    return [f"id: {message['offset']}\n", f"event: {message['type']}\n", f"data: {data}\n", "\n"]


def _asked_for(tenant: "LocalTenant", incoming: Incoming) -> list[dict[str, Any]]:
    offset, since = incoming.one("from"), incoming.one("from_timestamp")
    if offset and since:
        raise _invalid("from and from_timestamp exclude each other")
    if offset:
        return _after(tenant, offset)
    if since:
        try:
            begin = _moment(since)
        except InvalidArgumentError:
            raise _invalid("from_timestamp is no date and time") from None
        return [event for event in tenant.store.list("events") if _moment(event["event"]["time"]) >= begin]
    return []


def _after(tenant: "LocalTenant", offset: str) -> list[dict[str, Any]]:
    if offset == _NO_EVENT:
        events = tenant.store.list("events")
    elif tenant.store.get("events", offset) is None:
        raise _invalid("from is no offset of this tenant")
    else:
        events = tenant.store.list("events", after=offset)
    if events and _moment(events[0]["event"]["time"]) < _moment(tenant.clock()) - _KEPT:
        raise management_refusal(410, "cursor_expired", "The events after this offset are kept no longer.")
    return events


def _moment(value: str | float) -> datetime:
    return cast("datetime", parse_timestamp(value))


def _invalid(message: str) -> Refusal:
    return management_refusal(400, "invalid_query_string", f"Query validation error: '{message}'")
