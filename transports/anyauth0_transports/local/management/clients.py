"""Applications: made with a secret of their own, which only a token with the scope for it sees again."""

from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..values import random_id
from .documents import missing
from .pages import only_fields

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["create", "get", "rotate_secret"]

_OURS = (
    "public",
    "public_key",
    "certificate",
    "apis",
    "id_token_alg",
    "rotating",
    "client_id",
    "client_secret",
)


def create(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /clients."""
    body = {name: value for name, value in incoming.json().items() if name not in _OURS}
    name = body.pop("name", None)
    if not isinstance(name, str) or not name:
        message = "Payload validation error: 'Missing required property: name'"
        raise management_refusal(400, "invalid_body", message)
    public = body.get("token_endpoint_auth_method") == "none"
    return json_response(tenant.add_client(name, public=public, **body), 201)


def get(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /clients/{id}."""
    client = _client(tenant, path[0])
    claims = tenant.tokens.verify_access_token(incoming.bearer() or "", None)
    if "read:client_keys" not in str(claims.get("scope", "")).split():
        client.pop("client_secret", None)
    return json_response(only_fields(incoming, client))


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
