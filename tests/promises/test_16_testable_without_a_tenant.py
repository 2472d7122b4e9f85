"""Promise 16: testable without a tenant: a user's whole suite runs in process, with clock and faults.

That each example runs on the embedded tenant is in tests/examples, and each fixture is in
tests/local/test_pytest_plugin.py.
"""

import re
import sys

import pytest

from ..examples.test_examples import EXAMPLES, NAMES, SAYS
from .user_suite import APP, CONFTEST, ESCAPES, TESTS

pytest_plugins = ["pytester"]

HELPERS = {"browser.py", "setting.py"}

unix = pytest.mark.skipif(sys.platform == "win32", reason="there asyncio connects a pair of sockets")


def run(pytester: pytest.Pytester, app: str, **tests: str) -> pytest.RunResult:
    """Run the suite of a user, for his application and with its tests."""
    pytester.makepyfile(club=app, conftest=CONFTEST, **tests)
    pytester.syspathinsert()
    return pytester.runpytest_subprocess("-W", "error", "--strict-markers", "-p", "no:cacheprovider", "-rfE")


@unix
def test_a_whole_suite_passes_with_every_socket_and_every_sleep_forbidden(pytester: pytest.Pytester) -> None:
    run(pytester, APP, test_club=TESTS).assert_outcomes(passed=TESTS.count("\ndef test_"))


@unix
def test_the_suite_finds_a_broken_application_and_whoever_opens_a_socket_or_sleeps(
    pytester: pytest.Pytester,
) -> None:
    app = APP
    for right, wrong in [
        ("except Unauthorized:", "except ZeroDivisionError:"),
        ('app_metadata={"paid": year}', 'app_metadata={"paid": str(year)}'),
        ('entry.type == "fp"', "entry.user_name is None"),
    ]:
        assert app.count(right) == 1
        app = app.replace(right, wrong)
    result = run(pytester, app, test_club=TESTS, test_escapes=ESCAPES)
    lines = [line.split()[1] for line in result.outlines if line.startswith("FAILED ")]
    assert {line.partition("::")[2] for line in lines} == {
        "test_a_member_stays_for_a_month",
        "test_who_is_refused_is_in_the_log",
        "test_a_payment_waits_for_the_budget",
        "test_a_list_survives_a_reset",
        "test_asyncio_sees_the_same_members_and_waits_as_well",
        "test_a_connection",
        "test_a_name",
        "test_a_nap",
    }
    # Who hides the refusal is found at the end of the test.
    result.assert_outcomes(passed=5, failed=8, errors=3)
    result.stdout.fnmatch_lines_random(["*socket.__new__ in a test*", "*time.sleep in a test*"])


def test_every_example_is_among_those_that_are_run() -> None:
    there = {path.name for path in EXAMPLES.iterdir() if path.suffix == ".py"}
    assert there == {f"{name}.py" for name in NAMES} | HELPERS
    assert set(NAMES) == SAYS.keys()
    folders = {path.name for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"}
    # Its tests are test_web_login_without_a_browser.py and test_web_login_in_a_browser.py.
    assert folders == {"web_login"}


def test_no_example_needs_a_tenant_of_anybody() -> None:
    for name in NAMES:
        text = (EXAMPLES / f"{name}.py").read_text(encoding="utf-8")
        assert re.search(r"^from setting import ", text, re.MULTILINE), name
        assert "auth0.com" not in text.replace("http://auth0.com/oauth/", ""), name
