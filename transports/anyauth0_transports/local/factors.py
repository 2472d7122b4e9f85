"""Second factors of users: what is kept of each, and the codes by which it is proved."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from .values import digest, random_id

if TYPE_CHECKING:
    from .inventory import Inventory

__all__ = [
    "CHANNELS", "add_factor", "current_code", "factors_of", "is_recovery_code", "is_totp",
    "new_recovery_code", "requirements", "wants_mfa",
]  # fmt: skip

CHANNELS = ("sms", "voice", "email", "auth0")
"""The channels of a factor that is `oob`: `auth0` is a push message."""

_PREFIXES = {"otp": "totp", "auth0": "push"}
_TYPES = {"sms": "phone", "voice": "phone", "email": "email", "auth0": "push-notification", "otp": "otp"}
_STEP = 30


def wants_mfa(tenant: "Inventory", user: Mapping[str, Any]) -> bool:
    """Return whether a second factor is demanded of a user, or of a connection that the user is in."""
    names = [user["user_id"], *(str(identity.get("connection")) for identity in user["identities"])]
    return any(tenant.store.get("mfa_demands", name) is not None for name in names)


def factors_of(tenant: "Inventory", user_id: str, *, active: bool | None = None) -> list[dict[str, Any]]:
    """Return the factors of a user, oldest first; the recovery code is none of them."""
    found = tenant.store.find("factors", user_id=user_id)
    return [factor for factor in found if active is None or factor["active"] is active]


def requirements(tenant: "Inventory", user_id: str) -> dict[str, Any]:
    """Return how a login goes on: the types of factors to challenge, or to enroll where there are none."""
    kinds = [factor["oob_channel"] or "otp" for factor in factors_of(tenant, user_id, active=True)]
    types = dict.fromkeys(_TYPES[kind] for kind in kinds or ("otp", *CHANNELS))
    return {"challenge" if kinds else "enroll": [{"type": name} for name in types]}


def add_factor(
    tenant: "Inventory", user: Mapping[str, Any], channel: str | None, to: str | None, *, active: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Add a factor; return what is kept of it, and what the user is told.

    `channel` is one of `CHANNELS`, or `None` for an authenticator application. Recovery codes come as long as
    there is no active factor yet.
    """
    kind = channel or "otp"
    factor_id = f"{_PREFIXES.get(kind, kind)}|dev_{random_id(16)}"
    kept: dict[str, Any] = {
        "id": factor_id,
        "user_id": user["user_id"],
        "authenticator_type": "oob" if channel else "otp",
        "oob_channel": channel,
        "active": active,
        "to": to,
        "secret": None,
        "last_step": -1,
    }
    told: dict[str, Any] = {"id": factor_id, "authenticator_type": kept["authenticator_type"]}
    if channel:
        told["oob_channel"] = channel
    if kind in ("otp", "auth0"):
        kept["secret"] = base64.b32encode(secrets.token_bytes(20)).decode()
        told["barcode_uri"] = _barcode(tenant, str(user.get("email") or user["name"]), kept["secret"])
    if kind == "otp":
        told["secret"] = kept["secret"]
    if not factors_of(tenant, user["user_id"], active=True):
        told["recovery_codes"] = [new_recovery_code(tenant, user["user_id"])]
    tenant.store.add("factors", factor_id, kept)
    return kept, told


def _barcode(tenant: "Inventory", name: str, secret: str) -> str:
    issuer = tenant.domain.partition(".")[0]
    query = urlencode({"secret": secret, "issuer": issuer, "algorithm": "SHA1", "digits": 6, "period": _STEP})
    return f"otpauth://totp/{quote(f'{issuer}:{name}')}?{query}"


def current_code(secret: str, now: float) -> str:
    """Return what an authenticator application shows (RFC 6238, section 4)."""
    return _totp(secret, int(now) // _STEP)


def _totp(secret: str, step: int) -> str:
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = mac[-1] & 15
    number = int.from_bytes(mac[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06d}"


def is_totp(factor: dict[str, Any], code: str, now: float) -> bool:
    """Return whether `code` is that of now, of the step before or of the next; each step is good once."""
    current = int(now) // _STEP
    for step in (current - 1, current, current + 1):
        fits = hmac.compare_digest(_totp(factor["secret"], step).encode(), code.encode("utf-8", "replace"))
        if fits and step > factor["last_step"]:
            factor["last_step"] = step
            return True
    return False


def new_recovery_code(tenant: "Inventory", user_id: str) -> str:
    """Return a new recovery code of a user; the one before is void."""
    code = random_id(24).upper()
    before = tenant.store.get("recovery_codes", user_id)
    code_id = f"recovery-code|dev_{random_id(16)}" if before is None else before["id"]
    tenant.store.put("recovery_codes", user_id, {"id": code_id, "digest": digest(code)})
    return code


def is_recovery_code(tenant: "Inventory", user_id: str, code: str) -> bool:
    """Return whether `code` is the recovery code of a user."""
    kept = tenant.store.get("recovery_codes", user_id)
    return kept is not None and hmac.compare_digest(kept["digest"], digest(code))
