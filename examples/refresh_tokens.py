"""Get new tokens by a refresh token, then revoke it."""

from anyauth0 import AuthenticationClient, Forbidden
from setting import Setting, run


def main(setting: Setting) -> None:
    """Log in, refresh, revoke, and see that the token is void."""
    with setting.account() as account, AuthenticationClient(**setting.options) as auth:
        tokens = auth.oauth.password_grant(
            username=account.email,
            password=account.password,
            realm=setting.connection,
            scope="openid offline_access",
        ).data
        assert tokens.refresh_token
        new = auth.oauth.refresh_token_grant(refresh_token=tokens.refresh_token).data
        print(f"Got a new access token, good for {new.expires_in} seconds.")

        # Where the tenant rotates refresh tokens, the new one is the one to keep.
        refresh_token = new.refresh_token or tokens.refresh_token
        auth.oauth.revoke_refresh_token(token=refresh_token)
        print("Revoked the refresh token.")
        try:
            auth.oauth.refresh_token_grant(refresh_token=refresh_token)
        except Forbidden as error:
            print(f"It is void now: {error.code}.")


if __name__ == "__main__":
    run(main)
