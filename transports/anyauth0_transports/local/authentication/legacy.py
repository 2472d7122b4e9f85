"""Endpoints for old applications: each is open to those that have its old grant type, and shut to others."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..factors import wants_mfa
from ..incoming import Incoming, Refusal, json_response, management_refusal, oauth_refusal
from ..management.identities import unlink_identity
from ..tokens import profile_claims
from ..users import record_login
from ..values import section
from .asking import Asking, Outcome, new_login, require
from .id_tokens import id_token_claims
from .issuing import check_user, issue
from .mfa_token import mfa_required
from .one_time import redeem_otp
from .password import log_in
from .refresh import usable_refresh_token

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = [
    "delegation", "impersonate", "resource_owner", "social_access_token", "token_info", "unlink",
    "verify_passwordless",
]  # fmt: skip

_GRANT = "http://auth0.com/oauth/legacy/grant-type/"
_SOCIAL = ("facebook", "google-oauth2", "twitter", "weibo")


def resource_owner(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/ro: a name and a password, in a connection."""
    asking = _asking(tenant, incoming, "ro")
    _check_password_grant(asking)
    connection, name, given = asking.need("connection"), asking.need("username"), asking.need("password")
    return _answer(tenant, asking, log_in(tenant, asking.client, connection, name, given))


def verify_passwordless(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /passwordless/verify: the code of a mail or an SMS, as a password."""
    asking = _asking(tenant, incoming, "ro")
    _check_password_grant(asking)
    connection, name, code = asking.need("connection"), asking.need("username"), asking.need("password")
    if connection not in ("email", "sms"):
        raise oauth_refusal(400, "invalid_request", "connection must be email or sms")
    return _answer(tenant, asking, redeem_otp(tenant, connection, name, code))


def social_access_token(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /oauth/access_token: a token of an identity provider, one that the vault has of a user."""
    asking = _asking(tenant, incoming, "access_token")
    connection, token = asking.need("connection"), asking.need("access_token")
    if connection not in _SOCIAL:
        raise oauth_refusal(400, "invalid_request", f"connection must be one of {', '.join(_SOCIAL)}")
    for user in tenant.store.list("users"):
        kept = tenant.store.get("federated_tokens", f"{user['user_id']} {connection}")
        if kept is not None and kept["access_token"] == token and kept["expires_at"] > tenant.clock():
            return _answer(tenant, asking, record_login(tenant, check_user(tenant, user["user_id"])))
    raise oauth_refusal(401, "invalid_request", "invalid access_token")


def token_info(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /tokeninfo: the profile of who an ID token is about, whichever application it is for."""
    token = require(_fields(incoming), "id_token")
    for client in tenant.store.list("clients"):
        claims = id_token_claims(tenant, client, token)
        if claims is not None and claims["exp"] > tenant.clock():
            user = check_user(tenant, str(claims["sub"]))
            profile = profile_claims(user, "profile email phone")
            return json_response({"user_id": user["user_id"], "identities": user["identities"], **profile})
    raise oauth_refusal(401, "invalid_token", "id_token is not a good ID token of this tenant")


def delegation(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /delegation: an ID token for another application, for an ID token or a refresh token."""
    fields = _fields(incoming)
    kinds = [kind for kind in ("id_token", "refresh_token") if fields.get(kind)]
    if len(kinds) != 1:
        raise oauth_refusal(400, "invalid_request", "Give one of id_token and refresh_token")
    asking = _asking(tenant, incoming, f"delegation/{kinds[0]}")
    if fields.get("api_type", "auth0") not in ("auth0", "app"):
        raise oauth_refusal(400, "invalid_request", "api_type must be app: there are no add-ons here")
    target = tenant.store.get("clients", fields.get("target") or asking.client["client_id"])
    if target is None:
        raise oauth_refusal(400, "invalid_request", "target is not an application")
    if "id_token" in kinds:
        claims = id_token_claims(tenant, asking.client, fields["id_token"])
        if claims is None or claims["exp"] <= tenant.clock():
            raise oauth_refusal(401, "invalid_token", "id_token is not a good ID token of the application")
        user_id = str(claims["sub"])
    else:
        user_id = usable_refresh_token(tenant, asking, fields["refresh_token"])["user_id"]
    user = check_user(tenant, user_id)
    token = tenant.tokens.id_token(target, user, scope=fields.get("scope", "openid"))
    lifetime = int(section(target, "jwt_configuration").get("lifetime_in_seconds") or 36000)
    return _uncached({"id_token": token, "token_type": "Bearer", "expires_in": lifetime})


def impersonate(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /users/{id}/impersonate as a tenant that never had it."""
    raise management_refusal(404, None, "Not Found")


def unlink(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /login/unlink: an account of the user whom an access token is about."""
    fields = _fields(incoming)
    token, account = require(fields, "access_token"), require(fields, "user_id")
    try:
        claims = tenant.tokens.verify_access_token(token, f"{tenant.issuer}userinfo")
    except Refusal:
        claims = {}
    # Nothing here shows the key that a token may be bound to.
    if not claims or "cnf" in claims:
        raise oauth_refusal(
            401, "invalid_token", "access_token is not a bearer token of a user of this tenant"
        )
    user = check_user(tenant, str(claims["sub"]))
    for identity in user["identities"][1:]:
        if account == f"{identity['provider']}|{identity['user_id']}":
            unlink_identity(tenant, user, identity)
            return Response(status=200)
    raise oauth_refusal(400, "invalid_request", "user_id is not that of an account linked to the user")


def _fields(incoming: Incoming) -> dict[str, str]:
    return {name: value for name, value in incoming.json().items() if isinstance(value, str)}


def _asking(tenant: "LocalTenant", incoming: Incoming, grant: str) -> Asking:
    """Return a request of an application that says no more than its name. Raises `Refusal`."""
    fields = _fields(incoming)
    client = tenant.store.get("clients", require(fields, "client_id"))
    if client is None:
        raise oauth_refusal(401, "invalid_client", "Unknown client")
    if f"{_GRANT}{grant}" not in (client.get("grant_types") or ()):
        why = f"Grant type '{_GRANT}{grant}' not allowed for the client."
        raise oauth_refusal(403, "unauthorized_client", why)
    return Asking(client=client, form=fields)


def _check_password_grant(asking: Asking) -> None:
    if asking.need("grant_type") != "password":
        raise oauth_refusal(400, "unsupported_grant_type", "grant_type must be password")


def _answer(tenant: "LocalTenant", asking: Asking, user: dict[str, Any]) -> Response:
    outcome = Outcome(user=user, login=new_login(asking.form))
    if wants_mfa(tenant, user):
        raise mfa_required(tenant, asking, outcome)
    return _uncached(issue(tenant, asking, outcome.user, outcome.login))


def _uncached(answer: Mapping[str, Any]) -> Response:
    return json_response(answer, headers={"cache-control": "no-store"})
