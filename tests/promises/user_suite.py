"""A suite as a user would write it, for a small application of his own: files by name."""

APP = '''
"""Members of a club: they sign up, log in, stay logged in, and pay."""

from anyauth0 import Unauthorized

CONNECTION = "Username-Password-Authentication"


class Club:
    def __init__(self, authentication, management):
        self.authentication = authentication
        self.management = management

    def join(self, email, password):
        made = self.management.users.create(connection=CONNECTION, email=email, password=password)
        return made.data.user_id

    def enter(self, email, password):
        oauth = self.authentication.oauth
        scope = "openid email offline_access"
        tokens = oauth.password_grant(username=email, password=password, scope=scope).data
        return {"access": tokens.access_token, "refresh": tokens.refresh_token}

    def who(self, session):
        """Return the address of a member, and renew the session where it has to be."""
        try:
            return self.authentication.user_info.get(session["access"]).data.email
        except Unauthorized:
            renewed = self.authentication.oauth.refresh_token_grant(refresh_token=session["refresh"]).data
            session["access"] = renewed.access_token
            return self.authentication.user_info.get(session["access"]).data.email

    def pay(self, user_id, year):
        self.management.users.update(user_id, app_metadata={"paid": year})

    def paid(self, year):
        users = self.management.users.get_all.iter()
        return sorted(user.email for user in users if (user.app_metadata or {}).get("paid") == year)

    def refused(self):
        """Return who was refused, the newest first."""
        return [entry.user_name for entry in self.management.logs.get_all.iter() if entry.type == "fp"]


async def paid_by(management, year):
    users = management.users.get_all.iter()
    return [user.email async for user in users if (user.app_metadata or {}).get("paid") == year]
'''

CONFTEST = """
import asyncio
import socket
import sys
import time

import pytest

from club import Club

tried = []


def refuse(what):
    tried.append(what)
    raise RuntimeError(f"{what} in a test")


def audit(event, arguments):
    # The loop of asyncio wakes itself by a pair of sockets, which lead nowhere.
    inner = event == "socket.__new__" and arguments[1] == socket.AF_UNIX
    if event.startswith("socket.") and not inner:
        refuse(event)


sys.addaudithook(audit)
# Before anybody can take it along under another name.
time.sleep = lambda seconds: refuse("time.sleep")


@pytest.fixture(autouse=True)
def nothing_leaves_this_process():
    yield
    seen, tried[:] = tried[:], []
    assert not seen


@pytest.fixture(autouse=True)
def waits_take_no_time(monkeypatch, auth0_tenant):
    async def sleep(seconds):
        auth0_tenant.advance(seconds)

    monkeypatch.setattr(time, "sleep", auth0_tenant.advance)
    monkeypatch.setattr(asyncio, "sleep", sleep)


@pytest.fixture
def club(authentication, management):
    return Club(authentication, management)


@pytest.fixture
def ada(club):
    return club.join("ada@example.com", "correct-Horse-9")
"""

TESTS = """
import asyncio

import pytest

from anyauth0 import AuthenticationApiError, RateLimited, TransportError, TransportTimeout
from club import paid_by


def requests(tenant, path):
    return [each.method for each in tenant.requests if each.path == path]


def test_each_test_begins_with_nobody(management):
    assert not management.users.get_all().data


def test_a_member_enters_by_password(club, ada):
    assert club.who(club.enter("ada@example.com", "correct-Horse-9")) == "ada@example.com"


def test_who_is_refused_is_in_the_log(club, ada):
    with pytest.raises(AuthenticationApiError) as caught:
        club.enter("ada@example.com", "wrong")
    assert caught.value.error == "invalid_grant"
    assert club.refused() == ["ada@example.com"]


def test_a_member_stays_for_a_month(club, ada, auth0_tenant):
    session = club.enter("ada@example.com", "correct-Horse-9")
    first = session["access"]
    assert club.who(session) == "ada@example.com"
    assert session["access"] == first
    for _ in range(2):
        auth0_tenant.advance(10 * 86400)
        assert club.who(session) == "ada@example.com"
    assert requests(auth0_tenant, "/userinfo") == ["GET"] * 5
    assert session["access"] != first


def test_a_payment_waits_for_the_budget(club, ada, auth0_tenant):
    began = auth0_tenant.clock()
    reset = {"x-ratelimit-reset": str(int(began) + 9)}
    auth0_tenant.faults.add(429, path="/api/v2/users/*", method="PATCH", headers=reset)
    club.pay(ada, 2026)
    assert club.paid(2026) == ["ada@example.com"]
    assert 8 <= auth0_tenant.clock() - began < 20


@pytest.mark.auth0(deadline=10)
def test_a_payment_does_not_wait_for_a_day(club, ada, auth0_tenant):
    auth0_tenant.faults.add(429, path="/api/v2/users/*", headers={"retry-after": "86400"})
    with pytest.raises(RateLimited) as caught:
        club.pay(ada, 2026)
    assert caught.value.retry_after == 86400
    assert not club.paid(2026)


def test_a_list_survives_a_reset(club, ada, auth0_tenant):
    club.pay(ada, 2026)
    auth0_tenant.faults.reset(path="/api/v2/users", method="GET")
    assert club.paid(2026) == ["ada@example.com"]


def test_nobody_joins_twice_when_the_answer_is_lost(club, auth0_tenant):
    auth0_tenant.faults.reset(after=True, path="/api/v2/users", method="POST")
    with pytest.raises(TransportError) as caught:
        club.join("ada@example.com", "correct-Horse-9")
    assert caught.value.request_sent
    assert requests(auth0_tenant, "/api/v2/users") == ["POST"]
    assert len(club.management.users.get_all().data) == 1


def test_a_slow_answer_times_out_at_once(authentication, auth0_tenant):
    auth0_tenant.faults.delay(60, path="/oauth/token")
    with pytest.raises(TransportTimeout):
        authentication.with_options(retry=False).oauth.client_credentials_grant(
            audience=auth0_tenant.management_audience
        )


def test_asyncio_sees_the_same_members_and_waits_as_well(club, ada, async_management, auth0_tenant):
    club.pay(ada, 2026)
    began = auth0_tenant.clock()
    auth0_tenant.faults.add(429, path="/api/v2/users", headers={"retry-after": "5"})
    assert asyncio.run(paid_by(async_management, 2026)) == ["ada@example.com"]
    assert auth0_tenant.clock() - began >= 5
"""

ESCAPES = """
import socket
from time import sleep


def test_a_connection(club):
    with socket.socket() as opened:
        opened.connect(("127.0.0.1", 9))


def test_a_name():
    socket.getaddrinfo("localhost", 9)


def test_a_nap():
    sleep(0)
"""
