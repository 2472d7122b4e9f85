"""Promise 3: light and compatible: three distributions, lower bounds only, and all else may be absent.

Lowest and highest versions are `make matrix`. The base install in its places is promise 20, and how a client
without urllib3 or cryptography says so is there too.
"""

import json
import re
import subprocess
import sys
import textwrap
from email.message import Message
from email.parser import Parser
from importlib.metadata import requires
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from .. import matrix
from ..release.test_release import read
from .odd_places import without

ROOT = Path(__file__).parents[2]
BASE = {"msgspec", "pluggy", "urllib3"}
USERS = ["aiohttp", "cli", "crypto", "local", "opentelemetry", "redis"]
"""The extras for users; the others are of the workshop."""

ABSENT = (
    "urllib3", "aiohttp", "cryptography", "redis", "opentelemetry", "typer", "click", "rich", "trustme",
    "keyring", "pytest", "certifi", "idna", "brotli", "zstandard", "typing_extensions",
)  # fmt: skip
BUILD = """
from anyauth0 import *
who = dict(domain="t.example.com", client_id="c", client_secret="s")
def fetch(request):
    return Response(status=200, body=b'{"access_token":"t","expires_in":60,"user_id":"ada"}')
"""


@pytest.fixture(scope="module")
def metadata(tmp_path_factory: pytest.TempPathFactory) -> Message:
    """Return the metadata of the wheel, built now."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return Parser().parsestr(read(wheel, "METADATA"))


def needed(requirements: list[str], extra: str = "") -> set[str]:
    """Return the names of the distributions that an install of one brings here, with an extra or without."""
    parsed = map(Requirement, requirements)
    return {
        each.name.lower() for each in parsed if each.marker is None or each.marker.evaluate({"extra": extra})
    }


def closure(names: set[str]) -> set[str]:
    """Return names and all that they need in turn."""
    found: set[str] = set()
    while more := names - found:
        found |= more
        names = {each for name in more for each in needed(requires(name) or [])}
    return found


def listed(metadata: Message) -> list[str]:
    return metadata.get_all("Requires-Dist", [])


# What is installed


def test_a_plain_install_is_ours_and_three_distributions(metadata: Message) -> None:
    assert closure(needed(listed(metadata))) == BASE


def test_the_closure_follows_what_is_needed_in_turn() -> None:
    assert {"aiohttp", "yarl", "idna", "multidict"} <= closure({"aiohttp"})


def test_each_extra_brings_what_it_is_called_after_and_little_else(metadata: Message) -> None:
    assert set(USERS) < set(metadata.get_all("Provides-Extra", []))
    brought = {each: needed(listed(metadata), each) - BASE for each in USERS}
    assert brought == {
        "aiohttp": {"aiohttp"},
        "cli": {"typer", "rich"},
        "crypto": {"cryptography"},
        "local": {"aiohttp", "cryptography", "trustme"},
        "opentelemetry": {"opentelemetry-api"},
        "redis": {"redis"},
    }
    assert needed(listed(metadata), "all") == BASE.union(*brought.values())


def test_every_bound_is_a_lower_one_extras_and_python_included(metadata: Message) -> None:
    for each in map(Requirement, listed(metadata)):
        assert [one.operator for one in each.specifier] == [">="], str(each)
    assert [one.operator for one in SpecifierSet(metadata["Requires-Python"])] == [">="]


def test_the_matrix_covers_every_python_and_every_bound_that_is_promised(metadata: Message) -> None:
    assert metadata["Requires-Python"] == f">={matrix.VERSIONS[0]}"
    numbers = [tuple(map(int, version.split("."))) for version in matrix.VERSIONS]
    assert numbers == [(3, minor) for minor in range(numbers[0][1], numbers[-1][1] + 1)]
    pinned = {(name, f">={bound}") for name, bound in [*matrix.bounds(), *matrix.bounds("all")]}
    wanted = {
        (each.name, str(each.specifier))
        for each in map(Requirement, listed(metadata))
        if each.marker is None or any(each.marker.evaluate({"extra": extra}) for extra in USERS)
    }
    assert pinned == wanted


# What may be absent


def run(code: str) -> list[str]:
    """Run a program where everything but msgspec and pluggy is absent; it must complain of nothing."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", without(*ABSENT) + textwrap.dedent(code)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_every_module_is_there_but_those_that_are_made_of_what_is_absent() -> None:
    (said,) = run("""
        import importlib, json, pkgutil
        absent = {}
        for name in ("anyauth0", "anyauth0_transports", "anyauth0_plugins"):
            package = importlib.import_module(name)
            for each in pkgutil.walk_packages(package.__path__, f"{name}.", onerror=lambda name: None):
                if not each.name.endswith("__main__"):
                    try:
                        importlib.import_module(each.name)
                    except ModuleNotFoundError as error:
                        absent[each.name] = error.name
        print(json.dumps(absent))
    """)
    found: dict[str, str] = json.loads(said)
    private = {each: name for each, name in found.items() if "._" in each}
    # The modules of the command import each other, and nobody else imports them.
    command = {each: name for each, name in found.items() if each.startswith("anyauth0_plugins.cli.")}
    assert {each: found[each] for each in found.keys() - private.keys() - command.keys()} == {
        "anyauth0_plugins.opentelemetry": "opentelemetry",
        "anyauth0_plugins.testing": "pytest",
        "anyauth0_transports.aiohttp": "aiohttp",
        "anyauth0_transports.local": "cryptography",
        "anyauth0_transports.urllib3": "urllib3",
    }
    assert set(command.values()) == {"typer"}
    for each, name in private.items():
        assert each.startswith(f"anyauth0_transports._{name}"), each


def test_clients_of_every_kind_work_with_all_else_absent() -> None:
    said = run(
        BUILD
        + textwrap.dedent("""
        import asyncio
        from anyauth0_plugins.rate_limit import RateLimiter
        from anyauth0_plugins.file_store import FileTokenStore
        async def fetch_async(request):
            return fetch(request)
        async def main():
            async with AsyncManagementClient(**who, transport=fetch_async) as management:
                return (await management.users.get("ada")).data.user_id
        for transport, plugins in ((fetch, [RateLimiter(100)]), (fetch, ["client_secret_basic"])):
            with ManagementClient(**who, transport=transport, plugins=plugins) as management:
                print(management.users.get("ada").data.user_id)
        print(asyncio.run(main()))
        for kind in (ManagementClient, AuthenticationClient):
            kind(**who, transport="http_client").close()
        """)
    )
    assert said == ["ada"] * 3


NAMED = {
    "the default of asyncio": ("AsyncManagementClient(**who)", "aiohttp", "aiohttp"),
    "transport": ("AuthenticationClient(**who, transport='aiohttp')", "aiohttp", "aiohttp"),
    "plugin": (
        "ManagementClient(**who, transport=fetch, plugins=['opentelemetry'])",
        "opentelemetry",
        "opentelemetry",
    ),
    "store": (
        "from anyauth0_plugins.redis_store import RedisTokenStore as R; R('redis://localhost')",
        "redis",
        "redis",
    ),
    "limiter": (
        "from anyauth0_plugins.rate_limit import RateLimiter as R; R(1, redis='redis://localhost')",
        "redis",
        "redis",
    ),
    "embedded tenant": ("ManagementClient(**who, transport='local')", "cryptography", "local"),
    "command": ("from anyauth0_plugins.cli import main; main()", "typer", "cli"),
}


@pytest.mark.parametrize(("code", "package", "extra"), NAMED.values(), ids=NAMED)
def test_what_needs_an_absent_package_names_it_and_the_extra(code: str, package: str, extra: str) -> None:
    said = run(
        f"{BUILD}\ntry:\n    {code}\nexcept (ConfigurationError, SystemExit) as error:\n    print(error)"
    )
    assert len(said) == 1
    assert re.search(rf"\b{package}\b", said[0])
    assert said[0].endswith(f"pip install 'anyauth0[{extra}]'")


@pytest.mark.parametrize("name", ["LocalTenant", "serve"])
def test_the_embedded_tenant_names_the_extra(name: str) -> None:
    tried = f"from anyauth0_transports.local import {name}"
    (said,) = run(f"try:\n    {tried}\nexcept ImportError as error:\n    print(error)")
    assert "pip install 'anyauth0[local]'" in said


def test_what_is_called_absent_is_known_here_and_absent_there() -> None:
    known = {name for name in ABSENT if find_spec(name) is not None}
    assert {
        "urllib3",
        "aiohttp",
        "cryptography",
        "redis",
        "opentelemetry",
        "typer",
        "rich",
        "trustme",
    } <= known
    tried = "\n".join(
        f"try:\n    import {name}\nexcept ModuleNotFoundError as error:\n    print(error.name)"
        for name in ABSENT
    )
    assert run(tried) == list(ABSENT)
