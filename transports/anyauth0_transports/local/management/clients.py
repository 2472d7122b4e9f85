"""Applications: made with a secret of their own, which only a token with the scope for it sees again."""

from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..values import random_id
from .asked import merged, missing
from .pages import only_fields, page, sorted_by
from .search import matcher

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["create", "get", "get_all", "get_enabled_connections", "rotate_secret", "search", "update"]

# The arguments of `add_client` that are no fields of the document, and what no caller may choose.
_NOT_FIELDS = ("public", "public_key", "certificate", "apis", "id_token_alg", "rotating")
_NOT_CHOSEN = ("client_id", "client_secret")
_SECRET_SCOPE = "read:client_keys"


def get_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /clients."""
    clients = [_shown(tenant, incoming, client) for client in tenant.store.list("clients")]
    return page(incoming, clients, "clients", take=100)


def search(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /clients/search."""
    fits = matcher(incoming.one("q"))
    found = [_shown(tenant, incoming, client) for client in tenant.store.list("clients") if fits(client)]
    return page(incoming, sorted_by(incoming, found), "clients", take=100, numbers=False)


def create(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /clients."""
    unwanted = (*_NOT_FIELDS, *_NOT_CHOSEN)
    body = {name: value for name, value in incoming.json().items() if name not in unwanted}
    name = body.pop("name", None)
    if not isinstance(name, str) or not name:
        message = "Payload validation error: 'Missing required property: name'"
        raise management_refusal(400, "invalid_body", message)
    public = body.get("token_endpoint_auth_method") == "none"
    return json_response(tenant.add_client(name, public=public, **body), 201)


def get(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /clients/{id}."""
    client = _shown(tenant, incoming, _client(tenant, path[0]))
    return json_response(only_fields(incoming, client))


def update(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer PATCH /clients/{id}."""
    changes = {name: value for name, value in incoming.json().items() if name != "client_id"}
    client = merged(_client(tenant, path[0]), changes)
    tenant.store.put("clients", path[0], client)
    return json_response(_shown(tenant, incoming, client))


def get_enabled_connections(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /clients/{id}/connections."""
    client_id = _client(tenant, path[0])["client_id"]
    found = [
        connection
        for connection in tenant.store.list("connections")
        if client_id in (connection.get("enabled_clients") or ())
    ]
    return page(incoming, found, "connections", take=100, numbers=False)


def rotate_secret(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /clients/{id}/rotate-secret."""
    client = {**_client(tenant, path[0]), "client_secret": random_id(64)}
    tenant.store.put("clients", path[0], client)
    return json_response(client)


def _client(tenant: "LocalTenant", client_id: str) -> dict[str, Any]:
    client = tenant.store.get("clients", client_id)
    if client is None:
        raise missing("client")
    return client


def _shown(tenant: "LocalTenant", incoming: Incoming, client: dict[str, Any]) -> dict[str, Any]:
    claims = tenant.tokens.verify_access_token(incoming.bearer() or "", None)
    if _SECRET_SCOPE in str(claims.get("scope", "")).split():
        return client
    return {name: value for name, value in client.items() if name != "client_secret"}
