"""ID tokens that come back to the tenant: believed where it has signed them, however old they are."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyauth0.jose import JoseError, secret_key, verify

from ..incoming import Refusal
from ..values import section

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["id_token_claims"]


def id_token_claims(tenant: "LocalTenant", client: Mapping[str, Any], token: str) -> dict[str, Any] | None:
    """Return the claims of an ID token of this tenant for an application, or `None` for any other text.

    Whether it has expired is not looked at: `exp` is among the claims.
    """
    secret: str | None = client.get("client_secret")
    try:
        if secret and section(client, "jwt_configuration").get("alg") == "HS256":
            claims = verify(token, secret_key(secret).verifying_key, algorithms=("HS256",))
        else:
            claims = tenant.tokens.verify_signature(token)
    except (JoseError, Refusal):
        return None
    # The access token of an API that has the name of the application has this audience too.
    good = (claims.get("iss"), claims.get("aud")) == (tenant.issuer, client["client_id"])
    return claims if good and "jti" not in claims else None
