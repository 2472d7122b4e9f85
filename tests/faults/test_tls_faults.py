"""A peer that is not whom it should be gets no request, be it for a call, its token or its keys."""

import datetime
import ssl
from typing import Any

import pytest
import trustme

from anyauth0 import TLS, TransportError, TransportTimeout

from ..transports.certificates import Certificates
from ..transports.servers import Peer, answer, serve
from .conftest import CANARY, World, told
from .roles import ROLES, Role, in_pairs
from .server import TOKEN

FAULTS = ["wrong_host", "unknown_authority", "expired", "hang_up"]


class Impostors:
    """Contexts of servers that a client with `tls` must not believe."""

    hang_up = None

    def __init__(self, certificates: Certificates) -> None:
        authority = trustme.CA()
        self.tls = TLS(ca=certificates.ca + authority.cert_pem.bytes())
        self.wrong_host = certificates.server_of_another_name
        self.unknown_authority = _context(trustme.CA())
        then = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
        self.expired = _context(authority, not_before=then, not_after=then + datetime.timedelta(days=1))


def _context(authority: trustme.CA, **times: datetime.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", **times).configure_cert(context)
    return context


@pytest.fixture(scope="module")
def impostors(certificates: Certificates) -> Impostors:
    return Impostors(certificates)


def meeting(world: World, role: Role, impostors: Impostors, fault: str, times: int) -> Any:
    """Return a client of `role` whose request meets the fault so many times."""
    tenant = world.tenant
    # The keys are asked for after the token, which must not leave a good connection behind.
    before = [tenant.good] if role.name == "keys of a login" else []
    tenant.closing = {TOKEN} if before else set()
    tenant.greetings.extend([*before, *[getattr(impostors, fault)] * times])
    return role.client(world, tls=impostors.tls)


@in_pairs(ROLES, {fault: fault for fault in FAULTS})
def test_an_impostor_gets_nothing(world: World, impostors: Impostors, role: Role, fault: str) -> None:
    client = meeting(world, role, impostors, fault, times=9)
    with pytest.raises(TransportError) as caught:
        world.do(lambda: role.call(client))
    assert type(caught.value) is TransportError
    assert not caught.value.request_sent
    assert fault == "hang_up" or "certificate verify failed" in str(caught.value)
    assert CANARY not in told(caught.value)
    assert world.tenant.asked(role.path) == []
    assert world.open_connections(0) == 0
    world.recovers()
    assert world.do(lambda: role.call(client)) is not None
    assert len(world.tenant.asked(role.path)) == 1


@pytest.mark.parametrize("role", ROLES, ids=str)
def test_what_did_not_leave_is_sent_again_for_every_method(
    world: World, impostors: Impostors, role: Role
) -> None:
    client = meeting(world, role, impostors, "hang_up", times=1)
    assert world.do(lambda: role.call(client)) is not None
    assert len(world.tenant.asked(role.path)) == 1


@pytest.mark.parametrize("role", [ROLES[1], ROLES[4]], ids=str)
def test_a_server_without_tls_gets_no_request(world: World, role: Role) -> None:
    heard: list[bytes] = []

    def handler(peer: Peer) -> None:
        heard.append(peer.sock.recv(65536))
        peer.send(answer(200, b"{}"))

    with serve(handler) as plain:
        client = role.client(world, domain=f"localhost:{plain.port}")
        with pytest.raises(TransportError) as caught:
            world.do(lambda: role.call(client))
        assert not caught.value.request_sent
        world.do(client.close)
    assert CANARY not in told(caught.value)
    assert len(heard) == 2
    assert all(CANARY.encode() not in said and b"HTTP" not in said for said in heard)


@pytest.mark.parametrize("role", [ROLES[1], ROLES[4]], ids=str)
def test_a_handshake_that_does_not_end_is_a_timeout_before_sending(world: World, role: Role) -> None:
    with serve(Peer.wait_until_gone) as silent:
        client = role.client(world, domain=f"localhost:{silent.port}", timeout=0.3)
        with pytest.raises(TransportTimeout) as caught:
            world.do(lambda: role.call(client))
        assert not caught.value.request_sent
        assert silent.accepted == 2
        world.do(client.close)
    assert CANARY not in told(caught.value)
