"""Promise 4, the limiter: no call is answered by 429, logins are not starved, waiting blocks no event loop.

Time is simulated: many calls go on side by side, and the clock moves from one wait to the next.
"""

import asyncio
import heapq
import pickle
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import (
    AsyncManagementClient,
    AuthenticationClient,
    ConfigurationError,
    ManagementClient,
    RateLimited,
    Request,
    Response,
    TransportTimeout,
)
from anyauth0.blocking import BlockingDriver
from anyauth0.flow import Flow, Perform, Sleep
from anyauth0.management.users import Users
from anyauth0_plugins import _attempts
from anyauth0_plugins.rate_limit import RateLimiter

from ..authentication.processes import RedisServer, redis_server
from ..core.fakes import DOMAIN

START = 1000.0
Close = Callable[[RateLimiter], RateLimiter]

OK = Response(status=200, headers={"content-type": "application/json"}, body=b"{}")


class Bucket:
    """A server whose budget is a bucket of `burst`, refilled by `rate` a second; 429 when it is empty."""

    def __init__(self, rate: float, burst: int, *, tells: bool = False) -> None:
        self.rate, self.burst, self.tells = rate, burst, tells
        self.left, self.filled = float(burst), START
        self.answers: list[tuple[float, int]] = []

    def __call__(self, now: float) -> Response:
        self.left = min(self.burst, self.left + (now - self.filled) * self.rate)
        self.filled = now
        status = 200 if self.left >= 1 - 1e-6 else 429
        self.left -= status == 200
        self.answers.append((now, status))
        headers = {"content-type": "application/json"}
        if self.tells:
            headers |= {
                "x-ratelimit-limit": str(self.burst),
                "x-ratelimit-remaining": str(int(self.left + 1e-6)),
                "x-ratelimit-reset": str(int(now + (self.burst - self.left) / self.rate) + 1),
            }
        return Response(status=status, headers=headers, body=b"{}")

    @property
    def refused(self) -> int:
        return sum(status == 429 for _, status in self.answers)


class Window(Bucket):
    """A server that counts by the second of the clock, as the embedded tenant does."""

    def __call__(self, now: float) -> Response:
        if int(now) != int(self.filled):
            self.left = float(self.burst)
        self.filled = now
        self.rate = 0.0001
        answer = super().__call__(now)
        reset = {**answer.headers, "x-ratelimit-reset": str(int(now) + 1)} if self.tells else answer.headers
        return Response(status=answer.status, headers=reset, body=answer.body)


class World:
    """Runs flows side by side in simulated time."""

    def __init__(self, server: Callable[[float], Response], takes: float = 0.0) -> None:
        self.now = START
        self.server = server
        self.takes = takes
        self.ends: dict[str, float] = {}
        self._order = count()
        self._due: list[tuple[float, int, str, Flow[Any], Any]] = []

    def clock(self) -> float:
        return self.now

    def client(self, limiter: object, **options: Any) -> ManagementClient:
        return ManagementClient(
            domain=DOMAIN, token="t", transport=lambda request: OK, plugins=[limiter], clock=self.clock,
            retry=False, **options,
        )  # fmt: skip

    def begin(self, name: str, client: ManagementClient, after: float = 0.0) -> None:
        self._at(self.now + after, name, Users.get.flow(client.users, name), None)

    def _at(self, when: float, name: str, flow: Flow[Any], value: Any) -> None:
        heapq.heappush(self._due, (when, next(self._order), name, flow, value))

    def run(self) -> None:
        while self._due:
            when, _, name, flow, value = heapq.heappop(self._due)
            self.now = max(self.now, when)
            self._step(name, flow, value)

    def _step(self, name: str, flow: Flow[Any], value: Any) -> None:
        while True:
            try:
                effect = flow.send(value)
            except StopIteration:
                break
            except RateLimited:
                break
            if isinstance(effect, Sleep):
                self._at(self.now + effect.seconds, name, flow, None)
                return
            if isinstance(effect, Request):
                self._at(self.now + self.takes, name, flow, self.server(self.now))
                return
            assert isinstance(effect, Perform)
            assert effect.blocking is not None
            value = effect.blocking()
        self.ends[name] = self.now


@pytest.mark.parametrize("takes", [0.0, 0.3])
def test_a_hundred_calls_stay_under_ten_a_second_without_one_429(takes: float) -> None:
    server = Bucket(10, 10)
    world = World(server, takes)
    client = world.client(RateLimiter(10, burst=10, clock=world.clock))
    for number in range(100):
        world.begin(str(number), client)
    world.run()
    assert (len(server.answers), server.refused) == (100, 0)
    # Ten at once, and one each tenth of a second: no time is given away.
    assert world.now - START == pytest.approx(9.0 + takes)


def test_without_a_burst_no_second_sees_more_than_its_rate() -> None:
    server = Bucket(10, 1)
    world = World(server)
    client = world.client(RateLimiter(10, clock=world.clock))
    for number in range(100):
        world.begin(str(number), client)
    world.run()
    assert server.refused == 0
    times = [when for when, _ in server.answers]
    assert all(later - sooner > 0.0999 for sooner, later in pairwise(times))


@given(
    st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=60),
    st.floats(0.5, 50),
    st.integers(1, 20),
)
def test_whenever_calls_come_the_bucket_is_never_empty(
    calls: list[tuple[float, bool]], rate: float, burst: int
) -> None:
    server = Bucket(rate, burst)
    world = World(server)
    interactive = world.client(RateLimiter(rate, burst=burst, clock=world.clock))
    batch = interactive.with_options(priority="batch")
    for number, (after, is_batch) in enumerate(calls):
        world.begin(str(number), batch if is_batch else interactive, after)
    world.run()
    assert (len(server.answers), server.refused) == (len(calls), 0)


def test_clients_that_share_a_limiter_share_its_rate() -> None:
    server = Bucket(10, 5)
    world = World(server)
    limiter = RateLimiter(10, burst=5, clock=world.clock)
    for client in range(5):
        made = world.client(limiter)
        for number in range(10):
            world.begin(f"{client}-{number}", made)
    world.run()
    assert (len(server.answers), server.refused) == (50, 0)


def test_a_batch_never_starves_interactive_calls() -> None:
    server = Bucket(10, 10)
    world = World(server)
    interactive = world.client(RateLimiter(10, burst=10, clock=world.clock))
    batch = interactive.with_options(priority="batch")
    for number in range(300):
        world.begin(f"batch-{number}", batch)
    for number in range(20):
        world.begin(f"login-{number}", interactive, after=1 + number)
    world.run()
    assert server.refused == 0
    waits = [world.ends[f"login-{number}"] - START - 1 - number for number in range(20)]
    assert max(waits) < 0.001
    # And the batch has all of the rest.
    assert world.now - START < (320 - 10) / 10 + 1


def test_the_two_apis_of_a_tenant_have_a_budget_each() -> None:
    server = Bucket(1000, 1000)
    world = World(server)
    limiter = RateLimiter(1, clock=world.clock)
    paused = [
        BlockingDriver(None).run(limiter._take(limiter._rate, bucket, batch=False))  # type: ignore[arg-type]
        for bucket in ("t/api", "t", "t/api")
    ]
    assert paused == [0.0, 0.0, 1.0]


@pytest.mark.parametrize("kind", [Bucket, Window])
def test_the_budget_that_the_server_tells_is_heeded_without_a_rate(kind: type[Bucket]) -> None:
    server = kind(5, 10, tells=True)
    world = World(server, takes=0.05)
    client = world.client(RateLimiter())
    # The first answer tells the budget; before it nothing is known.
    world.begin("first", client)
    world.run()
    for number in range(60):
        world.begin(str(number), client)
    world.run()
    assert (len(server.answers), server.refused) == (61, 0)


@pytest.mark.parametrize(("share", "left"), [(0.8, 20), (0.5, 50), (1.0, 0)])
def test_batch_calls_leave_the_rest_of_the_budget_to_others(share: float, left: int) -> None:
    server = Window(100, 100, tells=True)
    world = World(server)
    client = world.client(RateLimiter(share=share)).with_options(priority="batch")
    for number in range(400):
        world.begin(str(number), client)
    world.run()
    seconds: dict[int, int] = {}
    for when, _ in server.answers:
        seconds[int(when)] = seconds.get(int(when), 0) + 1
    assert max(seconds.values()) == 100 - left
    assert server.refused == 0


def test_a_reset_that_is_past_or_unknown_stops_nobody() -> None:
    empty = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0"}
    for reset in ({}, {"x-ratelimit-reset": str(int(START) - 5)}):
        answer = Response(status=200, headers={**empty, **reset}, body=b"{}")
        world = World(lambda now, answer=answer: answer)
        client = world.client(RateLimiter())
        for number in range(30):
            world.begin(str(number), client)
        world.run()
        assert world.now == START


def test_a_call_that_fails_gives_its_place_in_the_budget_back() -> None:
    limiter = RateLimiter()
    client = ManagementClient(
        domain=DOMAIN, token="t", transport=lambda request: OK, plugins=[limiter], retry=False
    )
    flow = Users.get.flow(client.users, "a")
    while not isinstance(next(flow), Request):
        pass
    budget = next(iter(limiter._budgets.values()))
    assert budget.under_way == 1
    flow.close()
    assert budget.under_way == 0


def test_waiting_never_blocks_the_event_loop() -> None:
    async def main() -> list[str]:
        order: list[str] = []

        async def fetch(request: Request) -> Response:
            order.append("call")
            return OK

        async def other() -> None:
            await asyncio.sleep(0)
            order.append("other")

        client = AsyncManagementClient(
            domain=DOMAIN, token="t", transport=fetch, plugins=[RateLimiter(20)], retry=False
        )
        await client.users.get("a")
        await asyncio.gather(client.users.get("b"), other())
        return order

    assert asyncio.run(main()) == ["call", "other", "call"]


def test_threads_share_the_rate() -> None:
    limiter = RateLimiter(0.001, burst=20, clock=lambda: START)
    done: list[int] = []
    client = ManagementClient(
        domain=DOMAIN, token="t", transport=lambda request: OK, plugins=[limiter], retry=False, deadline=30
    )

    def work(number: int) -> None:
        client.users.get(str(number))
        done.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 20
    # The next would have to wait for a quarter of an hour, which its deadline forbids.
    with pytest.raises(Exception, match="must wait 1000"):
        client.with_options(deadline=10).users.get("21")


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("rate", {"rate": 0}),
        ("rate", {"rate": -1}),
        ("rate", {"rate": float("nan")}),
        ("rate", {"rate": "ten"}),
        ("burst", {"rate": 1, "burst": 0}),
        ("burst", {"rate": 1, "burst": "x"}),
        ("share", {"share": "half"}),
        ("share", {"share": 0}),
        ("share", {"share": 1.1}),
        ("redis", {"redis": "redis://127.0.0.1"}),
        ("client", {"rate": 1, "redis": "http://127.0.0.1"}),
    ],
)
def test_an_argument_that_does_not_fit_is_named(name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f'"{name}"'):
        RateLimiter(**arguments)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as found:
        yield found


@pytest.fixture
def close() -> Iterator[Close]:
    """Return a function of limiters whose connections are closed at the end."""
    with ExitStack() as stack:
        yield lambda limiter: stack.enter_context(closing(limiter))


def pauses(limiter: RateLimiter, *batch: bool) -> list[float]:
    """Take places in the queue and return the seconds that each would have to wait."""
    rate: Any = limiter._rate
    return [BlockingDriver(None).run(limiter._take(rate, "t", batch=each)) for each in batch]  # type: ignore[arg-type]


def test_batch_calls_leave_a_fifth_of_the_burst_to_others() -> None:
    limiter = RateLimiter(1, burst=10, clock=lambda: START)
    assert pauses(limiter, *[True] * 9) == [*[0.0] * 8, 1.0]
    assert pauses(limiter, *[False] * 3) == [0.0, 0.0, 1.0]


def test_the_management_api_and_the_rest_of_a_tenant_have_a_rate_each() -> None:
    limiter = RateLimiter(0.01, clock=lambda: START)
    # A call that would have to wait fails at once.
    options = {"domain": DOMAIN, "transport": lambda request: OK, "plugins": [limiter], "deadline": 9}
    management = ManagementClient(token="any", **options)
    auth = AuthenticationClient(client_id="app", **options)
    for call in (lambda: management.users.get("1"), lambda: auth.user_info.get("any")):
        assert call().status == 200
        with pytest.raises(TransportTimeout):
            call()


def test_a_fleet_shares_the_rate_in_redis(server: RedisServer, close: Close) -> None:
    limiters = [close(RateLimiter(0.01, burst=5, redis=server.url, name="fleet")) for _ in range(3)]
    found = [pauses(limiter, False)[0] for limiter in (*limiters, *limiters, *limiters)]
    assert found[:5] == [0.0] * 5
    assert found[5:] == [pytest.approx(100.0 * turn, abs=2) for turn in (1, 2, 3, 4)]
    # A batch call has no place in the queue: it is told to come back, and whoever is interactive goes first.
    assert pauses(limiters[0], True, True) == [pytest.approx(600, abs=2)] * 2
    assert pauses(limiters[1], False) == [pytest.approx(500, abs=2)]


def test_another_name_is_another_rate(server: RedisServer, close: Close) -> None:
    one, other = (close(RateLimiter(0.01, redis=server.url, name=name)) for name in ("one", "other"))
    assert [*pauses(one, False), *pauses(other, False)] == [0.0, 0.0]
    assert pauses(one, False) == [pytest.approx(100, abs=2)]


def test_a_limiter_goes_to_another_process_by_pickle(server: RedisServer, close: Close) -> None:
    first = close(RateLimiter(0.01, burst=2, redis=server.url, name="pickled"))
    second = close(pickle.loads(pickle.dumps(first)))
    assert [*pauses(first, False), *pauses(second, False), *pauses(second, False)] == [
        0.0,
        0.0,
        pytest.approx(100, abs=2),
    ]


def test_without_redis_the_process_keeps_the_rate_for_itself(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_attempts, "monotonic", lambda: START)
    limiter = RateLimiter(0.01, redis="redis://:canary@127.0.0.1:1/0", clock=lambda: START)
    assert pauses(limiter, False, False) == [0.0, 100.0]
    assert [record.getMessage() for record in caplog.records] == [
        "<RateLimiter in Redis> failed (ConnectionError): "
        "each process keeps the rate for itself until it is back"
    ]


def test_its_repr_shows_no_address() -> None:
    limiter = RateLimiter(1, redis="redis://:canary@127.0.0.1:1/0")
    assert "canary" not in repr(limiter) + repr(limiter._fleet)
