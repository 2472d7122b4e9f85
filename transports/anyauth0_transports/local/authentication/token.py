"""The token endpoint: who asks, for which grant, and what is written into the log."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from .client import authenticate_client
from .exchange import token_for_connection
from .grants import authorization_code, client_credentials, passwordless_otp, refresh_token
from .password import password, password_realm

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["GRANT_TYPES", "token"]

Grant: TypeAlias = Callable[["LocalTenant", dict[str, Any], dict[str, str]], dict[str, Any]]

_GRANTS: dict[str, tuple[Grant, str, str]] = {
    "authorization_code": (authorization_code, "seacft", "feacft"),
    "client_credentials": (client_credentials, "seccft", "feccft"),
    "refresh_token": (refresh_token, "sertft", "fertft"),
    "password": (password, "sepft", "fepft"),
    "http://auth0.com/oauth/grant-type/password-realm": (password_realm, "sepft", "fepft"),
    "http://auth0.com/oauth/grant-type/passwordless/otp": (passwordless_otp, "s", "f"),
    "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token": (
        token_for_connection,
        "",
        "",
    ),
}
"""Each grant with the types of its log entries; the token vault has none that is documented."""

GRANT_TYPES = tuple(_GRANTS)

_CONFIDENTIAL = frozenset(
    {
        "client_credentials",
        "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token",
    }
)


def token(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/token (RFC 6749, section 3.2)."""
    form = incoming.form()
    grant_type = form.get("grant_type")
    if not grant_type:
        raise oauth_refusal(400, "invalid_request", "Missing required parameter: grant_type")
    grant, success, failure = _GRANTS.get(grant_type, (None, "", ""))
    if grant is None:
        raise oauth_refusal(403, "unsupported_grant_type", f"Unsupported grant type: {grant_type}")
    client_id: str | None = form.get("client_id")
    try:
        client = authenticate_client(tenant, incoming, form, public=grant_type not in _CONFIDENTIAL)
        client_id = client["client_id"]
        if not _allowed(client, grant_type):
            raise oauth_refusal(
                403, "unauthorized_client", f"Grant type '{grant_type}' not allowed for the client."
            )
        answer = grant(tenant, client, form)
    except Refusal as refusal:
        if failure:
            tenant.log(failure, client_id=client_id, description=refusal.body.get("error_description"))
        raise
    user_id = answer.pop("_user_id", None)
    if success:
        tenant.log(success, client_id=client_id, client_name=client.get("name"), user_id=user_id)
    # RFC 6749, section 5.1: no cache may keep a token.
    return json_response(answer, headers={"cache-control": "no-store", "pragma": "no-cache"})


def _allowed(client: dict[str, Any], grant_type: str) -> bool:
    allowed = client.get("grant_types")
    # An application that was made without the field may use them all, as with the real one's defaults.
    return allowed is None or grant_type in allowed
