"""One-time passwords of mails and SMS: each is good once, for five minutes, and for three attempts."""

import hmac
from typing import TYPE_CHECKING, Any

from ..incoming import oauth_refusal
from ..users import create_user, find_account, find_connection, record_login
from .issuing import check_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["check_otp", "otp_key", "redeem_otp"]

_ATTEMPTS = 3


def otp_key(realm: str, name: str) -> str:
    """Return the id under which the one-time password of an address is kept."""
    return f"{realm} {name.lower()}"


def check_otp(tenant: "LocalTenant", key: str, otp: str, what: str) -> dict[str, Any]:
    """Return what is kept of a one-time password, which is spent by it. Raises `Refusal`."""
    store = tenant.store
    kept = store.get("otps", key)
    if kept is None or kept["expires_at"] <= tenant.clock():
        raise oauth_refusal(403, "invalid_grant", f"Wrong {what} or verification code.")
    if not hmac.compare_digest(kept["code"].encode(), otp.encode("utf-8", "replace")):
        kept["attempts"] += 1
        if kept["attempts"] >= _ATTEMPTS:
            store.remove("otps", key)
            raise oauth_refusal(
                403,
                "invalid_grant",
                "You've reached the maximum number of attempts. Please try to login again.",
            )
        store.put("otps", key, kept)
        raise oauth_refusal(403, "invalid_grant", f"Wrong {what} or verification code.")
    store.remove("otps", key)
    return kept


def redeem_otp(tenant: "LocalTenant", realm: str, name: str, otp: str) -> dict[str, Any]:
    """Return the user of an address whose one-time password this is, made on the first login.

    Raises `Refusal`.
    """
    check_otp(tenant, otp_key(realm, name), otp, "email" if realm == "email" else "phone number")
    user, _ = find_account(tenant, realm, name) or (None, "")
    if user is None:
        connection = find_connection(tenant, realm)
        if connection is None:
            raise oauth_refusal(403, "invalid_grant", "The connection is gone")
        verified = (
            {"email": name, "email_verified": True}
            if realm == "email"
            else {"phone_number": name, "phone_verified": True}
        )
        user = create_user(tenant, connection, verified)
    return record_login(tenant, check_user(tenant, user["user_id"]))
