"""The rules of the retries: what is tried again, when, and when not."""

import asyncio
import pickle
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import (
    ApiError,
    AsyncAuthenticationClient,
    RateLimited,
    Request,
    Response,
    RetryPolicy,
    ServerError,
    TransportError,
    TransportTimeout,
)

Call = Callable[[Any], Any]


def read(client: Any) -> Any:
    return client.user_info.get("access-token")


def token(client: Any) -> Any:
    return client.oauth.client_credentials_grant(audience="api")


def refresh(client: Any) -> Any:
    return client.oauth.refresh_token_grant(refresh_token="canary-refresh")


def sign_up(client: Any) -> Any:
    return client.database.sign_up(email="a@b.c", password="canary-password", connection="db")


@pytest.mark.parametrize("call", [read, token, refresh, sign_up])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_what_the_server_did_not_do_is_tried_again_for_every_method(
    world: Any, call: Call, status: int
) -> None:
    world.answers(status, status, status, 200)
    assert call(world.client()).status == 200
    assert len(world.requests) == 4


@pytest.mark.parametrize("status", [408, 500])
@pytest.mark.parametrize(("call", "attempts"), [(read, 4), (token, 4), (refresh, 1), (sign_up, 1)])
def test_what_the_server_may_have_done_is_tried_again_only_when_idempotent(
    world: Any, call: Call, attempts: int, status: int
) -> None:
    world.answers(*[status] * 10)
    with pytest.raises(ApiError):
        call(world.client())
    assert len(world.requests) == attempts


@pytest.mark.parametrize("call", [read, refresh])
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 410, 422, 501, 505])
def test_no_other_answer_is_tried_again(world: Any, call: Call, status: int) -> None:
    world.answers(status)
    with pytest.raises(ApiError):
        call(world.client())
    assert len(world.requests) == 1
    assert world.sleeps == []


@pytest.mark.parametrize(
    ("call", "sent", "attempts"),
    [(read, False, 4), (read, True, 4), (token, True, 4), (refresh, False, 4), (refresh, True, 1)],
)
@pytest.mark.parametrize("kind", [TransportError, TransportTimeout])
def test_a_failed_connection_is_tried_again_unless_it_may_have_done_harm(
    world: Any, call: Call, sent: bool, attempts: int, kind: type[TransportError]
) -> None:
    failures = [kind("no answer; try later", request_sent=sent) for _ in range(10)]
    world.answers(*failures)
    with pytest.raises(kind) as caught:
        call(world.client())
    assert caught.value is failures[attempts - 1]
    assert len(world.requests) == attempts


def test_each_attempt_sends_the_same_request(world: Any) -> None:
    world.answers(429, 503, TransportError("refused", request_sent=False))
    refresh(world.client())
    assert len(world.requests) == 4
    assert all(request == world.requests[0] for request in world.requests)


def test_delays_double_and_are_drawn_from_the_whole_range(world: Any) -> None:
    world.answers(*[503] * 5)
    with pytest.raises(ServerError):
        read(world.client(retry=RetryPolicy(retries=4, first_delay=1, max_delay=3)))
    assert world.sleeps == [0.5, 1, 1.5, 1.5]


def test_the_default_policy_is_three_retries_from_a_quarter_of_a_second_on(world: Any) -> None:
    world.drawn = 1.0
    world.answers(*[503] * 9)
    with pytest.raises(ServerError):
        read(world.client())
    assert world.sleeps == [0.25, 0.5, 1.0]


def test_very_many_retries_do_not_overflow(world: Any) -> None:
    world.answers(*[503] * 1500)
    assert read(world.client(retry=RetryPolicy(retries=1500))).status == 200
    assert max(world.sleeps) == 5


@pytest.mark.parametrize("retry", [False, RetryPolicy(retries=0)])
def test_retries_can_be_turned_off(world: Any, retry: Any) -> None:
    world.answers(429)
    with pytest.raises(RateLimited):
        read(world.client(retry=retry))
    assert len(world.requests) == 1


def test_a_view_has_a_policy_of_its_own(world: Any) -> None:
    client = world.client()
    world.answers(429)
    with pytest.raises(RateLimited):
        read(client.with_options(retry=False))
    world.answers(429, 429)
    assert read(client).status == 200


def delayed(**headers: str) -> Response:
    return Response(status=429, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_the_server_names_the_delay_in_seconds(world: Any) -> None:
    world.answers(delayed(retry_after="7"), delayed(retry_after=" 0 "))
    read(world.client())
    assert world.sleeps == [7, 0]


@pytest.mark.parametrize("zone", ["GMT", "-0000", "+0000"])
def test_the_server_names_the_delay_as_a_date(world: Any, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    date = formatdate(world.now + 4, usegmt=True).replace("GMT", zone)
    world.answers(delayed(retry_after=date))
    with monkeypatch.context() as local:
        local.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        read(world.client())
    time.tzset()
    assert world.sleeps == [4]


def test_a_date_that_is_past_means_now(world: Any) -> None:
    world.answers(delayed(retry_after=formatdate(world.now - 100, usegmt=True)))
    read(world.client())
    assert world.sleeps == [0]


def test_the_reset_of_the_budget_is_the_delay_where_nothing_else_is_said(world: Any) -> None:
    world.answers(delayed(x_ratelimit_reset=str(int(world.now) + 6)))
    read(world.client())
    assert world.sleeps == [6]


def test_retry_after_wins_over_the_reset(world: Any) -> None:
    world.answers(delayed(retry_after="2", x_ratelimit_reset=str(int(world.now) + 6)))
    read(world.client())
    assert world.sleeps == [2]


def test_a_retry_after_that_nobody_can_read_leaves_it_to_the_reset(world: Any) -> None:
    world.answers(delayed(retry_after="soon", x_ratelimit_reset=str(int(world.now) + 6)))
    read(world.client())
    assert world.sleeps == [6]


def test_a_reset_that_is_past_does_not_make_a_client_hammer(world: Any) -> None:
    world.answers(delayed(x_ratelimit_reset=str(int(world.now) - 5)))
    read(world.client())
    assert world.sleeps == [0.125]


def test_the_reset_of_a_budget_says_nothing_about_a_broken_gateway(world: Any) -> None:
    headers = {"x-ratelimit-reset": str(int(world.now) + 6)}
    world.answers(Response(status=503, headers=headers))
    read(world.client())
    assert world.sleeps == [0.125]


def test_a_gateway_may_say_when_to_come_back(world: Any) -> None:
    world.answers(Response(status=503, headers={"retry-after": "3"}))
    read(world.client())
    assert world.sleeps == [3]


@pytest.mark.parametrize("header", ["retry-after", "x-ratelimit-reset"])
def test_a_wait_beyond_the_longest_delay_is_left_to_the_user(world: Any, header: str) -> None:
    reset = int(world.now) + 86_400
    value = "86400" if header == "retry-after" else str(reset)
    world.answers(Response(status=429, headers={header: value, "x-ratelimit-reset": str(reset)}))
    with pytest.raises(RateLimited) as caught:
        read(world.client())
    assert world.sleeps == []
    assert caught.value.rate_limit.reset == reset


@given(text=st.text(st.characters(codec="latin-1")), reset=st.text() | st.integers().map(str))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_server_writes_the_wait_is_bounded(world: Any, text: str, reset: str) -> None:
    world.sleeps.clear()
    world.answers(delayed(retry_after=text, x_ratelimit_reset=reset))
    try:
        read(world.client())
    except RateLimited:
        assert world.sleeps == []
    else:
        assert len(world.sleeps) == 1
        assert 0 <= world.sleeps[0] <= 10


@pytest.mark.parametrize(
    "text",
    [
        "Mon, 01 Jan 99999 00:00:00 GMT",
        "Mon, 99 Jan 2024 99:99:99 GMT",
        "1.5",
        "-1",
        "1e3",
        "٣",
        "0" * 40,
        ",",
    ],
)
def test_odd_dates_and_numbers_fall_back_to_our_own_delay(world: Any, text: str) -> None:
    world.answers(delayed(retry_after=text))
    try:
        read(world.client())
    except RateLimited:
        assert world.sleeps == []
    else:
        assert world.sleeps in ([0], [0.125])


def test_a_wait_that_does_not_fit_in_the_deadline_is_refused_at_once_with_the_time(world: Any) -> None:
    world.answers(delayed(retry_after="8"))
    with pytest.raises(TransportTimeout, match=r"8\.0 s, until 2023-11-14T22:13:28\+00:00.* 5 s ") as caught:
        read(world.client(deadline=5))
    assert world.sleeps == []
    assert len(world.requests) == 1
    assert caught.value.request_sent
    assert len(str(caught.value)) < 300
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), TransportTimeout)


def test_a_deadline_that_forbids_the_next_try_keeps_the_failure_before_it(world: Any) -> None:
    refused = TransportError("refused; is it there?", request_sent=False)
    world.answers(refused)
    with pytest.raises(TransportTimeout) as caught:
        read(world.client(deadline=0.1))
    assert caught.value.__context__ is refused


def test_the_asyncio_client_retries_by_the_same_rules() -> None:
    statuses = [429, 503, 200]

    class Server:
        async def send(self, request: Request, /) -> Response:
            return Response(status=statuses.pop(0), headers={"retry-after": "0"}, body=b"{}")

        async def close(self) -> None: ...

    async def call() -> int:
        client = AsyncAuthenticationClient(domain="t.auth0.com", client_id="app", transport=Server())
        return (await client.user_info.get("access-token")).status

    assert asyncio.run(call()) == 200
    assert statuses == []
