"""One tenant, in process and on real TLS, and runners for both kinds of client."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from anyauth0 import AsyncAuthenticationClient, AuthenticationClient
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server

API = "https://api.example.com"
PASSWORD = "correct-Horse-battery-9"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[LocalTenant, Server]]:
    tenant = LocalTenant()
    tenant.add_api(API, ["read:things"])
    with serve(tenant) as server:
        yield tenant, server
    tenant.close()


@pytest.fixture
def tenant(served: tuple[LocalTenant, Server]) -> LocalTenant:
    return served[0]


@pytest.fixture
def server(served: tuple[LocalTenant, Server]) -> Server:
    return served[1]


class Blocking:
    """Runs a call of a blocking client."""

    asynchronous = False

    def __call__(self, client: Any, call: Callable[[Any], Any]) -> Any:
        with client:
            return call(client)


class Asyncio:
    """Runs the same call of an asyncio client, whose methods return coroutines."""

    asynchronous = True

    def __call__(self, client: Any, call: Callable[[Any], Awaitable[Any]]) -> Any:
        async def whole() -> Any:
            async with client:
                return await call(client)

        return asyncio.run(whole())


@pytest.fixture(params=[Blocking, Asyncio], ids=["blocking", "asyncio"])
def run(request: pytest.FixtureRequest) -> Any:
    return request.param()


@pytest.fixture(params=["in process", "over TLS"])
def where(request: pytest.FixtureRequest, tenant: LocalTenant, server: Server) -> dict[str, Any]:
    """Return the options that lead to the tenant."""
    if request.param == "in process":
        return {"domain": tenant.domain, "transport": "local"}
    return {"domain": tenant.domain, "tls": server.tls, "proxy": False}


@pytest.fixture
def auth(run: Any, where: Any, tenant: LocalTenant) -> Callable[..., Any]:
    """Return a function that does one call with a new client of the kind at hand."""
    kind = AsyncAuthenticationClient if run.asynchronous else AuthenticationClient
    options = {**where, "client_id": tenant.client_id, "client_secret": tenant.client_secret}

    def call(do: Any, **more: Any) -> Any:
        return run(kind(clock=tenant.clock, **{**options, **more}), do)

    return call


@pytest.fixture
def user(tenant: LocalTenant) -> Any:
    return tenant.add_user(email=f"{secrets.token_hex(5)}@example.com", password=PASSWORD)
