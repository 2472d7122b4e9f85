"""The password grants: a name and a password, looked up in one connection."""

import secrets
from typing import TYPE_CHECKING, Any

from ..incoming import oauth_refusal
from ..users import find_connection, find_user, password_is, record_login
from .grants import require
from .issuing import Login, check_user, issue

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["password", "password_realm"]

_DEFAULT_DIRECTORY = "Username-Password-Authentication"


def password(tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """Log in to the default directory (RFC 6749, section 4.3)."""
    return _log_in(tenant, client, form, _DEFAULT_DIRECTORY)


def password_realm(tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str]) -> dict[str, Any]:
    """Log in to the connection that `realm` names."""
    return _log_in(tenant, client, form, require(form, "realm"))


def _log_in(
    tenant: "LocalTenant", client: dict[str, Any], form: dict[str, str], realm: str
) -> dict[str, Any]:
    connection = find_connection(tenant, realm)
    if connection is None or connection["strategy"] != "auth0":
        raise oauth_refusal(403, "invalid_grant", f"Unknown realm: {realm}")
    name, given = require(form, "username"), require(form, "password")
    user = find_user(tenant, realm, name)
    if user is None or not password_is(tenant, user["user_id"], given):
        tenant.log(
            "fu" if user is None else "fp",
            client_id=client["client_id"],
            connection=realm,
            user_id=user and user["user_id"],
            user_name=name,
            description="Wrong email or password.",
        )
        raise oauth_refusal(403, "invalid_grant", "Wrong email or password.")
    user = record_login(tenant, check_user(tenant, user["user_id"]))
    tenant.log("s", client_id=client["client_id"], connection=realm, user_id=user["user_id"], user_name=name)
    login = Login(
        scope=form.get("scope", ""),
        audience=form.get("audience"),
        gty="password",
        sid=secrets.token_urlsafe(24),
    )
    return {**issue(tenant, client, user, login), "_user_id": user["user_id"]}
