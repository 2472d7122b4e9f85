"""Logins that a user decides elsewhere, on a device or by CIBA, polled to the end; blocking and asyncio."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from anyauth0 import (
    AsyncAuthenticationClient,
    AuthenticationApiError,
    AuthorizationError,
    BadRequest,
    IdTokenChecks,
    IdTokenError,
    TransportTimeout,
)
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server

from .conftest import API


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[LocalTenant, Server]]:
    """Serve a tenant whose clock stands still until it is moved: how long a test takes decides nothing."""
    now = time.time()
    with LocalTenant(clock=lambda: now) as tenant:
        tenant.add_api(API, ["read:things"])
        with serve(tenant) as server:
            yield tenant, server


class Pauses:
    """What the drivers were told to sleep: it makes the tenant's clock go on, and then something happens."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.tenant = tenant
        self.all: list[float] = []
        self.then: dict[int, Callable[[], object]] = {}

    def __call__(self, seconds: float) -> None:
        if seconds > 0:
            self.all.append(seconds)
            self.tenant.advance(seconds)
            self.then.get(len(self.all), lambda: None)()


@pytest.fixture
def pauses(tenant: LocalTenant, monkeypatch: pytest.MonkeyPatch) -> Pauses:
    found, real = Pauses(tenant), asyncio.sleep

    async def sleep(seconds: float) -> None:
        found(seconds)
        await real(0)

    monkeypatch.setattr(time, "sleep", found)
    monkeypatch.setattr(asyncio, "sleep", sleep)
    return found


class Flow:
    """A login that is under way, whichever flow it is."""

    def __init__(self, auth: Any, tenant: LocalTenant, user: Any, name: str) -> None:
        self.auth, self.tenant, self.user, self.name = auth, tenant, user, name
        self.options: dict[str, Any] = {}
        if name == "device":
            television = tenant.add_client("Television", public=True)
            self.options = {"client_id": television["client_id"], "client_secret": None}
        self.started: Any = None

    def start(self, **more: Any) -> None:
        asked = {"scope": "openid read:things offline_access", "audience": API}
        if self.name == "device":
            self.started = self.call(lambda auth: auth.device.start(**asked)).data
            return
        asked |= {"user_id": self.user["user_id"], "binding_message": "Order 4711", **more}
        self.started = self.call(lambda auth: auth.backchannel.authorize(**asked)).data

    def call(self, do: Any, **more: Any) -> Any:
        return self.auth(do, **{**self.options, **more})

    def ask(self) -> Any:
        """Ask once."""
        if self.name == "device":
            code = self.started.device_code
            return self.call(lambda auth: auth.device.device_code_grant(device_code=code), retry=False)
        code = self.started.auth_req_id
        return self.call(lambda auth: auth.backchannel.backchannel_grant(auth_req_id=code), retry=False)

    def poll(self, **options: Any) -> Any:
        checks = options.pop("id_token", None)
        return self.call(
            lambda auth: getattr(auth, self.name).poll(self.started, id_token=checks), **options
        ).data

    def approve(self) -> None:
        if self.name == "device":
            self.tenant.approve_device(self.started.user_code, self.user)
        else:
            self.tenant.approve_backchannel(self.started.auth_req_id)

    def deny(self) -> None:
        if self.name == "device":
            self.tenant.deny_device(self.started.user_code)
        else:
            self.tenant.deny_backchannel(self.started.auth_req_id)

    @property
    def attempts(self) -> int:
        """How often the tenant was asked for tokens."""
        return sum(asked.path == "/oauth/token" for asked in self.tenant.requests)


@pytest.fixture(params=["device", "backchannel"])
def flow(request: pytest.FixtureRequest, auth: Any, tenant: LocalTenant, user: Any) -> Flow:
    tenant.requests.clear()
    return Flow(auth, tenant, user, request.param)


def test_it_is_asked_until_the_user_says_yes(flow: Flow, pauses: Pauses, user: Any) -> None:
    flow.start()
    pauses.then[3] = flow.approve
    tokens = flow.poll(id_token=IdTokenChecks(max_age=None))
    assert pauses.all == [5, 5, 5]
    assert flow.attempts == 3
    assert tokens.claims["sub"] == user["user_id"]
    claims = flow.tenant.tokens.verify_access_token(tokens.access_token, API)
    assert (claims["sub"], "read:things" in claims["scope"]) == (user["user_id"], True)
    refresh = {"refresh_token": tokens.refresh_token}
    assert flow.call(lambda auth: auth.oauth.refresh_token_grant(**refresh)).data.access_token
    # The code is spent.
    with pytest.raises(AuthenticationApiError) as caught:
        flow.ask()
    assert caught.value.code == "invalid_grant"


def test_who_asked_too_often_is_slower_from_then_on(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    for code in ("authorization_pending", "slow_down"):
        with pytest.raises(AuthenticationApiError) as caught:
            flow.ask()
        assert caught.value.code == code
    # As if another one of the same device had just asked.
    pauses.then[1] = lambda: flow.tenant.advance(-1)
    pauses.then[3] = flow.approve
    assert flow.poll().access_token
    assert pauses.all == [5, 10, 10]


def test_a_no_is_an_error_that_says_so(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    pauses.then[2] = flow.deny
    with pytest.raises(AuthorizationError) as caught:
        flow.poll()
    assert caught.value.error == "access_denied"
    assert caught.value.description
    assert pauses.all == [5, 5]


def test_a_user_who_never_decides_ends_it(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    with pytest.raises(AuthorizationError) as caught:
        flow.poll()
    assert caught.value.error == "expired_token"
    # At the very end there is nothing left to ask for.
    assert sum(pauses.all) == flow.started.expires_in - 5
    assert flow.attempts == len(pauses.all)


def test_what_the_tenant_calls_expired_is_an_error_of_its_own(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    pauses.then[1] = lambda: flow.tenant.advance(1000)
    with pytest.raises(AuthorizationError) as caught:
        flow.poll()
    # CIBA has no word of its own for it at Auth0.
    assert caught.value.error == ("expired_token" if flow.name == "device" else "access_denied")
    assert flow.attempts == 1


def test_it_ends_at_the_deadline_and_can_be_gone_on_with(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    with pytest.raises(TransportTimeout, match="deadline of 12 s"):
        flow.poll(deadline=12)
    assert pauses.all == [5, 5]
    flow.approve()
    assert flow.poll(deadline=12).access_token


def test_a_server_in_trouble_does_not_end_it(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    flow.tenant.faults.add(status=503, path="/oauth/token", times=2)
    flow.approve()
    assert flow.poll().access_token
    assert len(pauses.all) == flow.attempts == 3


def test_it_can_be_left_before_it_asks_and_gone_on_with(
    flow: Flow, run: Any, tenant: LocalTenant, where: Any
) -> None:
    flow.start()
    if run.asynchronous:
        credentials = {"client_id": tenant.client_id, "client_secret": tenant.client_secret, **flow.options}

        async def main() -> None:
            async with AsyncAuthenticationClient(clock=tenant.clock, **where, **credentials) as auth:
                task = asyncio.create_task(getattr(auth, flow.name).poll(flow.started))
                await asyncio.sleep(0)
                assert not task.done()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task

        asyncio.run(main())
    else:
        with pytest.raises(TransportTimeout):
            flow.poll(deadline=4)
    assert flow.attempts == 0
    flow.approve()
    assert flow.ask().data.access_token


def test_the_id_token_is_checked_against_what_is_given(flow: Flow, pauses: Pauses) -> None:
    flow.start()
    flow.approve()
    with pytest.raises(IdTokenError) as caught:
        flow.poll(id_token=IdTokenChecks(nonce="n"))
    assert caught.value.rule == "nonce"


def test_a_device_shows_a_code_and_an_address(auth: Any, tenant: LocalTenant) -> None:
    started = auth(lambda auth: auth.device.start()).data
    assert started.verification_uri == f"{tenant.issuer}activate"
    assert started.verification_uri_complete == f"{started.verification_uri}?user_code={started.user_code}"
    assert (started.interval, started.expires_in) == (5, 900)
    assert started.device_code not in repr(started)


def test_ciba_carries_what_is_to_be_confirmed(auth: Any, tenant: LocalTenant, user: Any) -> None:
    details = [{"type": "payment", "amount": "12.50"}]
    asked = {"user_id": user["user_id"], "binding_message": "Order 4711", "requested_expiry": 10}
    started = auth(lambda auth: auth.backchannel.authorize(**asked, authorization_details=details)).data
    assert (started.expires_in, started.interval) == (10, 5)
    message = tenant.outbox[-1]
    assert (message.kind, message.to, message.text) == ("push", user["user_id"], "Order 4711")
    tenant.approve_backchannel(started.auth_req_id)
    grant = {"auth_req_id": started.auth_req_id}
    assert (
        auth(lambda auth: auth.backchannel.backchannel_grant(**grant)).data.authorization_details == details
    )
    with pytest.raises(BadRequest) as caught:
        auth(lambda auth: auth.backchannel.authorize(user_id="auth0|none", binding_message="m"))
    assert caught.value.code == "unknown_user_id"
