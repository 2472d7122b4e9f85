"""An answer that breaks off, never ends, is no HTTP or is too long: an error that says what was sent."""

import gzip
from typing import Any

import msgspec
import pytest

from anyauth0 import TransportError, TransportTimeout

from ..transports.servers import Peer, answer, reset
from .conftest import CANARY, World, told
from .roles import ROLES, Role, in_pairs
from .server import Fault

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def cut(said: bytes) -> Fault:
    """Say so much and hang up."""
    return lambda peer: peer.send(said)


def broken(said: bytes) -> Fault:
    """Say so much and reset the connection."""

    def act(peer: Peer) -> None:
        peer.send(said)
        reset(peer.sock)

    return act


def held(said: bytes) -> Fault:
    """Say so much and wait until the client is gone."""

    def act(peer: Peer) -> None:
        peer.send(said)
        peer.wait_until_gone()

    return act


def endless(first: bytes, again: bytes) -> Fault:
    """Say the second thing for ever."""

    def act(peer: Peer) -> None:
        peer.send(first)
        while True:
            peer.send(again)

    return act


def packed(body: bytes) -> bytes:
    return answer(200, body, ("Content-Encoding", "gzip"))


BREAKS: dict[str, Fault] = {
    "reset before the headers": lambda peer: reset(peer.sock),
    "reset in the headers": broken(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "reset after the headers": broken(HEAD + b"Content-Length: 20\r\n\r\n"),
    "end before the headers": cut(b""),
    "end in the headers": cut(b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "body cut off": cut(HEAD + b'Content-Length: 20\r\n\r\n{"access'),
    "chunks cut off": cut(HEAD + b'Transfer-Encoding: chunked\r\n\r\n8\r\n{"access\r\n'),
    "gzip cut off": packed(gzip.compress(b'{"access_token": "t"}')[:-9]),
    "chunk of no size": held(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "two lengths": held(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
    "no HTTP": held(b"220 mail.example.com ESMTP\r\n\r\n"),
    "headers without end": endless(HEAD, b"x-a: 1\r\n" * 100),
    "body over the limit": answer(200, b"[" + b"1, " * 2000 + b"1]"),
    "body without end": endless(HEAD + b"\r\n", b"[" * 1000),
    "body of a gigabyte": endless(HEAD + b"Content-Length: 1000000000\r\n\r\n", b"[" * 1000),
    "gzip bomb": packed(gzip.compress(bytes(20_000_000), 1)),
}


@in_pairs(ROLES, BREAKS)
def test_an_answer_that_breaks_is_a_transport_error(world: World, role: Role, fault: Fault) -> None:
    client = role.client(world)
    meets(world, role, client, fault, TransportError)


def meets(world: World, role: Role, client: object, fault: Fault, kind: type[TransportError]) -> None:
    """Let the call of `role` fail by `fault`, and the next one succeed."""
    # What is whole for HTTP leaves a connection that is good.
    left = 1 if isinstance(fault, bytes) else 0
    world.tenant.fails(role.path, fault, times=9)
    with pytest.raises(TransportError) as caught:
        world.do(lambda: role.call(client))
    assert type(caught.value) is kind
    assert caught.value.request_sent
    assert CANARY not in told(caught.value)
    assert len(world.tenant.asked(role.path)) == (2 if role.repeats else 1)
    assert world.open_connections(left) <= left
    world.recovers()
    assert world.do(lambda: role.call(client)) is not None
    assert len(world.tenant.asked(role.path)) == 1
    assert world.open_connections(1) == 1


def drip(first: bytes, again: bytes) -> Fault:
    """Say the second thing now and then, for ever."""

    def act(peer: Peer) -> None:
        peer.send(first)
        while not peer.server.over.wait(0.05):
            peer.send(again)

    return act


SOON = 0.4
"""Seconds that an attempt is given which is to run out of them."""

SLOW: dict[str, Fault] = {
    "drip of headers": drip(HEAD, b"x"),
    "drip of a body": drip(HEAD + b"Content-Length: 2000\r\n\r\n", b" "),
    "length too long": held(HEAD + b"Content-Length: 20\r\n\r\n{}"),
}


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_a_server_that_is_silent_is_a_timeout(world: World, role: Role) -> None:
    meets(world, role, _known(world, role), held(b""), TransportTimeout)


@in_pairs([role for role in ROLES if role.repeats], SLOW)
def test_an_answer_that_takes_too_long_is_a_timeout(world: World, role: Role, fault: Fault) -> None:
    role = msgspec.structs.replace(role, repeats=False)
    meets(world, role, _known(world, role, retry=False), fault, TransportTimeout)


def _known(world: World, role: Role, **options: Any) -> Any:
    """Return a client that is connected before the time is short, and that has no token or key any more."""
    client = role.client(world, timeout=SOON, **options)
    world.do(lambda: role.call(client))
    world.tenant.recovers()
    world.tenant.now += 100_000
    return client
