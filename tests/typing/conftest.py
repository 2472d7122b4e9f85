"""What both type checkers say of the programs here, each started once, as a user does who has installed this.

Neither is told where the sources are: that the packages have types is for their `py.typed` to say.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from .language_server import LanguageServer

HERE = Path(__file__).parent
PROGRAMS = ("mistakes.py", "user_program.py", "check_types.py")
Reports = dict[str, set[int]]


@pytest.fixture(scope="session")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    folder = tmp_path_factory.mktemp("editor")
    settings = {
        "pythonVersion": "3.11",
        "typeCheckingMode": "strict",
        "enableTypeIgnoreComments": False,
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    with LanguageServer(folder) as server:
        yield server


@pytest.fixture(scope="session")
def by_pyright(editor: LanguageServer) -> Reports:
    return {name: editor.errors(editor.open(name, (HERE / name).read_text())) for name in PROGRAMS}


@pytest.fixture(scope="session")
def by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Reports:
    folder = tmp_path_factory.mktemp("mypy")
    for name in PROGRAMS:
        shutil.copy(HERE / name, folder)
    (folder / "mypy.ini").write_text("[mypy]\nstrict = true\npython_version = 3.11\n")
    command = [sys.executable, "-m", "mypy", "--no-pretty", *PROGRAMS]
    output = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False).stdout
    assert "checked 3 source files" in output, output
    found = re.findall(r"^(\S+):(\d+): error: ", output, re.MULTILINE)
    return {name: {int(line) for file, line in found if file == name} for name in PROGRAMS}


@pytest.fixture(params=["by_mypy", "by_pyright"])
def reported(request: pytest.FixtureRequest) -> Reports:
    """The lines with an error, by the name of the program."""
    found: Reports = request.getfixturevalue(request.param)
    return found
