"""Where the blocks of a page run: an embedded tenant in the place of tenant.eu.auth0.com, and no way out."""

import asyncio
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from anyauth0 import ClientOptions, ConfigurationError, hookimpl, hooks
from anyauth0_transports import local

from .recorded import RecordedTenant
from .stage import API, Stage

DOMAIN = "tenant.eu.auth0.com"


class Enough(BaseException):
    """Raised by what a preparation gives, it ends a block that would go on for ever."""


class PageStage(Stage):
    """What the preparation of a page has to hand, besides what that of a flow has.

    - `folder`: the working directory of the blocks, empty at first
    - `values`: what `name=...` and `"name": "..."` stand for
    - `instead`: texts within the strings of the blocks, and what is there when they run
    - `typed`: what is typed at a command, by the beginning of the command
    - `ends`: the exit code of a command that is not 0, by its beginning; 130 for what sleeps until Ctrl-C
    - `checks`: what to call after the block with this text in it
    - `patch`: the `monkeypatch` of the test
    """

    def __init__(self, tenant: RecordedTenant, folder: Path, patch: pytest.MonkeyPatch) -> None:
        super().__init__(tenant)
        self.folder = folder
        self.patch = patch
        self.values: dict[str, Any] = {
            "domain": tenant.domain,
            "client_id": tenant.client_id,
            "client_secret": tenant.client_secret,
            "audience": API,
            "token": self.management_token,
        }
        self.instead: dict[str, str] = {}
        self.typed: dict[str, str] = {}
        self.ends: dict[str, int] = {}
        self.checks: dict[str, Callable[[], object]] = {}

    def management_token(self) -> str:
        """Return an access token of the Management API, as the option `token` of a client may."""
        return self.client().tokens.get(audience=self.tenant.management_audience)


class Embedded:
    """A transport over the network, built as ever, that leaves all but loopback to the embedded tenant."""

    def __init__(self, module: str) -> None:
        self.module = module

    @hookimpl
    def anyauth0_transport(self, options: ClientOptions) -> Any:
        # It refuses options that it cannot use.
        real = import_module(self.module).anyauth0_transport(options)
        if options.domain.startswith("localhost:"):
            return real
        there = msgspec.structs.replace(options, transport="local")
        try:
            return local.anyauth0_transport(there)
        except ConfigurationError:
            # Any other domain: it refuses that when it is asked for it, and not before.
            return local.anyauth0_transport(msgspec.structs.replace(there, domain=DOMAIN))


URLLIB3 = Embedded("anyauth0_transports.urllib3")
HTTP_CLIENT = Embedded("anyauth0_transports.http_client")
AIOHTTP = Embedded("anyauth0_transports.aiohttp")


@contextmanager
def staged(key: dict[str, Any], folder: Path, patch: pytest.MonkeyPatch) -> Iterator[PageStage]:
    """Open the stage for one page."""
    real_sleep, real_look_up = asyncio.sleep, socket.getaddrinfo

    async def sleep(seconds: float, result: Any = None) -> Any:
        if seconds:
            stage.pause(seconds)
        return await real_sleep(0, result)

    def look_up(host: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name not in ("localhost", "127.0.0.1", "::1"):
            raise OSError(f'a block wants to go to "{name}"; only the embedded tenant is there')
        return real_look_up(host, *more, **options)

    for name in ("urllib3", "http_client", "aiohttp"):
        patch.setitem(hooks.BUILT_IN, name, f"{__name__}:{name.upper()}")
    patch.setattr(socket, "getaddrinfo", look_up)
    patch.chdir(folder)
    patch.setenv("HOME", str(folder))
    patch.setenv("NO_PROXY", "localhost")
    patch.setattr(tempfile, "tempdir", str(folder))
    with RecordedTenant() as tenant:
        tenant.domain = DOMAIN
        tenant.store.add("keys", key["kid"], key)
        stage = PageStage(tenant, folder, patch)
        patch.setattr(time, "sleep", stage.pause)
        patch.setattr(asyncio, "sleep", sleep)
        for name in ("domain", "client_id", "client_secret"):
            patch.setenv(f"AUTH0_{name.upper()}", stage.values[name])
        yield stage
