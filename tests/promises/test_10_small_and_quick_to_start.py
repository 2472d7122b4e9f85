"""Promise 10: small and quick to start: what importing and building load is counted; time, see `make bench`.

That the import loads nothing heavy is in tests/core/test_imports.py. Counts are the same on a slow machine.
"""

import json
import subprocess
import sys
import textwrap
from typing import Any

import pytest

IMPORT = "import anyauth0"
BUILD = "from anyauth0 import {0}\nclient = {0}(domain='t.example.com', client_id='c', client_secret='s')"
MANAGEMENT, AUTHENTICATION = BUILD.format("ManagementClient"), BUILD.format("AuthenticationClient")
# Nothing listens on that port; what the call loads is loaded by then.
CALL = """
import socket
from anyauth0 import ManagementClient, TransportError
with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    domain = f"localhost:{unused.getsockname()[1]}"
    with ManagementClient(domain=domain, token="t", retry=False, proxy=False) as client:
        try:
            client.users.get("auth0|1")
        except TransportError:
            done = True
assert done
"""
LATER = {"urllib3", "ssl", "_ssl", "socket", "logging", "urllib.parse", "email", "http", "http.client"}
NEVER = {"asyncio", "cryptography", "importlib.metadata", "aiohttp", "redis", "sqlite3", "threading", "json"}

# What a program takes: what it loads beyond our dependencies, the size of our code, and its objects.
TAKEN = """
import json, sys, msgspec, pluggy, gc, marshal, tracemalloc
before = set(sys.modules)
# The interpreter's table of names grows by half a megabyte at a time: not while this is counted.
names = [sys.intern(f"name {{number}}") for number in range(8000)]
tracemalloc.start()
exec({code!r})
gc.collect()
memory, _ = tracemalloc.get_traced_memory()
tracemalloc.stop()
more = set(sys.modules) - before
ours = {{name for name in more if name.startswith("anyauth0")}}
code = sum(len(marshal.dumps(sys.modules[name].__loader__.get_code(name))) for name in ours)
print(json.dumps(dict(ours=sorted(ours), others=sorted(more - ours), code=code, memory=memory)))
"""


def run(code: str, given: bytes = b"") -> str:
    """Run a program in a fresh process, and return what it prints."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(command, input=given, capture_output=True, timeout=60)
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode()


def taken(code: str) -> dict[str, Any]:
    """Return what a program takes."""
    found: dict[str, Any] = json.loads(run(TAKEN.format(code=code)))
    return found


def loaded(code: str) -> set[str]:
    """Return the modules that are there after a program."""
    return set(run(f"{code}\nimport sys\nprint(*sys.modules)").split())


# What is loaded when


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(MANAGEMENT, id="management"),
        pytest.param(AUTHENTICATION, id="authentication"),
    ],
)
def test_a_client_is_built_without_any_library_that_only_a_call_needs(code: str) -> None:
    assert not loaded(code) & (LATER | NEVER)


def test_the_first_call_loads_what_was_put_off() -> None:
    found = loaded(CALL)
    assert found >= LATER
    # urllib3 itself looks at its metadata.
    assert not found & (NEVER - {"importlib.metadata", "json", "threading"})


def test_a_resource_is_loaded_when_it_is_first_used_with_what_it_is_made_of() -> None:
    def resources(code: str) -> set[str]:
        prefix = "anyauth0.management."
        names = {name.removeprefix(prefix) for name in loaded(code) if name.startswith(prefix)}
        return names - {"client", "_tree"}

    assert resources(MANAGEMENT) == set()
    assert resources(f"{MANAGEMENT}\nclient.users") == {"users", "logs", "shared"}
    assert resources(f"{MANAGEMENT}\nclient.stats") == {"stats"}


# Budgets, each with about a tenth of air


@pytest.mark.parametrize(
    ("code", "ours", "others", "kilobytes_of_code", "kilobytes_of_memory"),
    [
        (IMPORT, 13, 0, 140, 430),
        (MANAGEMENT, 44, 5, 440, 1400),
        (AUTHENTICATION, 47, 9, 450, 1850),
        (f"{MANAGEMENT}\n{AUTHENTICATION}", 52, 9, 500, 2020),
    ],
    ids=["import", "management", "authentication", "both"],
)
def test_what_is_taken_keeps_within_its_budget(
    code: str, ours: int, others: int, kilobytes_of_code: int, kilobytes_of_memory: int
) -> None:
    found = taken(code)
    assert len(found["ours"]) <= ours, found["ours"]
    assert len(found["others"]) <= others, found["others"]
    assert found["code"] <= kilobytes_of_code * 1000
    assert found["memory"] <= kilobytes_of_memory * 1000


def test_the_budgets_are_counted_by_what_counts() -> None:
    found = taken("import anyauth0.management.users, email.message\nkept = bytearray(5_000_000)")
    assert "anyauth0.management.users" in found["ours"]
    assert "email.message" in found["others"]
    assert found["code"] > 200_000
    assert found["memory"] > 5_000_000
