"""The revocation endpoint: a refresh token and its family end here."""

from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming
from ..management.links import remove
from ..values import digest
from .asking import require
from .client import authenticate_client

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["revoke"]


def revoke(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/revoke (RFC 7009): 200 for a token that is void already, too."""
    form = incoming.form()
    client = authenticate_client(tenant, incoming, form)
    kept = tenant.store.get("refresh_tokens", digest(require(form, "token")))
    if kept is not None and kept["client_id"] == client["client_id"]:
        remove(tenant.store, "refresh-tokens", kept["family"])
        tenant.log("srrt", client_id=client["client_id"], user_id=kept["user_id"])
    return Response(status=200)
