"""A world of its own for each test: a server that answers by a script, a clock that only the test moves."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from anyauth0 import AuthenticationClient, Request, Response, TransportTimeout, blocking
from anyauth0_plugins import timeouts

START = 1_700_000_000.0
GOOD = b'{"access_token": "canary-access"}'


class World:
    """The transport of a client, and its time."""

    def __init__(self) -> None:
        self.now = START
        self.requests: list[Request] = []
        self.sleeps: list[float] = []
        self.script: list[Response | Exception | Callable[[Request], Response]] = []
        self.drawn = 0.5

    def clock(self) -> float:
        return self.now

    def random(self) -> float:
        return self.drawn

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.now += seconds

    def answers(self, *script: int | Response | Exception | Callable[[Request], Response]) -> None:
        """Say what the next requests get; after the script, everything is 200."""
        self.script = [Response(status=s, body=GOOD) if isinstance(s, int) else s for s in script]

    def takes(self, seconds: float, answer: Response | None = None) -> Callable[[Request], Response]:
        """Return an entry of the script: an answer after so many seconds, if the request waits that long."""

        def slow(request: Request) -> Response:
            if request.timeout is not None and request.timeout < seconds:
                self.now += request.timeout
                raise TransportTimeout("too slow; wait longer", request_sent=True)
            self.now += seconds
            return answer or Response(status=200, body=GOOD)

        return slow

    def send(self, request: Request, /) -> Response:
        self.requests.append(request)
        step = self.script.pop(0) if self.script else Response(status=200, body=GOOD)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Response) else step(request)

    def close(self) -> None:
        raise AssertionError("a transport that was given to a client is not closed by it")

    def client(self, **options: Any) -> AuthenticationClient:
        options.setdefault("client_secret", "canary-secret")
        return AuthenticationClient(
            **{
                "domain": "tenant.eu.auth0.com",
                "client_id": "app",
                "transport": self,
                "clock": self.clock,
                "random": self.random,
                **{name: value for name, value in options.items() if value != "-"},
            }
        )

    @property
    def form(self) -> dict[str, str]:
        """The fields of the last body."""
        from urllib.parse import parse_qsl

        return dict(parse_qsl((self.requests[-1].body or b"").decode(), keep_blank_values=True))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    made = World()
    monkeypatch.setattr(blocking, "time", SimpleNamespace(sleep=made.sleep))
    monkeypatch.setattr(timeouts, "monotonic", made.clock)
    return made
