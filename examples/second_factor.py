"""Log a user in with a second factor, which is enrolled on the way."""

from anyauth0 import AuthenticationApiError, AuthenticationClient
from setting import Account, Setting, run


def wants_more(auth: AuthenticationClient, setting: Setting, account: Account) -> AuthenticationApiError:
    """Log in by password; return the error that says what is missing."""
    try:
        auth.oauth.password_grant(
            username=account.email, password=account.password, realm=setting.connection, scope="openid email"
        )
    except AuthenticationApiError as error:
        if error.code == "mfa_required":
            return error
        raise
    raise SystemExit("The tenant demands no second factor: set its policy for multi-factor authentication.")


def main(setting: Setting) -> None:
    """Enroll an authenticator application, then log in once more, without the phone."""
    with setting.account() as account, AuthenticationClient(**setting.options) as auth:
        setting.demand_second_factor(account)

        # The error has the token that the next calls need, so it is given to them.
        error = wants_more(auth, setting, account)
        factor = auth.mfa.associate(error, authenticator_types=["otp"]).data
        assert factor.secret
        assert factor.recovery_codes
        # Show factor.barcode_uri as a QR code; the first code confirms that it was read.
        tokens = auth.mfa.verify_otp(error, otp=setting.authenticator_code(factor.secret)).data
        print(f"Logged in {tokens.claims['email']} by password and code.")

        error = wants_more(auth, setting, account)
        for known in auth.mfa.get_authenticators(error).data:
            print(f"The user has: {known.authenticator_type}")
        tokens = auth.mfa.verify_recovery_code(error, recovery_code=factor.recovery_codes[0]).data
        assert tokens.recovery_code
        print("Logged in by recovery code; a new one takes its place.")


if __name__ == "__main__":
    run(main)
