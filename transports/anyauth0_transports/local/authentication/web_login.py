"""What the login page sends: a name and a password, then a code where a second factor is demanded."""

import hmac
import secrets
from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..authorization import callback
from ..factors import factors_of, is_totp, wants_mfa
from ..incoming import Incoming, Refusal, oauth_refusal
from ..sessions import start_session
from ..values import digest
from .asking import require
from .authorize import answer
from .linking import link_account, links
from .login_page import code_page, login_page, redirect
from .password import log_in

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["submit_login"]

_ATTEMPTS = 10


def submit_login(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /u/login: back to the application with a code, or the form again."""
    form = incoming.form()
    state = require(form, "state")
    waiting = tenant.store.get("logins", digest(state))
    client = None if waiting is None else tenant.store.get("clients", waiting["client_id"])
    if waiting is None or client is None or waiting["expires_at"] <= tenant.clock():
        raise oauth_refusal(400, "invalid_request", "The login is over, or was never begun; start again")
    if waiting["user_id"] is not None:
        return _second_step(tenant, incoming, waiting, state, form.get("code", ""))
    name = form.get("email", "")
    try:
        asked: dict[str, str] = waiting["parameters"]
        realm = asked.get("requested_connection" if links(asked) else "connection")
        user = log_in(tenant, client, realm, name, form.get("password", ""))
    except Refusal as refusal:
        description = str(refusal.body["error_description"])
        if refusal.body["error"] == "unauthorized":
            return _refused(tenant, waiting, "unauthorized", description)
        return login_page(state, name=name, error=description)
    if not wants_mfa(tenant, user):
        return _finished(tenant, incoming, waiting, user, ())
    return _ask_for_code(tenant, waiting, user, state)


def _refused(tenant: "LocalTenant", waiting: dict[str, Any], error: str, description: str) -> Response:
    tenant.store.remove("logins", waiting["id"])
    refusal = {"error": error, "error_description": description}
    return redirect(callback(waiting["redirect_uri"], waiting["parameters"], refusal))


def _finished(
    tenant: "LocalTenant",
    incoming: Incoming,
    waiting: dict[str, Any],
    user: dict[str, Any],
    amr: tuple[str, ...],
) -> Response:
    if links(waiting["parameters"]):
        # Who logs in to an account that is linked now is the user whom it is linked to.
        found = link_account(tenant, waiting["parameters"], user)
        if isinstance(found, tuple):
            return _refused(tenant, waiting, *found)
        user = found
    tenant.store.remove("logins", waiting["id"])
    session, headers = start_session(tenant, incoming, user, amr=amr)
    return redirect(answer(tenant, waiting["parameters"], waiting["redirect_uri"], user, session), headers)


def _ask_for_code(
    tenant: "LocalTenant", waiting: dict[str, Any], user: dict[str, Any], state: str
) -> Response:
    """Ask for the code of the first factor that has one."""
    from ..tenant import Message

    factors = [f for f in factors_of(tenant, user["user_id"], active=True) if f["oob_channel"] != "auth0"]
    if not factors:
        why = "A second factor is demanded, and the user has none that this page can ask for"
        return _refused(tenant, waiting, "access_denied", why)
    factor, sent = factors[0], None
    if factor["oob_channel"]:
        sent = f"{secrets.randbelow(10**6):06d}"
        tenant.send_message(Message(kind="mfa_code", to=factor["to"], code=sent))
    waiting |= {"user_id": user["user_id"], "factor": factor["id"], "sent": sent, "attempts": 0}
    tenant.store.put("logins", waiting["id"], waiting)
    return code_page(state)


def _second_step(
    tenant: "LocalTenant", incoming: Incoming, waiting: dict[str, Any], state: str, code: str
) -> Response:
    user = tenant.store.get("users", waiting["user_id"])
    factor = tenant.store.get("factors", waiting["factor"])
    if user is None or factor is None or user.get("blocked"):
        return _refused(tenant, waiting, "access_denied", "The user, or the factor, is gone")
    if waiting["sent"] is not None:
        good = hmac.compare_digest(waiting["sent"].encode(), code.encode("utf-8", "replace"))
    else:
        good = is_totp(factor, code, tenant.clock())
    if good:
        tenant.store.put("factors", factor["id"], factor)
        return _finished(tenant, incoming, waiting, user, ("mfa",))
    waiting["attempts"] += 1
    if waiting["attempts"] >= _ATTEMPTS:
        return _refused(tenant, waiting, "access_denied", "Too many wrong codes")
    tenant.store.put("logins", waiting["id"], waiting)
    return code_page(state, error="The code is wrong")
