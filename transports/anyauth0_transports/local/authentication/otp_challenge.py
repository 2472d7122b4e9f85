"""One-time passwords for users of a database connection: sent to who exists, and exchanged for tokens."""

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from ..users import create_user, find_account, find_connection, record_login
from ..values import digest
from .asking import Asking, Outcome, new_login
from .client import authenticate_client
from .issuing import check_user
from .one_time import check_otp

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["challenge_otp", "database_otp"]

_LIFETIME = 300
_FORMS = {"email": re.compile(r"[^@\s]+@[^@\s]+"), "phone_number": re.compile(r"\+[1-9][0-9]{1,14}")}


def challenge_otp(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /otp/challenge: the same whether the user exists or not."""
    from ..tenant import Message

    body = incoming.json()
    fields = {name: value for name, value in body.items() if isinstance(value, str)}
    client = authenticate_client(tenant, incoming, fields)
    connection = find_connection(tenant, fields.get("connection", ""))
    if connection is None or connection["strategy"] != "auth0":
        raise _invalid("connection", "must be a database connection")
    given = [name for name in _FORMS if body.get(name) is not None]
    if len(given) != 1:
        raise _invalid("email", "give either email or phone_number")
    field, to = given[0], fields.get(given[0], "").lower()
    if not _FORMS[field].fullmatch(to) or not to.isprintable():
        raise _invalid(field, "is not in its format")
    if body.get("delivery_method") not in (None, "text", "voice"):
        raise _invalid("delivery_method", "must be text or voice")
    session = secrets.token_urlsafe(32)
    known = find_account(tenant, connection["name"], to)
    if known is not None or body.get("allow_signup") is True:
        code = f"{secrets.randbelow(10**6):06d}"
        kept = {
            "code": code,
            "expires_at": tenant.clock() + _LIFETIME,
            "attempts": 0,
            "client_id": client["client_id"],
            "connection": connection["name"],
            "field": field,
            "to": to,
        }
        tenant.store.add("otps", _key(session), kept)
        tenant.send_message(
            Message(kind="code", to=to, code=code, language=incoming.headers.get("x-request-language"))
        )
    return json_response({"auth_session": session})


def _key(session: str) -> str:
    return f"session {digest(session)}"


def _invalid(field: str, message: str) -> Refusal:
    why = f"{field} {message}"
    body: Mapping[str, Any] = {
        "error": "invalid_request",
        "error_description": why,
        "validation_errors": [{"field": field, "message": message}],
    }
    return Refusal(400, body)


def database_otp(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange the code that a challenge has sent; who signs up so is made now."""
    key = _key(asking.need("auth_session"))
    before = tenant.store.get("otps", key)
    if before is not None and before["client_id"] != asking.client["client_id"]:
        raise oauth_refusal(403, "invalid_grant", "The auth_session is of another application")
    kept = check_otp(tenant, key, asking.need("otp"), "auth_session")
    user, _ = find_account(tenant, kept["connection"], kept["to"]) or (None, "")
    verified = "email_verified" if kept["field"] == "email" else "phone_verified"
    if user is None:
        connection = find_connection(tenant, kept["connection"])
        if connection is None:
            raise oauth_refusal(403, "invalid_grant", "The connection is gone")
        user = create_user(tenant, connection, {kept["field"]: kept["to"], verified: True})
    user = record_login(tenant, {**check_user(tenant, user["user_id"]), verified: True})
    return Outcome(user=user, login=new_login(asking.form))
