"""Complete the Authorization Code flow with PKCE."""

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlencode, urlsplit

from anyauth0 import AuthenticationClient, IdTokenChecks
from setting import Setting, run


def main(setting: Setting) -> None:
    """Send a user to log in, and exchange the code that comes back for tokens."""
    state, nonce, code_verifier = (secrets.token_urlsafe(32) for _ in range(3))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(code_verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": setting.client_id,
        "redirect_uri": setting.callback,
        "scope": "openid profile email",
        "state": state,
        "nonce": nonce,
        "max_age": 300,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    with setting.account() as account, AuthenticationClient(**setting.options) as auth:
        callback = setting.log_in(account, f"https://{setting.domain}/authorize?{urlencode(query)}")
        answer = {name: values[0] for name, values in parse_qs(urlsplit(callback).query).items()}
        if answer.get("state") != state:
            raise SystemExit("The answer does not belong to this request.")
        tokens = auth.oauth.authorization_code_grant_with_pkce(
            code=answer["code"],
            code_verifier=code_verifier,
            redirect_uri=setting.callback,
            id_token=IdTokenChecks(nonce=nonce, max_age=300),
        ).data
    print(f"Logged in {tokens.claims['email']}; the ID token is verified, for {tokens.claims['aud']}.")


if __name__ == "__main__":
    run(main)
