"""Passwordless login: a code or a link goes to the outbox, and the link may be followed."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from anyauth0 import Response

from ..authorization import issue_code
from ..incoming import Incoming, json_response, oauth_refusal
from ..sessions import start_session
from .asking import Asking, Outcome, new_login
from .client import authenticate_client
from .one_time import otp_key, redeem_otp
from .otp_challenge import database_otp

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["follow_link", "passwordless_otp", "start"]

_LIFETIME = 300
_PROOFS = ("client_id", "client_secret", "client_assertion", "client_assertion_type")


def start(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /passwordless/start."""
    from ..tenant import Message

    body = incoming.json()
    proofs = {name: body[name] for name in _PROOFS if isinstance(body.get(name), str)}
    client = authenticate_client(tenant, incoming, proofs)
    connection = body.get("connection")
    field = {"email": "email", "sms": "phone_number"}.get(str(connection))
    if field is None:
        raise oauth_refusal(400, "bad.connection", "Connection does not exist")
    to = body.get(field)
    if not isinstance(to, str) or ("@" not in to if field == "email" else not to.removeprefix("+").isdigit()):
        raise oauth_refusal(400, f"bad.{field}", f"Missing or wrong parameter: {field}")
    if field == "email":
        to = to.lower()
    code = f"{secrets.randbelow(10**6):06d}"
    kept = {"code": code, "expires_at": tenant.clock() + _LIFETIME, "attempts": 0}
    tenant.store.put("otps", otp_key(str(connection), to), kept)
    link = None
    if field == "email" and body.get("send", "link") == "link":
        link = _link(tenant, client, to, code, body.get("authParams"))
    tenant.send_message(
        Message(
            kind="code" if link is None else "link",
            to=to,
            code=code if link is None else None,
            link=link,
            language=incoming.headers.get("x-request-language"),
        )
    )
    tenant.log(
        "cls" if field == "email" else "cs", client_id=client["client_id"], description=f"sent to {to}"
    )
    answer: dict[str, Any] = {"_id": secrets.token_hex(12), field: to}
    return json_response({**answer, "email_verified": False} if field == "email" else answer)


def _link(tenant: "LocalTenant", client: Mapping[str, Any], to: str, code: str, parameters: object) -> str:
    given = cast("dict[str, object]", parameters) if isinstance(parameters, dict) else {}
    query = {name: str(value) for name, value in given.items()}
    query |= {"client_id": client["client_id"], "connection": "email", "email": to, "verification_code": code}
    return f"{tenant.issuer}passwordless/verify_redirect?{urlencode(query)}"


def follow_link(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /passwordless/verify_redirect, the link of the mail: send the browser back with a code."""
    query = {name: values[-1] for name, values in incoming.query.items()}
    client = tenant.store.get("clients", query.get("client_id", ""))
    if client is None:
        raise oauth_refusal(400, "invalid_request", "Unknown client")
    callbacks = client.get("callbacks") or ()
    redirect_uri = query.get("redirect_uri") or (callbacks[0] if callbacks else None)
    if redirect_uri is None or (callbacks and redirect_uri not in callbacks):
        raise oauth_refusal(400, "invalid_request", "Callback URL mismatch")
    email = query.pop("email", "")
    user = redeem_otp(tenant, "email", email, query.pop("verification_code", ""))
    tenant.log(
        "s", client_id=client["client_id"], user_id=user["user_id"], user_name=email, connection="email"
    )
    session, headers = start_session(tenant, incoming, user)
    answer = {"code": issue_code(tenant, query, session)}
    if "state" in query:
        answer["state"] = query["state"]
    separator = "&" if "?" in redirect_uri else "?"
    return Response(
        status=302, headers={"location": f"{redirect_uri}{separator}{urlencode(answer)}", **headers}
    )


def passwordless_otp(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange the code of a mail or an SMS."""
    if "auth_session" in asking.form:
        return database_otp(tenant, asking)
    realm = asking.need("realm")
    if realm not in ("email", "sms"):
        raise oauth_refusal(400, "invalid_request", "realm must be email or sms")
    user = redeem_otp(tenant, realm, asking.need("username"), asking.need("otp"))
    return Outcome(user=user, login=new_login(asking.form))
