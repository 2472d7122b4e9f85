"""What the Authentication API answers, and the fields that its calls have in common."""

import re
from collections.abc import Mapping
from typing import Any, TypedDict

import msgspec

from .._json import as_object, parse
from ..redaction import Model


class ClientCredentials(TypedDict, total=False):
    """Another client's identity for one call, instead of that of the client.

    A `client_assertion` wins over a `client_secret`; only one of them is sent.
    """

    client_id: str
    client_secret: str
    client_assertion: str
    client_assertion_type: str


_SECONDS = r"[0-9]{1,11}(?:\.[0-9]+)?"


class TokenSet(Model, frozen=True, kw_only=True):
    """The answer of the token endpoint (RFC 6749, section 5.1; OpenID Connect Core, section 3.1.3.3).

    `expires_in` is in seconds. `token_type` is `Bearer`, `DPoP`, or `N_A` for tokens that are no bearer
    tokens. An `id_token` has been verified before you see it.
    """

    access_token: str = ""
    token_type: str | None = None
    expires_in: int | None = None
    refresh_token: str | None = None
    id_token: str | None = None
    scope: str | None = None
    issued_token_type: str | None = None
    recovery_code: str | None = None
    authorization_details: list[dict[str, Any]] | None = None

    def __post_init__(self) -> None:
        # Some servers write the number as a string, or with a fraction.
        seconds: object = self.expires_in
        if isinstance(seconds, str | float) and re.fullmatch(_SECONDS, str(seconds)):
            msgspec.structs.force_setattr(self, "expires_in", int(float(seconds)))

    @property
    def claims(self) -> Mapping[str, Any]:
        """The claims of the ID token, verified; empty where there is none."""
        if not self.id_token:
            return {}
        from ..jose import base64url_decode

        return as_object(parse(base64url_decode(self.id_token.split(".")[1])))

    def __repr__(self) -> str:
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        return f"<TokenSet with {', '.join(given)}>"


class PushedAuthorizationResponse(Model, frozen=True, kw_only=True):
    """The answer to a pushed authorization request (RFC 9126, section 2.2).

    `request_uri` goes to `/authorize` within `expires_in` seconds.
    """

    request_uri: str = ""
    expires_in: int | None = None


class SignUpUser(Model, frozen=True, kw_only=True):
    """A user who has signed up. `id` is there whatever name the server gave it."""

    id: str = ""
    email: str | None = None
    email_verified: bool | None = None
    username: str | None = None
    phone_number: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    name: str | None = None
    nickname: str | None = None
    picture: str | None = None
    user_metadata: dict[str, Any] | None = None
    id_: str | None = msgspec.field(default=None, name="_id")
    user_id: str | None = None

    def __post_init__(self) -> None:
        if not self.id:
            msgspec.structs.force_setattr(self, "id", self.id_ or self.user_id or "")


class PasswordlessStart(Model, frozen=True, kw_only=True):
    """A code or link that is on its way."""

    id: str | None = msgspec.field(default=None, name="_id")
    email: str | None = None
    email_verified: bool | None = None
    phone_number: str | None = None
    phone_verified: bool | None = None


class OtpChallenge(Model, frozen=True, kw_only=True):
    """A code that is on its way; `auth_session` goes with it into `login_with_otp`."""

    auth_session: str = ""

    def __repr__(self) -> str:
        return "<OtpChallenge>"


class Address(Model, frozen=True, kw_only=True):
    """A postal address (OpenID Connect Core, section 5.1.1)."""

    formatted: str | None = None
    street_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class UserInfoResponse(Model, frozen=True, kw_only=True):
    """The profile of a user: the standard claims (OpenID Connect Core, section 5.1).

    Custom claims are in `response.json()`. `updated_at` is epoch seconds or an ISO 8601 time: both occur.
    """

    sub: str = ""
    name: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    nickname: str | None = None
    preferred_username: str | None = None
    profile: str | None = None
    picture: str | None = None
    website: str | None = None
    email: str | None = None
    email_verified: bool | None = None
    gender: str | None = None
    birthdate: str | None = None
    zoneinfo: str | None = None
    locale: str | None = None
    phone_number: str | None = None
    phone_number_verified: bool | None = None
    address: Address | None = None
    updated_at: str | int | None = None
