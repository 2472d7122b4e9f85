"""The refresh grant: a refresh token for new tokens, for another API too; a rotating one is replaced."""

from typing import TYPE_CHECKING, Any

from ..incoming import Refusal, oauth_refusal
from ..management.links import remove
from ..values import digest, section
from .asking import Asking, Login, Outcome
from .issuing import add_refresh_token, api_of, check_user
from .session_transfer import session_transfer, transfer_audience

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["refresh_token", "usable_refresh_token"]


def usable_refresh_token(tenant: "LocalTenant", asking: Asking, token: str) -> dict[str, Any]:
    """Return what is kept of a refresh token of this client.

    Raises `Refusal` where it is unknown, expired, revoked, or bound to another key than that of the request
    (RFC 9449, section 5). One that rotation has made void revokes its whole family: somebody has stolen it,
    and nobody knows who (RFC 9700, section 4.14.2).
    """
    store, client = tenant.store, asking.client
    kept = store.get("refresh_tokens", digest(token))
    if kept is None or kept["client_id"] != client["client_id"]:
        raise _unknown()
    now = tenant.clock()
    if kept["expires_at"] is not None and kept["expires_at"] <= now:
        raise _unknown()
    leeway = section(client, "refresh_token").get("leeway") or 0
    if kept["used_at"] is not None and now >= kept["used_at"] + leeway:
        remove(store, "refresh-tokens", kept["family"])
        tenant.log("ferrt", client_id=client["client_id"], user_id=kept["user_id"])
        raise _unknown()
    if kept.get("jkt") not in (None, asking.jkt):
        raise oauth_refusal(400, "invalid_dpop_proof", "The refresh token is bound to another key")
    return kept


def _unknown() -> Refusal:
    return oauth_refusal(403, "invalid_grant", "Unknown or invalid refresh token.")


def refresh_token(tenant: "LocalTenant", asking: Asking) -> Outcome | dict[str, Any]:
    """Exchange a refresh token (RFC 6749, section 6)."""
    form = asking.form
    kept = usable_refresh_token(tenant, asking, asking.need("refresh_token"))
    if form.get("audience") == transfer_audience(tenant):
        return session_transfer(tenant, asking, kept)
    user = check_user(tenant, kept["user_id"])
    audience = form.get("audience") or kept["audience"]
    api = api_of(tenant, audience) if audience else {}
    scope: str = kept["scope"]
    if form.get("scope"):
        asked = form["scope"].split()
        allowed = set(scope.split())
        if audience != kept["audience"]:
            # A token for several APIs: what the other one knows may be asked for as well.
            allowed |= {item["value"] for item in api.get("scopes") or ()}
        if not allowed.issuperset(asked):
            raise oauth_refusal(403, "invalid_scope", "The scope goes beyond what was granted")
        scope = " ".join(asked)
    login = Login(
        scope=scope,
        audience=audience,
        gty="refresh_token",
        auth_time=kept["auth_time"],
        org_id=kept["org_id"],
        sid=kept["sid"],
    )
    more: dict[str, Any] = {}
    if kept["rotating"]:
        if kept["used_at"] is None:
            tenant.store.put("refresh_tokens", kept["id"], {**kept, "used_at": tenant.clock()})
        # The lifetime is that of the family: it ends when it would have ended without rotation.
        more["refresh_token"] = add_refresh_token(tenant, kept)
    return Outcome(user=user, login=login, renew=False, final=True, more=more)
