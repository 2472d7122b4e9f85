"""Log a user in by the browser, as a web application does, and out again."""

from anyauth0 import AuthenticationClient, AuthorizationRequest
from setting import Setting, run


def main(setting: Setting) -> None:
    """Send the user to log in, take what comes back, and end the session."""
    session: dict[str, bytes] = {}  # that of the user, on your server
    with setting.account() as account, AuthenticationClient(**setting.options) as auth:
        # Your page "/login": redirect the browser to request.url.
        request = auth.authorize(redirect_uri=setting.callback, max_age=300)
        session["login"] = request.to_bytes()

        callback = setting.log_in(account, request.url)

        # Your page "/callback", with the URL that the browser asked for.
        request = AuthorizationRequest.from_bytes(session.pop("login"))
        tokens = auth.complete(request, callback).data
        profile = auth.user_info.get(tokens.access_token, expected_subject=tokens.claims["sub"]).data
        print(f"Logged in {profile.email}, who has the id {profile.sub}.")

        # Your page "/logout": forget your own session, and redirect the browser to end that of the tenant.
        left = setting.log_out(auth.urls.logout(return_to=setting.home))
    print(f"Logged out; the browser is at {left}")


if __name__ == "__main__":
    run(main)
