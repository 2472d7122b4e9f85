"""What only the transport without dependencies has: a strict reader, a pool of its own, lazy imports."""

import gc
import socket
import ssl
import subprocess
import sys
import textwrap
import threading
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import InvalidArgumentError, TransportError, TransportTimeout
from anyauth0_transports import http_client
from anyauth0_transports.http_client import HttpClientTransport

from .certificates import Certificates
from .contract import SECRET, chunked
from .senders import Sender, failing, get, shown_by
from .servers import Peer, answer, answering, reset, serve, unused_port
from .test_urllib3 import deaf, redirect_connections, resolve_to

OK = b"HTTP/1.1 200 OK\r\n"

# What is sent


@pytest.mark.parametrize(
    ("method", "length"), [("POST", "0"), ("PUT", "0"), ("PATCH", "0"), ("GET", None), ("DELETE", None)]
)
def test_where_a_body_is_expected_its_absence_is_said(method: str, length: str | None) -> None:
    with serve(answering()) as server, Sender(HttpClientTransport()) as sender:
        sender.send(get(server.url, method=method))
    assert server.requests[0].headers.get("content-length") == length


def test_the_length_is_that_of_the_body_whatever_the_headers_say() -> None:
    with serve(answering()) as server, Sender(HttpClientTransport()) as sender:
        sender.send(get(server.url, method="POST", headers={"content-length": "1"}, body=b"three"))
    assert server.requests[0].body == b"three"


def test_a_url_without_a_path_asks_for_the_root_and_its_fragment_stays_here() -> None:
    with serve(answering()) as server, Sender(HttpClientTransport()) as sender:
        for end in ("", "?a=1", "/x#y"):
            sender.send(get(server.url.replace("://", "://user:password@") + end))
    assert [received.target for received in server.requests] == ["/", "/?a=1", "/x"]
    assert {received.headers["host"] for received in server.requests} == {f"localhost:{server.port}"}


@pytest.mark.parametrize("method", ["", "GET /x HTTP/1.1\r\nx: y\r\n\r\nGET", "GÉT"])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    with serve(answering()) as server, Sender(HttpClientTransport()) as sender:
        with pytest.raises(InvalidArgumentError, match='"method"') as caught:
            sender.send(get(server.url, method=method, headers={"authorization": SECRET}))
        assert server.accepted == 0
    assert "authorization" not in str(caught.value)


@pytest.mark.parametrize("url", ["https:///x", "http://localhost:port/", "http://" + "a" * 64])
def test_a_url_that_leads_nowhere_sent_nothing(url: str) -> None:
    with Sender(HttpClientTransport()) as sender:
        failing(sender, get(url, headers={"authorization": SECRET}), sent=False)


def test_a_scheme_that_is_neither_http_nor_https_is_not_spoken_in_the_clear() -> None:
    with serve(answering()) as server, Sender(HttpClientTransport()) as sender:
        failing(sender, get(server.url.replace("http:", "httpss:")), sent=False)
        assert server.accepted == 0


def test_a_server_that_refuses_a_body_before_it_came_whole_is_heard() -> None:
    def handler(peer: Peer) -> None:
        peer.sock.recv(100)
        peer.send(answer(413, b"too large"))
        peer.sock.shutdown(socket.SHUT_WR)

    with serve(handler) as server, Sender(HttpClientTransport()) as sender:
        for _ in range(2):
            response = sender.send(get(server.url, method="POST", body=bytes(30_000_000)))
            assert (response.status, response.body) == (413, b"too large")
    assert server.accepted == 2


# What comes back

CODED = b"Transfer-Encoding: chunked\r\n"
LENGTH = b"Content-Length: 2\r\n"


@pytest.mark.parametrize(
    "said",
    [
        OK + b"X-A: 1\r\n folded\r\n" + LENGTH + b"\r\n{}",
        OK + b" X-A: 1\r\n" + LENGTH + b"\r\n{}",
        OK + b"X-A : 1\r\n" + LENGTH + b"\r\n{}",
        OK + b"X-A\r\n" + LENGTH + b"\r\n{}",
        OK + b": 1\r\n" + LENGTH + b"\r\n{}",
        OK + b"X-A: 1\0\r\n" + LENGTH + b"\r\n{}",
        OK + b"X-A: 1\rX-B: 2\r\n" + LENGTH + b"\r\n{}",
        OK + b"X-A: 1\r\r\n" + LENGTH + b"\r\n{}",
        OK + b"X-A: 1\n" + LENGTH + b"\r\n{}",
        OK + LENGTH + LENGTH + b"\r\n{}",
        OK + LENGTH + b"Content-Length: 1\r\n\r\n{}",
        OK + b"Content-Length: 2, 2\r\n\r\n{}",
        OK + b"Content-Length: +2\r\n\r\n{}",
        OK + b"Content-Length: -2\r\n\r\n{}",
        OK + b"Content-Length: 2_0\r\n\r\n{}",
        OK + b"Content-Length: \xb2\r\n\r\n{}",
        OK + b"Content-Length: \r\n\r\n{}",
        OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
        OK + CODED + LENGTH + b"\r\n2\r\n{}\r\n0\r\n\r\n",
        OK + CODED + CODED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        OK + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n{}",
        b"HTTP/1.0 200 OK\r\n" + CODED + b"\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\n" + LENGTH + b"\r\n{}",
        b"HTTP/1.1 099 OK\r\n" + LENGTH + b"\r\n{}",
        b"HTTP/1.1 2000 OK\r\n" + LENGTH + b"\r\n{}",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + OK + LENGTH + b"\r\n{}",
        b"\r\n" + OK + LENGTH + b"\r\n{}",
        OK + b"x: " + b"a" * 70_000 + b"\r\n" + LENGTH + b"\r\n{}",
        OK + b"x: " + b"a" * 140_000,
        OK + b"".join(b"x-%d: 1\r\n" % number for number in range(101)) + b"\r\n",
        OK + CODED + b"\r\n+2\r\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n0x2\r\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n\r\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n2;a\rb\r\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n2;a\0b\r\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n2\r\n{}0\r\n\r\n",
        OK + CODED + b"\r\n2\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n2\r\n{}more\r\n0\r\n\r\n",
        OK + CODED + b"\r\n" + b"1" * 16 + b"\r\n{}\r\n0\r\n\r\n",
        OK + CODED + b"\r\n2\r\n{}\r\n0\r\nnone\r\n\r\n",
    ],
    ids=lambda said: said[:90].decode("latin-1"),
)
def test_an_answer_that_could_be_taken_for_another_is_an_error_at_once(said: bytes) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        # It stays open: what is wrong must be seen, not waited for.
        peer.send(said)
        peer.wait_until_gone()

    with serve(handler) as server, Sender(HttpClientTransport()) as sender:
        error = failing(sender, get(server.url, headers={"authorization": SECRET}), sent=True)
    assert not isinstance(error, TransportTimeout)
    assert "no answer in HTTP/1.1" in str(error)
    assert SECRET not in shown_by(error)


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + answer(200, b"{}"),
        b"HTTP/1.1 200\r\n" + LENGTH + b"\r\n{}",
        b"HTTP/1.1 200 \r\n" + LENGTH + b"\r\n{}",
        OK + b"X-Empty:\r\nX-Wide: \t 1 \t\r\n" + LENGTH + b"\r\n{}",
        OK + CODED.upper() + b"\r\n2;name=value\r\n{}\r\n000\r\nX-Trailer: 1\r\n\r\n",
        OK + b"".join(b"x-%d: 1\r\n" % number for number in range(99)) + LENGTH + b"\r\n{}",
    ],
    ids=["interim", "no reason", "empty reason", "spaces", "chunk extension and trailer", "100 headers"],
)
def test_what_is_right_if_rare_is_read_and_leaves_the_connection_to_the_next(said: bytes) -> None:
    with serve(answering(said)) as server, Sender(HttpClientTransport()) as sender:
        for _ in range(2):
            response = sender.send(get(server.url))
            assert (response.status, response.body) == (200, b"{}")
            assert "x-trailer" not in response.headers
            assert "link" not in response.headers
            assert response.headers.get("x-wide", "1") == "1"
    assert server.accepted == 1


def test_an_answer_that_comes_byte_by_byte_is_read() -> None:
    def handler(peer: Peer) -> None:
        while peer.read() is not None:
            for byte in chunked(b"one", b"two"):
                peer.send(bytes([byte]))

    with serve(handler) as server, Sender(HttpClientTransport()) as sender:
        assert [sender.send(get(server.url)).body for _ in range(2)] == [b"onetwo"] * 2
    assert server.accepted == 1


def test_what_a_proxy_adds_to_its_consent_is_not_taken_for_the_answer() -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n" + answer(200, b"forged"))
        peer.wait_until_gone()

    with serve(handler) as proxy, Sender(HttpClientTransport(proxy=proxy.url)) as sender:
        error = failing(sender, get("https://tenant.example.com/", timeout=3), sent=False)
    # With that in its buffer it does not even begin with TLS.
    assert not isinstance(error, TransportTimeout)
    assert '"proxy"' in str(error)


# Connections that are kept


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n{}",
        OK + b"Connection: Close\r\n" + LENGTH + b"\r\n{}",
        OK + b"Connection: keep-alive, close\r\n" + LENGTH + b"\r\n{}",
        answer(200, b"{}") + answer(200, b"another one"),
    ],
    ids=["HTTP/1.0", "close", "close among others", "more than the answer"],
)
def test_a_connection_that_is_not_to_be_kept_is_dropped(said: bytes) -> None:
    with serve(answering(said)) as server, Sender(HttpClientTransport()) as sender:
        assert [sender.send(get(server.url)).body for _ in range(2)] == [b"{}"] * 2
        stream = sender.transport.open(get(server.url))
        assert [stream.read(20), stream.read(20)] == [b"{}", b""]
        assert sender.send(get(server.url)).body == b"{}"
    assert server.accepted == 4


def test_a_connection_that_the_server_has_reset_meanwhile_costs_nothing() -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(answer(200, b"{}"))
        # The client has read its answer: a reset would take from it what it has not.
        read.wait(20)
        reset(peer.sock)

    read = threading.Event()
    with serve(handler) as server, Sender(HttpClientTransport()) as sender:
        for _ in range(2):
            read.clear()
            server.done.clear()
            assert sender.send(get(server.url)).body == b"{}"
            read.set()
            assert server.done.wait(5)
    assert server.accepted == 2


def test_a_body_that_ends_with_tls_is_the_last_one_of_its_connection(certificates: Certificates) -> None:
    def handler(peer: Peer) -> None:
        assert isinstance(peer.sock, ssl.SSLSocket)
        peer.read()
        peer.send(OK + b"\r\nall of it")
        # Below TLS the connection stays open until the client closes it.
        peer.sock.unwrap()

    with (
        serve(handler, certificates.server) as server,
        Sender(HttpClientTransport(tls=certificates.tls)) as sender,
    ):
        assert [sender.send(get(server.url)).body for _ in range(2)] == [b"all of it"] * 2
    assert server.accepted == 2


def test_no_piece_waits_until_the_one_before_it_has_arrived() -> None:
    with serve(answering()) as server, Sender(HttpClientTransport()) as sender:
        stream = sender.transport.open(get(server.url))
        assert stream._wire.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        stream.close()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_what_a_server_says_unasked_is_no_answer_to_the_next_request(
    secure: bool, certificates: Certificates
) -> None:
    go_on, gone_on = threading.Semaphore(0), threading.Semaphore(0)

    def handler(peer: Peer) -> None:
        while peer.read() is not None:
            peer.send(answer(200, b"{}"))
            go_on.acquire(timeout=20)
            peer.send(answer(200, b"poison"))
            gone_on.release()

    context = certificates.server if secure else None
    with serve(handler, context) as server, Sender(HttpClientTransport(tls=certificates.tls)) as sender:
        for _ in range(2):
            assert sender.send(get(server.url)).body == b"{}"
            go_on.release()
            assert gone_on.acquire(timeout=20)
    assert server.accepted == 2


def echoing(peer: Peer) -> None:
    while (received := peer.read()) is not None:
        peer.send(answer(200, b"%d" % peer.sock.getpeername()[1] + received.body))


def test_the_connection_that_was_used_last_is_used_first() -> None:
    with serve(echoing) as server, Sender(HttpClientTransport()) as sender:
        first, second = (sender.transport.open(get(server.url)) for _ in range(2))
        ports = [b"".join(iter(lambda one=stream: one.read(20), b"")) for stream in (first, second)]
        assert ports[0] != ports[1]
        assert [sender.send(get(server.url)).body for _ in range(3)] == [ports[1]] * 3
    assert server.accepted == 2


def test_no_more_connections_are_kept_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_client, "_CONNECTIONS", 2)
    with serve(echoing) as server, Sender(HttpClientTransport()) as sender:
        for _ in range(2):
            streams = [sender.transport.open(get(server.url)) for _ in range(3)]
            for stream in streams:
                while stream.read(20):
                    pass
    # Two of the second three had been kept.
    assert server.accepted == 4


def test_what_is_under_way_when_the_transport_is_closed_ends_well_and_is_not_kept() -> None:
    asked, go_on, gone = threading.Event(), threading.Event(), threading.Event()

    def handler(peer: Peer) -> None:
        while peer.read() is not None:
            asked.set()
            go_on.wait(20)
            peer.send(answer(200, b"{}"))
        gone.set()

    with serve(handler) as server:
        transport = HttpClientTransport()
        found: list[bytes] = []
        thread = threading.Thread(target=lambda: found.append(transport.send(get(server.url)).body))
        thread.start()
        assert asked.wait(20)
        transport.close()
        go_on.set()
        thread.join(20)
        assert found == [b"{}"]
        assert gone.wait(5)


def test_a_transport_that_was_never_closed_warns_of_itself_and_of_nothing_else() -> None:
    gone = threading.Event()

    def handler(peer: Peer) -> None:
        answering()(peer)
        gone.set()

    with serve(handler) as server:
        transport: Any = HttpClientTransport()
        transport.send(get(server.url))
        with pytest.warns(ResourceWarning, match="unclosed <HttpClientTransport>") as caught:
            transport.__del__()
        assert len(caught) == 1
        assert gone.wait(5)
        del transport
        gc.collect()


# Threads, processes, addresses


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_another_thread_that_closes_the_stream_wakes_the_reader(
    secure: bool, certificates: Certificates
) -> None:
    gone = threading.Event()

    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(chunked(b"one", end=b""))
        with suppress(ConnectionError):
            peer.wait_until_gone()
        gone.set()

    with serve(handler, certificates.server if secure else None) as server:
        transport = HttpClientTransport(tls=certificates.tls)
        stream = transport.open(get(server.url))
        assert stream.read(20) == b"one"
        errors: list[TransportError] = []

        def read() -> None:
            with pytest.raises(TransportError) as caught:
                stream.read(None)
            errors.append(caught.value)

        thread = threading.Thread(target=read)
        thread.start()
        # Wherever the reader is by now, it comes back.
        transport.close()
        thread.join(20)
        assert not thread.is_alive()
        assert "closed" in str(errors)
        assert gone.wait(5)


FORK = """
    import os, sys, warnings
    warnings.simplefilter("error")
    from anyauth0 import TLS, Request
    from anyauth0_transports.http_client import HttpClientTransport

    url, ca = sys.argv[1:]
    transport = HttpClientTransport(tls=TLS(ca=ca), proxy=False)

    def open(body):
        return transport.open(Request(method="POST", url=url, body=body, timeout=20))

    def send(body):
        assert transport.send(Request(method="POST", url=url, body=body, timeout=20)).body == body

    stream = open(b"stream")
    assert stream.read(20) == b"one"
    send(b"parent")
    for number in range(4):
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                if number % 2:
                    transport.close()
                    stream.close()
                send(b"child")
                send(b"child again")
                transport.close()
                failed = 0
            finally:
                os._exit(failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        send(b"parent again")
    send(b"go on")
    assert stream.read(20) == b"two"
    transport.close()
"""


def run(script: Path, code: str, *arguments: object) -> None:
    """Run `code` in a process of its own; it must succeed and say nothing."""
    script.write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, script, *map(str, arguments)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_leaves_the_connections_and_streams_of_its_parent_alone(
    certificates: Certificates, tmp_path: Path
) -> None:
    conversations: list[list[bytes]] = []
    go_on = threading.Event()

    def handler(peer: Peer) -> None:
        bodies: list[bytes] = []
        conversations.append(bodies)
        while (received := peer.read()) is not None:
            bodies.append(received.body)
            if received.body == b"stream":
                peer.send(chunked(b"one", end=b""))
                if go_on.wait(30):
                    peer.send(b"3\r\ntwo\r\n")
                continue
            if received.body == b"go on":
                go_on.set()
            peer.send(answer(200, received.body))

    with serve(handler, certificates.server) as server:
        run(tmp_path / "fork.py", FORK, server.url, certificates.ca_file)
    # The parent kept its one connection through it all, and each child had one.
    child = [b"child", b"child again"]
    parent = [b"parent", *[b"parent again"] * 4, b"go on"]
    assert sorted(conversations) == sorted([[b"stream"], parent, *[child] * 4])


def test_all_addresses_of_a_host_share_the_time_of_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    with deaf() as port, Sender(HttpClientTransport()) as sender:
        resolve_to(monkeypatch, "tenant.example.com", "127.0.0.1", "127.0.0.2", "127.0.0.3")
        redirect_connections(monkeypatch, {f"127.0.0.{number}": port for number in (1, 2, 3)})
        request = get("http://tenant.example.com/", timeout=0.3)
        error = failing(sender, request, sent=False, within=0.8)
    assert isinstance(error, TransportTimeout)


def test_an_address_that_does_not_answer_does_not_hide_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as stack:
        port = stack.enter_context(deaf())
        server = stack.enter_context(serve(answering()))
        sender = stack.enter_context(Sender(HttpClientTransport()))
        resolve_to(monkeypatch, "tenant.example.com", "127.0.0.1", "127.0.0.2", "127.0.0.3")
        redirect_connections(
            monkeypatch, {"127.0.0.1": port, "127.0.0.2": unused_port(), "127.0.0.3": server.port}
        )
        assert sender.send(get("http://tenant.example.com/", timeout=1.5)).status == 200
    assert server.requests[0].headers["host"] == "tenant.example.com"


# What is imported

WITHOUT = """
    import sys
    sys.modules["urllib3"] = None
    from anyauth0 import ConfigurationError, ManagementClient, Request
    from anyauth0_transports.http_client import HttpClientTransport

    url = sys.argv[1]
    transport = HttpClientTransport(proxy=False)
    slow = {"http.client", "email.parser", "ssl"}
    before = slow & set(sys.modules)
    transport.close()

    options = {"domain": "tenant.example.com", "token": "t"}
    ManagementClient(**options, transport="http_client").close()
    transport = HttpClientTransport()
    assert transport.send(Request(method="GET", url=url, timeout=20)).status == 200
    transport.close()
    try:
        ManagementClient(**options)
    except ConfigurationError as error:
        assert error.option == "transport"
        assert 'transport="http_client"' in str(error), error
    else:
        raise AssertionError
    assert not before, before
"""


def test_it_needs_no_urllib3_whose_absence_is_an_error_that_names_it(tmp_path: Path) -> None:
    with serve(answering()) as server:
        run(tmp_path / "without.py", WITHOUT, server.url)
    assert len(server.requests) == 1
