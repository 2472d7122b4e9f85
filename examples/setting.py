"""Where an example runs: on your tenant when the environment names one, else on the embedded tenant.

Your tenant is named by AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET: an application that may ask for
a Management API token and use the grants that the example shows. AUTH0_CONNECTION names its database
connection, AUTH0_API an API with the scope read:things, AUTH0_CALLBACK and AUTH0_HOME where logins and
logouts end, AUTH0_USER_ID a user whose phone is enrolled.
"""

import asyncio
import inspect
import os
import secrets
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import cast

import msgspec
from browser import Browser
from msgspec import structs

from anyauth0 import TLS, AsyncTransport, ManagementClient, Options, Transport
from anyauth0.authentication.backchannel import BackchannelAuthorization
from anyauth0.authentication.device import DeviceAuthorization
from anyauth0.keys import generate_key
from anyauth0.keys.jwk import public_jwk
from anyauth0.verification import VerifierOptions
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server

PASSWORD = "correct-Horse-battery-9"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """A user who is there for as long as an example runs."""

    user_id: str
    email: str
    password: str = PASSWORD


class Setting:
    """The options of a client, and what an example finds around it."""

    def __init__(
        self, options: Options, tenant: LocalTenant | None = None, server: Server | None = None
    ) -> None:
        self.options = options
        self.connection = os.environ.get("AUTH0_CONNECTION", "Username-Password-Authentication")
        self.api = os.environ.get("AUTH0_API", "https://api.example.com")
        self.callback = os.environ.get("AUTH0_CALLBACK", "https://app.example.com/callback")
        self.home = os.environ.get("AUTH0_HOME", "https://app.example.com/")
        self._browser = Browser()
        self._tenant = tenant
        self._server = server

    @property
    def domain(self) -> str:
        """The domain of the tenant."""
        return self.options.get("domain", "")

    @property
    def client_id(self) -> str:
        """The id of the application."""
        return self.options.get("client_id", "")

    def new_email(self) -> str:
        """Return an address that nobody has yet."""
        return f"jane-{secrets.token_hex(4)}@example.com"

    @contextmanager
    def account(self, *, with_phone: bool = False) -> Generator[Account, None, None]:
        """Make a user, and delete the user at the end; one `with_phone` is there before on your tenant."""
        if with_phone and self._tenant is None:
            user_id = os.environ.get("AUTH0_USER_ID")
            if not user_id:
                sys.exit("Set AUTH0_USER_ID to the id of a user whose phone is enrolled for push messages.")
            yield Account(user_id=user_id, email="", password="")
            return
        email = self.new_email()
        options = self.options.copy()
        if callable(options.get("transport")):
            # The function is for the example: it may be of the other kind.
            del options["transport"]
        with ManagementClient(**options) as management:
            user = management.users.create(connection=self.connection, email=email, password=PASSWORD).data
            try:
                yield Account(user_id=user.user_id, email=email)
            finally:
                management.users.delete(user.user_id)

    def log_in(self, account: Account, url: str) -> str:
        """Let the user log in at the authorization URL; return the URL to which the browser was sent back."""
        if self._tenant is None:
            print(f"Log in as {account.email} with {account.password}")
        return self._visit(url, self.callback, {"email": account.email, "password": account.password})

    def log_out(self, url: str) -> str:
        """Let the user open the logout URL; return the URL to which the browser was sent."""
        return self._visit(url, self.home, {})

    def _visit(self, url: str, home: str, fields: dict[str, str]) -> str:
        if self._tenant is None:
            print(f"Open {url}")
            return input("The URL to which the browser was sent: ").strip()
        with closing(self.transport()) as transport:
            return self._browser.visit(transport, url, home=home, fields=fields)

    def approve_device(self, device: DeviceAuthorization, account: Account) -> DeviceAuthorization:
        """Let the user approve the login on the device; return what to poll with."""
        if self._tenant is None:
            print(f"Open {device.verification_uri_complete} as {account.email} with {account.password}")
            return device
        self._tenant.approve_device(device.user_code, account.user_id)
        # The user has decided already: nothing to wait for.
        return structs.replace(device, interval=0.01)

    def approve_backchannel(self, login: BackchannelAuthorization) -> BackchannelAuthorization:
        """Let the user confirm the login on the phone; return what to poll with."""
        if self._tenant is None:
            print("Confirm it on the phone.")
            return login
        self._tenant.approve_backchannel(login.auth_req_id)
        return structs.replace(login, interval=0.01)

    def demand_second_factor(self, account: Account) -> None:
        """Demand a second factor of the user; on your tenant a policy must do so."""
        if self._tenant is not None:
            self._tenant.require_mfa(account.user_id)

    def authenticator_code(self, secret: str) -> str:
        """Return what an authenticator application shows for that secret."""
        if self._tenant is not None:
            return self._tenant.authenticator_code(secret)
        return input(f"Add {secret} to your authenticator application, and type its code: ").strip()

    def code_sent_to(self, email: str) -> str:
        """Return the code out of the newest message to that address."""
        if self._tenant is not None:
            return next(mail.code for mail in reversed(self._tenant.outbox) if mail.to == email and mail.code)
        return input(f"The code that was sent to {email}: ").strip()

    def assertion(self) -> Options:
        """Return options that prove the client by a signed assertion in place of its secret."""
        key = os.environ.get("AUTH0_CLIENT_ASSERTION_SIGNING_KEY")
        client_id = self.client_id
        if self._tenant is not None:
            pair = generate_key("RS256")
            client = self._tenant.add_client("Signs its requests", public_key=public_jwk(pair))
            key, client_id = pair.to_pem().decode(), client["client_id"]
        if not key:
            sys.exit("Set AUTH0_CLIENT_ASSERTION_SIGNING_KEY to the PEM of the application's private key.")
        return _without_secret({**self.options, "client_id": client_id, "client_assertion_signing_key": key})

    @contextmanager
    def mutual_tls(self) -> Generator[Options, None, None]:
        """Return options that prove the client by its certificate, over real TLS."""
        if self._tenant is None:
            cert, key = os.environ.get("AUTH0_MTLS_CERT"), os.environ.get("AUTH0_MTLS_KEY")
            if not cert or not key:
                sys.exit("Set AUTH0_MTLS_CERT and AUTH0_MTLS_KEY to the files of the client's certificate.")
            yield _without_secret({**self.options, "use_mtls": True, "tls": TLS(cert=cert, key=key)})
        elif self._server is None:
            with serve(self._tenant) as server:
                yield self._mutual_tls_options(self._tenant, server)
        else:
            yield self._mutual_tls_options(self._tenant, self._server)

    def _mutual_tls_options(self, tenant: LocalTenant, server: Server) -> Options:
        cert, key = server.client_certificate("an example")
        client_id = tenant.add_client("Shows its certificate", certificate=cert)["client_id"]
        options = _without_secret({**self.options, "domain": server.domain, "client_id": client_id})
        options.pop("transport", None)
        return {
            **options,
            "use_mtls": True,
            "mtls_endpoint_aliases": server.mtls_endpoint_aliases,
            "tls": TLS(ca=server.ca_pem, cert=cert, key=key),
        }

    @contextmanager
    def served(self) -> Generator[Options, None, None]:
        """Return options that reach the tenant from other processes too."""
        if self._tenant is None or self._server is not None:
            yield self.options
            return
        with serve(self._tenant) as server:
            options: Options = {**self.options, "domain": server.domain, "tls": server.tls}
            options.pop("transport", None)
            yield options

    @property
    def verifier_options(self) -> VerifierOptions:
        """The options of a verifier: a client without credentials."""
        names = VerifierOptions.__annotations__
        return cast("VerifierOptions", {name: given for name, given in self.options.items() if name in names})

    def transport(self) -> Transport:
        """Return a blocking transport that reaches the tenant, for a function to wrap."""
        from anyauth0_transports.urllib3 import Urllib3Transport

        if self._tenant is not None and self._server is None:
            return self._tenant.transport()
        return Urllib3Transport(tls=self.options.get("tls"), proxy=self.options.get("proxy"))

    def async_transport(self) -> AsyncTransport:
        """Return an asyncio transport that reaches the tenant, for a function to wrap."""
        from anyauth0_transports.aiohttp import AiohttpTransport

        if self._tenant is not None and self._server is None:
            return self._tenant.async_transport()
        return AiohttpTransport(tls=self.options.get("tls"), proxy=self.options.get("proxy"))


def _without_secret(options: Options) -> Options:
    options.pop("client_secret", None)
    return options


def tenant_for_examples() -> LocalTenant:
    """Return an embedded tenant with what the examples need: an API, and where a logout may end."""
    tenant = LocalTenant()
    tenant.add_api("https://api.example.com", scopes=["read:things"])
    [application] = tenant.store.list("clients")
    application["allowed_logout_urls"] = ["https://app.example.com/"]
    tenant.store.put("clients", tenant.client_id, application)
    return tenant


@contextmanager
def setting() -> Generator[Setting, None, None]:
    """Open the setting that the environment describes."""
    if os.environ.get("AUTH0_DOMAIN"):
        names = ("AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET")
        if missing := [name for name in names if not os.environ.get(name)]:
            sys.exit(f"Set {' and '.join(missing)} too, or none of {', '.join(names)}.")
        domain, client_id, client_secret = (os.environ[name] for name in names)
        yield Setting({"domain": domain, "client_id": client_id, "client_secret": client_secret})
        return
    tenant = tenant_for_examples()
    try:
        options: Options = {
            "domain": tenant.domain,
            "client_id": tenant.client_id,
            "client_secret": tenant.client_secret,
            "transport": "local",
        }
        yield Setting(options, tenant)
    finally:
        tenant.close()


def run(main: Callable[[Setting], None] | Callable[[Setting], Awaitable[None]]) -> None:
    """Run an example in the setting that the environment describes."""
    with setting() as found:
        if inspect.iscoroutinefunction(main):
            asyncio.run(main(found))
        else:
            main(found)


USERS_FILE = Path(__file__).with_name("users.json")
