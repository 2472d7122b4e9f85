"""Both transports hand out a body as it comes, and let go of the connection when nobody wants the rest."""

import asyncio
import gc
import gzip
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import urllib3

from anyauth0 import InvalidArgumentError, Request, TransportError, TransportTimeout
from anyauth0.transport import AsyncStreamingTransport, StreamingTransport
from anyauth0_transports._aiohttp_stream import AiohttpStream
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.http_client import HttpClientTransport
from anyauth0_transports.urllib3 import Urllib3Transport

from .certificates import Certificates
from .contract import SECRET, SOON, chunked
from .proxies import proxying
from .senders import Sender, checked, get, shown_by
from .servers import Handler, Peer, answer, answering, reset, serve, unused_port

Make = Callable[..., Any]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
END = b"0\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


class Opened:
    """A stream that is read blocking, whatever its kind."""

    def __init__(self, stream: Any, runner: asyncio.Runner | None) -> None:
        self.stream = stream
        self.status, self.headers = stream.status, stream.headers
        self._runner = runner

    def read(self, seconds: float | None = 20.0) -> bytes:
        piece = self.stream.read(seconds)
        return piece if self._runner is None else self._runner.run(piece)  # type: ignore[no-any-return]

    def rest(self) -> bytes:
        return b"".join(iter(self.read, b""))

    def close(self) -> None:
        async def close() -> None:
            self.stream.close()
            # The socket is closed when the loop comes round again.
            await asyncio.sleep(0)

        if self._runner is None:
            self.stream.close()
        else:
            self._runner.run(close())


class Opener(Sender):
    """Opens streams over `transport`, and sends over it too."""

    def open(self, request: Request) -> Opened:
        stream = self.transport.open(request)
        return Opened(stream if self._runner is None else self._runner.run(stream), self._runner)


@pytest.fixture(params=[Urllib3Transport, AiohttpTransport, HttpClientTransport])
def make(request: pytest.FixtureRequest) -> Make:
    found: Make = request.param
    return found


@pytest.fixture
def opener(make: Make) -> Iterator[Opener]:
    with Opener(make()) as opener:
        yield opener


def refused(opener: Opener, request: Request, *, sent: bool) -> TransportError:
    """Return the error of opening."""
    with pytest.raises(TransportError) as caught:
        opener.open(request)
    return checked(caught.value, sent=sent)


def broken(stream: Opened, seconds: float | None = 20.0) -> TransportError:
    """Return the error of reading."""
    with pytest.raises(TransportError) as caught:
        stream.read(seconds)
    return checked(caught.value, sent=True)


class Slow:
    """A handler that sends a piece when it is told to, and notes when the client is gone."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.go = threading.Semaphore(0)
        self.gone = threading.Event()

    def __call__(self, peer: Peer) -> None:
        try:
            peer.read()
            for piece in self.pieces:
                if not self.go.acquire(timeout=20):
                    return
                peer.send(piece)
            peer.wait_until_gone()
        finally:
            self.gone.set()


def for_ever(*pieces: bytes) -> Handler:
    """Return a handler that answers GET by the pieces and no end, and POST in full."""

    def handler(peer: Peer) -> None:
        while (received := peer.read()) is not None:
            if received.method == "POST":
                peer.send(answer(200, b"whole"))
                continue
            for piece in (HEAD, *pieces):
                peer.send(piece)

    return handler


def then(handler: Handler, gone: threading.Event) -> Handler:
    """Return `handler` with a note of its end, which may be a reset as well."""

    def noting(peer: Peer) -> None:
        try:
            handler(peer)
        finally:
            gone.set()

    return noting


# What comes


def test_both_are_transports_that_stream(make: Make) -> None:
    wanted = AsyncStreamingTransport if make is AiohttpTransport else StreamingTransport
    assert isinstance(make(), wanted)


def test_each_piece_is_handed_out_as_it_comes(opener: Opener) -> None:
    server_side = Slow(HEAD, chunk(b"one"), chunk(b"two"), END)
    with serve(server_side) as server:
        server_side.go.release()
        stream = opener.open(get(server.url))
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        found = []
        for _ in range(3):
            server_side.go.release()
            found.append(stream.read())
        assert found == [b"one", b"two", b""]
        assert stream.read() == b""
        stream.close()


@pytest.mark.parametrize(
    "said", [answer(200, b"one two"), chunked(b"one", b" two"), chunked(b"one two"), answer(204), answer()]
)
def test_a_body_that_ends_comes_whole_and_leaves_its_connection_to_the_next(
    opener: Opener, said: bytes
) -> None:
    with serve(answering(said)) as server:
        for _ in range(3):
            stream = opener.open(get(server.url))
            assert stream.rest() in (b"one two", b"")
            stream.close()
        assert opener.send(get(server.url)).status in (200, 204)
    assert (server.accepted, len(server.requests)) == (1, 4)


def test_a_body_that_ends_with_the_connection_comes_whole(opener: Opener) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    with serve(handler) as server:
        assert opener.open(get(server.url)).rest() == b"all of it"


def test_a_body_may_be_longer_than_any_limit(make: Make) -> None:
    long = answering(answer(200, bytes(1_000_000)))
    with serve(long) as server, Opener(make(max_response_bytes=10)) as opener:
        assert len(opener.open(get(server.url)).rest()) == 1_000_000


@pytest.mark.parametrize("status", [400, 401, 404, 410, 429, 500])
def test_an_error_is_an_answer_with_a_body_too(opener: Opener, status: int) -> None:
    with serve(answering(answer(status, b'{"message":"why"}', ("X-One", "1"), ("x-one", "2")))) as server:
        stream = opener.open(get(server.url))
        assert (stream.status, stream.headers["x-one"]) == (status, "1, 2")
        assert stream.rest() == b'{"message":"why"}'


@pytest.mark.parametrize("status", [301, 302, 307])
def test_no_redirect_is_followed(opener: Opener, status: int) -> None:
    with serve(answering(answer(status, b"", ("Location", "/elsewhere")))) as server:
        stream = opener.open(get(server.url))
        assert (stream.status, stream.rest()) == (status, b"")
    assert len(server.requests) == 1


# What is sent


def test_a_request_arrives_as_it_is_and_asks_for_no_encoding(opener: Opener) -> None:
    headers = {"authorization": "Bearer abc", "accept": "text/event-stream"}
    with serve(answering()) as server:
        request = get(f"{server.url}/a%2Fb?q=1", method="POST", headers=headers, body=b"x")
        opener.open(request).rest()
        opener.open(get(server.url, headers={"accept-encoding": "gzip"})).rest()
    first, second = server.requests
    assert (first.method, first.target, first.body) == ("POST", "/a%2Fb?q=1", b"x")
    assert headers.items() <= first.headers.items()
    assert first.headers["accept-encoding"] == second.headers["accept-encoding"] == "identity"
    assert set(first.headers) <= {"host", "connection", "accept-encoding", "content-length", *headers}


@pytest.mark.parametrize("headers", [{"x-a": f"{SECRET}\r\nx-b: 2"}, {"x a": SECRET}, {"x-a": f"{SECRET}é"}])
def test_a_header_that_is_none_is_refused(opener: Opener, headers: dict[str, str]) -> None:
    with serve(answering()) as server:
        with pytest.raises(InvalidArgumentError, match='"headers"') as caught:
            opener.open(get(server.url, headers=headers))
        assert server.accepted == 0
    assert SECRET not in shown_by(caught.value)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_body_in_an_encoding_is_refused_and_its_connection_dropped(opener: Opener, encoding: str) -> None:
    head = HEAD[:-2] + b"Content-Encoding: %s\r\n\r\n" % encoding.encode()
    server_side = Slow(head + chunk(gzip.compress(b"one")))
    server_side.go.release()
    with serve(server_side) as server:
        error = refused(opener, get(server.url), sent=True)
        assert server_side.gone.wait(5)
    assert encoding in str(error)


# Time


def test_the_timeout_bounds_the_opening(opener: Opener) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nx-a: ")
        while not peer.server.over.wait(0.02):
            peer.send(b"x")

    with serve(handler) as server:
        error = refused(opener, get(f"{server.url}?{SECRET}", timeout=SOON), sent=True)
    assert isinstance(error, TransportTimeout)
    assert '"timeout"' in str(error)


def test_the_timeout_does_not_bound_what_comes_after(opener: Opener) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(HEAD)
        for letter in (b"a", b"b"):
            peer.server.over.wait(2 * SOON)
            peer.send(chunk(letter))
        peer.send(END)

    with serve(handler) as server:
        stream = opener.open(get(server.url, timeout=SOON))
        assert [stream.read(None), stream.read(20)] == [b"a", b"b"]
        assert stream.read(None) == b""


@pytest.mark.parametrize("drip", [b"", b"0"], ids=["silent", "never says how long the piece is"])
def test_a_server_that_sends_nothing_for_long_is_a_timeout(opener: Opener, drip: bytes) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(HEAD + chunk(b"one"))
        while not peer.server.over.wait(0.02):
            peer.send(drip)

    with serve(handler) as server:
        stream = opener.open(get(f"{server.url}?{SECRET}", headers={"authorization": SECRET}))
        assert stream.read() == b"one"
        error = broken(stream, SOON)
        assert isinstance(error, TransportTimeout)
        assert f"{SOON:g} s" in str(error)
        assert SECRET not in shown_by(error)
        # It was the last read.
        assert "closed" in str(broken(stream))


def test_no_time_at_all_is_a_timeout_at_once(opener: Opener) -> None:
    with serve(for_ever()) as server:
        stream = opener.open(get(server.url))
        assert isinstance(broken(stream, 0.0), TransportTimeout)


# What breaks


def test_a_connection_that_is_refused_sent_nothing(opener: Opener) -> None:
    error = refused(opener, get(f"http://localhost:{unused_port()}/?{SECRET}"), sent=False)
    assert not isinstance(error, TransportTimeout)


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nx-a: canary-secret"])
def test_an_answer_that_breaks_off_in_its_head_may_have_acted(opener: Opener, said: bytes, how: str) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(said)
        if how == "reset":
            reset(peer.sock)

    with serve(handler) as server:
        error = refused(opener, get(server.url, headers={"authorization": SECRET}), sent=True)
    assert SECRET not in shown_by(error)


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize(
    "head", [HEAD + chunk(b"one"), answer(200, b"one").replace(b"Length: 3", b"Length: 9")]
)
def test_a_body_that_breaks_off_is_an_error_after_what_came(opener: Opener, head: bytes, how: str) -> None:
    had = threading.Event()

    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(head)
        if had.wait(20) and how == "reset":
            reset(peer.sock)

    with serve(handler) as server:
        stream = opener.open(get(f"{server.url}?{SECRET}", headers={"authorization": SECRET}))
        assert stream.read() == b"one"
        had.set()
        error = broken(stream)
        assert not isinstance(error, TransportTimeout)
        assert "broke" in str(error)
        assert SECRET not in shown_by(error)
        stream.close()
        assert "closed" in str(broken(stream))


def test_a_piece_that_is_none_is_an_error(opener: Opener) -> None:
    server_side = Slow(HEAD, b"zzz\r\n")
    server_side.go.release()
    with serve(server_side) as server:
        stream = opener.open(get(server.url))
        server_side.go.release()
        # aiohttp closes the connection and tells nobody.
        broken(stream, SOON)


# Closing


def test_closing_in_the_middle_drops_the_connection_and_the_next_call_has_another(opener: Opener) -> None:
    gone = threading.Event()
    with serve(then(for_ever(chunk(b"one"), b"5\r\nhalf"), gone)) as server:
        stream = opener.open(get(server.url))
        assert stream.read().startswith(b"one")
        assert not gone.is_set()
        stream.close()
        assert gone.wait(5)
        stream.close()
        assert "closed" in str(broken(stream))
        assert opener.send(get(server.url, method="POST")).body == b"whole"
    assert server.accepted == 2


def test_closing_after_the_end_leaves_the_next_call_alone(opener: Opener) -> None:
    with serve(answering(chunked(b"one"))) as server:
        first = opener.open(get(server.url))
        assert first.rest() == b"one"
        # It has the connection of the first one.
        second = opener.open(get(server.url))
        first.close()
        assert second.rest() == b"one"
    assert server.accepted == 1


def test_closing_the_transport_closes_what_is_open(make: Make) -> None:
    server_side = Slow(HEAD + chunk(b"one"))
    server_side.go.release()
    with serve(server_side) as server:
        with Opener(make()) as opener:
            stream = opener.open(get(server.url))
            assert stream.read() == b"one"
            assert not server_side.gone.is_set()
        assert server_side.gone.wait(5)
        with pytest.raises(TransportError, match="closed"):
            run(stream.stream.read(1))
        stream.stream.close()


def run(outcome: Any) -> Any:
    return asyncio.run(outcome) if asyncio.iscoroutine(outcome) else outcome


def test_sends_and_streams_go_side_by_side(opener: Opener) -> None:
    with serve(for_ever(chunk(b"one"))) as server:
        streams = [opener.open(get(server.url)) for _ in range(3)]
        for stream in streams:
            assert opener.send(get(server.url, method="POST", timeout=1)).body == b"whole"
            assert stream.read() == b"one"
        for stream in streams:
            stream.close()
    assert server.accepted == 4


def test_200_streams_opened_and_closed_leak_nothing(make: Make, certificates: Certificates) -> None:
    open_, lock, none_left = [0], threading.Lock(), threading.Event()

    def handler(peer: Peer) -> None:
        with lock:
            open_[0] += 1
        try:
            for_ever(chunk(b"one"))(peer)
        finally:
            with lock:
                open_[0] -= 1
                if not open_[0]:
                    none_left.set()

    with serve(handler) as server:
        with Opener(make()) as opener:
            streams = [opener.open(get(server.url)) for _ in range(200)]
            assert {stream.read() for stream in streams} == {b"one"}
            assert open_[0] == 200
            none_left.clear()
            for stream in streams:
                stream.close()
            assert none_left.wait(10)
            assert not opener.transport._streams
            assert opener.send(get(server.url, method="POST")).body == b"whole"
        del streams, stream
        gc.collect()


def test_a_stream_that_was_forgotten_warns_of_nothing(make: Make) -> None:
    with serve(for_ever(chunk(b"one"))) as server:
        with Opener(make()) as opener:
            opener.open(get(server.url))
            gc.collect()
        gc.collect()


# TLS and proxies


def test_it_goes_over_tls(make: Make, certificates: Certificates) -> None:
    gone = threading.Event()
    with (
        serve(then(for_ever(chunk(b"one")), gone), certificates.server) as server,
        Opener(make(tls=certificates.tls)) as opener,
    ):
        stream = opener.open(get(server.url))
        assert stream.read() == b"one"
        assert isinstance(broken(stream, SOON), TransportTimeout)
        opener.send(get(server.url, method="POST"))
        assert gone.wait(5)
        other = opener.open(get(server.url))
        assert other.read() == b"one"
        other.close()


def test_a_server_that_takes_no_leave_does_not_hold_up_the_closing(
    make: Make, certificates: Certificates
) -> None:
    gone = threading.Event()

    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(HEAD + chunk(b"one"))
        # Below TLS: a farewell is seen here as some bytes, and not answered.
        with suppress(ConnectionError):
            while socket.socket.recv(peer.sock, 65536):
                pass
        gone.set()

    with (
        serve(handler, certificates.server) as server,
        Opener(make(tls=certificates.tls)) as opener,
    ):
        stream = opener.open(get(server.url))
        assert stream.read() == b"one"
        stream.close()
        assert gone.wait(5)


def test_the_certificate_is_checked(make: Make, certificates: Certificates) -> None:
    with (
        serve(answering(), certificates.server_of_another_name) as server,
        Opener(make(tls=certificates.tls)) as opener,
    ):
        error = refused(opener, get(server.url, headers={"authorization": SECRET}), sent=False)
    assert "tls=TLS(" in str(error)
    assert SECRET not in shown_by(error)
    assert server.requests == []


def test_it_goes_through_a_proxy(make: Make, certificates: Certificates) -> None:
    with (
        serve(for_ever(chunk(b"one")), certificates.server) as server,
        proxying(credentials="user:pass") as proxy,
        Opener(make(tls=certificates.tls, proxy=proxy.url.replace("://", "://user:pass@"))) as opener,
    ):
        stream = opener.open(get(server.url))
        assert stream.read() == b"one"
        stream.close()
    assert [tunnel.method for tunnel in proxy.requests] == ["CONNECT"]
    assert not [name for name in server.requests[0].headers if name.startswith("proxy")]


def test_a_proxy_that_refuses_is_an_error_before_anything_is_sent(
    make: Make, certificates: Certificates
) -> None:
    with (
        serve(answering(), certificates.server) as server,
        proxying(credentials="user:pass") as proxy,
        Opener(make(tls=certificates.tls, proxy=proxy.url)) as opener,
    ):
        assert '"proxy"' in str(refused(opener, get(server.url), sent=False))
    assert server.accepted == 0


# Only urllib3


def test_another_thread_that_closes_the_stream_wakes_the_reader(certificates: Certificates) -> None:
    for context in (None, certificates.server):
        server_side = Slow(HEAD + chunk(b"one"))
        server_side.go.release()
        with serve(server_side, context) as server:
            transport = Urllib3Transport(tls=certificates.tls)
            stream = transport.open(get(server.url))
            assert stream.read(20) == b"one"
            errors: list[TransportError] = []

            def read(stream: Any = stream, errors: list[TransportError] = errors) -> None:
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
            assert server_side.gone.wait(5)


def test_a_pool_of_the_users_streams_too_and_is_never_closed() -> None:
    def handler(peer: Peer) -> None:
        while (received := peer.read()) is not None:
            if received.method == "POST":
                peer.send(answer(200, b"whole"))
            else:
                peer.send(HEAD + chunk(b"one"))
                peer.server.over.wait(4 * SOON)
                peer.send(chunk(b"too late"))

    with urllib3.PoolManager() as pool, serve(handler) as server:
        opener = Opener(Urllib3Transport(pool=pool))
        assert opener.send(get(server.url, method="POST")).body == b"whole"
        stream = opener.open(get(server.url))
        assert stream.read() == b"one"
        assert isinstance(broken(stream, SOON), TransportTimeout)
        other = opener.open(get(server.url))
        opener.transport.close()
        assert "closed" in str(broken(other))
        assert opener.send(get(server.url, method="POST")).body == b"whole"


FORK = """
    import os, sys, warnings
    warnings.simplefilter("error")
    from anyauth0 import Request
    from anyauth0_transports.urllib3 import Urllib3Transport

    transport = Urllib3Transport(proxy=False)
    stream = transport.open(Request(method="GET", url=sys.argv[1], timeout=20))
    assert stream.read(20) == b"one"
    for _ in range(2):
        child = os.fork()
        if child == 0:
            failed = 1
            try:
                transport.close()
                stream.close()
                other = transport.open(Request(method="GET", url=sys.argv[1], timeout=20))
                assert other.read(20) == b"one"
                transport.close()
                failed = 0
            finally:
                os._exit(failed)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    transport.send(Request(method="POST", url=sys.argv[1], timeout=20))
    assert stream.read(20) == b"two"
    transport.close()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_child_leaves_the_streams_of_its_parent_alone(tmp_path: Path) -> None:
    go_on = threading.Event()

    def handler(peer: Peer) -> None:
        received = peer.read()
        if received is not None and received.method == "POST":
            go_on.set()
            peer.send(answer())
        else:
            peer.send(HEAD + chunk(b"one"))
            if go_on.wait(30):
                peer.send(chunk(b"two"))
        peer.wait_until_gone()

    script = tmp_path / "fork.py"
    script.write_text(textwrap.dedent(FORK))
    with serve(handler) as server:
        done = subprocess.run(
            [sys.executable, script, server.url], capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stderr) == (0, "")
    assert server.accepted == 4


# Only aiohttp


def test_a_cancelled_reader_leaves_no_connection_behind() -> None:
    server_side = Slow(HEAD + chunk(b"one"))
    server_side.go.release()

    async def main(url: str) -> None:
        transport = AiohttpTransport()
        stream = await transport.open(get(url))
        assert await stream.read(20) == b"one"
        task = asyncio.create_task(stream.read(None))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server_side.gone.wait, 5)
        with pytest.raises(TransportError, match="closed"):
            await stream.read(1)
        await transport.close()

    with serve(server_side) as server:
        asyncio.run(main(server.url))


def test_a_reader_whose_stream_another_task_closes_is_told() -> None:
    async def main(url: str) -> None:
        transport = AiohttpTransport()
        stream = await transport.open(get(url))
        task = asyncio.create_task(stream.read(None))
        await asyncio.sleep(0)
        stream.close()
        with pytest.raises(TransportError, match="closed"):
            await task
        await transport.close()

    with serve(for_ever()) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_loop_that_ends_closes_its_streams(secure: bool, certificates: Certificates) -> None:
    async def main(url: str) -> Any:
        stream = await transport.open(get(url))
        assert await stream.read(20) == b"one"
        return stream

    transport = AiohttpTransport(tls=certificates.tls)
    with serve(for_ever(chunk(b"one")), certificates.server if secure else None) as server:
        for _ in range(2):
            stream = asyncio.run(main(server.url))
            assert not transport._streams
            stream.close()
            del stream
            gc.collect()


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_loops_that_were_closed_by_hand_leave_no_streams_behind(
    secure: bool, certificates: Certificates
) -> None:
    with serve(for_ever(chunk(b"one")), certificates.server if secure else None) as server:
        transport = AiohttpTransport(tls=certificates.tls)
        for number in range(3):
            loop = asyncio.new_event_loop()
            stream = loop.run_until_complete(transport.open(get(server.url)))
            loop.close()
            if number == 1:
                stream.close()
        asyncio.run(transport.close())
        assert not transport._streams
        del transport, loop, stream
        gc.collect()


def test_a_session_of_the_users_streams_too_and_is_never_closed() -> None:
    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            transport = AiohttpTransport(session=session)
            stream = await transport.open(get(url))
            assert await stream.read(20) == b"one"
            await transport.close()
            with pytest.raises(TransportError, match="closed"):
                await stream.read(20)
            assert not session.closed
            assert (await transport.send(get(url, method="POST"))).body == b"whole"

    with serve(for_ever(chunk(b"one"))) as server:
        asyncio.run(main(server.url))


def test_a_stream_does_not_hold_up_the_loop() -> None:
    server_side = Slow(HEAD, chunk(b"one"))

    async def main(url: str) -> None:
        transport = AiohttpTransport()
        opening = asyncio.create_task(transport.open(get(url)))
        await asyncio.sleep(0)
        # The server waits for what only a loop that goes on can do.
        asyncio.get_running_loop().call_later(0.01, server_side.go.release)
        stream = await opening
        reading = asyncio.create_task(stream.read(20))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_later(0.01, server_side.go.release)
        assert await reading == b"one"
        await transport.close()

    with serve(server_side) as server:
        asyncio.run(main(server.url))


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_a_connection_that_the_server_closed_while_the_loop_was_busy_is_not_used(
    secure: bool, certificates: Certificates
) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(answer(200, b"{}"))

    async def main(url: str) -> None:
        transport = AiohttpTransport(tls=certificates.tls)
        for _ in range(5):
            for call in (transport.send, transport.open):
                server.done.clear()
                found = await call(get(url, method="POST", body=b"x"))
                assert found.status == 200
                if isinstance(found, AiohttpStream):
                    assert [await found.read(20) for _ in range(2)] == [b"{}", b""]
                # The loop must not come round meanwhile.
                assert server.done.wait(5)
        await transport.close()

    with serve(handler, certificates.server if secure else None) as server:
        asyncio.run(main(server.url))
