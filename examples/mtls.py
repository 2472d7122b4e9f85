"""Prove the client by the certificate of its TLS connection (mutual TLS), in place of a secret."""

from anyauth0 import AuthenticationClient
from setting import Setting, run


def main(setting: Setting) -> None:
    """Get an access token for the client itself."""
    # domain, client_id, use_mtls=True and tls=TLS(cert=..., key=...).
    with setting.mutual_tls() as options, AuthenticationClient(**options) as auth:
        tokens = auth.oauth.client_credentials_grant(audience=setting.api).data
    print(f"Got a {tokens.token_type} token for {setting.api} by certificate alone.")


if __name__ == "__main__":
    run(main)
