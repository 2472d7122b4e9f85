"""Where the code of a page runs: a tenant with Ada in it, clients, and a clock that nobody waits for."""

from collections.abc import Callable
from typing import Any

from anyauth0 import (
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    ManagementClient,
)
from anyauth0_transports.local.incoming import Incoming

from .recorded import Browser, RecordedTenant, asked

PASSWORD = "correct-Horse-7"
DATABASE = "Username-Password-Authentication"
API = "https://api.example.com"
CALLBACK = "https://app.example.com/callback"
ADA = "ada@example.com"


class Stage:
    """What a preparation has to hand."""

    def __init__(self, tenant: RecordedTenant, *, asynchronous: bool = False) -> None:
        self.tenant = tenant
        self.asynchronous = asynchronous
        self.names: dict[str, Any] = {}
        self.ada = tenant.add_user(email=ADA, password=PASSWORD, name="Ada", email_verified=True)
        tenant.add_api(API, ["read:notes"])
        self.browser = Browser(tenant, ADA, PASSWORD)
        self.pauses: list[Callable[[], object]] = []

    def settings(self, application: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """Return the options of a client: of the first application, or of another, which has no secret."""
        tenant = self.tenant
        who = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        if application is not None:
            who = {"client_id": application["client_id"]}
        return {"domain": tenant.domain, "transport": "local", "clock": tenant.clock, **who, **more}

    def auth(self, application: dict[str, Any] | None = None, **more: Any) -> Any:
        """Return a client for a page (see `settings`)."""
        kind = AsyncAuthenticationClient if self.asynchronous else AuthenticationClient
        return kind(**self.settings(application, **more))

    def public(self) -> Any:
        """Return a client without a secret, for a page."""
        return self.auth(self.tenant.add_client(public=True))

    def management(self) -> Any:
        """Return a client of the Management API, for a page."""
        return (AsyncManagementClient if self.asynchronous else ManagementClient)(**self.settings())

    def client(self, application: dict[str, Any] | None = None, **more: Any) -> AuthenticationClient:
        """Return a client for a preparation (see `settings`)."""
        return AuthenticationClient(**self.settings(application, **more))

    def tokens(self, scope: str = "openid offline_access", **more: Any) -> Any:
        """Return the tokens of Ada, who has just logged in."""
        login = {"username": ADA, "password": PASSWORD, "scope": scope}
        return self.client().oauth.password_grant(**login, **more).data

    def redirect(self, url: str) -> None:
        """Send the browser of the user to `url`; where it goes back to the application, that is seen."""
        back = self.browser.visit(url)
        if back is not None:
            self.tenant.seen.append(asked("Browser", "App", Incoming.from_url("GET", back)))
            self.names["callback_url"] = back

    def pause(self, seconds: float) -> None:
        """Stand in for `time.sleep`: the clock goes on, and the next of `pauses` happens."""
        self.tenant.advance(seconds)
        if self.pauses:
            self.pauses.pop(0)()
