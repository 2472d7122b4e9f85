"""An answer that is whole and bad: no JSON, another JSON, a status that says no, a way to somewhere else."""

from typing import Any

import pytest

from anyauth0 import (
    ApiError,
    Auth0Error,
    DecodingError,
    RateLimited,
    ServerError,
    Unauthorized,
)

from ..transports.servers import answer, reset, serve
from .conftest import CANARY, SECRET, World, told
from .roles import ROLES, Role, in_pairs
from .server import API, TOKEN, json

JSON = ("Content-Type", "application/json")
PAGE = f"<!doctype html><title>Sign in to the network</title>{SECRET}".encode()

UNREADABLE = {
    "HTML": answer(200, PAGE, ("Content-Type", "text/html")),
    "HTML that says it is JSON": answer(200, PAGE, JSON),
    "half JSON": answer(200, f'{{"access_token": "{SECRET}", "keys": [{{'.encode(), JSON),
    "not UTF-8": answer(200, b'{"\xff\xfe": \xff' + SECRET.encode(), JSON),
    "UTF-16": answer(200, f'{{"client_id": "{SECRET}"}}'.encode("utf-16"), JSON),
    "JSON without end": answer(200, b"[" * 4000, JSON),
}


def fails(world: World, role: Role, client: Any, fault: bytes) -> Auth0Error:
    """Let the call of `role` fail by `fault`, the next one succeed, and return the error."""
    world.tenant.fails(role.path, fault, times=9)
    with pytest.raises(Auth0Error) as caught:
        world.do(lambda: role.call(client))
    assert CANARY not in told(caught.value)
    assert world.open_connections(1) <= 1
    asked = world.tenant.asked(role.path)
    works_again(world, role, client)
    world.tenant.server.requests[:] = asked
    return caught.value


def works_again(world: World, role: Role, client: Any) -> None:
    world.recovers()
    assert world.do(lambda: role.call(client)) is not None
    assert len(world.tenant.asked(role.path)) == 1


def requests(world: World, role: Role) -> int:
    return len(world.tenant.asked(role.path))


@in_pairs([role for role in ROLES if not role.lenient], UNREADABLE)
def test_an_answer_that_nobody_can_read_is_an_error(world: World, role: Role, fault: bytes) -> None:
    error = fails(world, role, role.client(world), fault)
    assert type(error) is DecodingError
    assert requests(world, role) == 1


@pytest.mark.parametrize("role", [role for role in ROLES if role.lenient], ids=str)
@pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE)
def test_a_write_that_was_done_is_no_failure_for_what_the_answer_says(
    world: World, role: Role, fault: bytes
) -> None:
    client = role.client(world)
    world.tenant.fails(role.path, fault, times=1)
    assert world.do(lambda: role.call(client)).client_id == ""
    assert requests(world, role) == 1
    works_again(world, role, client)


USELESS = ("", "null", "5", '"text"', "[]", "{}", '{"access_token": 5, "keys": 5}')


@in_pairs([ROLES[3], ROLES[4], ROLES[5]], {body: answer(200, body.encode(), JSON) for body in USELESS})
def test_an_answer_without_what_it_is_for_is_an_error(world: World, role: Role, fault: bytes) -> None:
    error = fails(world, role, role.client(world), fault)
    assert type(error) is DecodingError
    assert requests(world, role) == 1


@pytest.mark.parametrize("token", ["\ufffd", "a\r\nx-evil: 1", "é", "\0"])
def test_a_token_that_is_none_is_not_kept(world: World, token: str) -> None:
    role = ROLES[4]
    client = role.client(world)
    error = fails(world, role, client, json({"access_token": token + SECRET, "expires_in": 86400}))
    assert type(error) is DecodingError


# Statuses


@in_pairs(ROLES, {"429": (429, RateLimited), "500": (500, ServerError), "503": (503, ServerError)})
def test_a_server_that_fails_on_and_on_is_asked_as_often_as_the_policy_says(
    world: World, role: Role, fault: tuple[int, type[ApiError]]
) -> None:
    status, kind = fault
    error = fails(world, role, role.client(world), answer(status, PAGE, ("Content-Type", "text/html")))
    assert isinstance(error, kind)
    assert isinstance(error, role.family)
    assert requests(world, role) == (2 if role.repeats or status != 500 else 1)


@pytest.mark.parametrize("role", ROLES, ids=str)
@pytest.mark.parametrize(
    "headers", [[("Retry-After", "86400")], [("x-ratelimit-reset", "1700086400"), ("x-ratelimit-limit", "9")]]
)
def test_a_storm_that_lasts_a_day_is_not_waited_for(
    world: World, role: Role, headers: list[tuple[str, str]]
) -> None:
    error = fails(world, role, role.client(world), json({}, *headers, status=429))
    assert isinstance(error, RateLimited)
    assert (error.retry_after, error.rate_limit.reset) in [(86400, None), (None, 1_700_086_400)]
    assert requests(world, role) == 1


@pytest.mark.parametrize("status", [302, 307])
@pytest.mark.parametrize("role", ROLES, ids=str)
def test_a_way_to_another_host_is_not_followed(world: World, role: Role, status: int) -> None:
    with serve(lambda peer: None) as elsewhere:
        location = f"http://127.0.0.1:{elsewhere.port}/{role.path}"
        error = fails(world, role, role.client(world), answer(status, b"", ("Location", location)))
        assert elsewhere.accepted == 0
    assert type(error) is role.family
    assert requests(world, role) == 1


def test_a_token_that_is_refused_again_and_again_is_fetched_once_more_and_no_more(world: World) -> None:
    role = ROLES[4]
    client = role.client(world)
    world.tenant.fails(API, json({"message": "Expired token"}, status=401), times=9)
    with pytest.raises(Unauthorized) as caught:
        world.do(lambda: role.call(client))
    assert (len(world.tenant.asked(API)), len(world.tenant.asked(TOKEN))) == (2, 2)
    assert CANARY not in told(caught.value)
    world.tenant.recovers()
    assert world.do(lambda: role.call(client)).client_id == "c1"


# Connections that are kept


@pytest.mark.parametrize("role", ROLES, ids=str)
@pytest.mark.parametrize("how", [lambda peer: None, lambda peer: reset(peer.sock)], ids=["end", "reset"])
def test_a_connection_that_ends_at_the_worst_moment(world: World, role: Role, how: Any) -> None:
    client = role.client(world)
    world.do(lambda: role.call(client))
    world.tenant.recovers()
    world.tenant.now += 100_000
    world.tenant.fails(role.path, how, times=1)
    if role.repeats:
        assert world.do(lambda: role.call(client)) is not None
        assert requests(world, role) == 2
        return
    with pytest.raises(Auth0Error) as caught:
        world.do(lambda: role.call(client))
    assert caught.value.request_sent  # type: ignore[attr-defined]
    assert requests(world, role) == 1
    works_again(world, role, client)


@pytest.mark.parametrize("role", ROLES, ids=str)
@pytest.mark.parametrize("times", [1, 60, 250])
def test_what_comes_after_an_answer_is_no_answer(world: World, role: Role, times: int) -> None:
    said = world.tenant.answers(role.path)
    evil = json({"client_id": "evil", "sub": "evil", "access_token": "evil", "keys": []}) * times
    client = role.client(world)
    world.tenant.fails(role.path, said + evil, times=1)
    first = world.do(lambda: role.call(client))
    assert "evil" not in repr(first)
    world.tenant.now += 100_000
    works_again(world, role, client)
