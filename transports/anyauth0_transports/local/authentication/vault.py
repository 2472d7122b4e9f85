"""The token vault: a user's own token for that of an identity provider."""

from typing import TYPE_CHECKING, Any

from ..incoming import Refusal, oauth_refusal
from .asking import Asking
from .exchange import ACCESS_TOKEN, REFRESH_TOKEN
from .issuing import check_user
from .refresh import usable_refresh_token

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["token_for_connection"]

_FEDERATED = "http://auth0.com/oauth/token-type/federated-connection-access-token"


def token_for_connection(tenant: "LocalTenant", asking: Asking) -> dict[str, Any]:
    """Exchange a refresh or access token for the provider's access token (RFC 8693, with Auth0's grant)."""
    if asking.need("requested_token_type") != _FEDERATED:
        raise oauth_refusal(400, "invalid_request", "requested_token_type is not one that is known here")
    kind, token = asking.need("subject_token_type"), asking.need("subject_token")
    connection = asking.need("connection")
    if kind == REFRESH_TOKEN:
        user_id = usable_refresh_token(tenant, asking, token)["user_id"]
    elif kind == ACCESS_TOKEN:
        user_id = _subject(tenant, asking.client, token)
    else:
        raise oauth_refusal(400, "invalid_request", "subject_token_type is not one that is known here")
    user = check_user(tenant, user_id)
    kept = tenant.store.get("federated_tokens", f"{user['user_id']} {connection}")
    if kept is None or kept["expires_at"] <= tenant.clock():
        raise oauth_refusal(
            401, "federated_connection_refresh_token_not_found", "The user has no token of this connection"
        )
    return {
        "access_token": kept["access_token"],
        "scope": kept["scope"],
        "expires_in": int(kept["expires_at"] - tenant.clock()),
        "issued_token_type": _FEDERATED,
        "token_type": "Bearer",
    }


def _subject(tenant: "LocalTenant", client: dict[str, Any], token: str) -> str:
    """Return the user of an access token that was made for this client."""
    try:
        claims = tenant.tokens.verify_access_token(token, None)
    except Refusal:
        claims = {}
    # An ID token is signed with the same key; only access tokens have `azp` here.
    if claims.get("azp") != client["client_id"]:
        raise oauth_refusal(401, "invalid_request", "The subject_token is not good")
    return str(claims["sub"])
