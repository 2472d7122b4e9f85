"""The second factors of the user who is logging in, or of the bearer of a token: listed, added, removed."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from anyauth0 import Response

from ..factors import CHANNELS, add_factor, factors_of
from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from ..resources import access_claims
from .issuing import check_user
from .mfa_challenge import send_challenge
from .mfa_token import waiting_login

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["associate", "list_authenticators", "remove_authenticator"]

_NUMBER = re.compile(r"\+[1-9][0-9]{1,14}")
_TYPES = {"sms": "phone", "voice": "phone", "auth0": "push-notification"}


def list_authenticators(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /mfa/authenticators."""
    user_id, _ = _bearer(tenant, incoming, "read:authenticators")
    shown = [_shown(factor) for factor in factors_of(tenant, user_id)]
    recovery = tenant.store.get("recovery_codes", user_id)
    if recovery is not None:
        shown.append(
            {
                "id": recovery["id"],
                "authenticator_type": "recovery-code",
                "type": "recovery-code",
                "active": True,
            }
        )
    return json_response(shown)


def _shown(factor: Mapping[str, Any]) -> dict[str, Any]:
    channel = factor["oob_channel"]
    shown: dict[str, Any] = {
        "id": factor["id"],
        "authenticator_type": factor["authenticator_type"],
        "type": _TYPES.get(channel, channel or "otp"),
        "active": factor["active"],
    }
    if channel:
        shown["oob_channel"] = channel
    if factor["to"]:
        # As much as a user needs to tell one from another.
        name, at, host = factor["to"].partition("@")
        shown["name"] = f"{name[:2]}****{at}{host}" if at else f"XXXXXXX{name[-4:]}"
    return shown


def associate(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /mfa/associate: a factor that its first use confirms, during a login."""
    user_id, waiting = _bearer(tenant, incoming, "enroll")
    user = check_user(tenant, user_id)
    if waiting is not None and factors_of(tenant, user_id, active=True):
        # Else whoever knows the password could add a factor of his own.
        raise oauth_refusal(403, "access_denied", "User is already enrolled.")
    channel, to = _wanted(incoming.json(), user)
    # Where no login waits, none comes back to confirm it; the scope of the token is trusted instead.
    factor, told = add_factor(tenant, user, channel, to, active=waiting is None)
    if channel is not None and waiting is not None:
        told |= send_challenge(tenant, waiting, factor)
    return json_response(told)


def _wanted(body: Mapping[str, Any], user: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Return the channel of the factor that is asked for, and where its messages go."""
    types, channels = _texts(body.get("authenticator_types")), _texts(body.get("oob_channels"))
    if types == ["otp"]:
        return None, None
    if types != ["oob"]:
        raise oauth_refusal(
            400, "invalid_request", "authenticator_types must be one of otp and oob, in a list"
        )
    channel = channels[0] if channels else ""
    if channel not in CHANNELS:
        raise oauth_refusal(400, "invalid_request", f"oob_channels must be among {', '.join(CHANNELS)}")
    if channel == "auth0":
        return channel, None
    name = "email" if channel == "email" else "phone_number"
    to = body.get(name) or (user.get("email") if channel == "email" else None)
    good = isinstance(to, str) and ("@" in to if channel == "email" else _NUMBER.fullmatch(to))
    if not good:
        raise oauth_refusal(400, "invalid_request", f"Missing or wrong parameter: {name}")
    return channel, to


def _texts(value: object) -> list[str]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [item for item in items if isinstance(item, str)]


def remove_authenticator(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer DELETE /mfa/authenticators/{authenticator_id}; an `mfa_token` is not enough for it."""
    user_id, waiting = _bearer(tenant, incoming, "remove:authenticators")
    if waiting is not None:
        raise oauth_refusal(
            401, "invalid_token", "An access token with the scope remove:authenticators is needed"
        )
    if not any(factor["id"] == path[0] for factor in factors_of(tenant, user_id)):
        raise oauth_refusal(404, "not_found", "The user has no authenticator of this id")
    tenant.store.remove("factors", path[0])
    return Response(status=204)


def _bearer(tenant: "LocalTenant", incoming: Incoming, scope: str) -> tuple[str, dict[str, Any] | None]:
    """Return whose factors these are, and the login that waits where the bearer has an `mfa_token`."""
    token = incoming.bearer()
    if token is not None and token.startswith("Fe26."):
        try:
            waiting = waiting_login(tenant, token)
        except Refusal as refusal:
            error = refusal.body["error"].replace("invalid_grant", "invalid_token")
            raise oauth_refusal(401, error, refusal.body["error_description"]) from None
        return waiting["user_id"], waiting
    try:
        claims = access_claims(tenant, incoming, f"{tenant.issuer}mfa/")
    except Refusal as refusal:
        body = {"error": "invalid_token", "error_description": refusal.body["message"]}
        raise Refusal(401, body, refusal.headers) from None
    if claims is None:
        raise oauth_refusal(401, "invalid_token", "No bearer token was sent")
    if scope not in str(claims.get("scope", "")).split():
        raise oauth_refusal(403, "insufficient_scope", f"The token lacks the scope {scope}")
    return claims["sub"], None
