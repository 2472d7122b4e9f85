"""The password grants: a name and a password, looked up in one connection."""

from typing import TYPE_CHECKING, Any

from ..incoming import oauth_refusal
from ..users import find_account, find_connection, password_is, record_login
from .asking import Asking, Outcome, new_login
from .issuing import check_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["log_in", "password", "password_realm"]

_DEFAULT_DIRECTORY = "Username-Password-Authentication"


def password(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Log in to the default directory (RFC 6749, section 4.3)."""
    return _log_in(tenant, asking, _DEFAULT_DIRECTORY)


def password_realm(tenant: "LocalTenant", asking: Asking) -> Outcome:
    """Log in to the connection that `realm` names."""
    return _log_in(tenant, asking, asking.need("realm"))


def _log_in(tenant: "LocalTenant", asking: Asking, realm: str) -> Outcome:
    name, given = asking.need("username"), asking.need("password")
    user = log_in(tenant, asking.client, realm, name, given)
    return Outcome(user=user, login=new_login(asking.form, gty="password"))


def log_in(
    tenant: "LocalTenant", client: dict[str, Any], realm: str | None, name: str, given: str
) -> dict[str, Any]:
    """Return the user of a database connection whose name and password these are. Raises `Refusal`."""
    realm = realm or _DEFAULT_DIRECTORY
    connection = find_connection(tenant, realm)
    if connection is None or connection["strategy"] != "auth0":
        raise oauth_refusal(403, "invalid_grant", f"Unknown realm: {realm}")
    user, account = find_account(tenant, realm, name) or (None, "")
    if user is None or not password_is(tenant, account, given):
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
    return user
