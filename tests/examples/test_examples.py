"""Every example runs on the embedded tenant: in memory, and over real TLS by each transport that fits."""

import asyncio
import inspect
import os
import runpy
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.urllib3 import Urllib3Transport

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))

setting = import_module("setting")

NAMES = sorted(path.stem for path in EXAMPLES.glob("*.py") if path.stem not in ("browser", "setting"))
BLOCKING = [name for name in NAMES if not name.startswith("asyncio_")]
ASYNCIO = [name for name in NAMES if name.startswith("asyncio_")]

# What each example says when it has done what it is there for.
SAYS = {
    "sign_up": "who has the id ",
    "client_assertion": "Got a Bearer token",
    "refresh_tokens": "It is void now: invalid_grant",
    "pkce": "@example.com step by step.",
    "login_and_logout": "Logged out; the browser is at https://app.example.com/",
    "device": "The device is logged in as jane-",
    "backchannel": "has confirmed it.",
    "second_factor": "Logged in by recovery code",
    "dpop": "Without a proof: 401 invalid_token",
    "protect_an_api": "GET: 200 Hello ",
    "passwordless": "without a password",
    "mtls": "by certificate alone",
    "users_by_page": "Got 2 users on 2 pages",
    "logs_by_checkpoint": "log entries",
    "follow_events": "The next time it begins after",
    "import_users": "Imported 5 users",
    "import_users_in_bulk": "599 users are new, 1 were not taken",
    "export_users_in_bulk": "Exported 2 users",
    "update_user_metadata": "{'language': 'nl', 'foo': 'bar'}",
    "custom_options": "requests are left",
    "own_fetch": "after  GET /users/{id}: 200",
    "share_tokens_between_processes": "2 other processes had the token",
    "distributed_update": "200 users updated by 2 processes, with 1 token.",
    "quickstart": "200 users are new",
    "asyncio_refresh_tokens": "It is void now: invalid_grant",
    "asyncio_users_by_page": "Got 2 users",
    "asyncio_import_users": "20 users are new",
    "asyncio_device": "The device is logged in as jane-",
    "asyncio_own_fetch": "after  GET /users/{id}: 200",
}


# What each of its processes has to import: these run as processes, and so does one for each world.
PROCESSES = {"distributed_update", "share_tokens_between_processes", "quickstart", "asyncio_users_by_page"}


@pytest.fixture(autouse=True)
def tenants_have_a_key(signing_key: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    made = setting.tenant_for_examples

    def tenant_for_examples() -> LocalTenant:
        tenant: LocalTenant = made()
        tenant.store.add("keys", signing_key["kid"], signing_key)
        return tenant

    monkeypatch.setattr(setting, "tenant_for_examples", tenant_for_examples)


@pytest.fixture(autouse=True)
def nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pauses short: the tenant goes on with a job whenever it is asked for it."""
    sleep, asyncio_sleep = time.sleep, asyncio.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))
    monkeypatch.setattr(asyncio, "sleep", lambda seconds, *more: asyncio_sleep(min(seconds, 0.01), *more))


def skip_what_cannot_run(name: str) -> None:
    if name != "distributed_update":
        return
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed: make redis")
    if find_spec("distributed") is None:
        pytest.skip("distributed is not installed: pip install distributed")


def run(name: str, found: Any) -> None:
    skip_what_cannot_run(name)
    main = import_module(name).main
    if inspect.iscoroutinefunction(main):
        asyncio.run(main(found))
    else:
        main(found)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Return a function that makes the setting of an example, over the tenant's server on real TLS."""
    tenant = setting.tenant_for_examples()
    with serve(tenant) as server:

        def make(**more: Any) -> Any:
            options = {
                "domain": server.domain,
                "client_id": tenant.client_id,
                "client_secret": tenant.client_secret,
                "tls": server.tls,
                "proxy": False,
            }
            return setting.Setting({**options, **more}, tenant, server)

        yield make
    tenant.close()


def test_there_is_one_for_each_example_of_the_page() -> None:
    assert set(NAMES) == set(SAYS)
    assert len(ASYNCIO) == 5


@pytest.mark.parametrize("name", [name for name in NAMES if name not in PROCESSES])
def test_it_runs_as_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in [variable for variable in os.environ if variable.startswith("AUTH0_")]:
        monkeypatch.delenv(variable)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    said = capsys.readouterr()
    assert SAYS[name] in said.out
    assert not said.err.replace("\n", "")


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_it_runs_as_a_process(name: str) -> None:
    skip_what_cannot_run(name)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AUTH0_")}
    done = subprocess.run(
        [sys.executable, "-W", "error", EXAMPLES / f"{name}.py"],
        capture_output=True, text=True, env=environment, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert SAYS[name] in done.stdout
    assert not done.stderr.replace("\n", "")


# What differs between them over a real transport; the others make the same calls.
@pytest.mark.parametrize(
    "name",
    [
        "backchannel",
        "client_assertion",
        "dpop",
        "export_users_in_bulk",
        "follow_events",
        "import_users",
        "mtls",
        "own_fetch",
        "quickstart",
        "second_factor",
        "login_and_logout",
    ],
)
def test_it_runs_over_urllib3(name: str, served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(name, served(transport="urllib3"))
    assert SAYS[name] in capsys.readouterr().out


@pytest.mark.parametrize("name", ASYNCIO)
def test_it_runs_over_aiohttp(name: str, served: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run(name, served())
    assert SAYS[name] in capsys.readouterr().out


# A function goes to no other process.
# That a function serves every call is promise 8: these stand for the others.
@pytest.mark.parametrize(
    "name",
    ["device", "dpop", "export_users_in_bulk", "login_and_logout", "passwordless", "pkce", "users_by_page"],
)
def test_it_runs_over_a_function_of_the_users(
    name: str, served: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = served()
    transport = Urllib3Transport(tls=found.options["tls"], proxy=False)
    sent: list[str] = []

    def fetch(request: Any) -> Any:
        sent.append(request.endpoint)
        return transport.send(request)

    found.options["transport"] = fetch
    run(name, found)
    transport.close()
    assert SAYS[name] in capsys.readouterr().out
    assert sent


@pytest.mark.parametrize("name", [name for name in ASYNCIO if name != "asyncio_own_fetch"])
def test_it_runs_over_an_async_function_of_the_users(
    name: str, served: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    found = served()
    transport = AiohttpTransport(tls=found.options["tls"], proxy=False)
    sent: list[str] = []

    async def fetch(request: Any) -> Any:
        sent.append(request.endpoint)
        return await transport.send(request)

    async def whole() -> None:
        found.options["transport"] = fetch
        try:
            await import_module(name).main(found)
        finally:
            await transport.close()

    asyncio.run(whole())
    assert SAYS[name] in capsys.readouterr().out
    assert sent


@pytest.mark.parametrize(
    ("name", "answers"),
    [
        ("protect_an_api", ["GET: 401 no token Bearer", "DELETE: 403 insufficient_scope Bearer", "GET: 200"]),
        ("dpop", ["a proof: 200", "again: 401", "another key: 401", "Without a proof: 401"]),
    ],
)
def test_the_api_of_an_example_refuses_what_it_has_to(
    name: str, answers: list[str], served: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    run(name, served())
    said = capsys.readouterr().out.splitlines()[-len(answers) :]
    assert [answer for answer, line in zip(answers, said, strict=True) if answer in line] == answers


def test_the_browser_of_the_examples_logs_in_by_the_form_of_the_page(served: Any) -> None:
    found = served()
    main = import_module("login_and_logout").main
    main(found)
    paths = [request.path for request in found._tenant.requests if "/api/v2/" not in request.path]
    assert paths[paths.index("/authorize") :][:3] == ["/authorize", "/u/login", "/oauth/token"]
    assert paths[-1] == "/v2/logout"
    stranger = setting.Account(user_id="none", email="nobody@example.com")
    found.account = lambda: nullcontext(stranger)
    with pytest.raises(SystemExit, match=r"status 400: .*Wrong email or password"):
        main(found)
