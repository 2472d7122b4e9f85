"""Counts, at the end of a run, the operations that were called and answered in both worlds."""

import re

import pytest

# A test of this name calls both clients, or names the one that it calls.
_CALLED = re.compile(
    r"test_every_operation\.py::test_a_call_\w+\[(?P<title>[\w.]+)(-(?P<mode>blocking|asyncio))?\]$"
)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many operations passed, blocking and asyncio."""
    called: dict[str, set[str]] = {"blocking": set(), "asyncio": set()}
    for report in terminalreporter.stats.get("passed", []):
        found = _CALLED.search(report.nodeid)
        for mode in called if found else ():
            if found["mode"] in (mode, None):
                called[mode].add(found["title"])
    both = called["blocking"] & called["asyncio"]
    if both:
        terminalreporter.write_line(f"{len(both)} operations, each blocking and asyncio")
