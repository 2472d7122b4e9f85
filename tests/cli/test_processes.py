"""The command as a process: what it starts with, what others see of it, and how it ends."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from anyauth0_plugins.cli import main
from anyauth0_plugins.cli.failures import told

from .conftest import COMMAND, World


def run(script: str) -> str:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("AUTH0_")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=clean)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_only_the_resource_that_is_asked_for_is_imported() -> None:
    script = """
import sys
from anyauth0_plugins.cli.app import app
first = set(sys.modules)
app(["roles", "get", "--help"], standalone_mode=False)
print("\\n", *sorted(first), "\\n", *sorted(set(sys.modules) - first))
"""
    *_, first, later = run(script).strip().split("\n")
    for heavy in ("urllib3", "ssl", "aiohttp", "asyncio", "cryptography", "sqlite3", "rich", "keyring"):
        assert heavy not in first.split()
    resources = [name for name in first.split() if re.fullmatch(r"anyauth0\.management\.[a-z]\w*", name)]
    assert resources == ["anyauth0.management.client"]
    loaded = [name for name in later.split() if name.startswith("anyauth0.")]
    assert loaded == ["anyauth0.management.roles", "anyauth0.management.shared"]


def test_it_runs_as_a_process_over_tls(world: World) -> None:
    world.users(1)
    process = world.start("users", "get-all")
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert json.loads(said)[0]["email"] == "user0@example.com"


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_who_lists_the_processes_sees_no_secret(world: World) -> None:
    world.said("token")
    process = world.start("logs", "--follow", "--from", "", "--every", "0")
    assert process.stdout is not None
    assert process.stdout.readline()
    seen = Path(f"/proc/{process.pid}/cmdline").read_text()
    process.kill()
    process.communicate()
    assert "logs" in seen
    assert world.environment["AUTH0_CLIENT_SECRET"] not in seen


def test_a_reader_that_goes_away_is_no_traceback(world: World) -> None:
    world.users(2)
    process = world.start("logs", "--follow", "--from", "", "--every", "0")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    # An entry that nobody reads.
    world.said("token")
    errors = process.stderr.read()
    assert (process.wait(timeout=60), errors) == (141, "")
    process.stderr.close()


def test_the_help_of_the_embedded_tenant_has_the_name_of_the_command() -> None:
    done = subprocess.run([*COMMAND, "tenant", "--help"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("usage: anyauth0 tenant [-h]")


def test_the_embedded_tenant_is_started_and_stopped() -> None:
    process = subprocess.Popen(
        [*COMMAND, "tenant", "--port", "0", "--tls"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(7)]
    assert "url            https://localhost:" in lines[1]
    process.terminate()
    said, errors = process.communicate(timeout=60)
    assert (process.returncode, said.strip(), errors) == (0, "Stopped.", "")


def test_without_its_extra_it_says_what_to_install() -> None:
    script = """
import sys
sys.modules["typer"] = None
from anyauth0_plugins.cli import main
try:
    main()
except SystemExit as error:
    print(error)
"""
    assert "pip install 'anyauth0[cli]'" in run(script)


def test_a_ctrl_c_while_it_is_starting_gives_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("anyauth0_plugins.cli.app.app", stop)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_an_error_that_nobody_expected_does_not_say_what_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, told():
        raise ValueError("hunter2")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "anyauth0: unexpected ValueError; --debug shows where\n"
    with pytest.raises(ValueError, match="hunter2"), told(debug=True):
        raise ValueError("hunter2")


def test_a_misspelt_command_suggests_one(world: World) -> None:
    done = world.run("usrs")
    assert (done.exit_code, "users" in done.stderr) == (2, True)


def test_it_tells_its_version(world: World) -> None:
    assert re.fullmatch(r"anyauth0 \d+\.\d+.*\n", world.said("--version"))
