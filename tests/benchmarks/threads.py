"""Sixteen threads on one client, against sixteen on one pool of urllib3."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from .common import Comparison, Scale
from .server import Server
from .warm import HEADERS, address, client_of, pool_of

THREADS = 16


def compare(server: Server, scale: Scale) -> list[Comparison]:
    """Compare what a call takes, in processor time and by the clock."""
    found: list[Comparison] = []
    for scheme in ("http", "https"):
        url, each = address(server, scheme), max(1, scale.calls // 10)
        with (
            pool_of(server, THREADS) as pool,
            client_of(server, scheme) as client,
            ThreadPoolExecutor(THREADS) as executor,
        ):
            users = client.users

            def raw(pool=pool, url=url) -> object:
                return json.loads(pool.request("GET", url, headers=HEADERS, timeout=10, retries=False).data)

            def ours(users=users) -> object:
                return users.get("auth0|1").data

            taken = _rounds(executor, {"raw": raw, "ours": ours}, each, scale.rounds)
        for index, kind in enumerate(("processor", "clock")):
            found.append(
                Comparison(
                    group="many",
                    what=f"{THREADS} threads, time per call, {scheme}, {kind}",
                    against="urllib3 + json.loads",
                    ours=[pair[index] for pair in taken["ours"]],
                    other=[pair[index] for pair in taken["raw"]],
                    target=1.0,
                )
            )
    return found


def _rounds(
    executor: ThreadPoolExecutor, cases: dict[str, Callable[[], object]], each: int, rounds: int
) -> dict[str, list[tuple[float, float]]]:
    # As `interleaved`, with both times of the same round.
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for number in range(rounds + 1):
        for name, call in cases.items():

            def work(call: Callable[[], object] = call) -> None:
                for _ in range(each):
                    call()

            processor, clock = time.process_time(), time.perf_counter()
            for future in [executor.submit(work) for _ in range(THREADS)]:
                future.result()
            spent = time.process_time() - processor, time.perf_counter() - clock
            if number:
                taken[name].append((spent[0] / (THREADS * each), spent[1] / (THREADS * each)))
    return taken
