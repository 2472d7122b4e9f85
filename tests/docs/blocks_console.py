"""Runs the commands of a console block: ours in this process; of others it says whether they are there."""

import os
import re
import runpy
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn, TypeVar

from typer.testing import CliRunner

from anyauth0_plugins.cli.app import app

from .blocks import ROOT, Block
from .blocks_stage import PageStage

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CTRL_C = 130
T = TypeVar("T")
TARGETS = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE)


def run(block: Block, stage: PageStage) -> None:
    """Run the commands of a block, one after another. Raises `AssertionError` for one that fails.

    - `anyauth0 ...`, `python -m MODULE ...`, `python FILE ...`: in this process; `PageStage.typed` and `ends`
      say what is typed, and how they end
    - `python -c ...`: in a process of its own, in the folder of the page
    - `export NAME=... ...`: names that a client reads
    - `make TARGET`, `pip install PACKAGE`, and what comes after a pipe: exist
    """
    lines = block.code.replace("\\\n", "").splitlines()
    shown = [line for line in lines if not line.startswith("$ ")]
    assert not shown, f"a console block is all commands, and {shown} is none: it has to begin with a dollar"
    for line in lines:
        words = [os.path.expanduser(word) for word in shlex.split(line[2:], comments=True)]
        for old, new in stage.instead.items():
            words = [word.replace(old, new) for word in words]
        before, *after = _split(words)
        for piped in after:
            assert shutil.which(piped[0]), f'"{piped[0]}" is no command'
        wanted = _of(stage.ends, line, 0)
        stage.pauses = [_interrupt] if wanted == CTRL_C else []
        code = _command(before, _of(stage.typed, line, ""), stage)
        assert code == wanted, f'"{line}" ends with {code}'


def _split(words: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == "|":
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _of(values: dict[str, T], line: str, default: T) -> T:
    return next((value for start, value in values.items() if line.startswith(f"$ {start}")), default)


def _command(words: list[str], typed: str, stage: PageStage) -> int:
    """Run one command and return its exit code."""
    environment: dict[str, str] = {}
    while "=" in words[0]:
        name, _, value = words.pop(0).partition("=")
        environment[name] = value
    match words:
        case ["export", *settings]:
            names = {setting.partition("=")[0].removeprefix("AUTH0_").lower() for setting in settings}
            assert names <= stage.values.keys(), f"a client reads no {names - stage.values.keys()}"
        case ["anyauth0", *arguments]:
            done = CliRunner().invoke(app, arguments, input=typed)
            if done.exit_code:
                print(done.output)
            return done.exit_code
        case ["python", "-m", module, *arguments]:
            return _in_process(partial(runpy.run_module, module), [module, *arguments], stage)
        case ["python", "-c", *code]:
            # It finds the packages of this interpreter, and nothing else of ours.
            return subprocess.run(
                [sys.executable, "-c", *code], cwd=stage.folder, env=environment, check=False
            ).returncode
        case ["python" | ".venv/bin/python", file, *arguments]:
            path = str(ROOT / file)
            return _in_process(partial(runpy.run_path, path), [path, *arguments], stage)
        case ["make", target]:
            assert target in TARGETS, f'"{target}" is no target of the Makefile'
        case ["pip", "install", *packages]:
            for package in packages:
                _installable(package)
        case _:
            raise AssertionError(f'"{words[0]}" has no way to run; add one to {Path(__file__).name}')
    return 0


def _in_process(program: Callable[..., object], arguments: list[str], stage: PageStage) -> int:
    wait = threading.Event.wait

    def wait_for_nobody(event: threading.Event, timeout: float | None = None) -> bool:
        # A thread that starts waits for an event too.
        if sys._getframe(1).f_globals["__name__"] == "__main__":
            _interrupt()
        return wait(event, timeout)

    with stage.patch.context() as patch:
        patch.setattr(sys, "argv", arguments)
        patch.setattr(signal, "signal", lambda number, handler: None)
        patch.setattr(threading.Event, "wait", wait_for_nobody)
        try:
            program(run_name="__main__")
        except SystemExit as done:
            return int(done.code or 0)
    return 0


def _installable(package: str) -> None:
    name, _, extras = package.rstrip("]").partition("[")
    if name == PROJECT["name"]:
        unknown = {extra for extra in extras.split(",") if extra} - PROJECT["optional-dependencies"].keys()
        assert not unknown, f"no such extra: {unknown}"
    else:
        assert version(name)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt
