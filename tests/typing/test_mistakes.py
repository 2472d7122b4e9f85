"""Both mypy and pyright report each planted mistake of `mistakes.py`, where it is, and nothing else."""

import ast
import re
from pathlib import Path

import pytest

from .conftest import Reports

FILE = Path(__file__).with_name("mistakes.py")
MARK = re.compile(r"\s*# mistake: (.*)")


def planted(source: str) -> dict[str, range]:
    """Return the lines of the one statement under each mark, by what the mark says."""
    ends: dict[int, int] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt):
            ends[node.lineno] = max(ends.get(node.lineno, 0), node.end_lineno or 0)
    marks = [
        (found[1], line + 1)
        for line, text in enumerate(source.splitlines(), 1)
        if (found := MARK.fullmatch(text))
    ]
    return {mark: range(line, ends[line] + 1) for mark, line in marks}


MISTAKES = planted(FILE.read_text())


def test_there_are_forty_mistakes_or_more_and_no_two_of_the_same_name() -> None:
    assert 40 <= len(MISTAKES) == sum(1 for line in FILE.read_text().splitlines() if MARK.fullmatch(line))


def test_the_checker_reports_each_mistake_at_its_own_lines(reported: Reports) -> None:
    found = reported[FILE.name]
    assert [mark for mark, lines in MISTAKES.items() if not found.intersection(lines)] == []


def test_the_checker_reports_nothing_else(reported: Reports) -> None:
    assert sorted(reported[FILE.name].difference(*MISTAKES.values())) == []


@pytest.mark.parametrize("name", ["user_program.py", "check_types.py"])
def test_the_checker_finds_no_error_in_a_program_that_has_none(reported: Reports, name: str) -> None:
    assert sorted(reported[name]) == []
