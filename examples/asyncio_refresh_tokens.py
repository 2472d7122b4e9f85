"""Get new tokens by a refresh token, then revoke it, with asyncio."""

from anyauth0 import AsyncAuthenticationClient, Forbidden
from setting import Setting, run


async def main(setting: Setting) -> None:
    """Log in, refresh, revoke, and see that the token is void."""
    with setting.account() as account:
        async with AsyncAuthenticationClient(**setting.options) as auth:
            login = await auth.oauth.password_grant(
                username=account.email,
                password=account.password,
                realm=setting.connection,
                scope="openid offline_access",
            )
            assert login.data.refresh_token
            new = (await auth.oauth.refresh_token_grant(refresh_token=login.data.refresh_token)).data
            print(f"Got a new access token, good for {new.expires_in} seconds.")

            refresh_token = new.refresh_token or login.data.refresh_token
            await auth.oauth.revoke_refresh_token(token=refresh_token)
            print("Revoked the refresh token.")
            try:
                await auth.oauth.refresh_token_grant(refresh_token=refresh_token)
            except Forbidden as error:
                print(f"It is void now: {error.code}.")


if __name__ == "__main__":
    run(main)
