"""The two clients of the Authentication API, which are one but for their mode."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ..client import Core, Session
from ..clients import AsyncioClient, BlockingClient
from ..endpoint import Async, Mode, Sync
from ..errors import AuthenticationApiError
from ..options import ClientOptions
from .logins import Auth

if TYPE_CHECKING:
    from .anonymous import Anonymous
    from .backchannel import Backchannel
    from .database import Database
    from .device import Device
    from .discovery import Discovery
    from .legacy import Legacy
    from .mfa import Mfa
    from .oauth import OAuth
    from .passkeys import Passkeys
    from .passwordless import Passwordless
    from .registration import Registration
    from .token_exchange import TokenExchange
    from .tokens import Tokens
    from .urls import Urls
    from .user_info import UserInfo

_MANAGEMENT = "it belongs to ManagementClient"


class Authentication(Auth[Mode]):
    """The resources of the Authentication API."""

    __slots__ = ()
    _not_its_own: ClassVar[Mapping[str, str]] = {
        "token": _MANAGEMENT,
        "audience": "give it to the call",
        "custom_domain": _MANAGEMENT,
    }

    def _build(self, options: ClientOptions) -> Core:
        return authentication_core(options, Session(options))

    @property
    def database(self) -> "Database[Mode]":
        """Sign users of a database connection up, and let them change their password."""
        from .database import Database

        return Database(self._core)

    @property
    def oauth(self) -> "OAuth[Mode]":
        """Get, refresh and revoke tokens."""
        from .oauth import OAuth

        return OAuth(self._core)

    @property
    def passwordless(self) -> "Passwordless[Mode]":
        """Log users in by a code or a link, sent by e-mail or SMS."""
        from .passwordless import Passwordless

        return Passwordless(self._core)

    @property
    def anonymous(self) -> "Anonymous[Mode]":
        """Give visitors a session, and tokens, before they log in."""
        from .anonymous import Anonymous

        return Anonymous(self._core)

    @property
    def backchannel(self) -> "Backchannel[Mode]":
        """Ask a user for a confirmation on another device (CIBA)."""
        from .backchannel import Backchannel

        return Backchannel(self._core)

    @property
    def device(self) -> "Device[Mode]":
        """Log users in on devices without a browser."""
        from .device import Device

        return Device(self._core)

    @property
    def discovery(self) -> "Discovery[Mode]":
        """Read what the tenant says of itself: endpoints, keys, metadata."""
        from .discovery import Discovery

        return Discovery(self._core)

    @property
    def legacy(self) -> "Legacy[Mode]":
        """Calls that Auth0 keeps for old applications."""
        from .legacy import Legacy

        return Legacy(self._core)

    @property
    def mfa(self) -> "Mfa[Mode]":
        """Go on with a login that wants a second factor."""
        from .mfa import Mfa

        return Mfa(self._core)

    @property
    def passkeys(self) -> "Passkeys[Mode]":
        """Sign users up, and log them in, by a key of their device."""
        from .passkeys import Passkeys

        return Passkeys(self._core)

    @property
    def registration(self) -> "Registration[Mode]":
        """Register a client, where the tenant lets anybody do so."""
        from .registration import Registration

        return Registration(self._core)

    @property
    def token_exchange(self) -> "TokenExchange[Mode]":
        """Exchange a token for another (RFC 8693)."""
        from .token_exchange import TokenExchange

        return TokenExchange(self._core)

    @property
    def tokens(self) -> "Tokens[Mode]":
        """Get access tokens that are kept, and renewed ahead."""
        from .tokens import Tokens

        return Tokens(self._core)

    @property
    def urls(self) -> "Urls[Mode]":
        """Make addresses to send a user to: logout, SAML and WS-Federation logins."""
        from .urls import Urls

        return Urls(self._core)

    @property
    def user_info(self) -> "UserInfo[Mode]":
        """Read the profile of the user whom an access token stands for."""
        from .user_info import UserInfo

        return UserInfo(self._core)


def authentication_core(options: ClientOptions, session: Session) -> Core:
    """Return the pipeline of the Authentication API over `session`."""
    return Core(
        options,
        session,
        base_url=f"https://{options.domain}",
        family=AuthenticationApiError,
        authorize=None,
    )


class AuthenticationClient(Authentication[Sync], BlockingClient):
    """The Authentication API of one tenant, blocking.

        with AuthenticationClient(domain="tenant.eu.auth0.com", client_id="...", client_secret="...") as auth:
            tokens = auth.oauth.client_credentials_grant(audience="your-api").data

    See `anyauth0.options.Options` for every option.
    """

    __slots__ = ()


class AsyncAuthenticationClient(Authentication[Async], AsyncioClient):
    """The Authentication API of one tenant, for asyncio.

        async with AsyncAuthenticationClient(domain=..., client_id=..., client_secret=...) as auth:
            response = await auth.oauth.client_credentials_grant(audience="your-api")

    See `anyauth0.options.Options` for every option.
    """

    __slots__ = ()
