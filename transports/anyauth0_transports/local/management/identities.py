"""Accounts of one person under one user: the linked one disappears as a user, and comes back unlinked."""

from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, json_response, management_refusal
from ..values import timestamp
from .links import remove
from .users import existing_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["link", "link_user", "unlink", "unlink_identity"]

# What belongs to the user as a whole, not to the profile of one account.
_OF_THE_USER = frozenset(
    {"user_id", "identities", "created_at", "updated_at", "last_login", "logins_count", "user_metadata",
     "app_metadata", "blocked"}
)  # fmt: skip


def link(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /users/{id}/identities: by `provider` and `user_id`, or by an ID token in `link_with`."""
    user, body = existing_user(tenant, path[0]), incoming.json()
    if "link_with" in body:
        raise management_refusal(
            400, "invalid_body", "The local tenant links by 'provider' and 'user_id' only"
        )
    provider, secondary = body.get("provider"), body.get("user_id")
    if not isinstance(provider, str) or not isinstance(secondary, str):
        message = "Payload validation error: 'Missing required property: provider or user_id'"
        raise management_refusal(400, "invalid_body", message)
    account = f"{provider}|{secondary.removeprefix(f'{provider}|')}"
    other = tenant.store.get("users", account)
    if other is None:
        linked = tenant.store.get("linked_accounts", account)
        if linked is not None and tenant.store.get("users", linked["user_id"]) is not None:
            raise management_refusal(409, "conflict", "The account is linked already.")
        raise management_refusal(404, "inexistent_user", "The user does not exist.")
    if other["user_id"] == user["user_id"]:
        raise management_refusal(400, "invalid_body", "Main account and secondary account are the same.")
    return json_response(link_user(tenant, user, other), 201)


def link_user(tenant: "LocalTenant", user: dict[str, Any], other: dict[str, Any]) -> list[dict[str, Any]]:
    """Make all accounts of another user identities of `user`, and return all there are then."""
    store = tenant.store
    gone: str = other["user_id"]
    profile = {name: value for name, value in other.items() if name not in _OF_THE_USER}
    first, *more = other["identities"]
    identities: list[dict[str, Any]] = user["identities"]
    identities += [{**first, "profileData": profile}, *more]
    user["updated_at"] = timestamp(tenant.clock())
    store.put("users", user["user_id"], user)
    names = {name: other.get(name) for name in ("email", "username", "phone_number")}
    account: dict[str, Any] = {"id": gone, "connection": first["connection"], **names}
    for linked in (account, *store.find("linked_accounts", user_id=gone)):
        store.put("linked_accounts", linked["id"], {**linked, "user_id": user["user_id"]})
    # Not the password: who logs in to the account is the user that it is linked to.
    remove(store, "users", gone)
    return identities


def unlink(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer DELETE /users/{id}/identities/{provider}/{user_id}."""
    user = existing_user(tenant, path[0])
    provider, account = path[1], path[2].removeprefix(f"{path[1]}|")
    identities: list[dict[str, Any]] = user["identities"]
    found = next((i for i in identities if (i["provider"], i["user_id"]) == (provider, account)), None)
    if found is None:
        raise management_refusal(404, "inexistent_identity", "The identity does not exist.")
    if found is identities[0]:
        raise management_refusal(400, "invalid_body", "The main account of a user cannot be unlinked.")
    return json_response(unlink_identity(tenant, user, found))


def unlink_identity(
    tenant: "LocalTenant", user: dict[str, Any], identity: dict[str, Any]
) -> list[dict[str, Any]]:
    """Make an identity of `user` a user of its own, and return those that are left."""
    identities: list[dict[str, Any]] = user["identities"]
    identities.remove(identity)
    now = timestamp(tenant.clock())
    tenant.store.put("users", user["user_id"], {**user, "updated_at": now})
    profile: dict[str, Any] = identity.pop("profileData", {})
    account = f"{identity['provider']}|{identity['user_id']}"
    alone = {"user_id": account, "created_at": now, "updated_at": now, **profile, "identities": [identity]}
    tenant.store.put("users", account, alone)
    tenant.store.remove("linked_accounts", account)
    return identities
