"""What only aiohttp has: a session of the user's, event loops one after another, and cancelled tasks."""

import asyncio
import gc
import threading
from typing import Any

import aiohttp
import pytest

from anyauth0 import AsyncManagementClient, TransportTimeout
from anyauth0_transports.aiohttp import AiohttpTransport

from .certificates import Certificates
from .senders import failing_async, get
from .servers import Peer, answer, answering, serve, unused_port

# A session of the user's


def test_a_session_of_the_users_is_used_and_never_closed() -> None:
    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            for _ in range(2):
                transport = AiohttpTransport(session=session)
                assert (await transport.send(get(url, headers={"x-mine": "1"}))).status == 200
                await transport.close()
                assert not session.closed

    with serve(answering()) as server:
        asyncio.run(main(server.url))
    assert server.accepted == 1
    assert server.requests[0].headers["x-mine"] == "1"


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_what_breaks_in_a_session_of_the_users_may_have_been_sent(said: bytes) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(said)

    async def main(url: str) -> None:
        async with aiohttp.ClientSession() as session:
            await failing_async(AiohttpTransport(session=session), get(url, method="POST"), sent=True)

    with serve(handler) as server:
        asyncio.run(main(server.url))
    assert len(server.requests) == 1


def test_what_never_left_a_session_of_the_users_was_not_sent() -> None:
    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            url = f"http://localhost:{unused_port()}"
            await failing_async(AiohttpTransport(session=session), get(url), sent=False)

    asyncio.run(main())


def test_the_limits_of_a_session_of_the_users_do_not_count() -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.server.over.wait()

    async def main(url: str) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=0.05)) as session:
            request = get(url, timeout=0.3)
            error = await failing_async(AiohttpTransport(session=session), request, sent=True)
        assert isinstance(error, TransportTimeout)
        assert "0.3 s" in str(error)

    with serve(handler) as server:
        asyncio.run(main(server.url))


# Event loops


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_one_transport_serves_several_loops_one_after_another(
    secure: bool, certificates: Certificates
) -> None:
    async def main(url: str) -> None:
        for _ in range(2):
            assert (await transport.send(get(url))).status == 200

    transport = AiohttpTransport(tls=certificates.tls)
    with serve(answering(), certificates.server if secure else None) as server:
        for _ in range(3):
            asyncio.run(main(server.url))
            # Nothing of a loop that has ended is kept.
            assert transport._opened == {}
        assert server.accepted == 3


@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
def test_loops_that_were_closed_by_hand_leave_nothing_behind(
    secure: bool, certificates: Certificates
) -> None:
    with serve(answering(), certificates.server if secure else None) as server:
        transport = AiohttpTransport(tls=certificates.tls)
        for _ in range(3):
            loop = asyncio.new_event_loop()
            assert loop.run_until_complete(transport.send(get(server.url))).status == 200
            # Unlike `asyncio.run`, this tells nobody.
            loop.close()
        asyncio.run(transport.close())
        assert server.accepted == 3
        del transport, loop
        gc.collect()


def test_loops_in_several_threads_do_not_disturb_each_other() -> None:
    async def main(url: str) -> None:
        for _ in range(20):
            assert (await transport.send(get(url))).status == 200

    def run() -> None:
        asyncio.run(main(server.url))
        done.append(True)

    done: list[bool] = []
    transport = AiohttpTransport()
    with serve(answering()) as server:
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(done) == 4
    assert server.accepted == 4


def test_a_client_that_was_never_closed_leaves_nothing_behind(certificates: Certificates) -> None:
    async def main(domain: str) -> None:
        management = AsyncManagementClient(domain=domain, token="t", tls=certificates.tls)
        assert (await management.users.get("auth0|1")).data.user_id == "auth0|1"

    with serve(answering(answer(200, b'{"user_id":"auth0|1"}')), certificates.server) as server:
        with pytest.warns(ResourceWarning, match="^unclosed <AiohttpTransport>; use the client") as told:
            asyncio.run(main(f"localhost:{server.port}"))
        gc.collect()
    assert len(told) == 1


def test_it_opens_again_after_it_was_closed() -> None:
    async def main(url: str) -> None:
        transport = AiohttpTransport()
        for _ in range(2):
            assert (await transport.send(get(url))).status == 200
            await transport.close()

    with serve(answering()) as server:
        asyncio.run(main(server.url))
    assert server.accepted == 2


# Cancelled tasks


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"])
def test_a_cancelled_task_leaves_no_connection_with_half_an_answer(said: bytes) -> None:
    def handler(peer: Peer) -> None:
        if (received := peer.read()) and received.method == "POST":
            peer.send(said)
            asked.set()
            peer.wait_until_gone()
            gone.set()
        else:
            peer.send(answer(200, b"whole"))
            answering(answer(200, b"whole"))(peer)

    async def main(url: str) -> None:
        transport = AiohttpTransport()
        task = asyncio.create_task(transport.send(get(url, method="POST", body=b"x")))
        assert await asyncio.to_thread(asked.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(gone.wait, 5)
        assert (await transport.send(get(url))).body == b"whole"
        await transport.close()

    asked, gone = threading.Event(), threading.Event()
    with serve(handler) as server:
        asyncio.run(main(server.url))
    assert server.accepted == 2


def test_a_request_does_not_hold_up_the_loop() -> None:
    def handler(peer: Peer) -> None:
        while peer.read():
            release.wait(5)
            peer.send(answer())

    async def main(url: str) -> Any:
        transport = AiohttpTransport()
        task = asyncio.create_task(transport.send(get(url)))
        await asyncio.sleep(0)
        # The server waits for what only a loop that goes on can do.
        asyncio.get_running_loop().call_later(0.01, release.set)
        assert (await task).status == 200
        await transport.close()

    release = threading.Event()
    with serve(handler) as server:
        asyncio.run(main(server.url))
    assert release.is_set()
