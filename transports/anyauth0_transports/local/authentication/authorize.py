"""The authorization endpoint for browsers: a login page, or at once a code where there is a session."""

import re
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyauth0 import InvalidArgumentError, Response

from ..authorization import callback, find_organization, issue_code, problem_of, request_of
from ..incoming import Incoming
from ..sessions import cookies, session_of, start_session
from ..users import find_connection
from ..values import digest
from .anonymous import accept_visitor, end_visitor
from .linking import links, unlink_account, unlinks, wish_problem
from .login_page import error_page, login_page, redirect
from .membership import invitation_of, is_member
from .session_transfer import spend_session_transfer

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["answer", "authorize"]

_LIFETIME = 3600


def authorize(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /authorize (RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2)."""
    given = {name: values[0] for name, values in incoming.query.items()}
    if not given.get("client_id") or any(len(values) > 1 for values in incoming.query.values()):
        return error_page("client_id is missing, or a parameter is given more than once")
    try:
        client, parameters, redirect_uri = request_of(tenant, given)
    except InvalidArgumentError as error:
        return error_page(str(error))
    problem = (
        problem_of(tenant, client, parameters)
        or _problem(tenant, parameters)
        or wish_problem(tenant, client, parameters)
        or accept_visitor(tenant, parameters)
    )
    if problem is not None:
        return redirect(callback(redirect_uri, parameters, _error(*problem)))
    # What is on the way to the login page came with the browser, not with what was pushed.
    session, headers = _session(tenant, incoming, given)
    prompt = parameters.get("prompt", "").split()
    old = (
        session is not None
        and "max_age" in parameters
        and tenant.clock() - session["auth_time"] > int(parameters["max_age"])
    )
    # Who links an account shows by a login that it is theirs, session or not.
    asks = old or links(parameters) or bool({"login", "select_account"} & set(prompt))
    if session is not None and not asks:
        user = tenant.store.get("users", session["user_id"]) or {}
        return redirect(answer(tenant, parameters, redirect_uri, user, session), headers)
    if prompt == ["none"]:
        return redirect(callback(redirect_uri, parameters, _error("login_required", "Login required")))
    state = secrets.token_urlsafe(32)
    document: dict[str, Any] = {
        "id": digest(state),
        "client_id": client["client_id"],
        "parameters": parameters,
        "redirect_uri": redirect_uri,
        "expires_at": tenant.clock() + _LIFETIME,
        "user_id": None,
    }
    tenant.store.add("logins", document["id"], document)
    return login_page(state, name=parameters.get("login_hint", ""))


def _error(error: str, description: str) -> dict[str, str]:
    return {"error": error, "error_description": description}


def _problem(tenant: "LocalTenant", parameters: Mapping[str, str]) -> tuple[str, str] | None:
    """Return error and description of what only a browser may ask for, and this one may not."""
    if parameters.get("response_mode", "query") != "query":
        return "invalid_request", "Only response_mode=query is known here"
    prompt = parameters.get("prompt", "").split()
    if prompt != ["none"] and not set(prompt) <= {"login", "consent", "select_account"}:
        return "invalid_request", "prompt must be none, or of login, consent and select_account"
    if not re.fullmatch("[0-9]{1,9}", parameters.get("max_age", "0"), re.ASCII):
        return "invalid_request", "max_age must be a number of seconds"
    connection = parameters.get("connection")
    if connection is not None and (find_connection(tenant, connection) or {}).get("strategy") != "auth0":
        return "invalid_request", "the connection is not a database: its users cannot log in here"
    if "invitation" in parameters and invitation_of(tenant, parameters) is None:
        return "invalid_request", "the invitation is not one of the organization"
    return None


def _session(
    tenant: "LocalTenant", incoming: Incoming, given: Mapping[str, str]
) -> tuple[dict[str, Any] | None, dict[str, str]]:
    """Return the session of the browser, begun now where it brings that of a native application."""
    token = given.get("session_transfer_token") or cookies(incoming).get("auth0_session_transfer_token")
    user_id = spend_session_transfer(tenant, token) if token else None
    user = None if user_id is None else tenant.store.get("users", user_id)
    if user is None or user.get("blocked"):
        return session_of(tenant, incoming), {}
    return start_session(tenant, incoming, user)


def answer(
    tenant: "LocalTenant",
    parameters: Mapping[str, str],
    redirect_uri: str,
    user: Mapping[str, Any],
    session: Mapping[str, Any],
) -> str:
    """Return the URL that takes a code for a user who has logged in back to the application."""
    if "organization" in parameters:
        organization = find_organization(tenant, parameters["organization"])
        if organization is None or not is_member(tenant, organization["id"], user, parameters):
            refused = _error("access_denied", "The user is not part of the organization")
            return callback(redirect_uri, parameters, refused)
    if unlinks(parameters) and (problem := unlink_account(tenant, parameters, user["user_id"])) is not None:
        return callback(redirect_uri, parameters, _error(*problem))
    end_visitor(tenant, parameters)
    return callback(redirect_uri, parameters, {"code": issue_code(tenant, parameters, session)})
