"""Users as the Management API handles them: unique in their connection, searched, paged up to the wall."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, Refusal, json_response, management_refusal
from ..passwords import weakness
from ..store import Duplicate
from ..users import create_user, find_connection, find_user, set_password
from ..values import section, timestamp
from .asked import merged, no_content
from .links import remove
from .pages import only_fields, page, sorted_by
from .places import filled
from .search import matcher

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = [
    "EMAIL", "by_email", "create", "delete", "existing_user", "get", "get_all",
    "get_effective_permissions", "remove_user", "update",
]  # fmt: skip

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+", re.ASCII)
_WALL = 1000
_METADATA = ("user_metadata", "app_metadata")
_NOT_KEPT = ("connection", "password", "client_id", "verify_email", "verify_phone_number")


def get_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /users."""
    fits = matcher(incoming.one("q"))
    connection = incoming.one("connection")
    users = [
        user
        for user in tenant.store.list("users")
        if fits(user) and (not connection or any(i["connection"] == connection for i in user["identities"]))
    ]
    return page(incoming, sorted_by(incoming, users), "users", wall=_WALL)


def by_email(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /users-by-email."""
    email = (incoming.one("email") or "").lower()
    if not email:
        raise management_refusal(
            400, "invalid_query_string", "Query validation error: 'Missing required property: email'"
        )
    return json_response([only_fields(incoming, user) for user in tenant.store.find("users", email=email)])


def create(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /users."""
    body = incoming.json()
    connection = find_connection(tenant, str(body.get("connection")))
    if connection is None:
        raise _invalid("The connection does not exist.")
    _check_email(body)
    if not any(body.get(name) for name in ("email", "username", "phone_number")):
        raise _invalid("Payload validation error: one of email, username, phone_number is needed")
    password = _password(body, connection)
    if connection["strategy"] == "auth0" and password is None:
        raise _invalid("Payload validation error: 'Missing required property: password'")
    profile = {name: value for name, value in body.items() if name not in _NOT_KEPT}
    try:
        user = create_user(tenant, connection, profile, password)
    except Duplicate:
        raise management_refusal(409, "auth0_idp_error", "The user already exists.") from None
    return json_response(user, 201)


def get(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /users/{id}."""
    return json_response(only_fields(incoming, existing_user(tenant, path[0])))


def update(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer PATCH /users/{id}: the metadata are merged one level deep, all else is replaced."""
    user, body = existing_user(tenant, path[0]), incoming.json()
    connection = find_connection(tenant, user["identities"][0]["connection"])
    _check_email(body)
    if body.get("email") is not None:
        body["email"] = email = body["email"].lower()
        other = find_user(tenant, user["identities"][0]["connection"], email)
        if other is not None and other["user_id"] != user["user_id"]:
            raise management_refusal(400, "auth0_idp_error", "The specified new email already exists")
    if connection is not None and (password := _password(body, connection)) is not None:
        set_password(tenant, user["user_id"], password)
    changes = {name: value for name, value in body.items() if name not in _NOT_KEPT}
    for name in _METADATA:
        if isinstance(changes.get(name), dict):
            changes[name] = merged(section(user, name), changes[name])
    user = merged(user, {**changes, "updated_at": timestamp(tenant.clock())})
    tenant.store.put("users", user["user_id"], user)
    return json_response(user)


def delete(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer DELETE /users/{id}: the same whether the user was there or not."""
    remove_user(tenant, path[0])
    return no_content()


def get_effective_permissions(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /users/{id}/effective-permissions: the user's own, and those of the roles."""
    existing_user(tenant, path[0])
    roles = tenant.store.list(filled("users/{}/roles", path))
    kinds = [filled("users/{}/permissions", path)]
    kinds += [filled("roles/{}/permissions", (role["id"],)) for role in roles]
    found = [permission for kind in kinds for permission in tenant.store.list(kind)]
    once = [permission for index, permission in enumerate(found) if permission not in found[:index]]
    wanted = incoming.one("resource_server_identifier")
    once = [item for item in once if not wanted or item.get("resource_server_identifier") == wanted]
    return page(incoming, once, "permissions", take=100, numbers=False)


def remove_user(tenant: "LocalTenant", user_id: str) -> None:
    """Remove a user, and whatever the user could log in with or was logged in by."""
    for account in (user_id, *(item["id"] for item in tenant.store.find("linked_accounts", user_id=user_id))):
        tenant.store.remove("passwords", account)
    for kind in ("mfa_demands", "recovery_codes"):
        tenant.store.remove(kind, user_id)
    remove(tenant.store, "users", user_id)


def existing_user(tenant: "LocalTenant", user_id: str) -> dict[str, Any]:
    """Return a user. Raises `Refusal` with 404."""
    user = tenant.store.get("users", user_id)
    if user is None:
        raise management_refusal(404, "inexistent_user", "The user does not exist.")
    return user


def _password(body: Mapping[str, Any], connection: Mapping[str, Any]) -> str | None:
    password = body.get("password")
    if password is None:
        return None
    policy = section(connection, "options").get("passwordPolicy") or "good"
    if not isinstance(password, str) or weakness(password, policy) is not None:
        raise _invalid("PasswordStrengthError: Password is too weak")
    return password


def _check_email(body: Mapping[str, Any]) -> None:
    email = body.get("email")
    if email is not None and not (isinstance(email, str) and EMAIL.fullmatch(email)):
        raise _invalid(
            "Payload validation error: 'Object didn't pass validation for format email' on property email"
        )


def _invalid(message: str) -> Refusal:
    return management_refusal(400, "invalid_body", message)
