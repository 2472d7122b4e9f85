"""What every transport promises, as tests: subclass `Contract`, say how yours is made, and run pytest.

    class TestMine(Contract):
        def make(self, **options: object) -> MyTransport:
            return MyTransport(**options)

`options` are `max_response_bytes` (bytes, decompressed) and nothing else.
"""

import gzip
import socket
import threading
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anyauth0 import InvalidArgumentError, Request, TransportTimeout

from .senders import Sender, failing, get, shown_by
from .servers import Peer, answer, answering, reset, serve, unused_port

SOON = 0.3
"""Seconds that an attempt is given which is to run out of them."""

SECRET = "canary-secret"
# Each subclass is an executor of its own, and one sender serves all examples.
FINE = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.differing_executors]


def chunked(*pieces: bytes, end: bytes = b"0\r\n\r\n") -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + end


def compressed(body: bytes, encoding: str = "gzip") -> bytes:
    return answer(200, body, ("Content-Encoding", encoding))


class Contract:
    """The promises of a transport."""

    def make(self, **options: Any) -> Any:
        """Return a new transport."""
        raise NotImplementedError

    @pytest.fixture
    def sender(self) -> Iterator[Sender]:
        with Sender(self.make()) as sender:
            yield sender

    # What is sent

    def test_a_request_arrives_as_it_is(self, sender: Sender) -> None:
        with serve(answering()) as server:
            headers = {"authorization": "Bearer abc", "content-type": "application/json", "x-odd": "a, b;c"}
            request = get(
                f"{server.url}/users?q=1", method="PATCH", headers=headers, body=b'{"a":"\xc3\xa9"}'
            )
            sender.send(request)
        (received,) = server.requests
        assert (received.method, received.target) == ("PATCH", "/users?q=1")
        assert received.body == request.body
        assert headers.items() <= received.headers.items()
        assert received.headers["host"] == f"localhost:{server.port}"

    def test_nothing_is_added_but_what_http_needs(self, sender: Sender) -> None:
        with serve(answering()) as server:
            sender.send(get(server.url, method="POST", body=b"x"))
            sender.send(get(server.url))
        posted, got = (set(received.headers) for received in server.requests)
        allowed = {"host", "connection", "accept-encoding", "accept"}
        assert got <= allowed
        assert posted <= allowed | {"content-length"}

    def test_a_user_agent_that_is_given_is_sent(self, sender: Sender) -> None:
        with serve(answering()) as server:
            sender.send(get(server.url, headers={"user-agent": "anyauth0/1"}))
        assert server.requests[0].headers["user-agent"] == "anyauth0/1"

    def test_only_encodings_that_can_be_read_are_asked_for(self, sender: Sender) -> None:
        with serve(answering()) as server:
            sender.send(get(server.url))
            sender.send(get(server.url, headers={"accept-encoding": "identity"}))
        offered, given_ = (received.headers.get("accept-encoding", "") for received in server.requests)
        assert {part.strip() for part in offered.split(",")} <= {"gzip", "deflate", "identity"}
        assert given_ == "identity"

    @pytest.mark.parametrize(
        "target",
        [
            "/users/auth0%7C1%2F2",
            "/a%2F%2E%2E%2Fb",
            "/%2E%2E/x",
            "/%25",
            "/a?q=a%2Bb+c%20d&x=%C3%A9%26",
            "/a//b/",
        ],
    )
    def test_an_encoded_url_is_sent_as_it_is(self, sender: Sender, target: str) -> None:
        with serve(answering()) as server:
            sender.send(get(server.url + target))
        assert server.requests[0].target == target

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("x-a", f"{SECRET}\r\nx-b: 2"), ("x-a", f"{SECRET}\nx-b: 2"), ("x-a", f"{SECRET}\0"),
            ("x-a", f"{SECRET}\r"), ("x-a", f"{SECRET}é"),
            ("x-a\r\nx-b", SECRET), ("x a", SECRET), ("x:a", SECRET), ("", SECRET),
        ],
    )  # fmt: skip
    def test_a_header_that_is_none_is_refused(self, sender: Sender, name: str, value: str) -> None:
        with serve(answering()) as server:
            with pytest.raises(InvalidArgumentError, match='"headers"') as caught:
                sender.send(get(server.url, headers={name: value}))
            assert server.accepted == 0
        assert SECRET not in shown_by(caught.value)

    @pytest.mark.parametrize("path", ["/a b", "/a\r\nx-b: 2", "/\0", "/é"])
    def test_a_url_that_is_not_encoded_is_refused(self, sender: Sender, path: str) -> None:
        with serve(answering()) as server:
            with pytest.raises(InvalidArgumentError, match='"url"'):
                sender.send(get(server.url + path))
            assert server.accepted == 0

    # What comes back

    def test_an_answer_comes_back_whole(self, sender: Sender) -> None:
        with serve(
            answering(answer(201, b'{"a":1}', ("X-One", "1"), ("X-Two", "a"), ("x-two", "b")))
        ) as server:
            response = sender.send(get(server.url))
        assert (response.status, response.body) == (201, b'{"a":1}')
        assert response.headers["x-one"] == "1"
        assert response.headers["x-two"] == "a, b"
        assert all(name == name.lower() for name in response.headers)

    @pytest.mark.parametrize("status", [400, 401, 404, 409, 429, 500, 503])
    def test_an_error_is_an_answer_too(self, sender: Sender, status: int) -> None:
        with serve(answering(answer(status, b"why"))) as server:
            response = sender.send(get(server.url))
        assert (response.status, response.body) == (status, b"why")

    @pytest.mark.parametrize("status", [204, 304])
    def test_an_answer_without_a_body_is_one(self, sender: Sender, status: int) -> None:
        with serve(answering(answer(status))) as server:
            assert [sender.send(get(server.url)).body for _ in range(2)] == [b"", b""]
        assert server.accepted == 1

    def test_a_head_request_has_no_body_whatever_the_headers_say(self, sender: Sender) -> None:
        head = answer(200, b"1234567", ("Content-Encoding", "gzip")).removesuffix(b"1234567")
        with serve(answering(head)) as server:
            response = sender.send(get(server.url, method="HEAD"))
        assert (response.body, response.headers["content-length"]) == (b"", "7")

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_no_redirect_is_followed(self, sender: Sender, status: int) -> None:
        with serve(answering(answer(status, b"", ("Location", "/elsewhere")))) as server:
            response = sender.send(get(server.url))
        assert (response.status, response.headers["location"]) == (status, "/elsewhere")
        assert len(server.requests) == 1

    def test_no_cookie_is_kept(self, sender: Sender) -> None:
        with serve(answering(answer(200, b"", ("Set-Cookie", "a=b; Path=/")))) as server:
            assert sender.send(get(server.url)).headers["set-cookie"] == "a=b; Path=/"
            sender.send(get(server.url))
        assert "cookie" not in server.requests[1].headers

    @settings(max_examples=25, deadline=None, suppress_health_check=FINE)
    @given(pieces=st.lists(st.binary(min_size=1, max_size=300), max_size=5))
    def test_a_body_in_chunks_comes_back_whole(self, sender: Sender, pieces: list[bytes]) -> None:
        with serve(answering(chunked(*pieces))) as server:
            assert sender.send(get(server.url)).body == b"".join(pieces)

    def test_a_body_that_ends_with_the_connection_comes_back_whole(self, sender: Sender) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

        with serve(handler) as server:
            assert sender.send(get(server.url)).body == b"all of it"

    # Compression

    @settings(max_examples=25, deadline=None, suppress_health_check=FINE)
    @given(body=st.binary(max_size=5000), encoding=st.sampled_from(["gzip", "deflate"]))
    def test_a_compressed_body_comes_back_as_it_was(self, sender: Sender, body: bytes, encoding: str) -> None:
        packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
        with serve(answering(compressed(packed, encoding))) as server:
            assert sender.send(get(server.url)).body == body

    def test_gzip_in_several_parts_is_one_body(self, sender: Sender) -> None:
        with serve(answering(compressed(gzip.compress(b"one, ") + gzip.compress(b"two")))) as server:
            assert sender.send(get(server.url)).body == b"one, two"

    def test_an_empty_body_need_not_be_compressed(self, sender: Sender) -> None:
        with serve(answering(compressed(b""))) as server:
            assert sender.send(get(server.url)).body == b""

    @pytest.mark.parametrize(
        "data",
        [
            compressed(b"not gzip at all, canary-secret"),
            compressed(gzip.compress(b"x" * 5000, mtime=0)[:-12]),
            compressed(gzip.compress(b"x" * 5000, mtime=0)[:5]),
            compressed(gzip.compress(b"one", mtime=0) + b"rubbish"),
            compressed(zlib.compress(b"one") + b"rubbish", "deflate"),
            compressed(b"brotli", "br"),
        ],
        ids=[
            "rubbish",
            "cut off",
            "cut off early",
            "rubbish after",
            "rubbish after deflate",
            "not asked for",
        ],
    )
    def test_a_body_that_cannot_be_decompressed_is_an_error(self, sender: Sender, data: bytes) -> None:
        with serve(answering(data)) as server:
            error = failing(sender, get(server.url, headers={"authorization": SECRET}), sent=True)
        assert SECRET not in shown_by(error)

    # Size

    @pytest.mark.parametrize(
        "data",
        [
            answer(200, b"x" * 1000),
            chunked(b"x" * 500, b"x" * 500),
            compressed(gzip.compress(b"x" * 1000, mtime=0)),
        ],
    )
    def test_a_body_may_be_as_long_as_the_limit_and_no_longer(self, data: bytes) -> None:
        with serve(answering(data)) as server:
            with Sender(self.make(max_response_bytes=1000)) as sender:
                assert len(sender.send(get(server.url)).body) == 1000
            with Sender(self.make(max_response_bytes=999)) as sender:
                error = failing(sender, get(server.url), sent=True)
        assert '"max_response_bytes"' in str(error)

    def test_a_gzip_bomb_is_not_unpacked(self) -> None:
        bomb = gzip.compress(bytes(64 * 1024 * 1024), 1)
        with (
            serve(answering(compressed(bomb))) as server,
            Sender(self.make(max_response_bytes=1000)) as sender,
        ):
            failing(sender, get(server.url), sent=True, within=1.0)

    def test_a_body_without_end_is_left_at_the_limit(self) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                peer.send(bytes(4096))

        with serve(handler) as server, Sender(self.make(max_response_bytes=100_000)) as sender:
            failing(sender, get(server.url), sent=True)

    def test_without_a_limit_a_body_may_be_long(self) -> None:
        long = answering(answer(200, bytes(3_000_000)))
        with serve(long) as server, Sender(self.make(max_response_bytes=None)) as sender:
            assert len(sender.send(get(server.url)).body) == 3_000_000

    # Connections that break

    def test_a_refused_connection_sent_nothing(self, sender: Sender) -> None:
        error = failing(sender, get(f"http://localhost:{unused_port()}/?{SECRET}"), sent=False)
        assert not isinstance(error, TransportTimeout)
        assert "localhost" in str(error)

    def test_a_connection_that_takes_too_long_sent_nothing(self, sender: Sender) -> None:
        with ExitStack() as stack:
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
            # Nobody accepts, and whoever comes after the first few is not even answered.
            for _ in range(4):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(listener.getsockname())
            url = f"http://localhost:{listener.getsockname()[1]}/"
            error = failing(sender, get(url, timeout=SOON), sent=False, within=SOON + 0.5)
        assert isinstance(error, TransportTimeout)

    def test_a_name_that_is_unknown_sent_nothing(
        self, sender: Sender, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def unknown(*args: object, **more: object) -> list[Any]:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        error = failing(sender, get("http://tenant.example.com/"), sent=False)
        assert "tenant.example.com" in str(error)

    @pytest.mark.parametrize(
        "said",
        [
            b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nSet-Cookie: canary-secret\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345",
            chunked(b"12345", end=b""), chunked(b"12345", end=b"5\r\n123"),
        ],
        ids=["nothing", "status", "headers", "no body", "half a body", "no end", "half a chunk"],
    )  # fmt: skip
    @pytest.mark.parametrize("how", ["closed", "reset"])
    def test_an_answer_that_breaks_off_is_an_error(self, sender: Sender, said: bytes, how: str) -> None:
        def handler(peer: Peer) -> None:
            if len(server.requests) == 0 and peer.read():
                peer.send(said)
                if how == "reset":
                    reset(peer.sock)
                return
            answering()(peer)

        with serve(handler) as server:
            request = get(f"{server.url}/?{SECRET}", headers={"authorization": SECRET}, body=SECRET.encode())
            error = failing(sender, request, sent=True)
            assert SECRET not in shown_by(error)
            assert not isinstance(error, TransportTimeout)
            assert len(server.requests) == 1, "it was sent again"
            assert sender.send(request).status == 200
        assert server.accepted == 2

    @pytest.mark.parametrize(
        "said",
        [
            b"SSH-2.0-OpenSSH_9.6\r\n", b"HTTP/1.1 abc OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nx: " + b"a" * 100_000 + b"\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: 1\r\n" % number for number in range(5000)) + b"\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        ],
        ids=["another protocol", "status", "long header", "many headers", "chunk size"],
    )  # fmt: skip
    def test_an_answer_that_is_not_http_is_an_error(self, sender: Sender, said: bytes) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(said)

        with serve(handler) as server:
            request = get(f"{server.url}/?{SECRET}", headers={"authorization": SECRET}, body=SECRET.encode())
            error = failing(sender, request, sent=True)
        assert SECRET not in shown_by(error)

    def test_headers_without_end_are_left(self, sender: Sender) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(b"HTTP/1.1 200 OK\r\n")
            while True:
                peer.send(b"x-a: 1\r\n" * 100)

        with serve(handler) as server:
            failing(sender, get(server.url), sent=True)

    # Time

    def test_a_server_that_does_not_answer_is_a_timeout(self, sender: Sender) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.wait_until_gone()

        with serve(handler) as server:
            error = failing(sender, get(f"{server.url}?{SECRET}", timeout=SOON), sent=True, within=SOON + 0.5)
        assert isinstance(error, TransportTimeout)
        assert '"timeout"' in str(error)

    @pytest.mark.parametrize(
        ("first", "again"),
        [
            (b"HTTP/1.1 200 OK\r\n\r\n", b"x"), (b"HTTP/1.1 200 OK\r\nx-a: ", b"x"),
            (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ],
        ids=["body", "headers", "chunks", "continue"],
    )  # fmt: skip
    def test_a_server_that_answers_for_ever_is_a_timeout(
        self, sender: Sender, first: bytes, again: bytes
    ) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(first)
            while not peer.server.over.wait(0.02):
                peer.send(again)

        with serve(handler) as server:
            error = failing(sender, get(server.url, timeout=SOON), sent=True, within=SOON + 0.5)
        assert isinstance(error, TransportTimeout)

    def test_a_server_that_does_not_read_is_a_timeout(self, sender: Sender) -> None:
        def handler(peer: Peer) -> None:
            peer.server.over.wait()

        with serve(handler) as server:
            # Long enough for a busy machine to have sent the headers by then.
            request = get(server.url, method="POST", body=bytes(30_000_000), timeout=3)
            error = failing(sender, request, sent=True)
        assert isinstance(error, TransportTimeout)

    def test_without_a_timeout_it_waits(self, sender: Sender) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.server.over.wait(SOON)
            peer.send(answer())

        with serve(handler) as server:
            assert sender.send(get(server.url, timeout=None)).status == 200

    # Connections that are kept

    def test_a_connection_is_used_again(self, sender: Sender) -> None:
        with serve(answering()) as server:
            for _ in range(5):
                sender.send(get(server.url, method="POST", body=b"x"))
        assert (server.accepted, len(server.requests)) == (1, 5)

    def test_a_connection_that_the_server_has_closed_meanwhile_costs_nothing(self, sender: Sender) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(answer(200, b"{}"))

        with serve(handler) as server:
            for _ in range(3):
                server.done.clear()
                assert sender.send(get(server.url, method="POST", body=b"x")).status == 200
                assert server.done.wait(5)
        assert server.accepted == 3

    def test_a_connection_that_breaks_when_it_is_used_again_is_not_used_in_secret(
        self, sender: Sender
    ) -> None:
        def handler(peer: Peer) -> None:
            peer.read()
            peer.send(answer(200, b"{}"))
            peer.read()

        with serve(handler) as server:
            sender.send(get(server.url))
            failing(sender, get(server.url), sent=True)
        assert (server.accepted, len(server.requests)) == (1, 2)

    def test_a_connection_with_half_an_answer_in_it_is_not_used_again(self) -> None:
        long = answering(answer(200, bytes(1_000_000)))
        with serve(long) as server, Sender(self.make(max_response_bytes=10)) as sender:
            for _ in range(2):
                failing(sender, get(server.url), sent=True)
        assert server.accepted == 2

    def test_many_requests_are_under_way_at_once(
        self, sender: Sender, caplog: pytest.LogCaptureFixture
    ) -> None:
        many = 200 if sender.asynchronous else 16
        together = threading.Barrier(many)

        def handler(peer: Peer) -> None:
            while (received := peer.read()) is not None:
                together.wait(10)
                peer.send(answer(200, received.body))

        with serve(handler) as server:
            requests = [get(server.url, method="POST", body=b"%d" % number) for number in range(many)]
            for _ in range(2):
                assert [response.body for response in sender.send_together(requests)] == [
                    request.body for request in requests
                ]
        assert server.accepted == many
        assert not caplog.records

    # The end

    def test_it_closes_what_it_opened(self) -> None:
        gone = threading.Event()

        def handler(peer: Peer) -> None:
            answering()(peer)
            gone.set()

        with serve(handler) as server:
            with Sender(self.make()) as sender:
                sender.send(get(server.url))
                assert not gone.is_set()
            assert gone.wait(5)

    def test_it_can_be_closed_unused_and_twice(self) -> None:
        with Sender(self.make()) as sender:
            pass
        with Sender(sender.transport):
            pass

    def test_it_shows_nothing_of_itself(self, sender: Sender) -> None:
        with serve(answering()) as server:
            sender.send(Request(method="GET", url=server.url, headers={"authorization": SECRET}))
        assert SECRET not in repr(sender.transport)
