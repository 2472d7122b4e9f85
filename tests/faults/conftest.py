"""What the tests of faults share: a tenant that fails when told to, and clients of it over real sockets."""

import asyncio
import gc
import inspect
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import Any

import pytest

from anyauth0 import (
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    ManagementClient,
    RetryPolicy,
)

from ..transports.certificates import Certificates
from ..transports.conftest import certificates, nothing_from_outside, quick_collection
from .server import APPLICATION, Tenant, connections, running

__all__ = [
    "SECRET",
    "WORLDS",
    "World",
    "certificates",
    "nothing_from_outside",
    "nothing_left_open",
    "quick_collection",
    "told",
]

CANARY = "canary"
SECRET = "canary-of-the-test"
WORLDS = ("blocking", "asyncio")
LIMIT = 4096
"""The longest body that these clients accept."""


class World:
    """A tenant, and one client of one kind at a time, with the default plugins over the default transport."""

    def __init__(self, tenant: Tenant, certificates: Certificates, *, asynchronous: bool) -> None:
        self.tenant = tenant
        self.asynchronous = asynchronous
        self._tls = certificates.tls
        self._runner = asyncio.Runner() if asynchronous else None
        self._client: Any = None

    def authentication(self, **options: Any) -> Any:
        """Return a client of the Authentication API."""
        kind = AsyncAuthenticationClient if self.asynchronous else AuthenticationClient
        return self._made(kind, {"client_secret": SECRET, **options})

    def management(self, **options: Any) -> Any:
        """Return a client of the Management API, with a token of its own or the means to get one."""
        kind = AsyncManagementClient if self.asynchronous else ManagementClient
        return self._made(kind, options)

    def _made(self, kind: Any, options: dict[str, Any]) -> Any:
        retry = RetryPolicy(retries=1, first_delay=0)
        self._client = kind(**{
            "domain": self.tenant.domain, "client_id": APPLICATION, "clock": lambda: self.tenant.now,
            "tls": self._tls, "retry": retry, "max_response_bytes": LIMIT, "id_token_signing_alg": "ES256",
            "headers": {"x-canary": SECRET}, **options,
        })  # fmt: skip
        return self._client

    def do(self, call: Callable[[], Any]) -> Any:
        """Make the call and return its result; the data, where it is an answer."""
        if self._runner is None:
            result = call()
            return getattr(result, "data", result)

        async def main() -> Any:
            result = call()
            result = await result if inspect.isawaitable(result) else result
            return getattr(result, "data", result)

        return self._runner.run(main())

    def recovers(self) -> None:
        """Let the tenant be good from now on; whatever a client held against it, a minute has passed."""
        self.tenant.recovers()
        self.tenant.now += 60

    def open_connections(self, most: int) -> int:
        """Return how many there are, once they are no more than `most`, or after a long time."""
        end = monotonic() + 5
        while (found := connections(self.tenant.server.port)) > most and monotonic() < end:
            # A loop closes its sockets when it comes round.
            self.do(lambda: sleep(0.01) if self._runner is None else asyncio.sleep(0.01))
        return found

    def close(self) -> None:
        if self._client is not None:
            self.do(self._client.close)
        if self._runner is not None:
            self._runner.close()
            self._runner = None


def told(error: BaseException) -> str:
    """Return all that could be printed of `error` and its causes, with the locals of all frames but ours."""
    shown = [f"{error!r} {error}", repr(vars(pickle.loads(pickle.dumps(error))))]
    shown += traceback.format_exception(error)
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        todo += [one.__cause__, one.__context__]
        shown.append(f"{one!r} {one}")
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if "/tests/" not in frame.f_code.co_filename:
                values = {name: repr(value) for name, value in frame.f_locals.items()}
                shown.append(f"{frame.f_code.co_qualname}: {values}")
    return "\n".join(shown)


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    yield
    # Sockets and sessions that nobody closed warn now, and a warning is an error.
    gc.collect()
    # What outlives a test need not be looked at after each of the others.
    gc.freeze()


@pytest.fixture
def tenant(certificates: Certificates) -> Iterator[Tenant]:
    with running(certificates.server) as tenant:
        yield tenant


@pytest.fixture(params=[False, True], ids=WORLDS)
def world(
    request: pytest.FixtureRequest,
    tenant: Tenant,
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
) -> Iterator[World]:
    caplog.set_level(logging.DEBUG)
    made = World(tenant, certificates, asynchronous=request.param)
    try:
        yield made
    finally:
        made.close()
    assert made.open_connections(0) == 0
    assert CANARY not in caplog.text
    assert not [one for one in caplog.records if one.name == "asyncio" and one.levelno >= logging.WARNING]
