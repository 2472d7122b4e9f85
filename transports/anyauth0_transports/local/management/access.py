"""Sessions and refresh tokens that end together: all of a user, of an application, of a session."""

from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming, management_refusal
from .asked import missing
from .links import remove
from .pages import page
from .users import existing_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["delete_of_user", "end", "get_of_user", "revoke_access", "revoke_session", "revoke_tokens"]

_ACCEPTED = Response(status=202)


def end(tenant: "LocalTenant", kind: str, **fields: str) -> None:
    """End the sessions, or the refresh tokens, whose fields have these values."""
    for document in tenant.store.find(kind, **fields):
        remove(tenant.store, kind, document["id"])


def get_of_user(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /users/{user_id}/refresh-tokens and GET /users/{user_id}/sessions."""
    kind = incoming.path.rpartition("/")[2]
    found = tenant.store.find(kind, user_id=existing_user(tenant, path[0])["user_id"])
    return page(incoming, found, kind.rpartition("-")[2], take=100, numbers=False)


def delete_of_user(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer DELETE /users/{user_id}/refresh-tokens and DELETE /users/{user_id}/sessions."""
    end(tenant, incoming.path.rpartition("/")[2], user_id=existing_user(tenant, path[0])["user_id"])
    return _ACCEPTED


def revoke_access(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /users/{id}/revoke-access: all there is of the user, or of one session."""
    body = incoming.json() if incoming.body else {}
    one = str(body.get("session_id") or "")
    end(tenant, "sessions", user_id=path[0], **({"id": one} if one else {}))
    if not body.get("preserve_refresh_tokens"):
        end(tenant, "refresh-tokens", user_id=path[0], **({"session_id": one} if one else {}))
    return _ACCEPTED


def revoke_session(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /sessions/{id}/revoke: the session, and the refresh tokens of its logins."""
    if not tenant.store.remove("sessions", path[0]):
        raise missing("sessions")
    end(tenant, "refresh-tokens", session_id=path[0])
    return _ACCEPTED


def revoke_tokens(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /refresh-tokens/revoke: those that fit all that is named."""
    body = incoming.json() if incoming.body else {}
    fields = {name: str(body[name]) for name in ("user_id", "client_id") if body.get(name)}
    ids, audience = body.get("ids"), body.get("audience")
    if not fields and not (isinstance(ids, list) and ids):
        message = "Payload validation error: 'Missing required property: ids, user_id or client_id'"
        raise management_refusal(400, "invalid_body", message)
    for token in tenant.store.find("refresh-tokens", **fields):
        audiences = [server.get("audience") for server in token.get("resource_servers") or ()]
        if (ids is None or token["id"] in ids) and (audience is None or audience in audiences):
            remove(tenant.store, "refresh-tokens", token["id"])
    return _ACCEPTED
