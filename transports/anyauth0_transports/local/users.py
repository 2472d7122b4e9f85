"""Users as the tenant keeps them: documents as the Management API shows them, passwords apart."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyauth0 import InvalidArgumentError

from .passwords import check_password, hash_password
from .store import Duplicate
from .values import timestamp

if TYPE_CHECKING:
    from .inventory import Inventory

__all__ = [
    "create_user", "find_account", "find_connection", "find_user", "password_is", "record_login",
    "set_password", "user_of", "users_named",
]  # fmt: skip


def find_connection(tenant: "Inventory", name: str) -> dict[str, Any] | None:
    """Return the connection of that name, or `None`."""
    found = tenant.store.find("connections", name=name)
    return found[0] if found else None


def users_named(tenant: "Inventory", name: str) -> list[dict[str, Any]]:
    """Return the users of all connections whose e-mail address, user name or phone number this is."""
    return _named(tenant, "users", name)


def _named(tenant: "Inventory", kind: str, name: str) -> list[dict[str, Any]]:
    store = tenant.store
    if "@" in name:
        return store.find(kind, email=name.lower())
    return store.find(kind, username=name) or store.find(kind, phone_number=name)


def find_user(tenant: "Inventory", connection: str, name: str) -> dict[str, Any] | None:
    """Return the user of a connection with that e-mail address, user name or phone number, or `None`."""
    for user in users_named(tenant, name):
        if any(identity.get("connection") == connection for identity in user["identities"]):
            return user
    return None


def find_account(tenant: "Inventory", connection: str, name: str) -> tuple[dict[str, Any], str] | None:
    """Return who logs in to a connection by that name, and the id of the account, or `None`.

    The account is the user's own, or one that is linked to the user: it keeps its names and its password.
    """
    for user in users_named(tenant, name):
        if user["identities"][0].get("connection") == connection:
            return user, user["user_id"]
    for account in _named(tenant, "linked_accounts", name):
        owner = tenant.store.get("users", account["user_id"])
        if owner is not None and account["connection"] == connection:
            return owner, account["id"]
    return None


def user_of(tenant: "Inventory", user: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a user by document, `user_id`, e-mail address, user name or phone number.

    Raises `InvalidArgumentError` where there is none.
    """
    name = user if isinstance(user, str) else str(user.get("user_id"))
    found = tenant.store.get("users", name)
    if found is not None:
        return found
    named = users_named(tenant, name)
    if not named:
        raise InvalidArgumentError("user", 'there is no such "user"; add one with add_user first')
    return named[0]


def create_user(
    tenant: "Inventory",
    connection: Mapping[str, Any],
    profile: Mapping[str, Any],
    password: str | None = None,
) -> dict[str, Any]:
    """Add a user to a connection and return the document. Raises `Duplicate`.

    `profile` holds the fields of the document; a `user_id` in it is taken without its prefix.
    """
    profile = {name: value for name, value in profile.items() if value is not None}
    strategy: str = connection["strategy"]
    identifier = str(profile.pop("user_id", "") or secrets.token_hex(12)).removeprefix(f"{strategy}|")
    if profile.get("email"):
        profile["email"] = profile["email"].lower()
        profile.setdefault("email_verified", False)
    names = [profile.get(field) for field in ("email", "username", "phone_number")]
    now = timestamp(tenant.clock())
    shown = str(next((name for name in names if name), identifier))
    user: dict[str, Any] = {
        "user_id": f"{strategy}|{identifier}",
        "name": shown,
        "nickname": shown.partition("@")[0],
        "picture": f"https://{tenant.domain}/avatars/{hashlib.sha256(shown.encode()).hexdigest()[:8]}.png",
        "created_at": now,
        "updated_at": now,
        **profile,
        "identities": [
            {
                "connection": connection["name"],
                "provider": strategy,
                "user_id": identifier,
                "isSocial": strategy not in ("auth0", "email", "sms"),
            }
        ],
    }
    with tenant.store.transaction():
        for name in names:
            if name and find_account(tenant, connection["name"], name) is not None:
                raise Duplicate("there is a user of this name in the connection")
        tenant.store.add("users", user["user_id"], user)
        if password is not None:
            set_password(tenant, user["user_id"], password)
    return user


def set_password(tenant: "Inventory", user_id: str, password: str) -> None:
    """Keep the hash of a new password. No rule is checked here."""
    tenant.store.put("passwords", user_id, hash_password(password))


def password_is(tenant: "Inventory", user_id: str, password: str) -> bool:
    """Return whether this is the password of the user, or of the linked account of that id."""
    kept = tenant.store.get("passwords", user_id)
    return kept is not None and check_password(password, kept)


def record_login(tenant: "Inventory", user: dict[str, Any]) -> dict[str, Any]:
    """Count a login in the user's document and return it."""
    user["last_login"] = timestamp(tenant.clock())
    user["logins_count"] = user.get("logins_count", 0) + 1
    tenant.store.put("users", user["user_id"], user)
    return user
