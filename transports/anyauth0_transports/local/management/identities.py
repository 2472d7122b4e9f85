"""Accounts of one person under one user: the linked one disappears as a user, and comes back unlinked."""

from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, management_refusal
from ..values import timestamp
from .users import existing_user, remove_user

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["link", "unlink"]

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
    other = tenant.store.get("users", f"{provider}|{secondary.removeprefix(f'{provider}|')}")
    if other is None:
        raise management_refusal(404, "inexistent_user", "The user does not exist.")
    if other["user_id"] == user["user_id"]:
        raise management_refusal(400, "invalid_body", "Main account and secondary account are the same.")
    profile = {name: value for name, value in other.items() if name not in _OF_THE_USER}
    first, *more = other["identities"]
    user["identities"] += [{**first, "profileData": profile}, *more]
    user["updated_at"] = timestamp(tenant.clock())
    remove_user(tenant, other["user_id"])
    tenant.store.put("users", user["user_id"], user)
    return json_response(user["identities"], 201)


def unlink(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer DELETE /users/{id}/identities/{provider}/{user_id}."""
    user = existing_user(tenant, path[0])
    provider, account = path[1], path[2].removeprefix(f"{path[1]}|")
    identities: list[dict[str, Any]] = user["identities"]
    found = next((i for i in identities if (i["provider"], i["user_id"]) == (provider, account)), None)
    if found is None:
        raise management_refusal(404, "inexistent_identity", "The identity does not exist.")
    if found is identities[0]:
        raise _main_account()
    identities.remove(found)
    now = timestamp(tenant.clock())
    tenant.store.put("users", user["user_id"], {**user, "updated_at": now})
    profile: dict[str, Any] = found.pop("profileData", {})
    alone = {"user_id": f"{provider}|{account}", "created_at": now, "updated_at": now, **profile}
    tenant.store.put("users", alone["user_id"], {**alone, "identities": [found]})
    return json_response(identities)


def _main_account() -> Refusal:
    return management_refusal(400, "invalid_body", "The main account of a user cannot be unlinked.")
