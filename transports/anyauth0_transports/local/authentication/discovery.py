"""What a tenant tells about itself and about the bearer of a token: metadata, keys, user info."""

from typing import TYPE_CHECKING

from anyauth0 import Response

from ..dpop import ALGORITHMS
from ..incoming import Incoming, Refusal, json_response
from ..resources import access_claims
from ..tokens import profile_claims

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["ENDPOINTS", "jwks", "openid_configuration", "user_info"]

ENDPOINTS = {
    "token_endpoint": "oauth/token",
    "revocation_endpoint": "oauth/revoke",
    "device_authorization_endpoint": "oauth/device/code",
    "backchannel_authentication_endpoint": "bc-authorize",
    "pushed_authorization_request_endpoint": "oauth/par",
    "userinfo_endpoint": "userinfo",
}


def jwks(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /.well-known/jwks.json (RFC 7517)."""
    return json_response(tenant.tokens.jwks(), headers={"cache-control": "public, max-age=15"})


def openid_configuration(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /.well-known/openid-configuration (OpenID Connect Discovery, section 3; RFC 8414)."""
    from .token import GRANT_TYPES

    return json_response(
        {
            "issuer": tenant.issuer,
            "authorization_endpoint": f"{tenant.issuer}authorize",
            "end_session_endpoint": f"{tenant.issuer}oidc/logout",
            "registration_endpoint": f"{tenant.issuer}oidc/register",
            "jwks_uri": f"{tenant.issuer}.well-known/jwks.json",
            **{name: f"{tenant.issuer}{at}" for name, at in ENDPOINTS.items()},
            "mtls_endpoint_aliases": {
                name: f"https://{tenant.mtls_host}/{at}" for name, at in ENDPOINTS.items()
            },
            "grant_types_supported": list(GRANT_TYPES),
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "dpop_signing_alg_values_supported": list(ALGORITHMS),
            "tls_client_certificate_bound_access_tokens": True,
            "backchannel_token_delivery_modes_supported": ["poll"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile", "email", "phone", "offline_access"],
            "token_endpoint_auth_methods_supported": [
                "client_secret_post",
                "client_secret_basic",
                "private_key_jwt",
                "self_signed_tls_client_auth",
                "none",
            ],
        }
    )


def user_info(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /userinfo (OpenID Connect Core, section 5.3)."""
    try:
        claims = access_claims(tenant, incoming, f"{tenant.issuer}userinfo")
    except Refusal as refusal:
        error = refusal.body.get("errorCode", "invalid_token")
        body = {"error": error, "error_description": refusal.body["message"]}
        raise Refusal(401, body, refusal.headers) from None
    if claims is None:
        raise _unauthorized("No bearer token was sent")
    scope = str(claims.get("scope", ""))
    user = tenant.store.get("users", claims["sub"])
    if user is None or user.get("blocked"):
        raise _unauthorized("The user is gone or blocked")
    if "openid" not in scope.split():
        raise Refusal(
            403,
            {"error": "insufficient_scope", "error_description": "The token lacks the scope openid"},
            {"www-authenticate": 'Bearer error="insufficient_scope", scope="openid"'},
        )
    return json_response({"sub": user["user_id"], **profile_claims(user, scope)})


def _unauthorized(why: str) -> Refusal:
    return Refusal(
        401,
        {"error": "invalid_token", "error_description": why},
        {"www-authenticate": 'Bearer error="invalid_token"'},
    )
