"""Prove the client by a signed assertion (private_key_jwt) in place of a secret."""

from anyauth0 import AuthenticationClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Get an access token for the client itself."""
    # domain, client_id and client_assertion_signing_key, the private key as PEM.
    with AuthenticationClient(**setting.assertion()) as auth:
        tokens = auth.oauth.client_credentials_grant(audience=setting.api).data
    print(f"Got a {tokens.token_type} token for {setting.api}, good for {tokens.expires_in} seconds.")


if __name__ == "__main__":
    run(main)
