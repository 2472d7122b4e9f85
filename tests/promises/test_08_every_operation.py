"""Promise 8, by the descriptors: every operation asks your transport, and nothing else stands in for it."""

import asyncio
import inspect
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from anyauth0 import AuthenticationApiError, ConfigurationError, Request, Response
from anyauth0_transports.local import LocalTenant

from ..core.fakes import DOMAIN, Kind, json
from ..management.catalogue import OPERATIONS
from .conversations import Steps, World, no_sockets
from .test_05_no_secret_leaks import AUTHENTICATION, arguments, refusal

EVENTS = "events.subscribe"
# A token is forgotten, nothing sent.
SILENT = {"tokens.reject"}
# What these were started with is over at once; test_08_your_transport has them.
POLLS = {"backchannel.poll", "device.poll"}
# One of two that may not both be given; and the time that is left.
LEFT_OUT = {
    "legacy.delegation": "refresh_token", "mfa.poll_oob": "expires_in", "passwordless.challenge": "email",
}  # fmt: skip


@pytest.fixture(autouse=True)
def tried() -> Iterator[list[str]]:
    with no_sockets() as found:
        yield found


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    real = asyncio.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: real(0))


class Seen:
    """A function of the user's that notes what it is asked, and answers all the same."""

    def __init__(self, kind: Kind, answer: Any) -> None:
        self.asked: list[str] = []

        def fetch(request: Request) -> Response:
            assert request.url.startswith(f"https://{DOMAIN}/")
            self.asked.append(request.endpoint)
            return answer(request)

        async def fetch_in_loop(request: Request) -> Response:
            return fetch(request)

        self.options = {
            "domain": DOMAIN, "retry": False, "transport": fetch_in_loop if kind.asynchronous else fetch,
        }  # fmt: skip


def bound(client: Any, title: str) -> tuple[Any, Any]:
    """Return a method of a client, and its descriptor."""
    resource, _, name = title.partition(".")
    holder = getattr(client, resource)
    return getattr(holder, name), inspect.getattr_static(type(holder), name)


def call_of(client: Any, title: str) -> Any:
    method, descriptor = bound(client, title)
    path, named = arguments(descriptor)
    named.pop(LEFT_OUT.get(title, ""), None)
    return lambda: method(*path, **named)


def test_each_operation_that_is_no_stream_is_one_request_to_the_function(kind: Kind) -> None:
    seen = Seen(kind, lambda request: json({}))
    client = kind.management(token="t", **seen.options)
    assert len(OPERATIONS) == 496
    titles = [title for title in OPERATIONS if title != EVENTS]

    async def main() -> None:
        for title in titles:
            outcome = call_of(client, title)()
            await outcome if kind.asynchronous else outcome

    asyncio.run(main())
    facts = [bound(client, title)[1] for title in titles]
    assert seen.asked == [f"{each.method} {each.path}" for each in facts]


def test_each_method_of_the_authentication_api_asks_the_function(kind: Kind) -> None:
    seen = Seen(kind, refusal(400, "no"))
    silent = set()
    for title in sorted(AUTHENTICATION.keys() - POLLS):
        client = kind.authentication(client_id="app", client_secret="s", **seen.options)
        before = len(seen.asked)
        with suppress(AuthenticationApiError):
            kind.do(call_of(client, title))
        if len(seen.asked) == before:
            silent.add(title)
    assert silent == SILENT
    assert len(seen.asked) > 45


# Streams


@pytest.fixture
def tenant() -> Iterator[LocalTenant]:
    with LocalTenant(domain="tenant.example.com") as tenant:
        tenant.add_user(email="ada@example.com")
        yield tenant


def test_events_are_opened_by_a_transport_of_the_users_that_streams(kind: Kind, tenant: LocalTenant) -> None:
    world = World(kind, tenant, streams=True)

    def listen() -> Steps:
        begin = "2020-01-01T00:00:00Z"
        events = world.management().events.subscribe(from_timestamp=begin)
        assert [event.type for event in (yield world.listed(events, 1))] == ["user.created"]

    world.play(listen())
    assert world.asked == ["POST /oauth/token", "GET /events"]


def test_a_function_cannot_stream_and_the_error_says_what_can(kind: Kind, tenant: LocalTenant) -> None:
    world = World(kind, tenant)
    events = world.management().events.subscribe()
    with pytest.raises(ConfigurationError, match=r'"open".*"urllib3", "http_client", "aiohttp"') as caught:
        kind.collect(events, 1)
    assert caught.value.option == "transport"
    assert world.asked == []


# Nothing stands in for it

ALONE = """
import sys
from anyauth0 import ManagementClient, Response

def fetch(request):
    return Response(status=200, body=b'{"access_token": "t", "expires_in": 60}')

with ManagementClient(domain="d.example", client_id="a", client_secret="s", transport=fetch) as management:
    assert management.users.get("1").status == 200
print([name for name in ("urllib3", "aiohttp", "http.client", "ssl", "socket") if name in sys.modules])
"""


def test_with_a_function_no_other_library_is_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_without_it_the_sockets_are_what_is_forbidden(kind: Kind, tried: list[str]) -> None:
    name = "aiohttp" if kind.asynchronous else "urllib3"
    client = kind.management(domain=DOMAIN, token="t", transport=name, proxy=False, retry=False)

    def call() -> Any:
        return client.users.get("1")

    async def call_in_loop() -> Any:
        async with client:
            return await client.users.get("1")

    with pytest.raises(AssertionError):
        kind.do(call_in_loop if kind.asynchronous else call)
    assert tried
    tried.clear()
    if not kind.asynchronous:
        client.close()
