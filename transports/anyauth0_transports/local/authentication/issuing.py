"""The answer of the token endpoint for a user: what a login entitles to, and nothing more."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from ..incoming import oauth_refusal
from ..values import digest, section

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["Login", "add_refresh_token", "api_of", "check_user", "issue"]

_OIDC = ("openid", "profile", "email", "address", "phone", "offline_access")
_LIFETIME = 86400


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a login when its tokens are made; a refresh token remembers it.

    `auth_time` is in epoch seconds, and there only where it was asked for.
    """

    scope: str
    audience: str | None = None
    gty: str | None = None
    nonce: str | None = None
    auth_time: int | None = None
    org_id: str | None = None
    sid: str


def api_of(tenant: "LocalTenant", audience: str) -> dict[str, Any]:
    """Return the API of an audience. Raises `Refusal`."""
    found = tenant.store.find("resource_servers", identifier=audience)
    if not found:
        raise oauth_refusal(403, "access_denied", f"Service not found: {audience}")
    return found[0]


def check_user(tenant: "LocalTenant", user_id: str) -> dict[str, Any]:
    """Return a user who may have tokens. Raises `Refusal` for one who is gone or blocked."""
    user = tenant.store.get("users", user_id)
    if user is None:
        raise oauth_refusal(403, "invalid_grant", "The user does not exist any more")
    if user.get("blocked"):
        raise oauth_refusal(401, "unauthorized", "user is blocked")
    return user


def issue(
    tenant: "LocalTenant",
    client: Mapping[str, Any],
    user: Mapping[str, Any],
    login: Login,
    *,
    renew: bool = True,
) -> dict[str, Any]:
    """Return the answer for a user who has logged in (RFC 6749, section 5.1).

    With `renew`, a refresh token goes with it where `offline_access` is granted.
    """
    api = api_of(tenant, login.audience) if login.audience else None
    granted = _granted(client, api, login.scope)
    scope = " ".join(granted)
    userinfo = f"{tenant.issuer}userinfo"
    audiences = [login.audience] if login.audience else []
    if "openid" in granted or not audiences:
        audiences.append(userinfo)
    lifetime = int(api["token_lifetime"]) if api is not None and api.get("token_lifetime") else _LIFETIME
    org = tenant.store.get("organizations", login.org_id) if login.org_id else None
    answer: dict[str, Any] = {
        "access_token": tenant.tokens.access_token(
            client,
            subject=user["user_id"],
            audience=audiences,
            scope=scope,
            gty=login.gty,
            lifetime=lifetime,
            org=org,
        ),
        "scope": scope,
        "expires_in": lifetime,
        "token_type": "Bearer",
    }
    if "openid" in granted:
        answer["id_token"] = tenant.tokens.id_token(
            client,
            user,
            scope=scope,
            nonce=login.nonce,
            auth_time=login.auth_time,
            org=org,
            sid=login.sid,
        )
    if renew and "offline_access" in granted:
        answer["refresh_token"] = _refresh_token(tenant, client, user, login)
    return answer


def _granted(client: Mapping[str, Any], api: Mapping[str, Any] | None, scope: str) -> list[str]:
    """Return the scopes asked for that exist, each once."""
    known = set(_OIDC)
    if api is not None:
        known |= {item["value"] for item in api.get("scopes") or ()}
    # A refresh token is only for who may use it, and never for an API that forbids it.
    if "refresh_token" not in (client.get("grant_types") or ()) or (
        api is not None and not api.get("allow_offline_access")
    ):
        known.discard("offline_access")
    return [name for name in dict.fromkeys(scope.split()) if name in known]


def _refresh_token(
    tenant: "LocalTenant", client: Mapping[str, Any], user: Mapping[str, Any], login: Login
) -> str:
    settings = section(client, "refresh_token")
    lifetime = int(settings.get("token_lifetime") or 2592000)
    expiring = settings.get("expiration_type") == "expiring"
    return add_refresh_token(
        tenant,
        {
            "user_id": user["user_id"],
            "client_id": client["client_id"],
            "family": secrets.token_hex(12),
            "scope": login.scope,
            "audience": login.audience,
            "auth_time": login.auth_time,
            "org_id": login.org_id,
            "sid": login.sid,
            "rotating": settings.get("rotation_type") == "rotating",
            "expires_at": tenant.clock() + lifetime if expiring else None,
        },
    )


def add_refresh_token(tenant: "LocalTenant", document: Mapping[str, Any]) -> str:
    """Return a new refresh token of which `document` is kept; the token itself is not."""
    token = f"v1.{secrets.token_urlsafe(36)}"
    key = digest(token)
    fresh = {**document, "id": key, "created_at": tenant.clock(), "used_at": None}
    tenant.store.add("refresh_tokens", key, fresh)
    return token
