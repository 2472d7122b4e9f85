"""The signing keys that the tokens of the tenant are really signed with: listed, rotated, revoked."""

from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from .asked import missing

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["get", "get_all", "revoke", "rotate"]


def get_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /keys/signing."""
    return json_response(_keys(tenant))


def get(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /keys/signing/{kid}."""
    return json_response(_key(tenant, path[0]))


def rotate(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /keys/signing/rotate."""
    return json_response({"kid": tenant.tokens.rotate_key()}, 201)


def revoke(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer PUT /keys/signing/{kid}/revoke: what the key has signed is worth nothing from now on."""
    if _key(tenant, path[0])["current"]:
        raise management_refusal(400, "invalid_request", "The current key cannot be revoked; rotate first")
    tenant.tokens.revoke_key(path[0])
    return json_response({"kid": path[0]})


def _keys(tenant: "LocalTenant") -> list[dict[str, Any]]:
    keys = tenant.tokens.jwks()["keys"]
    return [
        {"kid": key["kid"], "current": index == 0, "previous": index > 0} for index, key in enumerate(keys)
    ]


def _key(tenant: "LocalTenant", kid: str) -> dict[str, Any]:
    found = next((key for key in _keys(tenant) if key["kid"] == kid), None)
    if found is None:
        raise missing("signing-keys")
    return found
