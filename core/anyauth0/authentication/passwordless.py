"""Login without a password: a code or a link by e-mail, a code by SMS."""

from collections.abc import Mapping
from typing import Any, Literal, Unpack

from ..arguments import require
from ..endpoint import Call, Mode, Resource, endpoint
from ..errors import InvalidArgumentError
from ..id_token import IdTokenChecks
from ._headers import for_user
from ._id_tokens import token_call
from .models import ClientCredentials, OtpChallenge, PasswordlessStart, TokenSet

OTP_GRANT = "http://auth0.com/oauth/grant-type/passwordless/otp"


class Passwordless(Resource[Mode]):
    """Log users in by a code or a link, sent by e-mail or SMS."""

    @endpoint("POST", "/passwordless/start", client_authentication="optional")
    def send_email(
        self,
        *,
        email: str,
        send: Literal["link", "code"] | None = None,
        auth_params: Mapping[str, Any] | None = None,
        language: str | None = None,
        forwarded_for: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[PasswordlessStart]:
        """Send a user an e-mail with a link or a code.

        Without `send` the server decides (a link). `auth_params` are the parameters of the authorization
        request behind the link, `language` is that of the template (BCP 47), `forwarded_for` the address of
        the end user, for the protection against attacks.

        POST /passwordless/start.
        """
        require("passwordless.send_email", email=email)
        return Call(
            PasswordlessStart,
            json={
                "connection": "email",
                "email": email,
                "send": send,
                "authParams": auth_params,
                **credentials,
            },
            headers=for_user(forwarded_for, language),
        )

    @endpoint("POST", "/passwordless/start", client_authentication="optional")
    def send_sms(
        self,
        *,
        phone_number: str,
        language: str | None = None,
        forwarded_for: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[PasswordlessStart]:
        """Send a user a code by SMS.

        `phone_number` is in the form of E.164: `+14155550100`. For the rest see `send_email`.

        POST /passwordless/start.
        """
        require("passwordless.send_sms", phone_number=phone_number)
        return Call(
            PasswordlessStart,
            json={"connection": "sms", "phone_number": phone_number, **credentials},
            headers=for_user(forwarded_for, language),
        )

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def login_with_email(
        self,
        *,
        email: str,
        code: str,
        audience: str | None = None,
        scope: str | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange the code from the e-mail for tokens.

        POST /oauth/token, the passwordless OTP grant. Raises `Forbidden` for a wrong code, `IdTokenError`.
        """
        require("passwordless.login_with_email", email=email, code=code)
        form = {"realm": "email", "username": email, "otp": code, "audience": audience, "scope": scope}
        return token_call(OTP_GRANT, {**form, **credentials}, id_token, headers=for_user(forwarded_for))

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def login_with_sms(
        self,
        *,
        phone_number: str,
        code: str,
        audience: str | None = None,
        scope: str | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange the code from the SMS for tokens.

        POST /oauth/token, the passwordless OTP grant. Raises `Forbidden` for a wrong code, `IdTokenError`.
        """
        require("passwordless.login_with_sms", phone_number=phone_number, code=code)
        form = {"realm": "sms", "username": phone_number, "otp": code, "audience": audience, "scope": scope}
        return token_call(OTP_GRANT, {**form, **credentials}, id_token, headers=for_user(forwarded_for))

    @endpoint("POST", "/otp/challenge", client_authentication="optional")
    def challenge(
        self,
        *,
        connection: str,
        email: str | None = None,
        phone_number: str | None = None,
        allow_signup: bool | None = None,
        delivery_method: Literal["text", "voice"] | None = None,
        language: str | None = None,
        forwarded_for: str | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[OtpChallenge]:
        """Send a user of a database connection a code, to the e-mail address or the phone number.

        Give one of `email` and `phone_number`.

        POST /otp/challenge. An error may have `validation_errors` in its `body()`.
        """
        require("passwordless.challenge", connection=connection)
        if (email is None) is (phone_number is None):
            raise InvalidArgumentError(
                "email", 'passwordless.challenge needs one of "email" and "phone_number", and not both'
            )
        fields = {
            "connection": connection,
            "email": email,
            "phone_number": phone_number,
            "allow_signup": allow_signup,
            "delivery_method": delivery_method,
        }
        return Call(
            OtpChallenge,
            json={**fields, **credentials},
            headers=for_user(forwarded_for, language),
        )

    @endpoint("POST", "/oauth/token", client_authentication="optional")
    def login_with_otp(
        self,
        *,
        auth_session: str,
        otp: str,
        audience: str | None = None,
        scope: str | None = None,
        forwarded_for: str | None = None,
        id_token: IdTokenChecks | None = None,
        **credentials: Unpack[ClientCredentials],
    ) -> Call[TokenSet]:
        """Exchange the code of a `challenge` for tokens.

        POST /oauth/token, the passwordless OTP grant. Raises `Forbidden` for a wrong code, `IdTokenError`.
        """
        require("passwordless.login_with_otp", auth_session=auth_session, otp=otp)
        form = {"auth_session": auth_session, "otp": otp, "audience": audience, "scope": scope}
        return token_call(OTP_GRANT, {**form, **credentials}, id_token, headers=for_user(forwarded_for))
