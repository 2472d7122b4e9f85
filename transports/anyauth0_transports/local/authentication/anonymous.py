"""Sessions of visitors who have not logged in, and the tokens that they may have."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, json_response, oauth_refusal
from ..sessions import cookie, cookies
from ..values import digest, section
from .client import authenticate_client
from .issuing import api_of

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["accept_visitor", "anonymous_log_out", "anonymous_token", "end_visitor"]

_TRANSFER = "urn:auth0:anon_transfer"
_COOKIE = "auth0_anonymous"
_LIFETIME = 30 * 86400
_TRANSFER_LIFETIME = 30
_LONGEST_METADATA = 1024


def anonymous_token(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /anonymous/token: within a session, or with the token of a new one."""
    body = incoming.json()
    fields = {name: value for name, value in body.items() if isinstance(value, str)}
    client = authenticate_client(tenant, incoming, fields)
    answer: dict[str, Any] = {}
    headers: dict[str, str] = {}
    token = fields.get("session_token", "")
    if "session_token" in body:
        session = _session(tenant, client, token)
    else:
        token, session = _begin(tenant, client, body)
        answer = {"session_token": token, "session_expires_in": _LIFETIME}
        headers = cookie(incoming, _COOKIE, token, _LIFETIME)
    audience = fields.get("audience")
    if audience == _TRANSFER:
        answer |= _transfer_token(tenant, client, token)
    else:
        answer |= _access_token(tenant, client, session, audience, fields.get("scope", ""))
    return json_response(answer, headers={"cache-control": "no-store", **headers})


def _begin(
    tenant: "LocalTenant", client: Mapping[str, Any], body: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    metadata = section(body, "metadata")
    size = len(msgspec.json.encode(metadata))
    if body.get("metadata") not in (None, metadata) or size > _LONGEST_METADATA:
        raise oauth_refusal(
            400, "invalid_request", f"metadata must be an object of at most {_LONGEST_METADATA} bytes"
        )
    token = secrets.token_urlsafe(36)
    session: dict[str, Any] = {
        "client_id": client["client_id"],
        "subject": f"anon|{secrets.token_hex(12)}",
        "metadata": metadata,
        "expires_at": tenant.clock() + _LIFETIME,
    }
    tenant.store.add("anonymous_sessions", digest(token), session)
    return token, session


def _session(tenant: "LocalTenant", client: Mapping[str, Any], token: str) -> dict[str, Any]:
    session = tenant.store.get("anonymous_sessions", digest(token))
    if session is None or session["client_id"] != client["client_id"]:
        raise oauth_refusal(400, "invalid_session_token", "The session_token is unknown")
    if session["expires_at"] <= tenant.clock():
        raise oauth_refusal(400, "session_expired", "The session has expired")
    return session


def _access_token(
    tenant: "LocalTenant",
    client: Mapping[str, Any],
    session: Mapping[str, Any],
    audience: str | None,
    asked: str,
) -> dict[str, Any]:
    api = api_of(tenant, audience) if audience else {}
    known = {item["value"] for item in api.get("scopes") or ()}
    scope = " ".join(name for name in dict.fromkeys(asked.split()) if name in known)
    lifetime = int(api.get("token_lifetime") or 86400)
    token = tenant.tokens.access_token(
        client,
        subject=session["subject"],
        audience=[audience or f"{tenant.issuer}userinfo"],
        scope=scope,
        gty="anonymous",
        lifetime=lifetime,
    )
    return {"access_token": token, "expires_in": lifetime, "scope": scope, "token_type": "Bearer"}


def _transfer_token(tenant: "LocalTenant", client: Mapping[str, Any], session_token: str) -> dict[str, Any]:
    token = secrets.token_urlsafe(32)
    document: dict[str, Any] = {
        "client_id": client["client_id"],
        "session": digest(session_token),
        "expires_at": tenant.clock() + _TRANSFER_LIFETIME,
        "accepted": False,
    }
    tenant.store.add("anonymous_transfers", digest(token), document)
    return {"anon_transfer_token": token, "expires_in": _TRANSFER_LIFETIME}


def accept_visitor(tenant: "LocalTenant", parameters: Mapping[str, str]) -> tuple[str, str] | None:
    """Spend the `anon_transfer_token` of an authorization request; return what is wrong with it."""
    if "anon_transfer_token" not in parameters:
        return None
    key = digest(parameters["anon_transfer_token"])
    kept = tenant.store.get("anonymous_transfers", key)
    if (
        kept is None
        or kept["accepted"]
        or kept["client_id"] != parameters["client_id"]
        or kept["expires_at"] <= tenant.clock()
        or tenant.store.get("anonymous_sessions", kept["session"]) is None
    ):
        return "invalid_request", "anon_transfer_token is unknown, used, expired or of another application"
    tenant.store.put("anonymous_transfers", key, {**kept, "accepted": True})
    return None


def end_visitor(tenant: "LocalTenant", parameters: Mapping[str, str]) -> None:
    """End the session of a visitor who has logged in, of which `accept_visitor` was told."""
    key = digest(parameters.get("anon_transfer_token", ""))
    kept = tenant.store.get("anonymous_transfers", key)
    if kept is not None:
        tenant.store.remove("anonymous_transfers", key)
        tenant.store.remove("anonymous_sessions", kept["session"])


def anonymous_log_out(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /anonymous/logout: the session is that of the cookie, or of a `session_token`."""
    body = incoming.json()
    client_id = body.get("client_id")
    if not isinstance(client_id, str) or tenant.store.get("clients", client_id) is None:
        raise oauth_refusal(400, "invalid_request", "Unknown or missing client_id")
    token = body.get("session_token") or cookies(incoming).get(_COOKIE, "")
    session = tenant.store.get("anonymous_sessions", digest(str(token)))
    if session is not None and session["client_id"] == client_id:
        tenant.store.remove("anonymous_sessions", digest(str(token)))
    return Response(status=204, headers=cookie(incoming, _COOKIE, "", 0))
