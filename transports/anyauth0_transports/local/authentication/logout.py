"""The end of a browser's session, and where it goes then: only to addresses that were allowed before."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from anyauth0 import Response

from ..incoming import Incoming
from ..sessions import end_session
from .id_tokens import id_token_claims
from .login_page import error_page, redirect

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["log_out", "oidc_log_out"]


def log_out(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /v2/logout: `returnTo` must be allowed for the application, or for the tenant."""
    client_id, target = incoming.one("client_id"), incoming.one("returnTo")
    owner = _settings(tenant) if client_id is None else tenant.store.get("clients", client_id)
    if owner is None:
        return error_page("client_id: there is no such application")
    return _leave(tenant, incoming, owner, "returnTo", target)


def oidc_log_out(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /oidc/logout (OpenID Connect RP-Initiated Logout 1.0); `logout_hint` is a session's id."""
    client_id, hint = incoming.one("client_id"), incoming.one("id_token_hint")
    session_id = incoming.one("logout_hint")
    if hint is not None:
        # An old ID token is good enough here: it says whose session it was.
        found = (id_token_claims(tenant, client, hint) for client in tenant.store.list("clients"))
        claims = next((each for each in found if each is not None), None)
        if claims is None:
            return error_page("id_token_hint: it is not an ID token of this tenant")
        if client_id not in (None, claims["aud"]):
            return error_page("client_id: it is not that of id_token_hint")
        client_id = claims["aud"]
        session_id = session_id or claims.get("sid")
    owner = _settings(tenant) if client_id is None else tenant.store.get("clients", client_id)
    if owner is None:
        return error_page("client_id: there is no such application")
    target, state = incoming.one("post_logout_redirect_uri"), incoming.one("state")
    return _leave(tenant, incoming, owner, "post_logout_redirect_uri", target, state, session_id)


def _settings(tenant: "LocalTenant") -> dict[str, Any]:
    return tenant.store.get("tenants/settings", "") or {}


def _leave(
    tenant: "LocalTenant",
    incoming: Incoming,
    owner: dict[str, Any],
    name: str,
    target: str | None,
    state: str | None = None,
    session_id: str | None = None,
) -> Response:
    allowed: list[str] = owner.get("allowed_logout_urls") or []
    if target is not None and target not in allowed:
        return error_page(f"{name}: the address is not among the allowed_logout_urls")
    if session_id is not None:
        tenant.store.remove("sessions", session_id)
    headers = end_session(tenant, incoming)
    if target is None:
        return Response(status=200, headers={"content-type": "text/plain", **headers}, body=b"OK")
    query = "" if state is None else f"{'&' if '?' in target else '?'}{urlencode({'state': state})}"
    return redirect(f"{target}{query}", headers)
