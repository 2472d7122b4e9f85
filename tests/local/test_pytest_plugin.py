"""The fixtures for pytest, in little suites that run as a user's would: found by the entry point."""

import os
import re
import tomllib
from pathlib import Path
from textwrap import dedent

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", (ROOT / "docs/testing.md").read_text(), re.M | re.S)


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Return an empty suite that finds the entry point of the project, whether or not that is installed."""
    metadata = pytester.mkdir("site") / "anyauth0_entry-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: anyauth0-entry\nVersion: 1.0\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (name, module), *more = project["entry-points"]["pytest11"].items()
    assert not more
    (metadata / "entry_points.txt").write_text(f"[pytest11]\n{name} = {module}\n")
    paths = [metadata.parent, *(ROOT / part for part in ("core", "transports", "plugins"))]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    monkeypatch.syspath_prepend(metadata.parent)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    return pytester


ARGUMENTS = ("-W", "error", "--strict-markers", "-p", "no:cacheprovider")


def run(suite: pytest.Pytester, code: str) -> pytest.RunResult:
    """Run a suite within this process."""
    suite.makepyfile(dedent(code))
    return suite.runpytest_inprocess(*ARGUMENTS, "-p", "no:xdist")


def run_alone(suite: pytest.Pytester, code: str, *arguments: str) -> pytest.RunResult:
    """Run a suite in a process of its own, without the plugins of others, which take long to load."""
    suite.makepyfile(dedent(code))
    others = [f"-pno:{name}" for name in ("anyio", "hypothesispytest", "platformdirs")]
    return suite.runpytest_subprocess(*ARGUMENTS, *others, *arguments)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_run(suite: pytest.Pytester, example: str) -> None:
    run(suite, example).assert_outcomes(passed=example.count("\ndef test_"))


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) == 3


def test_nothing_is_loaded_before_a_fixture_is_used(suite: pytest.Pytester) -> None:
    code = """
    import sys

    def loaded():
        ours = {name for name in sys.modules if name.split(".")[0].startswith("anyauth0")}
        return ours, {"aiohttp", "trustme", "cryptography", "msgspec"} & sys.modules.keys()

    def test_that_uses_none():
        assert loaded() == ({"anyauth0_plugins", "anyauth0_plugins.testing"}, set())

    def test_that_uses_one(management):
        assert "anyauth0_transports.local" in loaded()[0]
        assert not {"aiohttp", "trustme"} & sys.modules.keys()
    """
    run_alone(suite, code).assert_outcomes(passed=2)


def test_every_test_has_a_tenant_of_its_own_in_every_worker(suite: pytest.Pytester) -> None:
    code = """
    import pytest

    @pytest.mark.parametrize("number", range(2))
    @pytest.mark.parametrize("served", [False, True])
    def test_alone(request, number, served):
        if served:
            request.getfixturevalue("auth0_server")
        tenant = request.getfixturevalue("auth0_tenant")
        management = request.getfixturevalue("management")
        management.users.create(connection="email", email="ada@example.com")
        assert len(list(management.users.get_all.iter())) == 1
        assert served == tenant.domain.startswith("localhost:")
        assert served == ("tls" in request.getfixturevalue("auth0_options"))
    """
    run_alone(suite, code, "-n", "2").assert_outcomes(passed=4)


def test_the_marker_names_the_domain_and_the_nearest_one_wins(suite: pytest.Pytester) -> None:
    code = """
    import pytest
    from anyauth0 import AuthenticationClient

    pytestmark = pytest.mark.auth0(domain="module.example", timeout=3)

    @pytest.mark.auth0(domain="nearest.example")
    def test_nearest(auth0_options, auth0_tenant):
        assert auth0_options["domain"] == auth0_tenant.domain == "nearest.example"
        assert auth0_options["timeout"] == 3
        with AuthenticationClient(**auth0_options) as own:
            assert own.oauth.client_credentials_grant(audience=auth0_tenant.management_audience).data

    def test_module(auth0_tenant):
        assert auth0_tenant.domain == "module.example"
    """
    run(suite, code).assert_outcomes(passed=2)


def test_a_wrong_marker_says_what_is_wrong(suite: pytest.Pytester) -> None:
    code = """
    import pytest

    @pytest.mark.auth0("tenant.example")
    def test_positional(auth0_tenant): ...

    @pytest.mark.auth0(timeuot=3)
    def test_unknown(management): ...
    """
    result = run(suite, code)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines_random(
        ['*marker "auth0" takes keywords only: @pytest.mark.auth0(domain=*', '*"timeuot"*']
    )


def test_clients_share_the_clock_and_are_closed_at_the_end(suite: pytest.Pytester) -> None:
    code = """
    import asyncio
    import pytest

    kept = []

    def test_first(management, authentication, async_management, async_authentication, auth0_tenant):
        asyncio.run(async_management.users.get_all())
        asyncio.run(async_authentication.oauth.client_credentials_grant(audience=auth0_tenant.management_audience))
        management.users.get_all()
        auth0_tenant.advance(2 * 86400)
        management.users.get_all()
        paths = [each.path for each in auth0_tenant.requests]
        # A client that goes by another clock is refused first.
        assert (paths.count("/oauth/token"), paths.count("/api/v2/users")) == (4, 3)
        kept.extend([management, authentication, async_management, async_authentication])

    def test_second():
        management, authentication, async_management, async_authentication = kept
        for call in (
            lambda: management.users.get_all(),
            lambda: authentication.oauth.client_credentials_grant(audience="a"),
            lambda: asyncio.run(async_management.users.get_all()),
            lambda: asyncio.run(async_authentication.oauth.client_credentials_grant(audience="a")),
        ):
            with pytest.raises(Exception, match="the client is closed"):
                call()
    """
    run(suite, code).assert_outcomes(passed=2)


def test_the_environment_hides_what_was_there_and_reaches_child_processes(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTH0_TOKEN", "of-the-developer")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    code = """
    import asyncio, os, subprocess, sys
    from anyauth0 import AsyncManagementClient

    CHILD = "from anyauth0 import ManagementClient as M; print(len(M.from_env().users.get_all().data))"

    def test_child(auth0_environment, auth0_tenant):
        auth0_tenant.add_user(email="ada@example.com")
        assert subprocess.check_output([sys.executable, "-c", CHILD], text=True) == "1\\n"

    def test_asyncio(auth0_environment):
        assert auth0_environment["AUTH0_DOMAIN"].startswith("localhost:")
        async def main():
            async with AsyncManagementClient.from_env() as own:
                return await own.users.get_all()
        assert not list(asyncio.run(main()).data)

    def test_it_is_put_back():
        assert os.environ["AUTH0_TOKEN"] == "of-the-developer"
        assert "AUTH0_DOMAIN" not in os.environ
    """
    run(suite, code).assert_outcomes(passed=3)


def test_what_is_missing_is_named_with_the_extra_that_has_it(suite: pytest.Pytester) -> None:
    code = """
    import sys

    sys.modules["trustme"] = None
    # Another test of this process may have imported it.
    sys.modules.pop("anyauth0_transports.local.server", None)

    def test_served(auth0_server): ...
    """
    result = run(suite, code)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*\"auth0_server\": *trustme*; pip install 'anyauth0[[]local]'*"])
