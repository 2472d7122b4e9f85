"""The two clients of the Management API, which are one but for their mode."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any, Generic

import msgspec

from ..client import Core, Session
from ..clients import AsyncioClient, BlockingClient, Client
from ..endpoint import Async, Mode, Sync
from ..errors import ConfigurationError, ManagementApiError
from ..flow import Flow, Middleware, perform
from ..options import ClientOptions
from ..redaction import Secret
from ..tokens import MemoryTokenStore, TokenSource, bearer
from ._tree import Tree


class Management(Tree[Mode], Client[Mode], Generic[Mode]):
    """The resources of the Management API."""

    __slots__ = ()

    def _build(self, options: ClientOptions) -> Core:
        session = Session(options)
        return Core(
            options,
            session,
            base_url=f"https://{options.domain}/api/v2",
            family=ManagementApiError,
            authorize=_authorize(options, session),
        )


class ManagementClient(Management[Sync], BlockingClient):
    """The Management API of one tenant, blocking.

        with ManagementClient(domain="tenant.eu.auth0.com", client_id=..., client_secret=...) as management:
            user = management.users.get("auth0|123").data

    It takes a `token`, or the credentials of an application that may ask for one. See
    `anyauth0.options.Options` for every option.
    """

    __slots__ = ()


class AsyncManagementClient(Management[Async], AsyncioClient):
    """The Management API of one tenant, for asyncio.

        async with AsyncManagementClient(domain=..., client_id=..., client_secret=...) as management:
            response = await management.users.get("auth0|123")

    It takes a `token`, or the credentials of an application that may ask for one. See
    `anyauth0.options.Options` for every option.
    """

    __slots__ = ()


def _authorize(options: ClientOptions, session: Session) -> Middleware:
    """Return the middleware that adds the access token: the user's own, or one that is fetched and kept."""
    token = options.token
    if isinstance(token, str):
        return bearer(partial(_constant, Secret(token.strip())))
    if token is not None:
        return bearer(partial(_ask, _function(token, options)))
    if not options.client_id or session.client_authentication is None:
        missing = "client_secret" if options.client_id else "client_id"
        raise ConfigurationError(
            missing,
            'a management client needs option "token", or "client_id" with one of "client_secret", '
            '"client_assertion_signing_key" and "use_mtls"',
        )
    source = _OwnTokens(options, session)
    return bearer(source.get, source.reject)


def _constant(token: str) -> Flow[str]:
    return token
    yield


def _function(token: Any, options: ClientOptions) -> Callable[[], Flow[Any]]:
    """Return the flow that calls the user's function, which is blocking or asynchronous."""
    if inspect.iscoroutinefunction(token) or inspect.iscoroutinefunction(getattr(token, "__call__", None)):  # noqa: B004
        if not options.asynchronous:
            raise ConfigurationError(
                "token",
                'option "token" is an async function, which a blocking client cannot await; use a plain one',
            )
        return partial(perform, asynchronous=token)
    return partial(perform, token)


def _ask(call: Callable[[], Flow[Any]]) -> Flow[str]:
    token = yield from call()
    if isinstance(token, str) and token.strip():
        return token.strip()
    if inspect.iscoroutine(token):
        token.close()
    raise ConfigurationError(
        "token", f'the function of option "token" must return the access token, not {type(token).__name__}'
    )


class _OwnTokens:
    """The access tokens of the application itself. What asks for them is loaded by the first call."""

    __slots__ = ("_options", "_session", "_source", "_store")

    def __init__(self, options: ClientOptions, session: Session) -> None:
        # What is added to the bodies of the Management API is none of the token endpoint's business.
        self._options = msgspec.structs.replace(options, extra_body={})
        self._session = session
        self._store = session.token_store if session.token_store is not None else MemoryTokenStore()
        self._source: TokenSource | None = None

    def get(self) -> Flow[str]:
        return (yield from self._found().get())

    def reject(self, token: str) -> Flow[None]:
        # Not by a frame of its own, whose locals a traceback may show.
        return self._found().reject(token)

    def _found(self) -> TokenSource:
        if self._source is None:
            from ..authentication.client import authentication_core
            from ..authentication.tokens import application_tokens

            core = authentication_core(self._options, self._session)
            audience = self._options.audience or f"https://{self._options.domain}/api/v2/"
            # Two threads may make one each: the lock for fetching belongs to the key of the token.
            self._source = application_tokens(core, self._store, audience)
        return self._source
