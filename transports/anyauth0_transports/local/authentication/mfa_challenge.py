"""Asking a user for a second factor: a code by SMS, voice or e-mail, a push message, or nothing to send."""

import secrets
from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..factors import factors_of
from ..incoming import Incoming, json_response, oauth_refusal
from ..values import digest, random_id
from .asking import require
from .client import authenticate_client
from .mfa_token import waiting_login
from .polled import pending

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["challenge", "send_challenge"]

_LIFETIME = 300


def challenge(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /mfa/challenge."""
    fields = {name: value for name, value in incoming.json().items() if isinstance(value, str)}
    client = authenticate_client(tenant, incoming, fields)
    waiting = waiting_login(tenant, require(fields, "mfa_token"), client["client_id"])
    active = factors_of(tenant, waiting["user_id"], active=True)
    if not active:
        raise oauth_refusal(
            403,
            "association_required",
            "User is not enrolled. You can use /mfa/associate endpoint to enroll the first authenticator.",
        )
    wanted = fields.get("authenticator_id")
    if wanted:
        active = [factor for factor in active if factor["id"] == wanted]
        if not active:
            raise oauth_refusal(400, "invalid_request", "authenticator_id is none of the user's factors")
    types, channel = fields.get("challenge_type", "otp oob").split(), fields.get("oob_channel")
    fitting = [
        factor
        for factor in active
        if factor["authenticator_type"] in types and channel in (None, factor["oob_channel"])
    ]
    if not fitting:
        raise oauth_refusal(
            400, "unsupported_challenge_type", "The user has no factor that the application supports"
        )
    factor = fitting[0]
    if factor["authenticator_type"] == "otp":
        return json_response({"challenge_type": "otp"})
    return json_response({"challenge_type": "oob", **send_challenge(tenant, waiting, factor)})


def send_challenge(tenant: "LocalTenant", waiting: dict[str, Any], factor: dict[str, Any]) -> dict[str, Any]:
    """Send the code, or the push message, of a factor; return what the client is told of it."""
    from ..tenant import Message

    oob_code, push = f"Fe26.2*{random_id(48)}", factor["oob_channel"] == "auth0"
    code = None if push else f"{secrets.randbelow(10**6):06d}"
    kept = pending(
        tenant,
        _LIFETIME,
        id=digest(oob_code),
        client_id=waiting["client_id"],
        mfa_token=waiting["id"],
        user_id=waiting["user_id"],
        factor=factor["id"],
        channel=factor["oob_channel"],
        code=code,
    )
    tenant.store.add("oob_codes", kept["id"], kept)
    to = factor["to"] or waiting["user_id"]
    tenant.send_message(Message(kind="push" if push else "mfa_code", to=to, code=code))
    answer = {"oob_code": oob_code}
    return answer if push else {**answer, "binding_method": "prompt"}
