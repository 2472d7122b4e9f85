"""The token endpoint: who asks, for which grant, and what is written into the log."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from anyauth0 import Response

from ..factors import wants_mfa
from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from .asking import Asking, Outcome
from .assertion import jwt_bearer
from .backchannel import ciba
from .client import authenticate_client, certificate_of, shown_key
from .device import device_code
from .exchange import token_exchange
from .grants import authorization_code, client_credentials
from .issuing import issue
from .mfa_grants import mfa_oob, mfa_otp, mfa_recovery_code
from .mfa_token import mfa_required
from .passkeys import webauthn
from .password import password, password_realm
from .passwordless import passwordless_otp
from .refresh import refresh_token
from .vault import token_for_connection

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["GRANT_TYPES", "token"]

Grant: TypeAlias = Callable[["LocalTenant", Asking], Outcome | dict[str, Any]]

_GRANTS: dict[str, tuple[Grant, str, str]] = {
    "authorization_code": (authorization_code, "seacft", "feacft"),
    "client_credentials": (client_credentials, "seccft", "feccft"),
    "refresh_token": (refresh_token, "sertft", "fertft"),
    "password": (password, "sepft", "fepft"),
    "http://auth0.com/oauth/grant-type/password-realm": (password_realm, "sepft", "fepft"),
    "http://auth0.com/oauth/grant-type/passwordless/otp": (passwordless_otp, "s", "f"),
    "urn:ietf:params:oauth:grant-type:device_code": (device_code, "sede", "fede"),
    "urn:openid:params:grant-type:ciba": (ciba, "s", "f"),
    "urn:ietf:params:oauth:grant-type:token-exchange": (token_exchange, "secte", "fecte"),
    "urn:ietf:params:oauth:grant-type:jwt-bearer": (jwt_bearer, "", ""),
    "urn:okta:params:oauth:grant-type:webauthn": (webauthn, "s", "f"),
    "http://auth0.com/oauth/grant-type/mfa-otp": (mfa_otp, "seotpft", "feotpft"),
    "http://auth0.com/oauth/grant-type/mfa-oob": (mfa_oob, "seoobft", "feoobft"),
    "http://auth0.com/oauth/grant-type/mfa-recovery-code": (mfa_recovery_code, "sercft", "fercft"),
    "urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token": (
        token_for_connection,
        "",
        "",
    ),
}
"""Each grant with the types of its log entries; an empty one is not documented."""

GRANT_TYPES = tuple(_GRANTS)

_CONFIDENTIAL = frozenset(
    {
        "client_credentials",
        "urn:openid:params:grant-type:ciba",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
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
    user_id: str | None = None
    try:
        client = authenticate_client(tenant, incoming, form, public=grant_type not in _CONFIDENTIAL)
        client_id = client["client_id"]
        if not _allowed(client, grant_type):
            raise oauth_refusal(
                403, "unauthorized_client", f"Grant type '{grant_type}' not allowed for the client."
            )
        asking = Asking(
            client=client,
            form=form,
            body=incoming.json() if incoming.is_json else {},
            jkt=shown_key(tenant, incoming, client),
            certificate=certificate_of(incoming, client),
        )
        found = grant(tenant, asking)
        if isinstance(found, Outcome):
            user_id = found.user["user_id"]
            if not found.final and wants_mfa(tenant, found.user):
                raise mfa_required(tenant, asking, found)
            found = {**issue(tenant, asking, found.user, found.login, renew=found.renew), **found.more}
    except Refusal as refusal:
        if failure:
            tenant.log(failure, client_id=client_id, description=refusal.body.get("error_description"))
        raise
    if success:
        tenant.log(success, client_id=client_id, client_name=client.get("name"), user_id=user_id)
    # RFC 6749, section 5.1: no cache may keep a token.
    return json_response(found, headers={"cache-control": "no-store", "pragma": "no-cache"})


def _allowed(client: dict[str, Any], grant_type: str) -> bool:
    allowed = client.get("grant_types")
    # An application that was made without the field may use them all, as with the real one's defaults.
    return allowed is None or grant_type in allowed
