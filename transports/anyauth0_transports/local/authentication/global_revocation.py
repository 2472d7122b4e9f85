"""An identity provider ends what a user has here: refresh tokens and sessions, not access tokens."""

from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming, oauth_refusal
from ..management.access import end
from ..values import section
from .trusted import Untrusted, trusted, user_of_issuer

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["revoke_all"]


def revoke_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/global-token-revocation/connection/{connection_name}."""
    bearer = incoming.bearer()
    if bearer is None:
        raise oauth_refusal(401, "invalid_token", "No bearer token was sent")
    address = f"{tenant.issuer}{incoming.path.removeprefix('/')}"
    try:
        claims, connection = trusted(tenant, bearer, typ="global-token-revocation+jwt", audience=address)
    except Untrusted as why:
        raise oauth_refusal(401, "invalid_token", f"The token is not good: {why}") from None
    if connection != path[0]:
        raise oauth_refusal(401, "invalid_token", "The issuer is trusted for another connection")
    subject = section(incoming.json(), "subject")
    name = subject.get("sub")
    if subject.get("format") != "iss_sub" or subject.get("iss") != claims["iss"] or not isinstance(name, str):
        raise oauth_refusal(400, "invalid_request", "subject must have format iss_sub, iss and sub")
    user = user_of_issuer(tenant, connection, name)
    if user is None:
        raise oauth_refusal(400, "invalid_request", "The connection has no such user")
    for kind in ("refresh-tokens", "sessions"):
        end(tenant, kind, user_id=user["user_id"])
    tenant.log("s", user_id=user["user_id"], connection=connection, description="Global token revocation")
    return Response(status=200)
