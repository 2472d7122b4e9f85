"""Logins that the user confirms on another device, asked for by the client (OpenID Connect CIBA Core 1.0)."""

import re
import secrets
from typing import TYPE_CHECKING, Any, cast

import msgspec

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, oauth_refusal
from ..values import digest
from .asking import Asking, Login, Outcome, require
from .client import authenticate_client
from .issuing import api_of, check_user
from .polled import INTERVAL, Answers, decision, pending

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["ciba", "start_backchannel"]

_LONGEST = 300
_MESSAGE = re.compile(r"[A-Za-z0-9\s+\-_.,:#]{1,64}")

_ANSWERS = Answers(
    unknown=(400, "invalid_grant", "Invalid or expired auth_req_id."),
    # Auth0 has one error for a no and for no answer at all.
    expired=(400, "access_denied", "The end-user denied the authorization request or it has been expired"),
    pending=(400, "authorization_pending", "The end-user authorization is pending"),
    slow_down=(
        400, "slow_down", f"You are polling faster than allowed. Try again in {INTERVAL} seconds.",
    ),
    denied=(400, "access_denied", "The end-user denied the authorization request or it has been expired"),
)  # fmt: skip


def start_backchannel(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /bc-authorize (CIBA Core, section 7): the message is in the tenant's outbox."""
    from ..tenant import Message

    form = incoming.form()
    client = authenticate_client(tenant, incoming, form, public=False)
    user = _user(tenant, require(form, "login_hint"))
    message = require(form, "binding_message")
    if not _MESSAGE.fullmatch(message):
        raise oauth_refusal(
            400,
            "invalid_binding_message",
            "binding_message is at most 64 letters, digits, spaces and +-_.,:#",
        )
    if "openid" not in require(form, "scope").split():
        raise oauth_refusal(400, "invalid_scope", "scope must include openid")
    lifetime = form.get("requested_expiry", str(_LONGEST))
    if not re.fullmatch("[0-9]{1,3}", lifetime, re.ASCII) or not 1 <= int(lifetime) <= _LONGEST:
        raise oauth_refusal(400, "invalid_request", f"requested_expiry must be 1 to {_LONGEST} seconds")
    if form.get("audience"):
        api_of(tenant, form["audience"])
    request_id = secrets.token_urlsafe(24)
    kept = pending(
        tenant,
        int(lifetime),
        id=digest(request_id),
        client_id=client["client_id"],
        user_id=user["user_id"],
        binding_message=message,
        scope=form["scope"],
        audience=form.get("audience"),
        details=_details(form.get("authorization_details")),
    )
    tenant.store.add("backchannel_requests", kept["id"], kept)
    tenant.send_message(Message(kind="push", to=user["user_id"], text=message))
    return json_response({"auth_req_id": request_id, "expires_in": int(lifetime), "interval": INTERVAL})


def _user(tenant: "LocalTenant", hint: str) -> dict[str, Any]:
    """Return the user of a `login_hint`, which is a JSON object of the format `iss_sub`."""
    found = _json(hint)
    fields = cast("dict[str, object]", found) if isinstance(found, dict) else {}
    subject = fields.get("sub")
    if fields.get("format") != "iss_sub" or not isinstance(subject, str):
        raise oauth_refusal(
            400, "invalid_request", "login_hint must be JSON with format iss_sub, iss and sub"
        )
    if fields.get("iss") != tenant.issuer:
        raise oauth_refusal(400, "invalid_request", f"iss of login_hint must be {tenant.issuer}")
    try:
        return check_user(tenant, subject)
    except Refusal:
        raise oauth_refusal(400, "unknown_user_id", "The user of login_hint cannot be found") from None


def _details(text: str | None) -> list[object] | None:
    if text is None:
        return None
    found = _json(text)
    if not isinstance(found, list):
        raise oauth_refusal(
            400, "invalid_authorization_details", "authorization_details must be a JSON array"
        )
    return cast("list[object]", found)


def _json(text: str) -> object:
    try:
        return msgspec.json.decode(text.encode("utf-8", "replace"))
    except (msgspec.DecodeError, RecursionError):
        return None


def ciba(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Exchange an `auth_req_id`, once the user has approved it (CIBA Core, section 10.1)."""
    key = digest(asking.need("auth_req_id"))
    kept = decision(tenant, "backchannel_requests", key, asking.client["client_id"], _ANSWERS)
    login = Login(scope=kept["scope"], audience=kept["audience"], sid=secrets.token_urlsafe(24))
    more = {} if kept["details"] is None else {"authorization_details": kept["details"]}
    return Outcome(user=check_user(tenant, kept["user_id"]), login=login, final=True, more=more)
