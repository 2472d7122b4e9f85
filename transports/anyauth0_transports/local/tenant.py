"""A tenant in this process: the state, the clock and the front door that every request passes."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from os import PathLike
from types import TracebackType
from typing import Any, Self
from weakref import WeakValueDictionary

import msgspec

from anyauth0 import TLS, ConfigurationError, Response

from .budget import Budget
from .faults import Faults
from .in_process import AsyncLocalTransport, LocalTransport, read_certificate
from .incoming import Incoming, Refusal, management_refusal
from .inventory import DATABASE_CONNECTION
from .logs import Log
from .management.events import watching
from .people import People
from .store import Store
from .tokens import Tokens
from .trust import Trust

__all__ = ["LocalTenant", "Message", "registered"]

# The one bit of global state: `transport="local"` has to find a tenant by a name. A tenant that nobody else
# holds is forgotten.
_tenants: "WeakValueDictionary[str, LocalTenant]" = WeakValueDictionary()


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A mail, SMS or push message that the tenant would have sent.

    `kind` is `code`, `link`, `change_password`, `verification_email`, `mfa_code` or `push`; `to` an address,
    a phone number or, for a push message, a `user_id`. `text` is what a user is asked to confirm.
    """

    kind: str
    to: str
    code: str | None = None
    link: str | None = None
    language: str | None = None
    text: str | None = None

    def __repr__(self) -> str:
        return f"<Message {self.kind} to {self.to}>"


class LocalTenant(People, Trust):
    """An Auth0 tenant for development and tests, in this process. Safe to share between threads.

        with LocalTenant() as tenant:
            user = tenant.add_user(email="ada@example.com", password="correct-Horse-7")
            auth = AuthenticationClient(
                domain=tenant.domain, client_id=tenant.client_id, client_secret=tenant.client_secret,
                transport="local",
            )

    - `client_id`, `client_secret`: a confidential application that may do everything
    - `outbox`: the messages that would have gone out, oldest first
    - `requests`: the last 1000 requests
    - `faults`: what is to go wrong
    - `store`, `tokens`: all that it knows, and the tokens that it signs
    - `demand_dpop_nonce`: whether every DPoP proof must carry a nonce, and not only those of public clients
    - `mtls_host`: the host that asks for client certificates; `mtls.{domain}` until set otherwise

    It knows the connections `Username-Password-Authentication`, `email` and `sms` from the start. Never let
    it guard anything real.
    """

    def __init__(
        self,
        *,
        domain: str = "tenant.local.example",
        database: str | PathLike[str] = ":memory:",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the tenant; `database` is a file that keeps its data, `clock` returns epoch seconds."""
        self._clock = clock
        self._offset = 0.0
        self._domain = domain.lower()
        self.mtls_host = f"mtls.{self._domain}"
        self.store = Store(database)
        self.faults = Faults()
        self.tokens = Tokens(self)
        self.outbox: list[Message] = []
        self.requests: deque[Incoming] = deque(maxlen=1000)
        self.demand_dpop_nonce = False
        self.exchanges = {}
        self._log = Log(self)
        self._budget = Budget()
        with self.store.transaction():
            if not self.store.count("clients"):
                self._furnish()
            self._rename_management_api()
            first = self.store.list("clients", limit=1)[0]
        # What a new tenant begins with is no event.
        self.store.watch = watching(self)
        self.client_id: str = first["client_id"]
        self.client_secret: str = first["client_secret"]
        _tenants[self._domain] = self

    def _furnish(self) -> None:
        self.add_api(self.management_audience, name="Auth0 Management API", is_system=True)
        self.add_client("First application")
        self.add_connection(DATABASE_CONNECTION)
        self.add_connection("email", strategy="email")
        self.add_connection("sms", strategy="sms")

    def _rename_management_api(self) -> None:
        """Let the audience follow the domain, which another port changes."""
        for api in self.store.list("resource_servers"):
            if api.get("is_system") and api["identifier"] != self.management_audience:
                for grant in self.store.find("client_grants", audience=api["identifier"]):
                    self.store.put(
                        "client_grants", grant["id"], {**grant, "audience": self.management_audience}
                    )
                api["identifier"] = self.management_audience
                self.store.put("resource_servers", api["id"], api)

    # --- identity and time

    @property
    def domain(self) -> str:
        """The host name, with the port where it is served: that which clients are given as `domain`."""
        return self._domain

    @domain.setter
    def domain(self, domain: str) -> None:
        with self.store.transaction():
            if _tenants.get(self._domain) is self:
                del _tenants[self._domain]
            self._domain = domain.lower()
            self.mtls_host = f"mtls.{self._domain}"
            _tenants[self._domain] = self
            self._rename_management_api()

    @property
    def issuer(self) -> str:
        """The issuer of its tokens: `https://{domain}/`."""
        return f"https://{self._domain}/"

    @property
    def management_audience(self) -> str:
        """The audience of the Management API: `https://{domain}/api/v2/`."""
        return f"{self.issuer}api/v2/"

    def clock(self) -> float:
        """Return the time in epoch seconds; clients that share it move along: `clock=tenant.clock`."""
        return self._clock() + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock: what has a lifetime grows older by so much."""
        self._offset += seconds

    def management_scopes(self) -> list[str]:
        """Return every scope that an endpoint of the Management API asks for."""
        from .routing import scopes

        return sorted(scopes())

    # --- logins

    def authorize(
        self,
        url: str | None = None,
        *,
        user: str | Mapping[str, Any] | None = None,
        auth_time: float | None = None,
        **parameters: object,
    ) -> str:
        """Return the URL to which the browser would be sent back, as if `user` had logged in just now.

        `url` is the address that the user was sent to: that of `auth.authorize(...)`. Without it, and beside
        it, `parameters` are those of `/authorize`, or a `request_uri`; `client_id` is the first application's
        by default. `user` is a document, a `user_id` or an e-mail address; without it `login_hint` is. With
        `auth_time` (epoch seconds) the login was then. What the application may not ask for comes back as
        `error` in the URL.

        Raises `InvalidArgumentError` where a browser would see an error page: an unknown application, or a
        callback that is not its own.
        """
        from .authorization import authorize, parameters_of

        asked = {} if url is None else parameters_of(url)
        with self.store.transaction():
            return authorize(self, user, auth_time, {**asked, **parameters})

    def send_message(self, message: Message) -> None:
        """Put a message in the outbox."""
        self.outbox.append(message)

    def log(self, type: str, **fields: Any) -> dict[str, Any]:
        """Write an entry of the tenant's log and return it; `fields` that are `None` are left out."""
        return self._log.write(type, fields)

    # --- the front door

    def handle(self, incoming: Incoming) -> Response:
        """Answer a request; a refusal is an answer too, and so are the faults that are answers."""
        self.requests.append(incoming)
        response = self.faults.response(incoming)
        if response is None:
            response = self._answer(incoming)
        headers = {"x-auth0-requestid": secrets.token_hex(10)}
        if incoming.path.startswith("/api/v2"):
            headers |= self._budget.spend(self.clock())
        # What a fault or a handler says comes last.
        return msgspec.structs.replace(response, headers={**headers, **response.headers})

    def _answer(self, incoming: Incoming) -> Response:
        from . import authentication

        # What a handler wrote before it refused stays written: a spent code must not come back to life.
        with self.store.transaction():
            try:
                handler, path = authentication.find(incoming.method, incoming.path) or (None, ())
                if handler is None and incoming.path.startswith("/api/v2/"):
                    # The table of the Management API takes a while to build.
                    from .routing import find

                    handler, path = find(incoming.method, incoming.path) or (None, ())
                if handler is None and incoming.method == "GET" and incoming.path.startswith("/exports/"):
                    from .management.exports import serve

                    return serve(self, incoming)
                if handler is None:
                    raise management_refusal(404, None, "Not Found")
                return handler(self, incoming, path)
            except Refusal as refusal:
                return refusal.response()

    def transport(self, *, tls: TLS | None = None) -> LocalTransport:
        """Return a transport for blocking clients. With `tls`, its certificate is shown to the mTLS host."""
        return LocalTransport(self, read_certificate(tls))

    def async_transport(self, *, tls: TLS | None = None) -> AsyncLocalTransport:
        """Return a transport for asyncio clients (see `transport`)."""
        return AsyncLocalTransport(self, read_certificate(tls))

    def close(self) -> None:
        """Close the database. What was in memory is gone."""
        if _tenants.get(self._domain) is self:
            del _tenants[self._domain]
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<LocalTenant {self._domain}>"


def registered(domain: str) -> LocalTenant:
    """Return the living tenant of that domain. Raises `ConfigurationError`."""
    tenant = _tenants.get(domain)
    if tenant is None:
        raise ConfigurationError(
            "transport",
            f'option "transport" is "local", but there is no local tenant "{domain}"; '
            f'make it first and keep it: tenant = LocalTenant(domain="{domain}")',
        )
    return tenant
