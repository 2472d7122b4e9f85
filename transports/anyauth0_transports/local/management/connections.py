"""Connections: their names are unique, lists of them can be narrowed, applications are let in and out."""

from typing import TYPE_CHECKING, Any, cast

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..users import find_connection, find_user
from .asked import missing, no_content
from .pages import page
from .places import filled
from .users import remove_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = [
    "create", "delete_user", "get_all", "get_enabled_clients", "get_provisionings", "update_enabled_clients",
]  # fmt: skip


def get_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /connections."""
    name, strategies = incoming.one("name"), incoming.query.get("strategy")
    found = [
        connection
        for connection in tenant.store.list("connections")
        if (not name or connection["name"] == name)
        and (not strategies or connection["strategy"] in strategies)
    ]
    return page(incoming, found, "connections", take=100)


def create(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /connections."""
    body = incoming.json()
    name, strategy = body.pop("name", None), body.pop("strategy", None)
    if not isinstance(name, str) or not isinstance(strategy, str) or not name or not strategy:
        message = "Payload validation error: 'Missing required property: name or strategy'"
        raise management_refusal(400, "invalid_body", message)
    if find_connection(tenant, name) is not None:
        raise management_refusal(409, "conflict", "A connection with the same name already exists")
    return json_response(tenant.add_connection(name, strategy, **body), 201)


def get_enabled_clients(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /connections/{id}/clients."""
    enabled = _connection(tenant, path[0]).get("enabled_clients") or ()
    clients = [{"client_id": client_id} for client_id in enabled]
    return page(incoming, clients, "clients", take=1000, numbers=False)


class _Switch(msgspec.Struct, frozen=True):
    client_id: str
    status: bool


def update_enabled_clients(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer PATCH /connections/{id}/clients."""
    connection = _connection(tenant, path[0])
    try:
        switches = msgspec.json.decode(incoming.body, type=list[_Switch])
    except (msgspec.DecodeError, UnicodeDecodeError):
        message = "Payload validation error: 'Expected type array of client_id and status'"
        raise management_refusal(400, "invalid_body", message) from None
    # A dict keeps the order.
    enabled = dict.fromkeys(cast("list[str]", connection.get("enabled_clients") or []))
    for switch in switches:
        if switch.status:
            enabled[switch.client_id] = None
        else:
            enabled.pop(switch.client_id, None)
    tenant.store.put("connections", connection["id"], {**connection, "enabled_clients": list(enabled)})
    return no_content()


def get_provisionings(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /connections-scim-configurations and GET /connections-directory-provisionings."""
    name = incoming.path.rpartition("/connections-")[2]
    kinds = [
        filled(f"connections/{{}}/{name.removesuffix('s')}", (connection["id"],))
        for connection in tenant.store.list("connections")
    ]
    found = [document for kind in kinds if (document := tenant.store.get(kind, "")) is not None]
    return page(incoming, found, name.replace("-", "_"), take=100, numbers=False)


def delete_user(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer DELETE /connections/{id}/users: the same whether the user was there or not."""
    user = find_user(tenant, _connection(tenant, path[0])["name"], incoming.one("email") or "")
    if user is not None:
        remove_user(tenant, user["user_id"])
    return no_content()


def _connection(tenant: "LocalTenant", connection_id: str) -> dict[str, Any]:
    connection = tenant.store.get("connections", connection_id)
    if connection is None:
        raise missing("connection")
    return connection
