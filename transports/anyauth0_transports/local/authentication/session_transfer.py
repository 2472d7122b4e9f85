"""The token by which the session of a native application goes on in a browser: good once, for a minute."""

import secrets
from typing import TYPE_CHECKING, Any

from ..incoming import oauth_refusal
from ..values import digest, section
from .asking import Asking

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["session_transfer", "spend_session_transfer", "transfer_audience"]

_LIFETIME = 60
_TYPE = "urn:auth0:params:oauth:token-type:session_transfer_token"


def transfer_audience(tenant: "LocalTenant") -> str:
    """Return the audience for which such a token is asked."""
    return f"urn:{tenant.domain}:session_transfer"


def session_transfer(tenant: "LocalTenant", asking: Asking, kept: dict[str, Any]) -> dict[str, Any]:
    """Return the answer for a refresh token, of which `kept` is kept."""
    if section(asking.client, "session_transfer").get("can_create_session_transfer_token") is False:
        raise oauth_refusal(403, "unauthorized_client", "The client may not create session transfer tokens")
    token = secrets.token_urlsafe(36)
    document = {"user_id": kept["user_id"], "expires_at": tenant.clock() + _LIFETIME}
    tenant.store.add("session_transfers", digest(token), document)
    return {
        "access_token": token,
        "issued_token_type": _TYPE,
        "token_type": "N_A",
        "expires_in": _LIFETIME,
    }


def spend_session_transfer(tenant: "LocalTenant", token: str) -> str | None:
    """Return the `user_id` that such a token stands for, or `None` for one that is not good any more."""
    key = digest(token)
    kept = tenant.store.get("session_transfers", key)
    tenant.store.remove("session_transfers", key)
    return None if kept is None or kept["expires_at"] <= tenant.clock() else kept["user_id"]
