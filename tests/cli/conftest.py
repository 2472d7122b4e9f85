"""A tenant that is served over TLS, and the command, with its credentials in the environment."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from anyauth0_plugins.cli.app import app
from anyauth0_transports.local import LocalTenant, serve

from ..local.conftest import signing_key

__all__ = ["COMMAND", "DATABASE", "Keyring", "World", "signing_key"]

COMMAND = [sys.executable, "-W", "error", "-c", "from anyauth0_plugins.cli import main; main()"]
DATABASE = "Username-Password-Authentication"


class World:
    """A served tenant, and what the environment says of it."""

    def __init__(self, tenant: LocalTenant, environment: dict[str, str]) -> None:
        self.tenant = tenant
        self.environment = environment

    def run(self, *words: str, input: str | None = None) -> Any:
        """Run the command in this process."""
        return CliRunner().invoke(app, list(words), input=input)

    def said(self, *words: str, input: str | None = None) -> str:
        """Run the command, which has to succeed, and return what it writes to stdout."""
        done = self.run(*words, input=input)
        assert done.exit_code == 0, done.output
        return str(done.stdout)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command in a process of its own."""
        clean = {key: value for key, value in os.environ.items() if not key.startswith("AUTH0_")}
        return subprocess.Popen(
            [*COMMAND, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**clean, **self.environment},
        )

    def users(self, count: int) -> None:
        """Put users into the tenant: user0@example.com, ..."""
        for number in range(count):
            self.tenant.add_user(email=f"user{number}@example.com")


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the credentials of whoever runs the tests out of the environment."""
    for name in list(os.environ):
        if name.startswith("AUTH0_"):
            monkeypatch.delenv(name)


@pytest.fixture
def world(
    nobody: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, signing_key: dict[str, Any]
) -> Iterator[World]:
    tenant = LocalTenant()
    tenant.store.add("keys", signing_key["kid"], signing_key)
    with serve(tenant) as server:
        authority = tmp_path / "ca.pem"
        authority.write_bytes(server.ca_pem)
        environment = {
            "AUTH0_DOMAIN": server.domain,
            "AUTH0_CLIENT_ID": tenant.client_id,
            "AUTH0_CLIENT_SECRET": tenant.client_secret,
            "SSL_CERT_FILE": str(authority),
            "NO_PROXY": "localhost",
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield World(tenant, environment)
    tenant.close()


class Keyring:
    """A keyring in memory, by the functions of the package of that name."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.failure: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self._fail()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._fail()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._fail()
        del self.kept[service, username]

    def _fail(self) -> None:
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Keyring:
    made = Keyring()
    monkeypatch.setitem(sys.modules, "keyring", made)
    return made


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return a function that makes the command take its stdout for a terminal."""

    def make() -> None:
        for module in ("output", "accounts", "logs"):
            monkeypatch.setattr(f"anyauth0_plugins.cli.{module}.on_a_terminal", lambda: True)

    return make
