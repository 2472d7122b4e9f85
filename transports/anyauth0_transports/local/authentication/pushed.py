"""Pushed authorization requests: checked when they come, kept for a minute and a half, used once."""

import secrets
from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming, json_response, oauth_refusal
from ..values import digest
from .asking import require
from .client import authenticate_client, shown_key

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["push"]

_LIFETIME = 90
_PROOFS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


def push(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/par (RFC 9126, section 2)."""
    form = incoming.form()
    client = authenticate_client(tenant, incoming, form, public=False)
    if "request_uri" in form:
        raise oauth_refusal(400, "invalid_request", "request_uri cannot be pushed")
    if require(form, "response_type") != "code":
        raise oauth_refusal(400, "unsupported_response_type", "Only response_type=code is known here")
    redirect_uri = require(form, "redirect_uri")
    callbacks = client.get("callbacks") or ()
    if callbacks and redirect_uri not in callbacks:
        raise oauth_refusal(
            400, "invalid_request", "redirect_uri is not among the callbacks of the application"
        )
    jkt = shown_key(tenant, incoming, client)
    if jkt is not None and form.setdefault("dpop_jkt", jkt) != jkt:
        raise oauth_refusal(
            400, "invalid_dpop_proof", "dpop_jkt is not the thumbprint of the key of the proof"
        )
    request_uri = f"urn:ietf:params:oauth:request_uri:{secrets.token_urlsafe(24)}"
    parameters = {name: value for name, value in form.items() if name not in _PROOFS}
    tenant.store.add(
        "pushed",
        digest(request_uri),
        {
            "client_id": client["client_id"],
            "parameters": {**parameters, "client_id": client["client_id"]},
            "expires_at": tenant.clock() + _LIFETIME,
        },
    )
    return json_response({"request_uri": request_uri, "expires_in": _LIFETIME}, 201)
