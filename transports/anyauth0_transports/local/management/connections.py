"""Connections: their names are unique, and lists of them can be narrowed."""

from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..users import find_connection
from .pages import page

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["create", "get_all"]


def get_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /connections."""
    name, strategies = incoming.one("name"), incoming.query.get("strategy")
    found = [
        connection
        for connection in tenant.store.list("connections")
        if (not name or connection["name"] == name)
        and (not strategies or connection["strategy"] in strategies)
    ]
    return page(incoming, found, "connections", cursors=True)


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
