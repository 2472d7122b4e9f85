"""Second factors of a user: which there are, how new ones are enrolled, and how a login goes on with one."""

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Literal, Unpack

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint, operation
from ..errors import AuthenticationApiError, InvalidArgumentError
from ..flow import Flow
from ..id_token import IdTokenChecks
from ..messages import ApiResponse
from ..redaction import Model
from ._id_tokens import token_call
from .models import ClientCredentials, TokenSet
from .polling import poll

MFA_OTP = "http://auth0.com/oauth/grant-type/mfa-otp"
MFA_OOB = "http://auth0.com/oauth/grant-type/mfa-oob"
MFA_RECOVERY_CODE = "http://auth0.com/oauth/grant-type/mfa-recovery-code"

MfaToken = str | AuthenticationApiError
"""An `mfa_token`, or the error `mfa_required` that has it; for the factors themselves an access token too."""


class MfaAuthenticator(Model, frozen=True, kw_only=True):
    """A second factor of a user."""

    id: str = ""
    authenticator_type: str | None = None
    active: bool | None = None
    oob_channel: str | None = None
    oob_channels: list[str] | None = None
    name: str | None = None
    type: str | None = None


class MfaEnrollment(Model, frozen=True, kw_only=True):
    """A second factor that is being enrolled; the user confirms it by its first use.

    - `secret`, `barcode_uri`: for an authenticator application
    - `oob_code`, `oob_channel`, `binding_method`: for a code that is sent, or a push message
    - `recovery_codes`: with the first factor, shown this once
    """

    id: str | None = None
    authenticator_type: str | None = None
    secret: str | None = None
    barcode_uri: str | None = None
    oob_channel: str | None = None
    oob_code: str | None = None
    binding_method: str | None = None
    recovery_codes: list[str] | None = None

    def __repr__(self) -> str:
        return f"<MfaEnrollment of {self.authenticator_type}>"


class MfaChallenge(Model, frozen=True, kw_only=True):
    """What the user is asked for: `binding_method` `"prompt"` is a code to type in, none a push message."""

    challenge_type: str | None = None
    oob_code: str | None = None
    binding_method: str | None = None

    def __repr__(self) -> str:
        return f"<MfaChallenge by {self.challenge_type}>"


class Mfa(Resource[Mode]):
    """Go on with a login that wants a second factor.

    Each call takes the error with `code == "mfa_required"`, or the `mfa_token` that is on it:

        try:
            tokens = auth.oauth.password_grant(username=..., password=...).data
        except AuthenticationApiError as error:
            tokens = auth.mfa.verify_otp(error, otp=input("code: ")).data
    """

    @endpoint("GET", "/mfa/authenticators")
    def get_authenticators(self, mfa: MfaToken, /) -> Call[list[MfaAuthenticator]]:
        """List the second factors of the user.

        GET /mfa/authenticators. Takes an access token for the audience `https://{domain}/mfa/` too.
        """
        return Call(list[MfaAuthenticator], headers=_bearer("mfa.get_authenticators", mfa))

    @endpoint("POST", "/mfa/associate")
    def associate(
        self,
        mfa: MfaToken,
        /,
        *,
        authenticator_types: Sequence[Literal["otp", "oob"] | str],
        oob_channels: Sequence[Literal["sms", "voice", "auth0", "email"] | str] | None = None,
        phone_number: str | None = None,
        email: str | None = None,
    ) -> Call[MfaEnrollment]:
        """Enroll a second factor.

        `authenticator_types` is `["otp"]` for an authenticator application, or `["oob"]` with `oob_channels`
        for codes by SMS, voice or e-mail, and push messages (`auth0`).

        POST /mfa/associate.
        """
        fields = {
            "authenticator_types": list(authenticator_types),
            "oob_channels": None if oob_channels is None else list(oob_channels),
            "phone_number": phone_number,
            "email": email,
        }
        if isinstance(authenticator_types, str) or not fields["authenticator_types"]:
            raise InvalidArgumentError(
                "authenticator_types", 'mfa.associate: "authenticator_types" is a list: ["otp"] or ["oob"]'
            )
        if "oob" in authenticator_types and not oob_channels:
            raise InvalidArgumentError(
                "oob_channels", 'mfa.associate needs "oob_channels" for "oob": sms, voice, email or auth0'
            )
        given = {name: value for name, value in fields.items() if value is not None}
        return Call(MfaEnrollment, json=given, headers=_bearer("mfa.associate", mfa))

    @endpoint("DELETE", "/mfa/authenticators/{authenticator_id}")
    def delete_authenticator(self, access_token: str, authenticator_id: str, /) -> Call[None]:
        """Delete a second factor of the user.

        It takes an access token for the audience `https://{domain}/mfa/` with the scope
        `remove:authenticators`.

        DELETE /mfa/authenticators/{authenticator_id}.
        """
        headers = _bearer("mfa.delete_authenticator", access_token, "access_token")
        return Call(NoneType, path=(authenticator_id,), headers=headers)

    @endpoint("POST", "/mfa/challenge", client_authentication="optional")
    def challenge(
        self,
        mfa: MfaToken,
        /,
        *,
        challenge_type: Literal["otp", "oob"] | str | None = None,
        authenticator_id: str | None = None,
        oob_channel: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[MfaChallenge]:
        """Ask the user for a second factor: send the code or the push message, where there is one to send.

        `challenge_type` is what the application can do, several separated by spaces; `authenticator_id` picks
        one of several factors.

        POST /mfa/challenge. Raises an error with `code` `"association_required"` where the user has none.
        """
        fields = {
            "mfa_token": _token("mfa.challenge", mfa),
            "challenge_type": challenge_type,
            "authenticator_id": authenticator_id,
            "oob_channel": oob_channel,
        }
        return Call(MfaChallenge, json={**fields, **credentials})

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def verify_otp(
        self,
        mfa: MfaToken,
        /,
        *,
        otp: str,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Finish the login by a code of an authenticator application.

        POST /oauth/token, the MFA OTP grant. Raises `Forbidden` for a wrong code, `IdTokenError`.
        """
        require("mfa.verify_otp", otp=otp)
        return token_call(
            MFA_OTP, {"mfa_token": _token("mfa.verify_otp", mfa), "otp": otp, **credentials}, id_token
        )

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def verify_oob(
        self,
        mfa: MfaToken,
        /,
        *,
        oob_code: str,
        binding_code: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Finish the login by a code that was sent (`binding_code`), or ask once whether a push was accepted.

        POST /oauth/token, the MFA OOB grant. Raises an error with `code == "authorization_pending"` while a
        push message is unanswered (`poll_oob` asks until it is not), `Forbidden` for a wrong code.
        """
        require("mfa.verify_oob", oob_code=oob_code)
        form = {
            "mfa_token": _token("mfa.verify_oob", mfa),
            "oob_code": oob_code,
            "binding_code": binding_code,
        }
        return token_call(MFA_OOB, {**form, **credentials}, id_token)

    @operation
    def poll_oob(
        self,
        mfa: MfaToken,
        /,
        *,
        oob_code: str,
        expires_in: float | None = 300,
        id_token: IdTokenChecks | None = None,
    ) -> Flow[ApiResponse[TokenSet]]:
        """Ask until the user has answered a push message, every 5 seconds, and return the tokens.

        On asyncio it can be cancelled; a blocking client stops at its `deadline`. `expires_in` is in seconds.

        POST /oauth/token. Raises `AuthorizationError` when the user said no, or nothing in time.
        """
        token = _token("mfa.poll_oob", mfa)
        return poll(
            self._core,
            lambda core: Mfa.verify_oob.flow(Mfa(core), token, oob_code=oob_code, id_token=id_token),
            title="mfa.poll_oob",
            interval=None,
            expires_in=expires_in,
        )

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def verify_recovery_code(
        self,
        mfa: MfaToken,
        /,
        *,
        recovery_code: str,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Finish the login by a recovery code; a new one is in the answer, to be shown to the user.

        POST /oauth/token, the MFA recovery code grant. Raises `Forbidden` for a wrong code, `IdTokenError`.
        """
        require("mfa.verify_recovery_code", recovery_code=recovery_code)
        form: Mapping[str, Any] = {
            "mfa_token": _token("mfa.verify_recovery_code", mfa),
            "recovery_code": recovery_code,
        }
        return token_call(MFA_RECOVERY_CODE, {**form, **credentials}, id_token)


def _token(title: str, mfa: MfaToken, name: str = "mfa") -> str:
    """Return the token itself, out of the error that has it."""
    if isinstance(mfa, AuthenticationApiError):
        if not mfa.mfa_token:
            raise InvalidArgumentError(
                name, f"{title}: this error has no mfa_token; it takes the one with the code mfa_required"
            )
        return mfa.mfa_token
    require(title, **{name: mfa})
    return mfa


def _bearer(title: str, mfa: MfaToken, name: str = "mfa") -> dict[str, str]:
    return {"authorization": f"Bearer {_token(title, mfa, name)}"}
