"""The two limits: seconds for an attempt, and seconds for a whole call."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import (
    Auth0Error,
    Flow,
    Handler,
    Request,
    Response,
    RetryPolicy,
    TransportTimeout,
    hookimpl,
)
from anyauth0.flow import exclusive, perform, sleep
from anyauth0.jose import generate_key, public_jwk, sign


def read(client: Any) -> Any:
    return client.user_info.get("access-token")


class Before:
    """A plugin that does something before each attempt."""

    def __init__(self, flow: Callable[[], Flow[Any]]) -> None:
        self.flow = flow

    @hookimpl
    def anyauth0_attempt_middleware(self, options: object) -> list[Any]:
        return [self.run]

    def run(self, request: Request, inner: Handler) -> Flow[Response]:
        yield from self.flow()
        return (yield from inner(request))


def test_an_attempt_has_ten_seconds_unless_told_otherwise(world: Any) -> None:
    client = world.client()
    read(client)
    read(client.with_options(timeout=2.5))
    read(client.with_options(timeout=None))
    assert [request.timeout for request in world.requests] == [10, 2.5, None]


def test_a_limit_that_the_request_brings_is_kept(world: Any) -> None:
    class Hurry:
        @hookimpl
        def anyauth0_middleware(self, options: object) -> list[Any]:
            return [lambda request, inner: inner(msgspec.structs.replace(request, timeout=1))]

    read(world.client(plugins=[Hurry()]))
    assert world.requests[0].timeout == 1


def test_each_attempt_has_its_own_limit(world: Any) -> None:
    world.answers(world.takes(9, Response(status=503)), world.takes(9))
    assert read(world.client()).status == 200
    assert [request.timeout for request in world.requests] == [10, 10]


def test_an_attempt_is_given_no_more_than_what_is_left_of_the_deadline(world: Any) -> None:
    world.answers(world.takes(4, Response(status=503, headers={"retry-after": "1"})), 200)
    read(world.client(deadline=12))
    assert [request.timeout for request in world.requests] == [10, 7]


def test_a_deadline_is_the_limit_of_an_attempt_that_has_none(world: Any) -> None:
    read(world.client(deadline=12, timeout=None))
    assert world.requests[0].timeout == 12


def test_a_call_ends_at_its_deadline(world: Any) -> None:
    world.answers(*[world.takes(60)] * 9)
    with pytest.raises(TransportTimeout) as caught:
        read(world.client(deadline=25, retry=RetryPolicy(retries=9, first_delay=0)))
    assert world.now - 1_700_000_000 == 25
    assert [request.timeout for request in world.requests] == [10, 10, 5]
    assert caught.value.request_sent
    assert "deadline of 25 s" in str(caught.value)


def test_each_call_has_a_deadline_of_its_own(world: Any) -> None:
    client = world.client(deadline=10)
    world.answers(world.takes(8), world.takes(8))
    assert [read(client).status, read(client).status] == [200, 200]


def test_nothing_is_sent_when_the_time_is_up_before(world: Any) -> None:
    plugin = Before(lambda: perform(lambda: world.sleep(6)))
    with pytest.raises(
        TransportTimeout, match="GET /userinfo was not done within its deadline of 5 s"
    ) as caught:
        read(world.client(deadline=5, plugins=[plugin]))
    assert world.requests == []
    assert not caught.value.request_sent


def test_a_wait_within_an_exclusive_section_counts_too(world: Any) -> None:
    plugin = Before(lambda: exclusive("key", sleep(6)))
    with pytest.raises(TransportTimeout) as caught:
        read(world.client(deadline=5, plugins=[plugin]))
    assert world.sleeps == []
    assert not caught.value.request_sent
    assert read(world.client(plugins=[plugin])).status == 200


def test_a_wait_of_ages_is_refused_and_not_an_overflow(world: Any) -> None:
    with pytest.raises(TransportTimeout, match="9999-12-31"):
        read(world.client(deadline=5, plugins=[Before(lambda: sleep(1e15))]))


def test_without_a_deadline_a_call_may_take_its_time(world: Any) -> None:
    assert read(world.client(plugins=[Before(lambda: sleep(1e6))])).status == 200


step = st.tuples(
    st.floats(0, 30), st.sampled_from([200, 429, 500, 503]), st.none() | st.integers(0, 12).map(str)
)


@given(deadline=st.floats(0.01, 40), steps=st.lists(step, max_size=8), drawn=st.floats(0, 1))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_call_takes_longer_than_its_deadline(
    world: Any, deadline: float, steps: list[tuple[float, int, str | None]], drawn: float
) -> None:
    world.now, world.drawn = 0.0, drawn
    world.answers(
        *(
            world.takes(seconds, Response(status=status, headers={"retry-after": wait} if wait else {}))
            for seconds, status, wait in steps
        )
    )
    with suppress(Auth0Error):
        read(world.client(deadline=deadline, retry=RetryPolicy(retries=6)))
    assert world.now <= deadline + 1e-9


def test_the_keys_for_an_id_token_come_within_the_deadline_of_the_call(world: Any) -> None:
    key = generate_key("RS256")
    claims = {"iss": "https://tenant.eu.auth0.com/", "sub": "u", "aud": "app"}
    token = sign(
        {**claims, "iat": int(world.now), "exp": int(world.now) + 60},
        key,
        algorithm="RS256",
        headers={"kid": "one"},
    )
    tokens = msgspec.json.encode({"access_token": "canary", "id_token": token})
    keys = msgspec.json.encode({"keys": [public_jwk(key, kid="one")]})

    def log_in(deadline: float) -> Any:
        answer = world.takes(5, Response(status=200, body=tokens))
        world.answers(answer, world.takes(9, Response(status=200, body=keys)))
        client = world.client(deadline=deadline, timeout=None)
        return client.oauth.authorization_code_grant(code="c", redirect_uri="https://app.example/")

    start = world.now
    with pytest.raises(TransportTimeout):
        log_in(12)
    assert world.now - start == 12
    assert log_in(14.5).data.claims["sub"] == "u"
