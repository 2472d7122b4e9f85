"""Promise 4: rate limits are handled and visible: what the server asks for is done, within the deadline."""

from contextlib import suppress
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import (
    Auth0Error,
    Flow,
    Handler,
    RateLimit,
    RateLimited,
    Request,
    Response,
    RetryPolicy,
    TransportTimeout,
    hookimpl,
)
from anyauth0.flow import Effect, Perform, Sleep, translate
from anyauth0_plugins import timeouts

from ..core.fakes import START, Answer, Clock, Kind, json, things

DAY = 86_400
TOMORROW = int(START) + DAY
BUDGET = {"x_ratelimit_limit": "10", "x_ratelimit_remaining": "0", "x_ratelimit_reset": str(TOMORROW)}


class World:
    """A client whose waits and answers take time on a clock that nothing else moves."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.clock = Clock()
        self.waits: list[float] = []
        self.transport: Any = None
        self._under_way = False

    def client(self, *script: Answer, **options: Any) -> Any:
        self.transport = self.kind.transport(script, otherwise=json({"id": "a"}, x_ratelimit_remaining="9"))
        options = {"retry": True, "clock": self.clock, "random": lambda: 0.5, "plugins": [self], **options}
        return self.kind.management_client(self.transport, **options)

    def read(self, client: Any) -> Any:
        return self.kind.do(lambda: things(client).get("1"))

    @property
    def requests(self) -> int:
        return len(self.transport.requests)

    def takes(self, seconds: float, answer: Response) -> Any:
        """Return an answer after so many seconds, if the request waits that long."""

        def slow(request: Request) -> Response:
            if request.timeout is not None and request.timeout < seconds:
                self.clock.now += request.timeout
                raise TransportTimeout("too slow; wait longer", request_sent=True)
            self.clock.now += seconds
            return answer

        return slow

    @hookimpl
    def anyauth0_middleware(self, options: object) -> list[Any]:
        """Stand outside of everything, and let each wait pass on the clock."""
        return [self._outermost]

    def _outermost(self, request: Request, inner: Handler) -> Flow[Response]:
        if self._under_way:
            # The request for the token of a call: what it waits for goes by the deadline of the call first.
            return (yield from inner(request))

        def pass_at_once(effect: Effect) -> Effect:
            if not isinstance(effect, Sleep):
                return effect
            self.waits.append(effect.seconds)
            self.clock.now += effect.seconds
            return Perform(lambda: None)

        self._under_way = True
        try:
            return (yield from translate(inner(request), pass_at_once))
        finally:
            self._under_way = False


@pytest.fixture
def world(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(kind)
    monkeypatch.setattr(timeouts, "monotonic", made.clock)
    return made


def refused(**headers: str) -> Response:
    return json({"statusCode": 429, "errorCode": "too_many_requests"}, status=429, **headers)


# What the server asks for


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": formatdate(START + 7, usegmt=True)}, 7),
        ({"x_ratelimit_reset": f"{START + 7:.0f}"}, 7),
        ({"retry_after": "3", "x_ratelimit_reset": f"{START + 7:.0f}"}, 3),
        ({}, 0.125),
        ({"x_ratelimit_reset": f"{START - 7:.0f}"}, 0.125),
    ],
    ids=["seconds", "date", "reset", "both", "nothing said", "a reset that is past"],
)
@pytest.mark.parametrize("call", ["get", "create"])
def test_a_call_waits_as_long_as_the_server_says(
    world: World, headers: dict[str, str], wait: float, call: str
) -> None:
    client = world.client(refused(**headers))
    arguments: Any = {"get": (("1",), {}), "create": ((), {"name": "n"})}[call]
    answer = world.kind.do(lambda: getattr(things(client), call)(*arguments[0], **arguments[1]))
    assert answer.data.id == "a"
    assert world.waits == [wait]
    assert world.requests == 2


def test_a_storm_is_left_after_as_many_attempts_as_the_policy_allows(world: World) -> None:
    client = world.client(*[refused(retry_after="2")] * 99, retry=RetryPolicy(retries=4))
    with pytest.raises(RateLimited) as caught:
        world.read(client)
    assert caught.value.retry_after == 2
    assert world.waits == [2, 2, 2, 2]
    assert world.requests == 5


def test_a_wait_is_no_longer_than_the_policy_allows(world: World) -> None:
    assert world.read(world.client(refused(retry_after="10"))).data.id == "a"
    with pytest.raises(RateLimited):
        world.read(world.client(refused(retry_after="11")))
    assert world.waits == [10]


# A reset far away


@pytest.mark.parametrize("deadline", [10, None])
@pytest.mark.parametrize("headers", [BUDGET, {"retry_after": str(DAY)}], ids=["reset", "Retry-After"])
def test_a_reset_a_day_away_raises_at_once_with_the_time(
    world: World, headers: dict[str, str], deadline: float | None
) -> None:
    with pytest.raises(RateLimited) as caught:
        world.read(world.client(*[refused(**headers)] * 9, deadline=deadline))
    error = caught.value
    assert (world.waits, world.requests, world.clock.now) == ([], 1, START)
    assert TOMORROW in (error.rate_limit.reset, START + (error.retry_after or 0))


@pytest.mark.parametrize("headers", [BUDGET, {"retry_after": str(DAY)}], ids=["reset", "Retry-After"])
def test_a_policy_that_would_wait_for_it_is_stopped_by_the_deadline_with_the_time(
    world: World, headers: dict[str, str]
) -> None:
    client = world.client(refused(**headers), deadline=10, retry=RetryPolicy(max_delay=10 * DAY))
    with pytest.raises(TransportTimeout, match="deadline of 10 s") as caught:
        world.read(client)
    assert (world.waits, world.requests, world.clock.now) == ([], 1, START)
    assert datetime.fromtimestamp(TOMORROW, UTC).isoformat() in str(caught.value)
    assert world.read(client).data.id


def test_a_policy_that_would_wait_for_it_waits_where_nothing_forbids_it(world: World) -> None:
    client = world.client(refused(**BUDGET), retry=RetryPolicy(max_delay=10 * DAY))
    assert world.read(client).status == 200
    assert world.waits == [DAY]


def test_the_token_of_a_call_is_bound_by_the_deadline_too(world: World) -> None:
    script = [refused(retry_after="8"), refused(retry_after="8"), refused(retry_after="8")]
    client = world.client(*script, deadline=10, token=None, client_id="app", client_secret="s")
    with pytest.raises(TransportTimeout, match="deadline of 10 s"):
        world.read(client)
    assert (world.waits, world.requests) == ([8], 2)
    assert {url.rpartition("/")[2] for url in world.transport.urls} == {"token"}


step = st.tuples(
    st.floats(0, 30), st.sampled_from([200, 401, 429, 500, 503]), st.none() | st.integers(0, 40).map(str)
)


@given(
    deadline=st.floats(0.01, 60),
    steps=st.lists(step, max_size=12),
    retries=st.integers(0, 9),
    longest=st.sampled_from([0.0, 1.0, 10.0, 1e5]),
    own=st.booleans(),
)
@settings(max_examples=75, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_deadline_is_never_exceeded(
    world: World, deadline: float, steps: list[Any], retries: int, longest: float, own: bool
) -> None:
    world.clock.now = 0.0
    token: Any = {"token": "t"} if own else {"token": None, "client_id": "app", "client_secret": "s"}
    body = {"access_token": "t", "expires_in": 100, "id": "a"}
    script = [
        world.takes(seconds, json(body, status=status, **({"retry_after": wait} if wait else {})))
        for seconds, status, wait in steps
    ]
    policy = RetryPolicy(retries=retries, max_delay=longest)
    with suppress(Auth0Error):
        world.read(world.client(*script, deadline=deadline, retry=policy, **token))
    assert world.clock.now <= deadline + 1e-9


# What is seen


@pytest.mark.parametrize("call", ["get", "create", "delete", "text", "get_all", "chain"])
def test_every_answer_tells_of_the_budget(world: World, call: str) -> None:
    headers = {**BUDGET, "x_ratelimit_remaining": "4"}
    arguments: Any = {"get": (("1",), {}), "delete": (("1",), {}), "create": ((), {"name": "n"})}
    path, keywords = arguments.get(call, ((), {}))
    body = {"things": []} if call in ("get_all", "chain") else {}
    client = world.client(json(body, **headers))
    answer = world.kind.do(lambda: getattr(things(client), call)(*path, **keywords))
    assert answer.rate_limit == RateLimit(limit=10, remaining=4, reset=TOMORROW)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 429, 500, 503])
def test_every_refusal_tells_of_the_budget(world: World, status: int) -> None:
    client = world.client(*[json({}, status=status, **BUDGET)] * 2, retry=False)
    with pytest.raises(Auth0Error) as caught:
        world.read(client)
    assert getattr(caught.value, "rate_limit") == RateLimit(limit=10, remaining=0, reset=TOMORROW)  # noqa: B009


def test_the_budget_is_that_of_the_answer_and_not_of_the_attempts_before_it(world: World) -> None:
    client = world.client(refused(retry_after="1", x_ratelimit_remaining="0"))
    assert world.read(client).rate_limit.remaining == 9


def test_an_answer_that_says_nothing_of_a_budget_says_nothing(world: World) -> None:
    assert world.read(world.client(json({"id": "a"}))).rate_limit == RateLimit()
