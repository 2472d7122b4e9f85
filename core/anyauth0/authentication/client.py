"""The two clients of the Authentication API, which are one but for their mode."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from ..client import AsyncioClient, BlockingClient, Client, Core, Session
from ..endpoint import Async, Mode, Sync
from ..errors import AuthenticationApiError
from ..options import ClientOptions

if TYPE_CHECKING:
    from .database import Database
    from .oauth import OAuth
    from .passwordless import Passwordless
    from .user_info import UserInfo

_MANAGEMENT = "it belongs to ManagementClient"


class Authentication(Client[Mode]):
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
