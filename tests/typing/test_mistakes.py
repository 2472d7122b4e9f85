"""Both mypy and pyright report each planted mistake of `mistakes.py`, where it is, and nothing else."""

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = Path(__file__).with_name("mistakes.py")
BIN = Path(sys.executable).parent
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


def run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def by_mypy(folder: Path) -> set[int]:
    output = run(str(BIN / "mypy"), "--no-pretty", "--cache-dir", str(folder), str(FILE))
    return {int(line) for line in re.findall(r"^\S*mistakes\.py:(\d+): error: ", output, re.MULTILINE)}


def by_pyright(folder: Path) -> set[int]:
    # What the project excludes stays excluded on the command line, so a copy is checked with its settings.
    shutil.copy(FILE, folder)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pyright"]
    paths = [str(ROOT / path) for path in settings["extraPaths"]]
    mine = {"include": [FILE.name], "exclude": [], "extraPaths": paths, "venvPath": str(ROOT)}
    (folder / "pyrightconfig.json").write_text(json.dumps({**settings, **mine}))
    found = json.loads(run(str(BIN / "pyright"), "--outputjson", "--project", str(folder)))
    return {each["range"]["start"]["line"] + 1 for each in found["generalDiagnostics"]}


@pytest.fixture(scope="module", params=[by_mypy, by_pyright])
def reported(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> set[int]:
    checker: Callable[[Path], set[int]] = request.param
    return checker(tmp_path_factory.mktemp("checker"))


def test_there_are_forty_mistakes_or_more_and_no_two_of_the_same_name() -> None:
    assert 40 <= len(MISTAKES) == sum(1 for line in FILE.read_text().splitlines() if MARK.fullmatch(line))


def test_the_checker_reports_each_mistake_at_its_own_lines(reported: set[int]) -> None:
    assert [mark for mark, lines in MISTAKES.items() if not reported.intersection(lines)] == []


def test_the_checker_reports_nothing_else(reported: set[int]) -> None:
    assert sorted(reported.difference(*MISTAKES.values())) == []
