"""What only urllib3 has: a pool of the user's, threads, forks, and host names with several addresses."""

import gc
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import urllib3

from anyauth0 import ManagementClient, TransportTimeout
from anyauth0_transports.urllib3 import Urllib3Transport

from .certificates import Certificates
from .senders import Sender, failing, get
from .servers import Peer, answer, answering, serve, unused_port

# A pool of the user's


def test_a_pool_of_the_users_is_used_and_never_closed() -> None:
    with urllib3.PoolManager(headers={"x-pool": "1"}) as pool, serve(answering(answer(200, b"{}"))) as server:
        for _ in range(2):
            transport = Urllib3Transport(pool=pool)
            assert transport.send(get(server.url, headers={"x-mine": "2"})).status == 200
            transport.close()
        assert server.accepted == 1
        assert "x-pool" not in server.requests[0].headers
        assert server.requests[0].headers["x-mine"] == "2"


def test_a_client_does_not_close_what_was_given_to_it() -> None:
    with (
        serve(answering(answer(200, b'{"user_id":"auth0|1"}'))) as server,
        Sender(Urllib3Transport()) as sender,
    ):

        class ToTheServer:
            def send(self, request: Any) -> Any:
                return sender.send(get(server.url))

            close = sender.transport.close

        for _ in range(2):
            with ManagementClient(domain="a.example.com", token="t", transport=ToTheServer()) as management:
                management.users.get("auth0|1")
        assert server.accepted == 1


@pytest.mark.parametrize(
    ("said", "sent"), [(b"", True), (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", True)]
)
def test_what_breaks_in_a_pool_of_the_users_may_have_been_sent(said: bytes, sent: bool) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(said)

    with urllib3.PoolManager() as pool, serve(handler) as server:
        with Sender(Urllib3Transport(pool=pool)) as sender:
            failing(sender, get(server.url), sent=sent)
        assert len(server.requests) == 1


def test_what_never_left_a_pool_of_the_users_was_not_sent() -> None:
    with urllib3.PoolManager() as pool, Sender(Urllib3Transport(pool=pool)) as sender:
        failing(sender, get(f"http://localhost:{unused_port()}"), sent=False)
    proxy = f"http://localhost:{unused_port()}"
    with urllib3.ProxyManager(proxy) as pool, Sender(Urllib3Transport(pool=pool)) as sender:
        failing(sender, get("https://tenant.example.com/"), sent=False)


def test_an_answer_that_drips_through_a_pool_of_the_users_is_a_timeout() -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        while not peer.server.over.wait(0.02):
            peer.send(b"x")

    pool = urllib3.PoolManager()
    with pool, serve(handler) as server, Sender(Urllib3Transport(pool=pool)) as sender:
        error = failing(sender, get(server.url, timeout=0.3), sent=True, within=1.0)
    assert isinstance(error, TransportTimeout)


# Host names with several addresses


@contextmanager
def deaf() -> Iterator[int]:
    """Give a port that lets nobody connect: its queue is full and nobody is taken from it."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = []
        for _ in range(3):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
            waiting.append(sock)
        try:
            yield port
        finally:
            for sock in waiting:
                sock.close()


def test_all_addresses_of_a_host_share_the_time_of_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as port, Sender(Urllib3Transport()) as sender:
        resolve_to(monkeypatch, "tenant.example.com", *["127.0.0.1", "127.0.0.2", "127.0.0.3"])
        redirect_connections(monkeypatch, {f"127.0.0.{number}": port for number in (1, 2, 3)})
        request = get("http://tenant.example.com/", timeout=0.3)
        error = failing(sender, request, sent=False, within=0.6)
    assert isinstance(error, TransportTimeout)


def test_an_address_that_does_not_answer_does_not_hide_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as port, serve(answering()) as server, Sender(Urllib3Transport()) as sender:
        resolve_to(monkeypatch, "tenant.example.com", "127.0.0.1", "127.0.0.2", "127.0.0.3")
        redirect_connections(
            monkeypatch, {"127.0.0.1": port, "127.0.0.2": unused_port(), "127.0.0.3": server.port}
        )
        assert sender.send(get("http://tenant.example.com/", timeout=1.5)).status == 200
    assert server.requests[0].headers["host"] == "tenant.example.com"


def resolve_to(monkeypatch: pytest.MonkeyPatch, name: str, *addresses: str) -> None:
    def resolve(host: str, port: int, *args: object, **more: object) -> list[Any]:
        found = addresses if host == name else (host,)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


def redirect_connections(monkeypatch: pytest.MonkeyPatch, ports: dict[str, int]) -> None:
    connect = socket.socket.connect

    def elsewhere(sock: socket.socket, address: tuple[str, int]) -> None:
        connect(sock, ("127.0.0.1", ports[address[0]]))

    monkeypatch.setattr(socket.socket, "connect", elsewhere)


# Threads and processes


def test_threads_that_start_together_share_one_pool() -> None:
    transport = Urllib3Transport()
    start = threading.Barrier(8)
    found: list[Any] = []

    def open_() -> None:
        start.wait()
        found.append(transport._open(transport._router.route("http://localhost/")))

    threads = [threading.Thread(target=open_) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    transport.close()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1


FORK = """
    import os, sys, warnings
    warnings.simplefilter("error")
    from anyauth0 import TLS, Request
    from anyauth0_transports.urllib3 import Urllib3Transport

    url, ca = sys.argv[1:]
    transport = Urllib3Transport(tls=TLS(ca=ca), proxy=False)

    def send(body):
        assert transport.send(Request(method="POST", url=url, body=body, timeout=20)).body == body

    send(b"parent")
    for number in range(4):
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                send(b"child")
                if number % 2:
                    transport.close()
                send(b"child again")
                transport.close()
                failed = 0
            finally:
                os._exit(failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        send(b"parent again")
    transport.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_leaves_the_connections_of_its_parent_alone(
    certificates: Certificates, tmp_path: Path
) -> None:
    def handler(peer: Peer) -> None:
        bodies: list[bytes] = []
        while (received := peer.read()) is not None:
            peer.send(answer(200, received.body))
            bodies.append(received.body)
        conversations.append(bodies)

    conversations: list[list[bytes]] = []
    script = tmp_path / "fork.py"
    script.write_text(textwrap.dedent(FORK))
    with serve(handler, certificates.server) as server:
        done = subprocess.run(
            [sys.executable, script, server.url, certificates.ca_file],
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert (done.returncode, done.stderr) == (0, "")
    # The parent kept its one connection through it all.
    assert [b"parent", *[b"parent again"] * 4] in conversations
    children = [bodies for bodies in conversations if b"parent" not in bodies]
    assert sorted(map(len, children)) == [1, 1, 1, 1, 2, 2]


def test_what_was_never_closed_warns_of_nothing_but_itself() -> None:
    with serve(answering()) as server:
        transports = [Urllib3Transport()]
        transports[0].send(get(server.url))
        with pytest.warns(ResourceWarning, match="^unclosed <Urllib3Transport>; use the client") as told:
            transports.clear()
        gc.collect()
    assert len(told) == 1
