"""Bind tokens to a key, so that nobody else can use them."""

from collections.abc import Mapping

from anyauth0 import AuthenticationClient, DPoPAuth, DPoPKey, Options
from anyauth0.verification import AccessTokenVerifier, TokenError
from setting import Setting, run

URL = "https://api.example.com/things"


def api(verifier: AccessTokenVerifier, headers: Mapping[str, str]) -> str:
    """Stand for an API of your own, which is sent GET requests with these headers."""
    try:
        claims = verifier.verify_request("GET", URL, headers)
    except TokenError as error:
        return f"{error.status} {error.error}: {error}"
    return f"200 Hello {claims.subject}"


def main(setting: Setting) -> None:
    """Get a bound token, use it at the tenant and at an API, and see it refused without its key."""
    # Keep it with the refresh tokens that are bound to it: key.to_pem(), DPoPKey.from_pem(...).
    key = DPoPKey.generate()
    options: Options = {**setting.options, "dpop": key}
    verifier = AccessTokenVerifier(domain=setting.domain, audience=setting.api, **setting.verifier_options)
    with setting.account() as account, AuthenticationClient(**options) as auth, verifier:
        tokens = auth.oauth.password_grant(
            username=account.email,
            password=account.password,
            realm=setting.connection,
            audience=setting.api,
            scope="openid email",
        ).data
        print(f"Got a {tokens.token_type} token.")
        # The client makes the proofs for the tenant's own endpoints.
        print(f"It belongs to {auth.user_info.get(tokens.access_token).data.email}.")

        # DPoPAuth makes them for any other, one a request.
        proved = DPoPAuth(key, tokens.access_token).headers("GET", URL)
        print(f"With a proof: {api(verifier, proved)}")
        print(f"The same proof again: {api(verifier, proved)}")
        other = DPoPAuth(DPoPKey.generate(), tokens.access_token).headers("GET", URL)
        print(f"With another key: {api(verifier, other)}")
        stolen = {"authorization": f"Bearer {tokens.access_token}"}
        print(f"Without a proof: {api(verifier, stolen)}")


if __name__ == "__main__":
    run(main)
