"""Complete the Authorization Code flow with PKCE."""

from urllib.parse import parse_qsl, urlsplit

from anyauth0 import AuthenticationClient, IdTokenChecks
from setting import Setting, run


def main(setting: Setting) -> None:
    """Send a user to log in, and exchange the code that comes back for tokens."""
    with setting.account() as account, AuthenticationClient(**setting.options) as auth:
        # State, nonce and PKCE are made here, and checked there.
        request = auth.authorize(redirect_uri=setting.callback, scope="openid profile email", max_age=300)
        callback = setting.log_in(account, request.url)
        tokens = auth.complete(request, callback).data
        print(f"Logged in {tokens.claims['email']}; the ID token is verified, for {tokens.claims['aud']}.")

        # What `complete` does, for a program that keeps these values in its own way.
        request = auth.authorize(redirect_uri=setting.callback, scope="openid profile email", max_age=300)
        callback = setting.log_in(account, request.url)
        answer = dict(parse_qsl(urlsplit(callback).query))
        if answer.get("state") != request.state:
            raise SystemExit("The answer does not belong to this request.")
        tokens = auth.oauth.authorization_code_grant_with_pkce(
            code=answer["code"],
            code_verifier=request.code_verifier,
            redirect_uri=setting.callback,
            id_token=IdTokenChecks(nonce=request.nonce, max_age=300),
        ).data
    print(f"Logged in {tokens.claims['email']} step by step.")


if __name__ == "__main__":
    run(main)
