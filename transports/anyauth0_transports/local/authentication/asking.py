"""What a grant is given, and what it finds: a client that has proved itself, a user who has logged in."""

import secrets
from collections.abc import Mapping
from typing import Any

import msgspec

from ..incoming import oauth_refusal

__all__ = ["Asking", "Login", "Outcome", "new_login", "require"]


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """A request to the token endpoint whose client has proved itself.

    `body` is the JSON as it came, for what is nested. `jkt` is the thumbprint of the key of its DPoP proof,
    `certificate` that of the certificate by which the client proved itself.
    """

    client: dict[str, Any]
    form: dict[str, str]
    body: Mapping[str, Any] = {}
    jkt: str | None = None
    certificate: str | None = None

    def need(self, name: str) -> str:
        """Return a field of the form. Raises `Refusal` where it is missing."""
        return require(self.form, name)

    def __repr__(self) -> str:
        return f"<Asking for {self.client['client_id']}>"


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a login when its tokens are made; a refresh token remembers it.

    `auth_time` is in epoch seconds, and there only where it was asked for. `act` is who acts for the user.
    """

    scope: str
    audience: str | None = None
    gty: str | None = None
    nonce: str | None = None
    auth_time: int | None = None
    org_id: str | None = None
    sid: str
    amr: tuple[str, ...] = ()
    act: dict[str, Any] | None = None


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A user who has logged in: of this the token endpoint makes its answer.

    - `renew`: a refresh token goes with it, where `offline_access` is granted
    - `final`: no second factor is asked for
    - `more`: further members of the answer
    """

    user: dict[str, Any]
    login: Login
    renew: bool = True
    final: bool = False
    more: dict[str, Any] = {}


def require(form: Mapping[str, str], name: str) -> str:
    """Return a field of the form. Raises `Refusal` where it is missing."""
    value = form.get(name)
    if not value:
        raise oauth_refusal(400, "invalid_request", f"Missing required parameter: {name}")
    return value


def new_login(form: Mapping[str, str], *, gty: str | None = None, org_id: str | None = None) -> Login:
    """Return a login that begins now, with what the form asks for."""
    return Login(
        scope=form.get("scope", ""),
        audience=form.get("audience"),
        gty=gty,
        org_id=org_id,
        sid=secrets.token_urlsafe(24),
    )
