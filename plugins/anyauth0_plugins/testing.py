"""Fixtures for pytest: a fresh tenant for each test, and clients of it that share its clock.

pytest loads this module in every run where `anyauth0` is installed, so each fixture imports what it needs.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest

if TYPE_CHECKING:
    from anyauth0 import (
        AsyncAuthenticationClient,
        AsyncManagementClient,
        AuthenticationClient,
        ManagementClient,
        Options,
    )
    from anyauth0_transports.local import LocalTenant
    from anyauth0_transports.local.server import Server

__all__ = [
    "async_authentication", "async_management", "auth0_environment", "auth0_options", "auth0_server",
    "auth0_tenant", "authentication", "management",
]  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, so that `--strict-markers` knows it."""
    config.addinivalue_line(
        "markers",
        "auth0(domain=..., **options): the domain of the fixture auth0_tenant, and options for its clients.",
    )


@pytest.fixture(scope="session")
def _auth0_signing_key() -> dict[str, Any]:
    """Make one key for all tenants: making it is what takes time."""
    with _local()(domain="key.local.example") as tenant:
        tenant.tokens.rotate_key()
        key = tenant.store.last("keys")
    assert key is not None
    return key


@pytest.fixture
def auth0_tenant(
    request: pytest.FixtureRequest, _auth0_signing_key: dict[str, Any]
) -> Generator["LocalTenant", None, None]:
    """Return a `LocalTenant` of this test's own: in process, empty, closed at the end."""
    domain: str = _marked(request).get("domain", "tenant.local.example")
    with _local()(domain=domain) as tenant:
        tenant.store.add("keys", _auth0_signing_key["kid"], _auth0_signing_key)
        yield tenant


@pytest.fixture
def auth0_server(auth0_tenant: "LocalTenant") -> Generator["Server", None, None]:
    """Serve `auth0_tenant` over TLS on a free port of localhost; its `domain` is that from now on.

    The clients of the test go there too.
    """
    try:
        from anyauth0_transports.local import serve
    except ImportError as error:
        _missing("auth0_server", error)
    with serve(auth0_tenant) as server:
        yield server


@pytest.fixture
def auth0_options(request: pytest.FixtureRequest, auth0_tenant: "LocalTenant") -> "Options":
    """Return the options that lead a client to `auth0_tenant`, as its first application."""
    options: Options = {"transport": "local"}
    if "auth0_server" in request.fixturenames:
        # It has to run before its domain is read.
        server: Server = request.getfixturevalue("auth0_server")
        options = {"tls": server.tls, "proxy": False}
    options |= {
        "client_id": auth0_tenant.client_id,
        "client_secret": auth0_tenant.client_secret,
        "clock": auth0_tenant.clock,
    }
    # A client refuses options that it does not know, by name.
    return cast("Options", {**options, **_marked(request), "domain": auth0_tenant.domain})


@pytest.fixture
def auth0_environment(
    auth0_server: "Server", auth0_tenant: "LocalTenant", monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> dict[str, str]:
    """Set `AUTH0_DOMAIN`, `AUTH0_CLIENT_ID` and `AUTH0_CLIENT_SECRET`, and return what was set.

    For code that builds its own clients, here or in a child process. `SSL_CERT_FILE` is set as well, and
    `NO_PROXY`; all other `AUTH0_...` variables are hidden.
    """
    import os

    authority = tmp_path / "auth0-authority.pem"
    authority.write_bytes(auth0_server.ca_pem)
    for name in [name for name in os.environ if name.upper().startswith("AUTH0_")]:
        monkeypatch.delenv(name)
    variables = {
        "AUTH0_DOMAIN": auth0_tenant.domain,
        "AUTH0_CLIENT_ID": auth0_tenant.client_id,
        "AUTH0_CLIENT_SECRET": auth0_tenant.client_secret,
        "SSL_CERT_FILE": str(authority),
        "NO_PROXY": "localhost",
        "no_proxy": "localhost",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


@pytest.fixture
def authentication(auth0_options: "Options") -> Generator["AuthenticationClient", None, None]:
    """Return a client of `auth0_tenant` for logins and tokens."""
    from anyauth0 import AuthenticationClient

    with AuthenticationClient(**auth0_options) as client:
        yield client


@pytest.fixture
def management(auth0_options: "Options") -> Generator["ManagementClient", None, None]:
    """Return a client of `auth0_tenant` for the Management API, with all scopes."""
    from anyauth0 import ManagementClient

    with ManagementClient(**auth0_options) as client:
        yield client


@pytest.fixture
def async_authentication(auth0_options: "Options") -> Generator["AsyncAuthenticationClient", None, None]:
    """Return `authentication` for asyncio; works in whichever event loop the test runs."""
    from anyauth0 import AsyncAuthenticationClient

    client = AsyncAuthenticationClient(**auth0_options)
    yield client
    _close(client)


@pytest.fixture
def async_management(auth0_options: "Options") -> Generator["AsyncManagementClient", None, None]:
    """Return `management` for asyncio; works in whichever event loop the test runs."""
    from anyauth0 import AsyncManagementClient

    client = AsyncManagementClient(**auth0_options)
    yield client
    _close(client)


def _close(client: "AsyncAuthenticationClient | AsyncManagementClient") -> None:
    import asyncio

    # `asyncio.run` would take away the current loop, which may be that of another plugin.
    loop = asyncio.new_event_loop()
    try:
        loop.run_until_complete(client.close())
    finally:
        loop.close()


def _marked(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Return the keywords of the markers; those nearest to the test win."""
    marked: dict[str, Any] = {}
    for mark in reversed(list(request.node.iter_markers("auth0"))):
        if mark.args:
            pytest.fail(
                'the marker "auth0" takes keywords only: @pytest.mark.auth0(domain="tenant.example")',
                pytrace=False,
            )
        marked |= mark.kwargs
    return marked


def _local() -> "type[LocalTenant]":
    try:
        from anyauth0_transports.local import LocalTenant
    except ImportError as error:
        _missing("auth0_tenant", error)
    return LocalTenant


def _missing(fixture: str, error: ImportError) -> NoReturn:
    pytest.fail(f"the fixture \"{fixture}\": {error}; pip install 'anyauth0[local]'", pytrace=False)
