"""The places at which a request can meet a fault: the call itself, the token and the keys that it needs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from anyauth0 import ApiError, AuthenticationApiError, ManagementApiError

from .conftest import SECRET, WORLDS, World
from .server import API, KEYS, TOKEN, USER_INFO

__all__ = ["ROLES", "Role", "in_pairs"]


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """One call of one client, and the path at which it meets the fault.

    `family` is the kind of error for an answer that is none, `repeats` whether the request may be sent again
    by its nature, `lenient` whether an answer that nobody can read is no error, because something was done.
    """

    name: str
    path: str
    client: Callable[..., Any]
    call: Callable[[Any], Any]
    family: type[ApiError] = AuthenticationApiError
    repeats: bool = True
    lenient: bool = False

    def __str__(self) -> str:
        return self.name


def _with_token(world: World, **options: Any) -> Any:
    return world.management(token=SECRET, **options)


def _with_credentials(world: World, **options: Any) -> Any:
    return world.management(client_secret=SECRET, **options)


def _log_in(client: Any) -> Any:
    return client.oauth.password_grant(username="ada", password=SECRET, scope="openid")


ROLES = [
    Role(
        name="read", path=API, client=_with_token, family=ManagementApiError,
        call=lambda client: client.clients.get("c1"),
    ),
    Role(
        name="write", path=API, client=_with_token, family=ManagementApiError, repeats=False, lenient=True,
        call=lambda client: client.clients.create(name=SECRET),
    ),
    Role(
        name="user info", path=USER_INFO, client=World.authentication,
        call=lambda client: client.user_info.get(SECRET),
    ),
    Role(name="login", path=TOKEN, client=World.authentication, repeats=False, call=_log_in),
    Role(
        name="token of a call", path=TOKEN, client=_with_credentials,
        call=lambda client: client.clients.get("c1"),
    ),
    Role(name="keys of a login", path=KEYS, client=World.authentication, call=_log_in),
]  # fmt: skip


def in_pairs(roles: Sequence[Role], faults: Mapping[str, object]) -> pytest.MarkDecorator:
    """Give a test each role with each fault, the worlds in turn: each two of the three meet."""
    return pytest.mark.parametrize(
        ("world", "role", "fault"),
        [
            pytest.param(asynchronous, role, fault, id=f"{WORLDS[asynchronous]}-{name}-{role}")
            for number, (name, fault) in enumerate(faults.items())
            for turn, role in enumerate(roles)
            for asynchronous in [(number + turn) % 2 == 1]
        ],
        indirect=["world"],
    )
