"""`users.get` for asyncio on connections that are open, against aiohttp: one by one, and in 50 tasks."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack

import aiohttp

from anyauth0 import TLS, AsyncManagementClient

from .common import Comparison, Measure, Scale, interleaved
from .server import Server
from .warm import HEADERS, TOKEN, address

LoopFactory = Callable[[], asyncio.AbstractEventLoop]
AsyncMeasure = Callable[[], Coroutine[object, object, float]]


def async_client_of(server: Server, scheme: str) -> AsyncManagementClient:
    """Return an asyncio client of the server."""
    domain = server.secure if scheme == "https" else server.plain
    client = AsyncManagementClient(domain=domain, token=TOKEN, tls=TLS(ca=server.authorities), proxy=False)
    client._core.base_url = f"{scheme}://{domain}/api/v2"
    return client


def compare(server: Server, scale: Scale) -> list[Comparison]:
    """Compare aiohttp under us with aiohttp alone, and with uvloop where that is installed."""
    found = _under(asyncio.new_event_loop, server, "http", scale)
    found += _under(asyncio.new_event_loop, server, "https", scale)
    try:
        import uvloop
    except ImportError:
        return found
    found += _under(uvloop.new_event_loop, server, "https", scale, loop=", uvloop")
    return [*found, _loops(uvloop.new_event_loop, server, scale)]


def _loops(factory: LoopFactory, server: Server, scale: Scale) -> Comparison:
    """Compare uvloop with the loop of asyncio, both of which are kept meanwhile."""
    with asyncio.Runner() as plain, asyncio.Runner(loop_factory=factory) as swift:
        clients = {runner: async_client_of(server, "https") for runner in (swift, plain)}

        def case(runner: asyncio.Runner) -> Measure:
            users = clients[runner].users

            async def call() -> object:
                return (await users.get("auth0|1")).data

            measure = _serial(call, scale.calls)
            return lambda: runner.run(measure())

        taken = interleaved({"swift": case(swift), "plain": case(plain)}, scale.rounds)
        for runner, client in clients.items():
            runner.run(client.close())
    return Comparison(
        group="faster",
        what="users.get, aiohttp, https, by uvloop",
        against="without uvloop",
        ours=taken["swift"],
        other=taken["plain"],
    )


def _under(
    factory: LoopFactory, server: Server, scheme: str, scale: Scale, loop: str = ""
) -> list[Comparison]:
    url, context = address(server, scheme), ssl.create_default_context(cafile=server.authorities)

    async def measure() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
        async with AsyncExitStack() as stack:
            connector = aiohttp.TCPConnector(ssl=context)
            timeout = aiohttp.ClientTimeout(total=10)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=connector, headers=HEADERS, timeout=timeout)
            )
            users = (await stack.enter_async_context(async_client_of(server, scheme))).users

            async def raw() -> object:
                async with session.get(url) as response:
                    return await response.json()

            async def ours() -> object:
                return (await users.get("auth0|1")).data

            cases = {"raw": raw, "ours": ours}
            alone = await _rounds({n: _serial(c, scale.calls) for n, c in cases.items()}, scale.rounds)
            each = max(1, scale.calls // 20)
            tasks = await _rounds({n: _tasks(c, each) for n, c in cases.items()}, scale.rounds)
            return alone, tasks

    with asyncio.Runner(loop_factory=factory) as runner:
        alone, tasks = runner.run(measure())
    against = "aiohttp"
    return [
        Comparison(
            group="warm", what=f"users.get, aiohttp, {scheme}{loop}", against=against,
            ours=alone["ours"], other=alone["raw"], target=None if loop else 1.05,
        ),
        Comparison(
            group="many", what=f"50 tasks, time per call, {scheme}{loop}", against=against,
            ours=tasks["ours"], other=tasks["raw"], target=None if loop else round(1 / 0.95, 2),
        ),
    ]  # fmt: skip


def _serial(call: Callable[[], Awaitable[object]], calls: int) -> AsyncMeasure:
    async def measure() -> float:
        begun = time.process_time()
        for _ in range(calls):
            await call()
        return (time.process_time() - begun) / calls

    return measure


def _tasks(call: Callable[[], Awaitable[object]], each: int) -> AsyncMeasure:
    async def work() -> None:
        for _ in range(each):
            await call()

    async def measure() -> float:
        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for _ in range(50):
                group.create_task(work())
        return (time.perf_counter() - begun) / (50 * each)

    return measure


async def _rounds(cases: dict[str, AsyncMeasure], rounds: int) -> dict[str, list[float]]:
    # As `interleaved`, within a loop that runs.
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, measure in cases.items():
            value = await measure()
            if number:
                taken[name].append(value)
    return taken
