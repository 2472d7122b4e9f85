"""Have a user confirm something on the phone (CIBA), for example to whoever answers a call."""

from anyauth0 import AuthenticationClient, AuthorizationError
from setting import Setting, run


def main(setting: Setting) -> None:
    """Ask for the confirmation, and wait for it."""
    with setting.account(with_phone=True) as account, AuthenticationClient(**setting.options) as auth:
        login = auth.backchannel.authorize(
            user_id=account.user_id,
            binding_message="Order 4711: 12.50",
            scope="openid email",
            requested_expiry=120,
        ).data
        print("Asked the phone of the user: Order 4711: 12.50")

        login = setting.approve_backchannel(login)
        try:
            tokens = auth.backchannel.poll(login).data
        except AuthorizationError as error:
            # The user said no, or nothing in time.
            raise SystemExit(f"Not confirmed: {error.error}") from error
    print(f"The user {tokens.claims['sub']} has confirmed it.")


if __name__ == "__main__":
    run(main)
