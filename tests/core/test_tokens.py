"""Promise 6: one token for all, renewed ahead, and never thrown away while it is good."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs

import pytest

from anyauth0 import (
    AccessToken,
    Auth0Error,
    AuthenticationApiError,
    ManagementApiError,
    RateLimited,
    Request,
    Response,
    ServerError,
    TransportError,
    TransportTimeout,
    Unauthorized,
)
from anyauth0.tokens import MemoryTokenStore

from .fakes import DOMAIN, START, Clock, Kind, json, things

MANY = 200
LIFETIME = 3600


class Tenant:
    """A server of tokens `t1`, `t2`, ... that it may forget, and of things for those who have one."""

    def __init__(self) -> None:
        self.issued = 0
        self.good: set[str] = set()
        self.failure: Response | Exception | None = None
        self.forms: list[dict[str, list[str]]] = []
        self.lifetime: Any = LIFETIME
        self.refuses = False

    def __call__(self, request: Request) -> Response:
        if not request.url.endswith("/oauth/token"):
            token = request.headers["authorization"].removeprefix("Bearer ")
            known = token in self.good and not self.refuses
            return json({"id": token}) if known else json({"statusCode": 401, "error": "Unauthorized"}, 401)
        self.forms.append(parse_qs((request.body or b"").decode()))
        if isinstance(self.failure, Exception):
            raise self.failure
        if self.failure is not None:
            return self.failure
        self.issued += 1
        self.good.add(f"t{self.issued}")
        return json({"access_token": f"t{self.issued}", "expires_in": self.lifetime, "token_type": "Bearer"})


class World:
    """A management client with credentials, its tenant and its clock."""

    def __init__(self, kind: Kind, clock: Clock, **options: Any) -> None:
        self.kind = kind
        self.tenant = Tenant()
        self.transport = kind.transport(otherwise=self.tenant)
        self.options = {
            "domain": DOMAIN,
            "client_id": "app",
            "client_secret": "s",
            "retry": False,
            "clock": clock,
        }
        self.client = kind.management(transport=self.transport, **{**self.options, **options})

    def get(self) -> str:
        """Get a thing; return the token that it was got by."""
        found: str = self.kind.do(lambda: things(self.client).get("1")).data.id
        return found

    def get_many(self) -> list[str]:
        if self.kind.asynchronous:

            async def main() -> list[Any]:
                return await asyncio.gather(*(things(self.client).get("1") for _ in range(MANY)))

            return [answer.data.id for answer in asyncio.run(main())]
        together = threading.Barrier(MANY)

        def one(_: int) -> str:
            together.wait(30)
            return self.get()

        with ThreadPoolExecutor(MANY) as pool:
            return list(pool.map(one, range(MANY)))


@pytest.fixture
def world(kind: Kind, clock: Clock) -> World:
    return World(kind, clock)


def test_two_hundred_at_the_start_and_at_expiry_make_one_request_each(world: World, clock: Clock) -> None:
    assert set(world.get_many()) == {"t1"}
    assert world.tenant.issued == 1
    clock.now += LIFETIME
    assert set(world.get_many()) == {"t2"}
    assert world.tenant.issued == 2


def test_two_hundred_whose_token_is_refused_make_one_request_for_another(world: World) -> None:
    assert world.get() == "t1"
    world.tenant.good.clear()
    assert set(world.get_many()) == {"t2"}
    assert world.tenant.issued == 2


def test_views_share_the_token(world: World) -> None:
    assert world.get() == "t1"
    view = world.client.with_options(timeout=1)
    assert world.kind.do(lambda: things(view).get("1")).data.id == "t1"


def test_clients_with_one_store_share_the_token(kind: Kind, clock: Clock) -> None:
    store = MemoryTokenStore()
    worlds = [World(kind, clock, token_store=store) for _ in range(5)]
    for world in worlds:
        world.tenant.good.add("t1")
        assert world.get() == "t1"
    assert sum(world.tenant.issued for world in worlds) == 1


def test_tokens_of_another_audience_or_application_are_kept_apart(kind: Kind, clock: Clock) -> None:
    store = MemoryTokenStore()
    for options in ({}, {"audience": "other"}, {"client_id": "other"}, {"domain": "other.eu.auth0.com"}):
        world = World(kind, clock, token_store=store, **options)
        world.get()
        assert world.tenant.issued == 1


def test_the_token_is_asked_for_by_client_credentials_for_the_management_api(world: World) -> None:
    world.get()
    assert world.tenant.forms == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["app"],
            "client_secret": ["s"],
            "audience": [f"https://{DOMAIN}/api/v2/"],
        }
    ]


def test_the_token_is_renewed_a_minute_ahead_and_not_before(world: World, clock: Clock) -> None:
    assert world.get() == "t1"
    clock.now = START + LIFETIME - 61
    assert world.get() == "t1"
    clock.now = START + LIFETIME - 60
    assert world.get() == "t2"


def test_a_token_of_a_short_life_is_used_for_half_of_it(world: World, clock: Clock) -> None:
    world.tenant.lifetime = 10
    assert world.get() == "t1"
    clock.now = START + 4.9
    assert world.get() == "t1"
    clock.now = START + 5
    assert world.get() == "t2"


@pytest.mark.parametrize("lifetime", [None, "86400", "odd", -5, 0, [], 10**30, 0.5, True])
def test_whatever_the_server_says_of_the_lifetime_the_token_is_used(world: World, lifetime: Any) -> None:
    world.tenant.lifetime = lifetime
    assert world.get() == "t1"


DOWN = [
    TransportError("down; try again", request_sent=False),
    TransportTimeout("slow; try again", request_sent=True),
    json({"error": "too_many_requests"}, 429),
    json({"error": "server_error"}, 500),
    Response(status=503, body=b"<html>"),
]


@pytest.mark.parametrize("failure", DOWN, ids=["down", "timeout", "429", "500", "503"])
def test_while_the_token_endpoint_is_down_calls_go_on_as_long_as_the_token_is_good(
    world: World, clock: Clock, failure: Any
) -> None:
    assert world.get() == "t1"
    world.tenant.failure = failure
    clock.now = START + LIFETIME - 30
    assert world.get() == "t1"
    clock.now = START + LIFETIME
    expected = type(failure) if isinstance(failure, Exception) else (RateLimited, ServerError)
    with pytest.raises(expected) as caught:
        world.get()
    assert isinstance(caught.value, TransportError | AuthenticationApiError)
    world.tenant.failure = None
    assert world.get() == "t2"


def test_credentials_that_are_refused_are_an_error_even_while_the_old_token_is_good(
    world: World, clock: Clock
) -> None:
    assert world.get() == "t1"
    world.tenant.failure = json({"error": "access_denied", "error_description": "Unauthorized"}, 401)
    clock.now = START + LIFETIME - 30
    with pytest.raises(Unauthorized) as caught:
        world.get()
    assert isinstance(caught.value, AuthenticationApiError)
    assert caught.value.code == "access_denied"


@pytest.mark.parametrize("answer", [{}, {"access_token": None}, {"access_token": ""}, []])
def test_an_answer_without_a_token_is_an_error_and_is_not_kept(world: World, answer: Any) -> None:
    world.tenant.failure = json(answer)
    with pytest.raises(Auth0Error):
        world.get()
    world.tenant.failure = None
    assert world.get() == "t1"


def test_a_401_is_answered_by_one_more_try_with_a_new_token(world: World) -> None:
    assert world.get() == "t1"
    world.tenant.good.clear()
    assert world.get() == "t2"
    assert len(world.transport.requests) == 5, "token, call; call, token, call"


def test_a_401_to_the_new_token_too_is_the_end(world: World) -> None:
    assert world.get() == "t1"
    world.tenant.refuses = True
    with pytest.raises(Unauthorized) as caught:
        world.get()
    assert isinstance(caught.value, ManagementApiError)
    assert world.tenant.issued == 2
    assert len(world.transport.requests) == 5


def test_a_token_of_ones_own_is_not_tried_again_after_a_401(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({}, 401))
    client = kind.management_client(transport, token=" mine ")
    with pytest.raises(Unauthorized):
        kind.do(lambda: things(client).get("1"))
    assert [request.headers["authorization"] for request in transport.requests] == ["Bearer mine"]


def test_a_function_is_asked_for_the_token_each_time(kind: Kind) -> None:
    given = iter(["one", " two\n"])
    transport = kind.transport()
    client = kind.management_client(transport, token=lambda: next(given))
    for _ in range(2):
        kind.do(lambda: things(client).get("1"))
    assert [request.headers["authorization"] for request in transport.requests] == [
        "Bearer one",
        "Bearer two",
    ]


def run(flow: Any) -> Any:
    """Run a flow that needs no driver but for its sections, which nobody else enters."""
    try:
        effect = next(flow)
        while True:
            effect = flow.send(run(effect.flow))
    except StopIteration as stop:
        return stop.value


def source(store: MemoryTokenStore, fetch: Callable[[], Any], clock: Clock) -> Any:
    from anyauth0.tokens import TokenSource

    return TokenSource("key", fetch, store, clock)


def test_a_rejected_token_is_forgotten_and_a_newer_one_is_kept(clock: Clock) -> None:
    store = MemoryTokenStore()
    tokens = source(store, lambda: pytest.fail("nothing is fetched"), clock)
    newer = AccessToken.issued("new", lifetime=LIFETIME, now=START)
    run(store.save("key", newer))
    run(tokens.reject("old"))
    assert run(tokens.get()) == "new"
    run(tokens.reject("new"))
    assert run(store.load("key")) is None
    run(tokens.reject("new"))


def test_tokens_and_stores_show_no_token(clock: Clock) -> None:
    store = MemoryTokenStore()
    token = AccessToken.issued("canary", lifetime=LIFETIME, now=START)
    run(store.save("key", token))
    shown = f"{token!r} {token} {store!r} {store} {source(store, lambda: None, clock)!r}"
    assert "canary" not in shown
