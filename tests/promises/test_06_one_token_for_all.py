"""Promise 6: one token for all; threads, tasks, clients and processes make one request, for any audience."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import ApiError, Request, Response, TransportError
from anyauth0.tokens import MemoryTokenStore
from anyauth0_plugins.file_store import FileTokenStore
from anyauth0_plugins.redis_store import RedisTokenStore

from ..authentication.processes import CHILDREN, file_store, fork_and_get, redis_server, redis_store
from ..core.fakes import DOMAIN, Clock, Kind, json, things

MANY = 200
LIFETIME = 3600
API = "https://api.example.com"


class Tenant:
    """A token endpoint that counts, and an API that says by which token it was asked."""

    def __init__(self) -> None:
        self.issued = 0
        self.failure: Response | Exception | None = None
        self.asked = 0
        self._guard = threading.Lock()

    def __call__(self, request: Request) -> Response:
        if not request.url.endswith("/oauth/token"):
            return json({"id": request.headers["authorization"].removeprefix("Bearer ")})
        with self._guard:
            self.asked += 1
            if isinstance(self.failure, Exception):
                raise self.failure
            if self.failure is not None:
                return self.failure
            self.issued += 1
            return json({"access_token": f"t{self.issued}", "expires_in": LIFETIME})


class World:
    """A tenant, a clock, and clients of one kind with the same credentials."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.clock = Clock()
        self.tenant = Tenant()

    def client(self, make: Any, **options: Any) -> Any:
        return make(
            domain=DOMAIN, client_id="app", client_secret="s", retry=False, clock=self.clock,
            transport=self.kind.transport(otherwise=self.tenant), **options,
        )  # fmt: skip

    def all_at_once(self, calls: list[Callable[[], Any]]) -> list[Any]:
        """Make all calls at the same time, in threads or tasks, and return their results."""
        if self.kind.asynchronous:

            async def main() -> list[Any]:
                return await asyncio.gather(*(call() for call in calls))

            return asyncio.run(main())
        together = threading.Barrier(len(calls))

        def one(call: Callable[[], Any]) -> Any:
            together.wait(30)
            return call()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))


@pytest.fixture
def world(kind: Kind) -> World:
    return World(kind)


def api_token(client: Any) -> Callable[[], Any]:
    return lambda: client.tokens.get(audience=API)


def thing(client: Any) -> Callable[[], Any]:
    return lambda: things(client).get("1")


@pytest.fixture(params=["authentication", "management"])
def ask(request: pytest.FixtureRequest, world: World) -> Callable[..., Callable[[], Any]]:
    """Return a function that makes a client and returns the call that needs its token."""
    if request.param == "management":
        return lambda **options: thing(world.client(world.kind.management, **options))
    return lambda **options: api_token(world.client(world.kind.authentication, **options))


def values(answers: list[Any]) -> set[str]:
    return {answer if isinstance(answer, str) else answer.data.id for answer in answers}


def test_two_hundred_at_the_start_and_at_expiry_make_one_request(world: World, ask: Any) -> None:
    call = ask()
    for number in (1, 2):
        assert values(world.all_at_once([call] * MANY)) == {f"t{number}"}
        assert world.tenant.asked == number
        world.clock.now += LIFETIME


def test_two_hundred_whose_token_is_about_to_expire_make_one_request(world: World, ask: Any) -> None:
    call = ask()
    assert values(world.all_at_once([call])) == {"t1"}
    world.clock.now += LIFETIME - 60
    assert values(world.all_at_once([call] * MANY)) == {"t2"}
    assert world.tenant.asked == 2


@pytest.mark.parametrize("store", ["memory", "file"])
def test_five_clients_with_the_same_credentials_make_one_request(
    world: World, ask: Any, tmp_path: Path, store: str
) -> None:
    memory = MemoryTokenStore()
    calls = [
        ask(token_store=memory if store == "memory" else FileTokenStore(tmp_path / "s", clock=world.clock))
        for _ in range(5)
    ]
    for number in (1, 2):
        assert values(world.all_at_once(calls * 10)) == {f"t{number}"}
        assert world.tenant.asked == number
        world.clock.now += LIFETIME


class PlainStore:
    """A store of a user's, which knows no locks. The first threads all find it empty."""

    def __init__(self, threads: int) -> None:
        self.tokens: dict[str, Any] = {}
        self._together = threading.Barrier(threads) if threads else None
        self._loads = iter(range(threads))

    def load(self, key: str) -> Any:
        found = self.tokens.get(key)
        if self._together is not None and next(self._loads, None) is not None:
            self._together.wait(30)
        return found
        yield

    def save(self, key: str, token: Any) -> Any:
        self.tokens[key] = token
        return
        yield

    def remove(self, key: str) -> Any:
        self.tokens.pop(key, None)
        return
        yield


def test_two_hundred_with_a_store_that_knows_no_locks_make_one_request(world: World, ask: Any) -> None:
    store = PlainStore(0 if world.kind.asynchronous else MANY)
    assert values(world.all_at_once([ask(token_store=store)] * MANY)) == {"t1"}
    assert world.tenant.asked == 1


def test_clients_with_other_credentials_do_not_get_the_token(world: World) -> None:
    store = MemoryTokenStore()
    calls = [
        api_token(
            world.kind.authentication(
                **{
                    "domain": DOMAIN, "client_id": "app", "client_secret": "s", "clock": world.clock,
                    "transport": world.kind.transport(otherwise=world.tenant), "token_store": store, **other,
                }
            )
        )
        for other in ({}, {"client_id": "other"}, {"domain": "other.eu.auth0.com"})
    ]  # fmt: skip
    assert values(world.all_at_once(calls)) == {"t1", "t2", "t3"}


def test_any_audience_has_one_token(world: World) -> None:
    auth = world.client(world.kind.authentication)
    audiences = [f"https://api-{number}.example.com" for number in range(5)]
    calls = [lambda audience=audience: auth.tokens.get(audience=audience) for audience in audiences * 40]
    assert len(set(world.all_at_once(calls))) == len(audiences)
    assert world.tenant.asked == len(audiences)


DOWN = [
    TransportError("down; try again", request_sent=False),
    json({"error": "too_many_requests"}, 429),
    json({"error": "server_error"}, 500),
    Response(status=503, body=b"<html>"),
]


@pytest.mark.parametrize("failure", DOWN, ids=["down", "429", "500", "503"])
def test_calls_go_on_while_the_token_endpoint_is_down_and_only_one_of_them_asks_it(
    world: World, ask: Any, failure: Any
) -> None:
    call = ask()
    assert values(world.all_at_once([call])) == {"t1"}
    # One failure for all, the others for some: which one it is makes no difference to who waits for whom.
    calls = [call] * (MANY if isinstance(failure, TransportError) else 20)
    world.tenant.failure = failure
    world.clock.now += LIFETIME - 30
    assert values(world.all_at_once(calls)) == {"t1"}
    assert world.tenant.asked == 2, "once for all"
    world.clock.now += 10
    assert values(world.all_at_once(calls)) == {"t1"}
    assert world.tenant.asked == 3, "once in ten seconds"
    world.tenant.failure = None
    world.clock.now += 10
    assert values(world.all_at_once(calls)) == {"t2"}


@pytest.mark.parametrize("failure", DOWN, ids=["down", "429", "500", "503"])
def test_a_token_is_never_used_beyond_its_end(world: World, ask: Any, failure: Any) -> None:
    call = ask()
    world.all_at_once([call])
    world.tenant.failure = failure
    world.clock.now += LIFETIME - 5
    assert values(world.all_at_once([call])) == {"t1"}
    world.clock.now += 5
    with pytest.raises((TransportError, ApiError)):
        world.all_at_once([call])


def test_two_hundred_calls_for_a_user_make_one_request_for_each_audience(world: World) -> None:
    auth = world.client(world.kind.authentication)
    calls: list[Callable[[], Any]] = [
        lambda audience=audience: auth.tokens.for_refresh_token("r", audience=audience)
        for audience in ("one", "two") * (MANY // 2)
    ]
    assert len({token.value for token in world.all_at_once(calls)}) == 2
    assert world.tenant.asked == 2


def test_two_hundred_calls_for_an_identity_provider_make_one_request(world: World) -> None:
    auth = world.client(world.kind.authentication)
    call = lambda: auth.tokens.for_connection("google", subject_token="r")  # noqa: E731
    assert set(world.all_at_once([call] * MANY)) == {"t1"}
    assert world.tenant.asked == 1


def test_forked_children_with_one_file_store_make_one_request(tmp_path: Path) -> None:
    assert fork_and_get(file_store(tmp_path / "store")) == (1, ["t1"] * CHILDREN)


@pytest.fixture
def redis_url() -> Iterator[str]:
    with redis_server() as server:
        yield server.url


def test_forked_children_with_one_redis_store_make_one_request(redis_url: str) -> None:
    assert fork_and_get(redis_store(redis_url)) == (1, ["t1"] * CHILDREN)


def test_five_clients_with_one_redis_make_one_request(world: World, ask: Any, redis_url: str) -> None:
    stores = [RedisTokenStore(redis_url, key=bytes(range(32)), clock=world.clock) for _ in range(5)]
    calls = [ask(token_store=store) for store in stores]
    assert values(world.all_at_once(calls * 4)) == {"t1"}
    assert world.tenant.asked == 1
    for store in stores:
        store.close()
