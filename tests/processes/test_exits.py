"""Exits: with a client still open a program ends at once, and Ctrl-C leaves no lock and no half an answer."""

from contextlib import nullcontext
from pathlib import Path

import pytest

from ..authentication.processes import redis_server
from ..transports.certificates import Certificates
from ..transports.servers import Peer, serve
from .scripts import Tenant, arguments, finished, start

PROGRAMS = {
    "unused": """
        management, other = ManagementClient(**options), AsyncManagementClient(**options)
    """,
    "blocking": """
        management = ManagementClient(**options)
        management.users.get("a")
    """,
    "blocking, in a cycle": """
        management = ManagementClient(**options)
        management.users.get("a")
        cycle = [management]
        cycle.append(cycle)
        del management, cycle
    """,
    "after map": """
        management = ManagementClient(**options)
        outcomes = management.map(management.users.get, list("abcdefgh"), concurrency=4)
        assert [outcome.result().data.user_id for outcome in outcomes] == list("abcdefgh")
    """,
    "in the middle of map": """
        management = ManagementClient(**options)
        outcomes = management.map(management.users.get, map(str, range(1000)), concurrency=4)
        next(outcomes)
    """,
    "with an open stream": """
        management = ManagementClient(**options)
        events = iter(management.events.subscribe())
        assert next(events).event["type"] == "user.created"
    """,
    "asyncio": """
        import asyncio
        management = AsyncManagementClient(**options)
        asyncio.run(management.users.get("a"))
    """,
    "asyncio, in the middle of map": """
        import asyncio
        management = AsyncManagementClient(**options)
        async def main():
            global outcomes
            outcomes = management.map(management.users.get, map(str, range(1000)), concurrency=4)
            await anext(outcomes)
        asyncio.run(main())
    """,
    "asyncio, with an open stream": """
        import asyncio
        management = AsyncManagementClient(**options)
        async def main():
            global events
            events = aiter(management.events.subscribe())
            assert (await anext(events)).event["type"] == "user.created"
        asyncio.run(main())
    """,
    "asyncio, with a client of the loop": """
        import asyncio
        async def main():
            management = AsyncManagementClient(**options)
            await management.users.get("a")
        asyncio.run(main())
    """,
}
EVENT = b'data: {"type":"event","offset":"1","event":{"type":"user.created","specversion":"1.0"}}\n\n'


def tenant_with_events() -> Tenant:
    tenant = Tenant()

    def events(peer: Peer) -> None:
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + EVENT)
        peer.wait_until_gone()

    tenant.answers["/api/v2/events"] = events
    return tenant


UNCLOSED = {
    name: 'ResourceWarning: unclosed <Urllib3Transport>; use the client in a "with", or close() it'
    for name in PROGRAMS
    if not name.startswith(("asyncio", "unused"))
}
# A loop that ends closes what was opened in it: only a client that goes before its loop left anything open.
UNCLOSED["asyncio, with a client of the loop"] = (
    'ResourceWarning: unclosed <AiohttpTransport>; use the client in an "async with", or close() it'
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_at_once_with_an_open_client(name: str, certificates: Certificates) -> None:
    with serve(tenant_with_events(), certificates.server) as server:
        _, complained = finished(start(PROGRAMS[name], *arguments(server, certificates.ca_file)))
    # What it does not say is indented.
    told = [line for line in complained.splitlines() if line and not line.startswith((" ", "Traceback"))]
    # An error in `__del__`, which this is here, is told of and ignored.
    assert [line for line in told if not line.startswith("Exception ignored in: ")] == (
        [UNCLOSED[name]] if name in UNCLOSED else []
    )


STORES = {
    "memory": "from anyauth0.tokens import MemoryTokenStore; store = MemoryTokenStore()",
    "file": "store = FileTokenStore(sys.argv[3])",
    "redis": "from anyauth0_plugins.redis_store import RedisTokenStore; store = RedisTokenStore(sys.argv[4])",
}
INTERRUPTED = {
    "blocking": """
        auth = AuthenticationClient(**options, token_store=store)
        try:
            auth.tokens.get(audience="api")
        except KeyboardInterrupt:
            noticed()
        blocking.time = SimpleNamespace(sleep=refuse)
        print(auth.tokens.get(audience="api"))
        auth.close()
    """,
    "asyncio": """
        auth = AsyncAuthenticationClient(**options, token_store=store)
        try:
            asyncio.run(auth.tokens.get(audience="api"))
        except KeyboardInterrupt:
            noticed()
        asyncio.sleep = refuse
        print(asyncio.run(auth.tokens.get(audience="api")))
    """,
    "a cancelled task": """
        auth = AsyncAuthenticationClient(**options, token_store=store)
        async def main():
            task = asyncio.current_task()
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
            try:
                await auth.tokens.get(audience="api")
            except asyncio.CancelledError:
                noticed()
            asyncio.sleep = refuse
            print(await auth.tokens.get(audience="api"))
            await auth.close()
        asyncio.run(main())
    """,
}
AROUND = """
        import asyncio
        from types import SimpleNamespace
        from anyauth0 import blocking

        sleep = asyncio.sleep

        def refuse(seconds):
            # A lock that is still held would be waited for; the transport gives way for no time.
            assert not seconds, "it waits"
            return sleep(seconds)

        over, caller = threading.Event(), threading.main_thread().ident

        def interrupt():
            sys.stdin.readline()
            while not over.is_set():
                if sys._current_frames()[caller].f_code.co_name in ("read", "select"):
                    signal.pthread_kill(caller, signal.SIGINT)
                    # A signal that comes right before a system call does not interrupt it: once more, then.
                    over.wait(1)

        def noticed():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            over.set()
            print("interrupted")
            keys.join()

        keys = threading.Thread(target=interrupt)
        keys.start()

        STORE
"""
CLOSING = """
        if hasattr(store, "close"):
            store.close()
"""


@pytest.mark.parametrize("kind", INTERRUPTED)
@pytest.mark.parametrize("store", STORES)
def test_a_call_that_was_interrupted_holds_no_lock_and_the_next_one_works(
    store: str, kind: str, certificates: Certificates, tmp_path: Path
) -> None:
    tenant = Tenant(silent=1)
    given = redis_server() if store == "redis" else nullcontext()
    with given as redis, serve(tenant, certificates.server) as server:
        program = AROUND.replace("STORE", STORES[store]) + INTERRUPTED[kind] + CLOSING
        url = redis.url if redis else ""
        process = start(program, *arguments(server, certificates.ca_file), tmp_path / "store", url)
        assert tenant.asked.wait(60)
        said, complained = finished(process, "Ctrl-C\n")
    assert (said, complained) == (["interrupted", "t2"], "")
    # The first connection had but half a conversation, and was not used again.
    assert tenant.tokens == len(tenant.conversations) == 2
