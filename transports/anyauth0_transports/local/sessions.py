"""The sessions of browsers: a cookie stands for a login, until it is old, or the user has logged out."""

import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .incoming import Incoming
from .values import digest

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["cookie", "cookies", "end_session", "session_of", "start_session"]

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


def start_session(
    tenant: "LocalTenant", incoming: Incoming, user: Mapping[str, Any], *, amr: Sequence[str] = ()
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a new session, and the header that gives it to the browser."""
    token, now = secrets.token_urlsafe(32), tenant.clock()
    session: dict[str, Any] = {
        "id": digest(token),
        "sid": secrets.token_urlsafe(24),
        "user_id": user["user_id"],
        "auth_time": int(now),
        "amr": list(amr),
        "expires_at": now + _LIFETIME,
    }
    tenant.store.add("browser_sessions", session["id"], session)
    return session, cookie(incoming, _COOKIE, token, _LIFETIME)


def session_of(tenant: "LocalTenant", incoming: Incoming) -> dict[str, Any] | None:
    """Return the session of a browser whose user may still log in, or `None`."""
    session = tenant.store.get("browser_sessions", digest(cookies(incoming).get(_COOKIE, "")))
    if session is None or session["expires_at"] <= tenant.clock():
        return None
    user = tenant.store.get("users", session["user_id"])
    return None if user is None or user.get("blocked") else session


def end_session(tenant: "LocalTenant", incoming: Incoming) -> dict[str, str]:
    """End the session of a browser; return the header that takes it away."""
    tenant.store.remove("browser_sessions", digest(cookies(incoming).get(_COOKIE, "")))
    return cookie(incoming, _COOKIE, "", 0)
