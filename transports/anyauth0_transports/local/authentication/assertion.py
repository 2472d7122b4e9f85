"""The grant for an assertion that another issuer has signed about a user (ID-JAG; RFC 7523, section 2.1)."""

from typing import TYPE_CHECKING

from ..incoming import oauth_refusal
from .asking import Asking, Outcome, new_login
from .issuing import OIDC, check_user
from .trusted import Untrusted, trusted, user_of_issuer

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["jwt_bearer"]


def jwt_bearer(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange an assertion for an access token, and nothing else."""
    try:
        claims, connection = trusted(
            tenant, asking.need("assertion"), typ="oauth-id-jag+jwt", audience=tenant.issuer
        )
    except Untrusted as why:
        raise oauth_refusal(400, "invalid_grant", f"The assertion is not good: {why}") from None
    if claims.get("client_id") != asking.client["client_id"]:
        raise oauth_refusal(400, "invalid_grant", "The assertion is for another client_id")
    user = user_of_issuer(tenant, connection, claims["sub"])
    if user is None:
        raise oauth_refusal(400, "invalid_grant", "The assertion is about a user who is not known here")
    resource = asking.form.get("resource") or claims.get("resource")
    if not isinstance(resource, str):
        raise oauth_refusal(400, "invalid_request", "Missing required parameter: resource")
    if claims.get("resource") not in (None, resource):
        raise oauth_refusal(400, "invalid_target", "The assertion is for another resource")
    # No more than the issuer has consented to.
    granted = [name for name in str(claims.get("scope") or "").split() if name not in OIDC]
    asked = asking.form.get("scope")
    scope = " ".join(name for name in granted if asked is None or name in asked.split())
    return Outcome(
        user=check_user(tenant, user["user_id"]),
        login=new_login({"scope": scope, "audience": resource}),
        renew=False,
        final=True,
    )
