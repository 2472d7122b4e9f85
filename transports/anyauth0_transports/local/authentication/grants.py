"""The two grants that every client knows: an authorization code, and the credentials of the client."""

import hmac
from typing import TYPE_CHECKING, Any

from ..authorization import find_organization
from ..incoming import oauth_refusal
from ..values import digest, s256
from .asking import Asking, Login, Outcome
from .client import is_public
from .issuing import api_of, bound, check_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["authorization_code", "client_credentials"]


def authorization_code(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange a code, once (RFC 6749, section 4.1.3; RFC 7636, section 4.6)."""
    client, form = asking.client, asking.form
    key = digest(asking.need("code"))
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
    if asked.get("dpop_jkt") not in (None, asking.jkt):
        raise oauth_refusal(
            400, "invalid_dpop_proof", "The code is bound to another key: it is not that of dpop_jkt"
        )
    user = check_user(tenant, code["user_id"])
    organization = find_organization(tenant, asked["organization"]) if "organization" in asked else None
    login = Login(
        scope=asked.get("scope", ""),
        audience=asked.get("audience"),
        nonce=asked.get("nonce"),
        auth_time=code["auth_time"] if "max_age" in asked else None,
        org_id=None if organization is None else organization["id"],
        sid=code["sid"],
        amr=tuple(code.get("amr") or ()),
    )
    return Outcome(user=user, login=login, final=True)


def client_credentials(tenant: "LocalTenant", asking: Asking) -> dict[str, Any]:
    """Give a client a token for itself (RFC 6749, section 4.4)."""
    client, form = asking.client, asking.form
    audience = asking.need("audience")
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
    kind, confirmation = bound(asking, api)
    token = tenant.tokens.access_token(
        client,
        subject=f"{client_id}@clients",
        audience=[audience],
        scope=scope,
        gty="client-credentials",
        lifetime=lifetime,
        org=organization,
        more=confirmation,
    )
    answer: dict[str, Any] = {"access_token": token, "expires_in": lifetime, "token_type": kind}
    return {**answer, "scope": scope} if scope else answer
