"""Accounts that users link to their own in a browser, and unlink again: who may, and what comes of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from ..management.identities import link_user, unlink_identity
from ..users import find_connection
from .id_tokens import id_token_claims

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["link_account", "links", "unlink_account", "unlinks", "wish_problem"]

Problem: TypeAlias = tuple[str, str]


def links(parameters: Mapping[str, str]) -> bool:
    """Say whether an authorization request is one to link an account."""
    return "link_account" in parameters.get("scope", "").split()


def unlinks(parameters: Mapping[str, str]) -> bool:
    """Say whether an authorization request is one to unlink an account."""
    return "unlink_account" in parameters.get("scope", "").split()


def wish_problem(
    tenant: "LocalTenant", client: Mapping[str, Any], parameters: Mapping[str, str]
) -> Problem | None:
    """Return error and description of a request to link or unlink that cannot be answered."""
    if not links(parameters) and not unlinks(parameters):
        return None
    if links(parameters) and unlinks(parameters):
        return "invalid_request", "the scope is either link_account or unlink_account"
    connection = find_connection(tenant, parameters.get("requested_connection", ""))
    if connection is None:
        return "invalid_request", "requested_connection is missing, or there is no such connection"
    if links(parameters) and connection["strategy"] != "auth0":
        return "invalid_request", "requested_connection is not a database: its users cannot log in here"
    claims = id_token_claims(tenant, client, parameters.get("id_token_hint", ""))
    if claims is None:
        return "invalid_request", "id_token_hint is missing, or not an ID token for this application"
    user = tenant.store.get("users", str(claims["sub"]))
    if user is None:
        return "invalid_request", "the user of id_token_hint does not exist any more"
    return ("unauthorized", "user is blocked") if user.get("blocked") else None


def _hinted(tenant: "LocalTenant", parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the user of an `id_token_hint` that was good when the login began; `None` who is gone."""
    client = tenant.store.get("clients", parameters["client_id"]) or {}
    claims = id_token_claims(tenant, client, parameters["id_token_hint"]) or {}
    user = tenant.store.get("users", str(claims.get("sub")))
    return None if user is None or user.get("blocked") else user


def link_account(
    tenant: "LocalTenant", parameters: Mapping[str, str], other: dict[str, Any]
) -> dict[str, Any] | Problem:
    """Link who has just logged in to the user of the hint, and return that user, or what is in the way."""
    user = _hinted(tenant, parameters)
    if user is None:
        return "access_denied", "The user of id_token_hint is gone or blocked"
    if user["user_id"] == other["user_id"]:
        return "access_denied", "The account is the user's own, or linked to the user already"
    link_user(tenant, user, other)
    return user


def unlink_account(tenant: "LocalTenant", parameters: Mapping[str, str], user_id: str) -> Problem | None:
    """Unlink the account of a user in the connection that was asked for, or return what is in the way."""
    user = _hinted(tenant, parameters)
    if user is None or user["user_id"] != user_id:
        return "access_denied", "The user who is logged in is not that of id_token_hint"
    main, *linked = user["identities"]
    connection = parameters["requested_connection"]
    for identity in linked:
        if identity.get("connection") == connection:
            unlink_identity(tenant, user, identity)
            return None
    if main.get("connection") == connection:
        return "access_denied", "The main account of a user cannot be unlinked"
    return "access_denied", "The user has no account of requested_connection"
