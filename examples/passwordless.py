"""Log a user in by a code that comes by e-mail."""

from anyauth0 import AuthenticationClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Send a code, and exchange it for tokens."""
    email = setting.new_email()
    with AuthenticationClient(**setting.options) as auth:
        # Or by SMS: send_sms(phone_number=...) and login_with_sms(phone_number=..., code=...).
        auth.passwordless.send_email(email=email, send="code")
        code = setting.code_sent_to(email)
        tokens = auth.passwordless.login_with_email(email=email, code=code, scope="openid email").data
    print(f"Logged in {tokens.claims['email']} without a password.")


if __name__ == "__main__":
    run(main)
