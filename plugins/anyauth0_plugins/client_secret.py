"""Client authentication by a shared secret, in the body or by HTTP Basic (RFC 6749, section 2.3.1)."""

from binascii import b2a_base64
from collections.abc import Mapping
from types import SimpleNamespace

from anyauth0 import Authenticated, ClientAuthentication, ClientOptions, ConfigurationError, hookimpl
from anyauth0.encoding import percent_encode

__all__ = ["ClientSecretBasic", "ClientSecretPost", "basic"]


class ClientSecretPost:
    """Sends the secret in the body: `client_secret_post`."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def apply(self, form: Mapping[str, object]) -> Authenticated:
        """Return `form` with the secret."""
        return Authenticated(form={**form, "client_secret": self._secret})

    def address(self, url: str) -> str:
        """Return `url` itself."""
        return url


class ClientSecretBasic:
    """Sends id and secret in the `Authorization` header: `client_secret_basic`."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def apply(self, form: Mapping[str, object]) -> Authenticated:
        """Return `form` as it is, with the header; both parts are form-encoded first, as the RFC says."""
        # A blank as %20 is read by those, too, that do not know of a plus.
        pair = ":".join(percent_encode(str(text)) for text in (form["client_id"], self._secret))
        header = f"Basic {b2a_base64(pair.encode(), newline=False).decode()}"
        return Authenticated(form=form, headers={"authorization": header})

    def address(self, url: str) -> str:
        """Return `url` itself."""
        return url


@hookimpl
def anyauth0_client_authentication(options: ClientOptions) -> ClientAuthentication | None:
    """Offer `client_secret_post` to a client that has a secret."""
    return ClientSecretPost(options.client_secret) if options.client_secret else None


@hookimpl
def _offer_basic(options: ClientOptions) -> ClientAuthentication | None:
    """Offer `client_secret_basic`.

    Raises `ConfigurationError` when the client has no secret: whoever names the plugin wants it used.
    """
    if not options.client_secret:
        raise ConfigurationError(
            "client_secret",
            'plugin "client_secret_basic" needs option "client_secret"; give it or leave both out',
        )
    return ClientSecretBasic(options.client_secret)


basic = SimpleNamespace(anyauth0_client_authentication=_offer_basic, __name__="client_secret_basic")
"""The plugin `client_secret_basic`."""
