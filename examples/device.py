"""Log a user in on a device without a browser."""

from anyauth0 import AuthenticationClient, AuthorizationError
from setting import Setting, run


def main(setting: Setting) -> None:
    """Show a code, and ask until the user has approved it elsewhere."""
    with setting.account() as account, AuthenticationClient(**setting.options) as auth:
        device = auth.device.start(scope="openid profile email").data
        print(f"Go to {device.verification_uri} and enter {device.user_code}")

        device = setting.approve_device(device, account)
        try:
            tokens = auth.device.poll(device).data
        except AuthorizationError as error:
            # The user said no, or nothing in time.
            raise SystemExit(f"Not logged in: {error.error}") from error
    print(f"The device is logged in as {tokens.claims['email']}.")


if __name__ == "__main__":
    run(main)
