"""The grants that exchange something once given: a code, a refresh token, credentials, a one-time code."""

import hmac
import secrets
from typing import TYPE_CHECKING, Any

from ..authorization import find_organization
from ..incoming import Refusal, oauth_refusal
from ..users import create_user, find_connection, find_user, record_login
from ..values import digest, s256, section
from .client import is_public
from .issuing import Login, add_refresh_token, api_of, check_user, issue

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = [
    "authorization_code", "client_credentials", "otp_key", "passwordless_otp", "redeem_otp", "refresh_token",
    "require", "usable_refresh_token",
]  # fmt: skip

_ATTEMPTS = 3


def require(form: dict[str, str], name: str) -> str:
    """Return a field of the form. Raises `Refusal` where it is missing."""
    value = form.get(name)
    if not value:
        raise oauth_refusal(400, "invalid_request", f"Missing required parameter: {name}")
    return value


def authorization_code(tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """Exchange a code, once (RFC 6749, section 4.1.3; RFC 7636, section 4.6)."""
    key = digest(require(form, "code"))
    code = tenant.store.get("codes", key)
    if code is None or code["parameters"]["client_id"] != client["client_id"]:
        raise oauth_refusal(403, "invalid_grant", "Invalid authorization code")
    # Whatever comes of it, the code is spent.
    tenant.store.remove("codes", key)
    if code["expires_at"] <= tenant.clock():
        raise oauth_refusal(403, "invalid_grant", "Invalid authorization code")
    asked: dict[str, str] = code["parameters"]
    if asked.get("redirect_uri") != form.get("redirect_uri"):
        raise oauth_refusal(
            403, "invalid_grant", "The redirect URI is wrong: it is not that of the authorization"
        )
    challenge, verifier = asked.get("code_challenge"), form.get("code_verifier")
    if challenge is None and (verifier is not None or is_public(client)):
        why = "a code_verifier came without a code_challenge" if verifier else "PKCE is required"
        raise oauth_refusal(403, "invalid_grant", f"Failed to verify code verifier: {why}")
    if challenge is not None and not hmac.compare_digest(
        s256(verifier or "").encode(), challenge.encode("utf-8", "replace")
    ):
        raise oauth_refusal(403, "invalid_grant", "Failed to verify code verifier")
    user = check_user(tenant, code["user_id"])
    organization = find_organization(tenant, asked["organization"]) if "organization" in asked else None
    login = Login(
        scope=asked.get("scope", ""),
        audience=asked.get("audience"),
        nonce=asked.get("nonce"),
        auth_time=code["auth_time"] if "max_age" in asked else None,
        org_id=None if organization is None else organization["id"],
        sid=code["sid"],
    )
    return {**issue(tenant, client, user, login), "_user_id": user["user_id"]}


def client_credentials(tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """Give a client a token for itself (RFC 6749, section 4.4)."""
    audience = require(form, "audience")
    api = api_of(tenant, audience)
    client_id: str = client["client_id"]
    grants = tenant.store.find("client_grants", client_id=client_id, audience=audience)
    if not grants:
        raise oauth_refusal(
            403,
            "access_denied",
            f'Client is not authorized to access "{audience}". '
            'You need to create a "client-grant" associated to this API.',
        )
    granted: list[str] = grants[0].get("scope") or []
    if grants[0].get("allow_all_scopes"):
        granted = (
            tenant.management_scopes()
            if audience == tenant.management_audience
            else [scope["value"] for scope in api.get("scopes") or ()]
        )
    asked = form.get("scope")
    if asked:
        granted = [scope for scope in granted if scope in asked.split()]
    organization = None
    if form.get("organization"):
        organization = find_organization(tenant, form["organization"])
        if organization is None:
            raise oauth_refusal(400, "invalid_request", "parameter organization is invalid")
    lifetime = int(api.get("token_lifetime") or 86400)
    scope = " ".join(granted)
    token = tenant.tokens.access_token(
        client,
        subject=f"{client_id}@clients",
        audience=[audience],
        scope=scope,
        gty="client-credentials",
        lifetime=lifetime,
        org=organization,
    )
    answer: dict[str, Any] = {"access_token": token, "expires_in": lifetime, "token_type": "Bearer"}
    return {**answer, "scope": scope} if scope else answer


def usable_refresh_token(tenant: "LocalTenant", client: dict[str, Any], token: str) -> dict[str, Any]:
    """Return what is kept of a refresh token of this client.

    Raises `Refusal` where it is unknown, expired or revoked. One that rotation has made void revokes its
    whole family: somebody has stolen it, and nobody knows who (RFC 9700, section 4.14.2).
    """
    store = tenant.store
    kept = store.get("refresh_tokens", digest(token))
    if kept is None or kept["client_id"] != client["client_id"]:
        raise _unknown()
    now = tenant.clock()
    if kept["expires_at"] is not None and kept["expires_at"] <= now:
        raise _unknown()
    leeway = section(client, "refresh_token").get("leeway") or 0
    if kept["used_at"] is not None and now >= kept["used_at"] + leeway:
        for member in store.find("refresh_tokens", family=kept["family"]):
            store.remove("refresh_tokens", member["id"])
        tenant.log("ferrt", client_id=client["client_id"], user_id=kept["user_id"])
        raise _unknown()
    return kept


def _unknown() -> Refusal:
    return oauth_refusal(403, "invalid_grant", "Unknown or invalid refresh token.")


def refresh_token(tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """Exchange a refresh token (RFC 6749, section 6); a rotating one is replaced."""
    kept = usable_refresh_token(tenant, client, require(form, "refresh_token"))
    user = check_user(tenant, kept["user_id"])
    audience = form.get("audience") or kept["audience"]
    scope: str = kept["scope"]
    if form.get("scope"):
        asked = form["scope"].split()
        allowed = set(scope.split())
        if audience != kept["audience"]:
            # A token for several APIs: what the other one knows may be asked for as well.
            allowed |= {item["value"] for item in api_of(tenant, audience).get("scopes") or ()}
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
    answer = issue(tenant, client, user, login, renew=False)
    if kept["rotating"]:
        if kept["used_at"] is None:
            tenant.store.put("refresh_tokens", kept["id"], {**kept, "used_at": tenant.clock()})
        # The lifetime is that of the family: it ends when it would have ended without rotation.
        answer["refresh_token"] = add_refresh_token(tenant, kept)
    return {**answer, "_user_id": user["user_id"]}


def otp_key(realm: str, name: str) -> str:
    """Return the id under which the one-time password of an address is kept."""
    return f"{realm} {name.lower()}"


def redeem_otp(tenant: "LocalTenant", realm: str, name: str, otp: str) -> dict[str, Any]:
    """Return the user of an address whose one-time password this is, made on the first login.

    Raises `Refusal`. The password is void once used, five minutes old, or guessed at three times.
    """
    store = tenant.store
    key = otp_key(realm, name)
    kept = store.get("otps", key)
    what = "email" if realm == "email" else "phone number"
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
    user = find_user(tenant, realm, name)
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


def passwordless_otp(tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """Exchange the code of a mail or an SMS."""
    realm = require(form, "realm")
    if realm not in ("email", "sms"):
        raise oauth_refusal(400, "invalid_request", "realm must be email or sms")
    user = redeem_otp(tenant, realm, require(form, "username"), require(form, "otp"))
    login = Login(scope=form.get("scope", ""), audience=form.get("audience"), sid=secrets.token_urlsafe(24))
    return {**issue(tenant, client, user, login), "_user_id": user["user_id"]}
