"""Polling until a user has decided elsewhere: at the server's pace, to the end, and no further."""

import asyncio
import time
from typing import Any

import pytest

from anyauth0 import (
    AuthenticationApiError,
    AuthorizationError,
    IdTokenChecks,
    TransportError,
    TransportTimeout,
)
from anyauth0.authentication.backchannel import BackchannelAuthorization
from anyauth0.authentication.device import DeviceAuthorization

from ..core.fakes import DOMAIN, KINDS, Clock, Kind, json

TOKENS = json({"access_token": "at", "token_type": "Bearer", "expires_in": 60})
PENDING = json({"error": "authorization_pending", "error_description": "not yet"}, 403)
SLOW = json({"error": "slow_down"}, 429)
DENIED = json({"error": "access_denied", "error_description": "The user said no"}, 403)
EXPIRED = json({"error": "expired_token"}, 403)
START = DeviceAuthorization(device_code="dc", user_code="AB-CD", expires_in=900, interval=2)
CIBA = BackchannelAuthorization(auth_req_id="ar", expires_in=300, interval=3)


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


class Slept:
    """What the drivers were told to sleep; the clock goes on by it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.all: list[float] = []

    def __call__(self, seconds: float) -> None:
        if seconds:
            self.all.append(seconds)
            self.clock.now += seconds


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    found, real = Slept(Clock()), asyncio.sleep

    async def sleep(seconds: float) -> None:
        found(seconds)
        await real(0)

    monkeypatch.setattr(time, "sleep", found)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return found


def poll(kind: Kind, slept: Slept, script: list[Any], what: Any = START, **options: Any) -> Any:
    transport = kind.transport(script, otherwise=PENDING)
    options = {"client_id": "cid", "client_secret": "shh", "clock": slept.clock, **options}
    auth = kind.authentication(domain=DOMAIN, transport=transport, **options)
    resource = auth.device if isinstance(what, DeviceAuthorization) else auth.backchannel
    try:
        return kind.do(lambda: resource.poll(what)).data, transport
    finally:
        slept.requests = len(transport.requests)  # type: ignore[attr-defined]


@pytest.mark.parametrize("what", [START, CIBA])
def test_it_asks_at_the_interval_until_there_are_tokens(kind: Kind, slept: Slept, what: Any) -> None:
    tokens, transport = poll(kind, slept, [PENDING, PENDING, TOKENS], what)
    assert tokens.access_token == "at"
    assert slept.all == [what.interval] * 3
    assert len(transport.requests) == 3


def test_slow_down_slows_down_for_good_and_is_not_tried_again_in_between(kind: Kind, slept: Slept) -> None:
    poll(kind, slept, [PENDING, SLOW, PENDING, SLOW, TOKENS])
    assert slept.all == [2, 2, 7, 7, 12]


def test_a_wait_that_the_server_names_is_kept_once(kind: Kind, slept: Slept) -> None:
    busy = json({"error": "too_many_requests"}, 429, retry_after="30")
    poll(kind, slept, [busy, PENDING, TOKENS])
    assert slept.all == [2, 30, 2]
    slept.all.clear()
    poll(kind, slept, [json({}, 503), TOKENS])
    assert slept.all == [2, 2]


def test_a_server_that_does_not_answer_is_asked_less_and_less_often(kind: Kind, slept: Slept) -> None:
    timeout = TransportTimeout("no answer", request_sent=True)
    poll(kind, slept, [timeout, timeout, TransportError("no network", request_sent=False), TOKENS])
    assert slept.all == [2, 4, 8, 16]


def test_an_answer_that_is_lost_may_have_been_the_tokens(kind: Kind, slept: Slept) -> None:
    with pytest.raises(TransportError, match="reset"):
        poll(kind, slept, [TransportError("reset", request_sent=True)])


@pytest.mark.parametrize(("answer", "error"), [(DENIED, "access_denied"), (EXPIRED, "expired_token")])
def test_the_end_is_an_error_that_says_which(kind: Kind, slept: Slept, answer: Any, error: str) -> None:
    with pytest.raises(AuthorizationError) as caught:
        poll(kind, slept, [PENDING, answer])
    assert caught.value.error == error
    assert isinstance(caught.value.__cause__, AuthenticationApiError)


def test_it_ends_when_the_time_to_decide_is_over(kind: Kind, slept: Slept) -> None:
    with pytest.raises(AuthorizationError) as caught:
        poll(kind, slept, [], DeviceAuthorization(device_code="d", expires_in=10, interval=3))
    assert caught.value.error == "expired_token"
    assert slept.all == [3, 3, 3]


def test_it_ends_at_the_deadline_of_the_client(kind: Kind, slept: Slept) -> None:
    with pytest.raises(TransportTimeout, match="deadline of 11 s"):
        poll(kind, slept, [], deadline=11)
    assert slept.all == [2] * 5


@pytest.mark.parametrize("interval", [None, 0, -1])
def test_without_an_interval_it_is_five_seconds(kind: Kind, slept: Slept, interval: int | None) -> None:
    poll(kind, slept, [TOKENS], DeviceAuthorization(device_code="d", interval=interval))
    assert slept.all == [5]


@pytest.mark.parametrize("status", [400, 401, 500])
def test_any_other_error_is_as_it_is(kind: Kind, slept: Slept, status: int) -> None:
    with pytest.raises(AuthenticationApiError) as caught:
        poll(kind, slept, [json({"error": "invalid_client"}, status)])
    assert caught.value.status == status


def test_a_push_message_is_polled_for_with_the_error_that_asked_for_it(kind: Kind, slept: Slept) -> None:
    required = json({"error": "mfa_required", "mfa_token": "mt", "mfa_requirements": {"challenge": []}}, 403)
    challenge = json({"challenge_type": "oob", "oob_code": "oc"})
    transport = kind.transport([required, challenge, PENDING, TOKENS])
    auth = kind.authentication(
        domain=DOMAIN, transport=transport, client_id="cid", client_secret="shh", clock=slept.clock
    )
    with pytest.raises(AuthenticationApiError) as caught:
        kind.do(lambda: auth.oauth.password_grant(username="u", password="p"))
    error = caught.value
    oob = kind.do(lambda: auth.mfa.challenge(error, challenge_type="oob")).data
    assert kind.do(lambda: auth.mfa.poll_oob(error, oob_code=oob.oob_code)).data.access_token == "at"
    assert all(b"mfa_token=mt" in (request.body or b"") for request in transport.requests[2:])
    assert b'"mfa_token":"mt"' in (transport.requests[1].body or b"")


def test_polling_on_asyncio_can_be_cancelled() -> None:
    kind = KINDS[1]
    transport = kind.transport(otherwise=PENDING)
    auth = kind.authentication(domain=DOMAIN, transport=transport, client_id="cid", client_secret="shh")

    async def main() -> None:
        task = asyncio.create_task(auth.device.poll(START))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert transport.requests == []


def test_the_id_token_is_checked_as_told(kind: Kind, slept: Slept) -> None:
    transport = kind.transport([TOKENS])
    auth = kind.authentication(
        domain=DOMAIN, transport=transport, client_id="cid", client_secret="shh", clock=slept.clock
    )
    with pytest.raises(Exception, match="no ID token"):
        kind.do(lambda: auth.device.poll(START, id_token=IdTokenChecks(nonce="n")))
