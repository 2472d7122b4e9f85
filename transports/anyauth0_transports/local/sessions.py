"""Sessions of users: a cookie stands for a login, until it is old, or the user has logged out."""

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .incoming import Incoming
from .values import digest, timestamp

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["cookie", "cookies", "end_session", "new_session", "session_of", "start_session"]

_COOKIE = "auth0"
_LIFETIME = 3 * 86400


def cookies(incoming: Incoming) -> dict[str, str]:
    """Return the cookies that a browser sent (RFC 6265, section 4.2.1)."""
    pairs = (pair.partition("=") for pair in incoming.headers.get("cookie", "").split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}


def cookie(incoming: Incoming, name: str, value: str, lifetime: int) -> dict[str, str]:
    """Return the header that sets a cookie for `lifetime` seconds; 0 takes it away."""
    # A browser keeps a cookie for other sites only where it came over TLS.
    kind = "Secure; SameSite=None" if incoming.url.startswith("https:") else "SameSite=Lax"
    return {"set-cookie": f"{name}={value}; Max-Age={lifetime}; Path=/; HttpOnly; {kind}"}


def new_session(
    tenant: "LocalTenant", user: Mapping[str, Any], auth_time: float, *, amr: Sequence[str] = ()
) -> tuple[dict[str, Any], str]:
    """Return a new session as the Management API shows it, and what the cookie of a browser holds of it."""
    token, now = secrets.token_urlsafe(32), tenant.clock()
    session: dict[str, Any] = {
        "id": _session_id(token),
        "user_id": user["user_id"],
        "created_at": timestamp(now),
        "updated_at": timestamp(now),
        "authenticated_at": timestamp(auth_time),
        "expires_at": timestamp(now + _LIFETIME),
        "auth_time": int(auth_time),
        "amr": list(amr),
    }
    tenant.store.add("sessions", session["id"], session)
    return session, token


def _session_id(token: str) -> str:
    return digest(token)[:32]


def start_session(
    tenant: "LocalTenant", incoming: Incoming, user: Mapping[str, Any], *, amr: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a new session, and the header that gives it to the browser."""
    session, token = new_session(tenant, user, tenant.clock(), amr=amr)
    return session, cookie(incoming, _COOKIE, token, _LIFETIME)


def session_of(tenant: "LocalTenant", incoming: Incoming) -> dict[str, Any] | None:
    """Return the session of a browser whose user may still log in, or `None`."""
    session = tenant.store.get("sessions", _session_id(cookies(incoming).get(_COOKIE, "")))
    if session is None or session["expires_at"] <= timestamp(tenant.clock()):
        return None
    user = tenant.store.get("users", session["user_id"])
    return None if user is None or user.get("blocked") else session


def end_session(tenant: "LocalTenant", incoming: Incoming) -> dict[str, str]:
    """End the session of a browser; return the header that takes it away."""
    tenant.store.remove("sessions", _session_id(cookies(incoming).get(_COOKIE, "")))
    return cookie(incoming, _COOKIE, "", 0)
