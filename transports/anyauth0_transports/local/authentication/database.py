"""Users of a database connection: they sign up, and ask for a new password."""

import re
import secrets
from typing import TYPE_CHECKING, Any

from anyauth0 import Response

from ..incoming import Incoming, Refusal, database_refusal, json_response
from ..passwords import policy_text, weakness
from ..store import Duplicate
from ..users import create_user, find_connection, find_user
from ..values import section

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["change_password", "sign_up"]

_PROFILE = ("email", "username", "phone_number", "given_name", "family_name", "name", "nickname", "picture")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+", re.ASCII)
_SENTENCE = "We've just sent you an email to reset your password."


def sign_up(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /dbconnections/signup."""
    body = incoming.json()
    try:
        connection = _connection(tenant, body)
        profile = _profile(body)
        password = body.get("password")
        if not isinstance(password, str) or not password:
            raise _invalid("password is required")
        _check_strength(password, connection)
        try:
            user = create_user(tenant, connection, profile, password)
        except Duplicate:
            raise database_refusal(400, "invalid_signup", "Invalid sign up") from None
    except Refusal as refusal:
        tenant.log("fs", client_id=body.get("client_id"), description=refusal.body.get("code"))
        raise
    tenant.log(
        "ss",
        client_id=body["client_id"],
        connection=connection["name"],
        user_id=user["user_id"],
        user_name=user.get("email") or user.get("username"),
    )
    answer = {"_id": user["user_id"].partition("|")[2], "email_verified": False}
    return json_response(
        {**answer, **{k: v for k, v in profile.items() if k != "email"}, "email": user.get("email")}
    )


def change_password(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer POST /dbconnections/change_password: the same sentence whether the user exists or not."""
    from ..tenant import Message

    body = incoming.json()
    connection = _connection(tenant, body)
    name = body.get("email") or body.get("username")
    if not isinstance(name, str):
        raise _invalid("email is required")
    user = find_user(tenant, connection["name"], name)
    if user is not None and user.get("email"):
        link = f"{tenant.issuer}lo/reset?ticket={secrets.token_urlsafe(24)}"
        tenant.send_message(Message(kind="change_password", to=user["email"], link=link))
    tenant.log(
        "scpr",
        client_id=body["client_id"],
        connection=connection["name"],
        user_id=user and user["user_id"],
        user_name=name,
    )
    return Response(
        status=200, headers={"content-type": "text/plain; charset=utf-8"}, body=_SENTENCE.encode()
    )


def _invalid(why: str) -> Refusal:
    return database_refusal(400, "invalid_request", why)


def _connection(tenant: "LocalTenant", body: dict[str, Any]) -> dict[str, Any]:
    """Return the database connection that a public application of the tenant names."""
    client_id, name = body.get("client_id"), body.get("connection")
    if not isinstance(client_id, str) or tenant.store.get("clients", client_id) is None:
        raise _invalid("Unknown or missing client_id")
    connection = find_connection(tenant, name) if isinstance(name, str) else None
    if connection is None or connection["strategy"] != "auth0":
        raise database_refusal(400, "bad_connection", "Connection does not exist")
    return connection


def _profile(body: dict[str, Any]) -> dict[str, Any]:
    profile: dict[str, Any] = {name: body[name] for name in _PROFILE if body.get(name) is not None}
    for name, value in profile.items():
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            raise _invalid(f"{name} must be a text that is not blank, without control characters")
    if "email" in profile and not _EMAIL.fullmatch(profile["email"]):
        raise _invalid("email format validation failed")
    if not profile.keys() & {"email", "username", "phone_number"}:
        raise _invalid("email is required")
    if body.get("user_metadata") is not None:
        metadata = section(body, "user_metadata")
        if metadata != body["user_metadata"] or len(metadata) > 10:
            raise _invalid("user_metadata must be an object of at most 10 properties")
        for key, value in metadata.items():
            if len(key) > 100 or not isinstance(value, str) or len(value) > 500:
                raise _invalid(
                    "user_metadata takes texts of at most 500 characters under keys of at most 100"
                )
        profile["user_metadata"] = metadata
    return profile


def _check_strength(password: str, connection: dict[str, Any]) -> None:
    broken = weakness(password, section(connection, "options").get("passwordPolicy") or "good")
    if broken is not None:
        raise Refusal(
            400,
            {
                "name": "PasswordStrengthError",
                "message": "Password is too weak",
                "code": "invalid_password",
                "description": broken,
                "policy": policy_text(broken),
                "statusCode": 400,
            },
        )
