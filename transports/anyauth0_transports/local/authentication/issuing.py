"""The answer of the token endpoint for a user: what a login entitles to, and nothing more."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..incoming import oauth_refusal
from ..values import digest, section, timestamp
from .asking import Asking, Login
from .client import is_public

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["OIDC", "add_refresh_token", "api_of", "bound", "check_user", "issue"]

OIDC = ("openid", "profile", "email", "address", "phone", "offline_access")
"""The scopes that are about the user, and of no API."""

_MFA = ("enroll", "read:authenticators", "remove:authenticators")
_LIFETIME = 86400


def api_of(tenant: "LocalTenant", audience: str) -> dict[str, Any]:
    """Return the API of an audience. Raises `Refusal`."""
    if audience in (f"{tenant.issuer}mfa/", f"{tenant.issuer}userinfo"):
        # Every tenant has these two; no one registers them.
        mfa = audience.endswith("mfa/")
        return {
            "identifier": audience,
            "scopes": [{"value": scope} for scope in _MFA if mfa],
            "token_lifetime": 600 if mfa else _LIFETIME,
            "allow_offline_access": not mfa,
        }
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


def bound(asking: Asking, api: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """Return the type of an access token, and the claims that bind it to the key of the client.

    The key is that of the DPoP proof (RFC 9449, section 6), or that of the certificate where the application
    or the API asks for it (RFC 8705, section 3). Raises `Refusal` where a key is demanded and there is none.
    """
    wanted = section(api or {}, "proof_of_possession")
    mechanism = wanted.get("mechanism")
    required = bool(wanted.get("required")) and (
        wanted.get("required_for") != "public_clients" or is_public(asking.client)
    )
    if asking.jkt is not None and not (required and mechanism == "mtls"):
        return "DPoP", {"cnf": {"jkt": asking.jkt}}
    own = bool(asking.client.get("require_proof_of_possession"))
    if asking.certificate is not None and mechanism != "dpop" and (own or mechanism == "mtls"):
        return "Bearer", {"cnf": {"x5t#S256": asking.certificate}}
    if own or required:
        raise oauth_refusal(400, "invalid_request", "The token must be bound to a key, and none was shown")
    return "Bearer", {}


def issue(
    tenant: "LocalTenant",
    asking: Asking,
    user: Mapping[str, Any],
    login: Login,
    *,
    renew: bool = True,
) -> dict[str, Any]:
    """Return the answer for a user who has logged in (RFC 6749, section 5.1).

    With `renew`, a refresh token goes with it where `offline_access` is granted.
    """
    client = asking.client
    api = api_of(tenant, login.audience) if login.audience else None
    granted = _granted(client, api, login.scope)
    scope = " ".join(granted)
    audiences = [login.audience] if login.audience else []
    if "openid" in granted or not audiences:
        audiences = list(dict.fromkeys([*audiences, f"{tenant.issuer}userinfo"]))
    lifetime = int(api["token_lifetime"]) if api is not None and api.get("token_lifetime") else _LIFETIME
    org = tenant.store.get("organizations", login.org_id) if login.org_id else None
    act = {} if login.act is None else {"act": login.act}
    kind, confirmation = bound(asking, api)
    answer: dict[str, Any] = {
        "access_token": tenant.tokens.access_token(
            client,
            subject=user["user_id"],
            audience=audiences,
            scope=scope,
            gty=login.gty,
            lifetime=lifetime,
            org=org,
            more={**act, **confirmation},
        ),
        "scope": scope,
        "expires_in": lifetime,
        "token_type": kind,
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
            more={**act, **({"amr": login.amr} if login.amr else {})},
        )
    if renew and "offline_access" in granted:
        answer["refresh_token"] = _refresh_token(tenant, asking, user, login)
    return answer


def _granted(client: Mapping[str, Any], api: Mapping[str, Any] | None, scope: str) -> list[str]:
    """Return the scopes asked for that exist, each once."""
    known = set(OIDC)
    if api is not None:
        known |= {item["value"] for item in api.get("scopes") or ()}
    # A refresh token is only for who may use it, and never for an API that forbids it.
    if "refresh_token" not in (client.get("grant_types") or ()) or (
        api is not None and not api.get("allow_offline_access")
    ):
        known.discard("offline_access")
    return [name for name in dict.fromkeys(scope.split()) if name in known]


def _refresh_token(tenant: "LocalTenant", asking: Asking, user: Mapping[str, Any], login: Login) -> str:
    client = asking.client
    settings = section(client, "refresh_token")
    lifetime = int(settings.get("token_lifetime") or 2592000)
    expiring = settings.get("expiration_type") == "expiring"
    expires_at = tenant.clock() + lifetime if expiring else None
    rotating = settings.get("rotation_type") == "rotating"
    owner = {"user_id": user["user_id"], "client_id": client["client_id"]}
    family = secrets.token_hex(12)
    # As the Management API shows it. Rotation makes new tokens of a family, which keeps its id.
    shown = {
        "id": family,
        **owner,
        "session_id": login.sid,
        "rotating": rotating,
        "resource_servers": [{"audience": login.audience, "scopes": login.scope}],
        "created_at": timestamp(tenant.clock()),
        "expires_at": None if expires_at is None else timestamp(expires_at),
        "grant_id": _grant(tenant, owner, login),
    }
    tenant.store.add("refresh-tokens", family, shown)
    device = {"id": family, **owner, "type": "rotating_refresh_token" if rotating else "refresh_token"}
    tenant.store.add("device-credentials", family, device)
    return add_refresh_token(
        tenant,
        {
            **owner,
            "family": family,
            "scope": login.scope,
            "audience": login.audience,
            "auth_time": login.auth_time,
            "org_id": login.org_id,
            "sid": login.sid,
            "jkt": asking.jkt,
            "rotating": rotating,
            "expires_at": expires_at,
        },
    )


def _grant(tenant: "LocalTenant", owner: Mapping[str, str], login: Login) -> str:
    """Note what a user has allowed an application to do for long; return the id of the grant."""
    user_id, client_id = owner["user_id"], owner["client_id"]
    audience = login.audience or f"{tenant.issuer}userinfo"
    grant_id = digest(f"{user_id} {client_id} {audience}")[:24]
    before: dict[str, Any] = tenant.store.get("grants", grant_id) or {}
    scope = list(dict.fromkeys([*(before.get("scope") or ()), *login.scope.split()]))
    grant = {"id": grant_id, "clientID": client_id, "user_id": user_id, "audience": audience, "scope": scope}
    tenant.store.put("grants", grant_id, grant)
    return grant_id


def add_refresh_token(tenant: "LocalTenant", document: Mapping[str, Any]) -> str:
    """Return a new refresh token of which `document` is kept; the token itself is not."""
    token = f"v1.{secrets.token_urlsafe(36)}"
    key = digest(token)
    fresh = {**document, "id": key, "created_at": tenant.clock(), "used_at": None}
    tenant.store.add("refresh_tokens", key, fresh)
    return token
