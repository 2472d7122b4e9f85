"""The server of others, certificates for both sides, and one way to make a call of either kind of client."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from anyauth0 import TLS, AsyncAuthenticationClient, AuthenticationClient

from .oauth_server import Peer, serve


class Authority:
    """A certificate authority for the server, and for clients that prove themselves by a certificate."""

    def __init__(self) -> None:
        self._made = trustme.CA()
        self.pem = self._made.cert_pem.bytes()

    def server(self) -> ssl.SSLContext:
        """Return the context of a server that asks for a certificate and does without."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._made.issue_cert("localhost").configure_cert(context)
        context.verify_mode = ssl.CERT_OPTIONAL
        self._made.configure_trust(context)
        return context

    def browser(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        self._made.configure_trust(context)
        return context

    def client(self, name: str) -> tuple[bytes, bytes]:
        """Return certificate and key of a client."""
        made = self._made.issue_cert(f"{name}@example.com")
        return made.cert_chain_pems[0].bytes(), made.private_key_pem.bytes()


@pytest.fixture(scope="session")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="session")
def peer(authority: Authority) -> Iterator[Peer]:
    with serve(authority.server()) as running:
        running.context = authority.browser()
        yield running


Call = Callable[..., Any]


@pytest.fixture(params=[False, True], ids=["blocking", "asyncio"])
def call(request: pytest.FixtureRequest, peer: Peer, authority: Authority) -> Call:
    """Return a function that does one call with a new client; the options are those of the client."""
    # Each test sees its own requests only.
    peer.answers.clear()
    peer.forms.clear()

    def do(what: Callable[[Any], Any], *, tls: TLS | None = None, **options: Any) -> Any:
        options = {"domain": peer.domain, "tls": tls or TLS(ca=authority.pem), "proxy": False, **options}
        if not request.param:
            with AuthenticationClient(**options) as auth:
                return what(auth)

        async def whole() -> Any:
            async with AsyncAuthenticationClient(**options) as auth:
                answer = what(auth)
                return await answer if asyncio.iscoroutine(answer) else answer

        return asyncio.run(whole())

    return do


class Slept:
    """What the clients were told to sleep: nobody does, and the clock of clients and server goes on."""

    def __init__(self) -> None:
        self.now = time.time()
        self.all: list[float] = []
        self.meanwhile: dict[int, Callable[[], None]] = {}
        """What happens during which sleep, counted from 1."""

    def __call__(self, seconds: float) -> None:
        if seconds:
            self.all.append(seconds)
            self.now += seconds
            self.meanwhile.get(len(self.all), lambda: None)()

    def clock(self) -> float:
        return self.now


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch, peer: Peer) -> Slept:
    found, real = Slept(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        found(seconds)
        await real(0)

    monkeypatch.setattr(time, "sleep", found)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    monkeypatch.setattr(peer.store, "clock", found.clock)
    return found
