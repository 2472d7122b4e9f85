"""The grants that finish a login by a second factor; the first use of a factor confirms it."""

import hmac
from typing import TYPE_CHECKING

from ..factors import factors_of, is_recovery_code, is_totp, new_recovery_code
from ..incoming import oauth_refusal
from ..values import digest
from .asking import Asking, Outcome
from .mfa_token import finished, waiting_login, wrong_code
from .polled import Answers, decision

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["mfa_oob", "mfa_otp", "mfa_recovery_code"]

_ANSWERS = Answers(
    unknown=(403, "invalid_grant", "Invalid oob_code."),
    expired=(403, "invalid_grant", "The oob_code has expired."),
    pending=(
        400,
        "authorization_pending",
        "Authorization pending: please repeat the request in a few seconds.",
    ),
    slow_down=(400, "slow_down", "You are polling faster than allowed. Try again in 5 seconds."),
    denied=(403, "invalid_grant", "MFA Authorization rejected."),
)


def mfa_otp(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Finish a login by the code of an authenticator application."""
    waiting = waiting_login(tenant, asking.need("mfa_token"), asking.client["client_id"])
    otp = asking.need("otp")
    factors = [f for f in factors_of(tenant, waiting["user_id"]) if f["authenticator_type"] == "otp"]
    for factor in factors:
        if is_totp(factor, otp, tenant.clock()):
            tenant.store.put("factors", factor["id"], {**factor, "active": True})
            return finished(tenant, waiting)
    raise wrong_code(tenant, waiting, "Invalid otp_code.")


def mfa_oob(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Finish a login by a code that was sent, or once a push message was approved."""
    client_id = asking.client["client_id"]
    waiting = waiting_login(tenant, asking.need("mfa_token"), client_id)
    key = digest(asking.need("oob_code"))
    kept = tenant.store.get("oob_codes", key)
    if kept is None or kept["mfa_token"] != waiting["id"]:
        raise oauth_refusal(403, "invalid_grant", _ANSWERS.unknown[2])
    if kept["code"] is None:
        decision(tenant, "oob_codes", key, client_id, _ANSWERS)
    else:
        if kept["expires_at"] <= tenant.clock():
            raise oauth_refusal(403, "invalid_grant", _ANSWERS.expired[2])
        given = asking.need("binding_code")
        if not hmac.compare_digest(kept["code"].encode(), given.encode("utf-8", "replace")):
            raise wrong_code(tenant, waiting, "Invalid binding_code.")
        tenant.store.remove("oob_codes", key)
    factor = tenant.store.get("factors", kept["factor"])
    if factor is None:
        raise oauth_refusal(403, "invalid_grant", "The factor was removed meanwhile")
    tenant.store.put("factors", factor["id"], {**factor, "active": True})
    return finished(tenant, waiting)


def mfa_recovery_code(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Finish a login by the recovery code; the next one is in the answer."""
    waiting = waiting_login(tenant, asking.need("mfa_token"), asking.client["client_id"])
    user_id, code = waiting["user_id"], asking.need("recovery_code")
    if not factors_of(tenant, user_id, active=True):
        raise oauth_refusal(403, "association_required", "User is not enrolled.")
    if not is_recovery_code(tenant, user_id, code):
        raise wrong_code(tenant, waiting, "MFA Authorization rejected.")
    waiting["more"] = {**waiting["more"], "recovery_code": new_recovery_code(tenant, user_id)}
    return finished(tenant, waiting)
