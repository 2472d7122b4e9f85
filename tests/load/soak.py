"""Very many calls over a bad line, by tasks and by threads, and an account of each of them.

    python tests/load/soak.py --calls 200000

A server in a process of its own lets one request in twenty go wrong. Every tenth call is a write that is not
idempotent. At the end: calls made = answered + failed with a named error, no write that was answered is
missing, none was done twice; memory, sockets and threads did not grow; one token was fetched per lifetime.
Exits with 1 where that does not hold.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anyauth0 import TLS, AsyncManagementClient, Auth0Error, ManagementClient, Options

HERE = Path(__file__).parent
LIFETIME = 40


class Account:
    """What became of the calls, kept by whoever makes them."""

    def __init__(self, calls: int) -> None:
        self.calls = calls
        self.made = self.answered = 0
        self.failed: Counter[str] = Counter()
        self.written: set[str] = set()
        self.unsure: set[str] = set()
        self.memory: list[int] = []
        self.sockets: list[int] = []
        self.threads: list[int] = []
        self._guard = threading.Lock()

    def numbers(self) -> Iterator[int]:
        """Yield the number of each call, once for all threads."""
        while True:
            with self._guard:
                if self.made == self.calls:
                    return
                number, self.made = self.made, self.made + 1
                if self.made % max(1, self.calls // 10) == 0:
                    self._measure()
            yield number

    def done(self, write: str | None) -> None:
        with self._guard:
            self.answered += 1
            if write:
                self.written.add(write)

    def error(self, error: Auth0Error, write: str | None) -> None:
        with self._guard:
            self.failed[type(error).__name__] += 1
            if write:
                self.unsure.add(write)

    def _measure(self) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        self.memory.append(pages * os.sysconf("SC_PAGE_SIZE") // 2**20)
        links = [os.readlink(f"/proc/self/fd/{fd}") for fd in _open_files()]
        self.sockets.append(sum(link.startswith("socket:") for link in links))
        self.threads.append(threading.active_count())


def _open_files() -> list[str]:
    found = []
    for fd in os.listdir("/proc/self/fd"):
        try:
            os.readlink(f"/proc/self/fd/{fd}")
        except OSError:
            continue
        found.append(fd)
    return found


@contextmanager
def served(rate: float, seed: int) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Serve the tenant; yield where it is, and a mapping that has its counts afterwards."""
    command = [sys.executable, str(HERE / "server.py"), str(rate), str(seed)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        counts: dict[str, Any] = {}
        try:
            yield json.loads(process.stdout.readline()), counts
        finally:
            process.stdin.close()
            counts |= json.loads(process.stdout.readline() or "{}")


def options(place: dict[str, Any]) -> Options:
    return {
        "domain": place["domain"],
        "client_id": place["client_id"],
        "client_secret": place["client_secret"],
        "tls": TLS(ca=place["ca"].encode()),
        "proxy": False,
    }


async def by_tasks(place: dict[str, Any], account: Account, workers: int) -> None:
    """Make the calls in so many tasks of one loop."""
    async with AsyncManagementClient(**options(place)) as management:

        async def work() -> None:
            for number in account.numbers():
                write = f"role {number}" if number % 10 == 0 else None
                try:
                    if write:
                        await management.roles.create(name=write)
                    else:
                        assert (await management.users.get(place["user_id"])).data.email == "ada@example.com"
                except Auth0Error as error:
                    account.error(error, write)
                else:
                    account.done(write)

        await asyncio.gather(*(work() for _ in range(workers)))


def by_threads(place: dict[str, Any], account: Account, workers: int) -> None:
    """Make the calls in so many threads over one client."""
    with ManagementClient(**options(place)) as management:

        def work() -> None:
            for number in account.numbers():
                write = f"role {number}" if number % 10 == 0 else None
                try:
                    if write:
                        management.roles.create(name=write)
                    else:
                        assert management.users.get(place["user_id"]).data.email == "ada@example.com"
                except Auth0Error as error:
                    account.error(error, write)
                else:
                    account.done(write)

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def judged(title: str, account: Account, counts: dict[str, Any], seconds: float, workers: int) -> bool:
    """Print the account; return whether it is in order."""
    failed, writes = sum(account.failed.values()), counts["writes"]
    lost = [name for name in account.written if name not in writes]
    doubled = [name for name, times in writes.items() if times > 1]
    unasked = [name for name in writes if name not in account.written | account.unsure]
    most_tokens = int(seconds / (LIFETIME / 2)) + 1
    rows = [
        ("calls made", account.made, account.made == account.calls),
        ("answered", account.answered, True),
        ("failed with a named error", f"{failed}  {dict(account.failed)}", True),
        (
            "unaccounted for",
            account.made - account.answered - failed,
            account.made == account.answered + failed,
        ),
        ("faults of the server", f"{sum(counts['faults'].values())}  {counts['faults']}", True),
        ("writes answered", len(account.written), True),
        ("writes lost", len(lost), not lost),
        ("writes doubled", len(doubled), not doubled),
        ("writes that nobody asked for", len(unasked), not unasked),
        ("tokens fetched", f"{counts['tokens']} in {seconds:.0f} s", counts["tokens"] <= most_tokens),
        ("memory, MiB, by tenths", account.memory, account.memory[-1] <= account.memory[2] + 16),
        ("sockets, by tenths", account.sockets, max(account.sockets) <= workers + 16),
        ("threads, by tenths", account.threads, account.threads[-1] <= account.threads[0]),
        ("calls a second", round(account.made / seconds), True),
    ]
    print(f"\n{title}")
    for name, value, good in rows:
        print(f"  {'ok ' if good else 'BAD'} {name:<30} {value}")
    return all(good for *_, good in rows)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=200_000, help="of each kind of client")
    parser.add_argument("--tasks", type=int, default=200)
    parser.add_argument("--threads", type=int, default=32)
    parser.add_argument("--faults", type=float, default=0.05, help="the part of the requests that go wrong")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    good = True
    for kind, workers in (("tasks", given.tasks), ("threads", given.threads)):
        account = Account(given.calls)
        with served(given.faults, given.seed) as (place, counts):
            start = time.monotonic()
            if kind == "tasks":
                asyncio.run(by_tasks(place, account, workers))
            else:
                by_threads(place, account, workers)
            seconds = time.monotonic() - start
        good &= judged(f"{given.calls} calls over {workers} {kind}", account, counts, seconds, workers)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
