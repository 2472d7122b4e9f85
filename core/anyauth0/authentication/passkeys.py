"""Passkeys: sign-up and login by a key of the user's device (WebAuthn)."""

from collections.abc import Mapping
from typing import Any, Unpack

from msgspec import field

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint
from ..id_token import IdTokenChecks
from ..redaction import Model
from ._headers import for_user
from ._id_tokens import token_call
from .models import ClientCredentials, TokenSet

WEBAUTHN = "urn:okta:params:oauth:grant-type:webauthn"


class PasskeyChallenge(Model, frozen=True, kw_only=True):
    """What the device is asked: `authn_params_public_key` goes to `navigator.credentials` as `publicKey`."""

    auth_session: str = ""
    authn_params_public_key: dict[str, Any] = field(default={})
    verification_required: bool | None = None

    def __repr__(self) -> str:
        return "<PasskeyChallenge>"


class Passkeys(Resource[Mode]):
    """Sign users up, and log them in, by a key of their device."""

    @endpoint("POST", "/passkey/register", client_authentication="optional")
    def register(
        self,
        *,
        user_profile: Mapping[str, Any],
        realm: str | None = None,
        organization: str | None = None,
        user_metadata: Mapping[str, Any] | None = None,
        delivery_method: str | None = None,
        forwarded_for: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[PasskeyChallenge]:
        """Start the sign-up of a user with a passkey.

        `user_profile` has at least one of `email`, `phone_number` and `username`. `realm` is the connection.
        `forwarded_for` is the address of the end user.

        POST /passkey/register.
        """
        fields = {
            "user_profile": dict(user_profile),
            "realm": realm,
            "organization": organization,
            "user_metadata": None if user_metadata is None else dict(user_metadata),
            "delivery_method": delivery_method,
        }
        return Call(PasskeyChallenge, json={**fields, **credentials}, headers=for_user(forwarded_for))

    @endpoint("POST", "/passkey/challenge", client_authentication="optional")
    def challenge(
        self,
        *,
        realm: str | None = None,
        organization: str | None = None,
        forwarded_for: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[PasskeyChallenge]:
        """Start a login by passkey. The device knows the user.

        POST /passkey/challenge.
        """
        fields = {"realm": realm, "organization": organization}
        return Call(PasskeyChallenge, json={**fields, **credentials}, headers=for_user(forwarded_for))

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def login(
        self,
        *,
        auth_session: str,
        authn_response: Mapping[str, Any],
        realm: str | None = None,
        scope: str | None = None,
        audience: str | None = None,
        organization: str | None = None,
        verification: Mapping[str, str] | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Finish a sign-up or a login by what the device answered.

        `authn_response` is the credential as JSON (`id`, `rawId`, `type`, `response`, ...). Without checks of
        your own, an ID token is checked against `organization`.

        POST /oauth/token, the WebAuthn grant; as JSON, for the answer is nested. Raises `IdTokenError`.
        """
        require("passkeys.login", auth_session=auth_session)
        fields = {
            "auth_session": auth_session,
            "authn_response": dict(authn_response),
            "realm": realm,
            "scope": scope,
            "audience": audience,
            "organization": organization,
            "verification": None if verification is None else dict(verification),
        }
        checks = id_token or (IdTokenChecks(organization=organization) if organization else None)
        return token_call(
            WEBAUTHN,
            {**fields, **credentials},
            checks,
            headers=for_user(forwarded_for),
            as_json=True,
            needed=id_token is not None,
        )
