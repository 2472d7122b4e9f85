"""The access token that a request shows: of this tenant, for this audience, and of who shows it."""

from typing import TYPE_CHECKING, Any

from .clients import fingerprint
from .dpop import ALGORITHMS, BadProof, check_proof
from .incoming import Incoming, Refusal
from .values import section

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["access_claims"]


def access_claims(tenant: "LocalTenant", incoming: Incoming, audience: str) -> dict[str, Any] | None:
    """Return the claims of the access token that a request shows, or `None` where it shows none.

    A token that is bound to a key is good only with a proof of that key (RFC 9449, section 7), or over a
    connection with that certificate (RFC 8705, section 3). Raises `Refusal` with 401, in the shape of the
    Management API.
    """
    scheme, _, token = incoming.headers.get("authorization", "").partition(" ")
    scheme, token = scheme.lower(), token.strip()
    if scheme not in ("bearer", "dpop") or not token:
        return None
    claims = tenant.tokens.verify_access_token(token, audience)
    confirmation = section(claims, "cnf")
    jkt, certificate = confirmation.get("jkt"), confirmation.get("x5t#S256")
    if scheme == "dpop":
        if jkt is None:
            raise _refusal("invalid_token", "The access token is not bound to a key; send it as Bearer")
        try:
            shown = check_proof(tenant, incoming, nonce=tenant.demand_dpop_nonce, token=token)
        except BadProof as bad:
            raise _refusal(bad.error, bad.description, bad.headers) from None
        if shown is None:
            raise _refusal("invalid_dpop_proof", "The request has no proof of the key in its DPoP header")
        if shown != jkt:
            raise _refusal("invalid_token", "The access token is bound to another key than that of the proof")
    elif jkt is not None:
        raise _refusal("invalid_token", "The access token is bound to a key; send it as DPoP, with a proof")
    presented = incoming.client_certificate
    if certificate is not None and (presented is None or fingerprint(presented) != certificate):
        raise _refusal("invalid_token", "The access token is bound to another certificate")
    return claims


def _refusal(error: str, message: str, headers: dict[str, str] | None = None) -> Refusal:
    body = {"statusCode": 401, "error": "Unauthorized", "message": message, "errorCode": error}
    challenge = f'DPoP error="{error}", algs="{" ".join(ALGORITHMS)}"'
    return Refusal(401, body, {"www-authenticate": challenge, **(headers or {})})
