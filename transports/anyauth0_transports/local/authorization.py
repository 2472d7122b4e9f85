"""Authorization requests: what they may ask for, the code that answers them, the URL it goes back to."""

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from anyauth0 import InvalidArgumentError

from .sessions import new_session
from .users import record_login, users_named
from .values import digest

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = [
    "authorize", "callback", "find_organization", "issue_code", "parameters_of", "problem_of", "request_of",
]  # fmt: skip

_CODE_LIFETIME = 60


def find_organization(tenant: "LocalTenant", name: str) -> dict[str, Any] | None:
    """Return the organization of that id or name, or `None`."""
    found = tenant.store.get("organizations", name)
    if found is None:
        named = tenant.store.find("organizations", name=name.lower())
        found = named[0] if named else None
    return found


def issue_code(tenant: "LocalTenant", parameters: Mapping[str, str], session: Mapping[str, Any]) -> str:
    """Return a new authorization code for what `parameters` asked for, of who has the session."""
    code = secrets.token_urlsafe(32)
    tenant.store.add(
        "codes",
        digest(code),
        {
            "user_id": session["user_id"],
            "parameters": dict(parameters),
            "auth_time": session["auth_time"],
            "sid": session["id"],
            "amr": session["amr"],
            "expires_at": tenant.clock() + _CODE_LIFETIME,
        },
    )
    return code


def authorize(
    tenant: "LocalTenant",
    user: str | Mapping[str, Any] | None,
    auth_time: float | None,
    given: Mapping[str, object],
) -> str:
    """Return the callback URL of an authorization request (see `LocalTenant.authorize`)."""
    parameters = {name: str(value) for name, value in given.items() if value is not None}
    parameters.setdefault("client_id", tenant.client_id)
    client, parameters, redirect_uri = request_of(tenant, parameters)
    problem = problem_of(tenant, client, parameters)
    if problem is not None:
        answer = {"error": problem[0], "error_description": problem[1]}
    else:
        found = _find(tenant, user, parameters)
        if found.get("blocked"):
            tenant.log(
                "f", client_id=client["client_id"], user_id=found["user_id"], description="user is blocked"
            )
            answer = {"error": "unauthorized", "error_description": "user is blocked"}
        else:
            record_login(tenant, found)
            tenant.log(
                "s",
                client_id=client["client_id"],
                client_name=client.get("name"),
                user_id=found["user_id"],
                user_name=found.get("email") or found["name"],
                connection=found["identities"][0].get("connection"),
            )
            when = tenant.clock() if auth_time is None else auth_time
            session, _ = new_session(tenant, found, when)
            answer = {"code": issue_code(tenant, parameters, session)}
    return callback(redirect_uri, parameters, answer)


def parameters_of(url: str) -> dict[str, str]:
    """Return the parameters in the address of an authorization request.

    Raises `InvalidArgumentError` for another address.
    """
    address, _, query = str(url).partition("?")
    if not address.endswith("/authorize"):
        raise InvalidArgumentError(
            "url", 'authorize: "url" must be that of an authorization request; who logs in is user=...'
        )
    return dict(parse_qsl(query))


def request_of(
    tenant: "LocalTenant", parameters: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str], str]:
    """Return the application, the parameters, those that were pushed in their place, and the callback.

    Raises `InvalidArgumentError` where there is nowhere to send an answer to.
    """
    found = _pushed(tenant, parameters) if "request_uri" in parameters else dict(parameters)
    client = tenant.store.get("clients", found["client_id"])
    if client is None:
        raise InvalidArgumentError(
            "client_id", 'there is no application of this "client_id"; make it with add_client'
        )
    return client, found, _redirect_uri(client, found)


def callback(redirect_uri: str, parameters: Mapping[str, str], answer: Mapping[str, str]) -> str:
    """Return the URL that takes `answer` back to the application, with its `state`."""
    state = {"state": parameters["state"]} if "state" in parameters else {}
    separator = "&" if "?" in redirect_uri else "?"
    return f"{redirect_uri}{separator}{urlencode({**answer, **state})}"


def _pushed(tenant: "LocalTenant", parameters: Mapping[str, str]) -> dict[str, str]:
    """Return the parameters that were pushed before; one use only (RFC 9126, section 4)."""
    key = digest(parameters["request_uri"])
    pushed = tenant.store.get("pushed", key)
    if (
        pushed is None
        or pushed["expires_at"] <= tenant.clock()
        or pushed["client_id"] != parameters["client_id"]
    ):
        raise InvalidArgumentError(
            "request_uri",
            'this "request_uri" is unknown, used, expired or of another application; push it again',
        )
    tenant.store.remove("pushed", key)
    return dict(pushed["parameters"])


def _redirect_uri(client: Mapping[str, Any], parameters: Mapping[str, str]) -> str:
    callbacks: list[str] = client.get("callbacks") or []
    redirect_uri = parameters.get("redirect_uri") or (callbacks[0] if callbacks else None)
    if redirect_uri is None:
        raise InvalidArgumentError(
            "redirect_uri", 'authorize needs "redirect_uri": the application has no callbacks'
        )
    if callbacks and redirect_uri not in callbacks:
        raise InvalidArgumentError(
            "redirect_uri",
            'this "redirect_uri" is not among the callbacks of the application; add it to them',
        )
    return redirect_uri


def problem_of(
    tenant: "LocalTenant", client: Mapping[str, Any], parameters: Mapping[str, str]
) -> tuple[str, str] | None:
    """Return error and description of what the application may not ask for."""
    if parameters.get("response_type", "code") != "code":
        return "unsupported_response_type", "Only response_type=code is known here"
    if "authorization_code" not in (client.get("grant_types") or ()):
        return "unauthorized_client", "Grant type 'authorization_code' not allowed for the client."
    if parameters.get("code_challenge_method", "S256") != "S256":
        return "invalid_request", "Only code_challenge_method=S256 is known here"
    audience = parameters.get("audience")
    if audience and not tenant.store.find("resource_servers", identifier=audience):
        return "access_denied", f"Service not found: {audience}"
    organization = parameters.get("organization")
    if organization and find_organization(tenant, organization) is None:
        return "invalid_request", f"parameter organization is invalid: {organization}"
    return None


def _find(
    tenant: "LocalTenant", user: str | Mapping[str, Any] | None, parameters: Mapping[str, str]
) -> dict[str, Any]:
    name = user["user_id"] if isinstance(user, Mapping) else user or parameters.get("login_hint")
    if not name:
        raise InvalidArgumentError("user", 'authorize needs "user" or "login_hint": who logs in?')
    found = tenant.store.get("users", name)
    if found is None:
        connection = parameters.get("connection")
        for candidate in users_named(tenant, name):
            connections = [identity.get("connection") for identity in candidate["identities"]]
            if connection is None or connection in connections:
                return candidate
        raise InvalidArgumentError("user", "there is no such user; add one with add_user first")
    return found
