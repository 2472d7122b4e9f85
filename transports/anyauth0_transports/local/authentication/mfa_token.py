"""A login that waits for a second factor: what is kept of it under its `mfa_token`."""

from typing import TYPE_CHECKING, Any

import msgspec

from ..factors import requirements
from ..incoming import Refusal, oauth_refusal
from ..values import digest, random_id
from .asking import Asking, Login, Outcome
from .issuing import check_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["finished", "mfa_required", "waiting_login", "wrong_code"]

_LIFETIME = 600
_ATTEMPTS = 10


def mfa_required(tenant: "LocalTenant", asking: Asking, outcome: Outcome) -> Refusal:
    """Keep a login until its second factor comes; return the refusal that says so."""
    user_id, token = outcome.user["user_id"], f"Fe26.2*{random_id(64)}"
    tenant.store.add(
        "mfa_tokens",
        digest(token),
        {
            "id": digest(token),
            "user_id": user_id,
            "client_id": asking.client["client_id"],
            "login": msgspec.to_builtins(outcome.login),
            "renew": outcome.renew,
            "more": outcome.more,
            "attempts": 0,
            "expires_at": tenant.clock() + _LIFETIME,
        },
    )
    return Refusal(
        403,
        {
            "error": "mfa_required",
            "error_description": "Multifactor authentication required",
            "mfa_token": token,
            "mfa_requirements": requirements(tenant, user_id),
        },
    )


def waiting_login(tenant: "LocalTenant", token: str, client_id: str | None = None) -> dict[str, Any]:
    """Return the login that waits under an `mfa_token`, of this client where one is given.

    Raises `Refusal`.
    """
    kept = tenant.store.get("mfa_tokens", digest(token))
    if kept is None or client_id not in (None, kept["client_id"]):
        raise oauth_refusal(403, "invalid_grant", "Malformed mfa_token")
    if kept["expires_at"] <= tenant.clock():
        raise oauth_refusal(401, "expired_token", "mfa_token is expired")
    return kept


def wrong_code(tenant: "LocalTenant", waiting: dict[str, Any], description: str) -> Refusal:
    """Count an attempt that failed, the tenth of which ends the login; return the refusal."""
    waiting["attempts"] += 1
    if waiting["attempts"] < _ATTEMPTS:
        tenant.store.put("mfa_tokens", waiting["id"], waiting)
        return oauth_refusal(403, "invalid_grant", description)
    tenant.store.remove("mfa_tokens", waiting["id"])
    return oauth_refusal(
        403, "invalid_grant", "You've reached the maximum number of attempts. Please try to login again."
    )


def finished(tenant: "LocalTenant", waiting: dict[str, Any]) -> Outcome:
    """Return what a login comes to whose second factor was good; its `mfa_token` is spent."""
    tenant.store.remove("mfa_tokens", waiting["id"])
    login = msgspec.convert(waiting["login"], Login)
    return Outcome(
        user=check_user(tenant, waiting["user_id"]),
        login=msgspec.structs.replace(login, amr=("mfa",)),
        renew=waiting["renew"],
        final=True,
        more=waiting["more"],
    )
