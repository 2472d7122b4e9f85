"""The tokens of the issuers that a tenant trusts: each is for this tenant, of the moment, and good once."""

from typing import TYPE_CHECKING, Any

from anyauth0.jose import JoseError, Token, parse_token, verify_signature

from ..clients import verifying_key
from ..store import Duplicate
from ..users import find_connection

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["Untrusted", "trusted", "user_of_issuer"]

_ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")
_SKEW = 10


class Untrusted(Exception):
    """Why a token is not believed."""


def trusted(tenant: "LocalTenant", text: str, *, typ: str, audience: str) -> tuple[dict[str, Any], str]:
    """Return the claims of a token of a trusted issuer, and the connection of that issuer.

    Raises `Untrusted`.
    """
    try:
        token = parse_token(text, _ALGORITHMS)
        claims = token.claims()
    except JoseError:
        raise Untrusted("it is not a signed JWT") from None
    if str(token.header.get("typ")).lower() != typ:
        raise Untrusted(f"its typ must be {typ}")
    issuer = claims.get("iss")
    kept = tenant.store.get("trusted_issuers", issuer) if isinstance(issuer, str) else None
    if kept is None or not _signed_by(token, kept["key"]):
        raise Untrusted("no trusted issuer has signed it")
    found, now = claims.get("aud"), tenant.clock()
    if found != audience and not (isinstance(found, list) and audience in found):
        raise Untrusted(f"its aud must be {audience}")
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int | float) or expires <= now:
        raise Untrusted("it has expired")
    if not isinstance(issued, int | float) or issued > now + _SKEW:
        raise Untrusted("its iat must be a moment before now")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti or not isinstance(claims.get("sub"), str):
        raise Untrusted("it needs jti and sub")
    try:
        tenant.store.use_once("trusted_jtis", f"{issuer} {jti}", now=now, until=expires)
    except Duplicate:
        raise Untrusted("it was used before") from None
    return claims, kept["connection"]


def _signed_by(token: Token, credential: dict[str, Any]) -> bool:
    try:
        verify_signature(token, verifying_key(credential))
    except JoseError:
        return False
    return True


def user_of_issuer(tenant: "LocalTenant", connection: str, subject: str) -> dict[str, Any] | None:
    """Return the user of a connection whom its issuer calls `subject`, or `None`."""
    found = find_connection(tenant, connection)
    return None if found is None else tenant.store.get("users", f"{found['strategy']}|{subject}")
