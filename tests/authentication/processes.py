"""A Redis server of the tests' own, and children that ask for a token at the same time as each other."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHILDREN = 8

# In a process of its own, which has one thread when it forks. Whoever makes the first token request gets no
# answer before another child has met the lock, or has made a request too: so a lock that does not work is
# always found out.
_SCRIPT = """
import multiprocessing
from types import SimpleNamespace
from anyauth0 import AuthenticationClient, Response, blocking

context = multiprocessing.get_context("fork")
together, others = context.Barrier({children}), context.Semaphore(0)
requests, answers = context.Value("i", 0), context.SimpleQueue()

def turned_away(seconds):
    others.release()
    patience.acquire(timeout=seconds)

patience = context.Semaphore(0)
blocking.time = SimpleNamespace(sleep=turned_away)

def send(request):
    with requests.get_lock():
        requests.value += 1
        number = requests.value
    if number > 1:
        others.release()
    elif not others.acquire(timeout=60):
        return Response(status=500)
    return Response(status=200, body=b'{{"access_token": "t%d", "expires_in": 3600}}' % number)

{imports}

def make_store():
    {store}

shared = {shared}

def child():
    client = AuthenticationClient(
        domain="tenant.eu.auth0.com", client_id="app", client_secret="s", transport=send,
        token_store=shared or make_store(), retry=False,
    )
    together.wait(60)
    answers.put(client.tokens.get(audience="api"))

children = [context.Process(target=child) for _ in range({children})]
for each in children:
    each.start()
for each in children:
    each.join(60)
print(requests.value, *(answers.get() for each in children if each.exitcode == 0))
"""


def fork_and_get(store: str, *, before_the_fork: bool = False) -> tuple[int, list[str]]:
    """Return how many token requests eight forked children made, and the tokens that they got.

    `store` is the code that makes the store, after a line that imports it: in each child, or once before they
    are forked.
    """
    # Once for all children: importing Redis takes as long as all that they do.
    imports, _, store = store.partition("\n")
    code = _SCRIPT.format(
        children=CHILDREN,
        imports=imports,
        store=store.replace("\n", "\n    "),
        shared="make_store()" if before_the_fork else "None",
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    requests, *tokens = done.stdout.split()
    assert len(tokens) == CHILDREN, done.stderr
    return int(requests), tokens


def file_store(directory: Path) -> str:
    """Return the code of a file store."""
    return (
        f"from anyauth0_plugins.file_store import FileTokenStore\nreturn FileTokenStore({str(directory)!r})"
    )


def redis_store(url: str) -> str:
    """Return the code of a Redis store."""
    imports = "import redis; from anyauth0_plugins.redis_store import RedisTokenStore"
    return f"{imports}\nreturn RedisTokenStore({url!r})"


class RedisServer:
    """A server on loopback that can be stopped, and started again on the same port."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        options = f"--port {self.port} --bind 127.0.0.1 --appendonly no --daemonize no".split()
        self._process = subprocess.Popen(
            ["redis-server", *options, "--save", ""], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "Ready to accept connections" in line:
                return
        raise AssertionError("the server ended before it was ready")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Run a Redis server; skip the test where there is none to run."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: make redis")
    server = RedisServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
