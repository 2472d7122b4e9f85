"""Logins on devices without a browser: a code for the user, and one with which the device asks (RFC 8628)."""

import secrets
from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming, json_response
from ..values import digest
from .asking import Asking, Login, Outcome
from .client import authenticate_client
from .issuing import api_of, check_user
from .polled import INTERVAL, Answers, decision, pending

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["device_code", "start_device"]

_LIFETIME = 900
# Without vowels no word comes of it, and no two of these look alike (RFC 8628, section 6.1).
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"

_ANSWERS = Answers(
    unknown=(403, "invalid_grant", "Invalid or expired device code."),
    expired=(403, "expired_token", "The device code has expired."),
    pending=(403, "authorization_pending", "User has yet to authorize device code."),
    slow_down=(
        429, "slow_down", f"You are polling faster than the specified interval of {INTERVAL} seconds.",
    ),
    denied=(403, "access_denied", "The user did not authorize the device."),
)  # fmt: skip


def start_device(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/device/code (RFC 8628, section 3.1)."""
    form = incoming.form()
    client = authenticate_client(tenant, incoming, form)
    audience = form.get("audience")
    if audience:
        api_of(tenant, audience)
    code, letters = secrets.token_urlsafe(24), [secrets.choice(_LETTERS) for _ in range(8)]
    user_code = f"{''.join(letters[:4])}-{''.join(letters[4:])}"
    tenant.store.add(
        "device_codes",
        digest(code),
        pending(
            tenant,
            _LIFETIME,
            id=digest(code),
            user_code=user_code,
            client_id=client["client_id"],
            scope=form.get("scope", ""),
            audience=audience,
        ),
    )
    return json_response(
        {
            "device_code": code,
            "user_code": user_code,
            "verification_uri": f"{tenant.issuer}activate",
            "verification_uri_complete": f"{tenant.issuer}activate?user_code={user_code}",
            "expires_in": _LIFETIME,
            "interval": INTERVAL,
        }
    )


def device_code(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange a device code, once the user has approved it (RFC 8628, section 3.4)."""
    key = digest(asking.need("device_code"))
    kept = decision(tenant, "device_codes", key, asking.client["client_id"], _ANSWERS)
    login = Login(scope=kept["scope"], audience=kept["audience"], sid=secrets.token_urlsafe(24))
    return Outcome(user=check_user(tenant, kept["user_id"]), login=login, final=True)
