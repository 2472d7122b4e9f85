"""Pyodide under Node and in Chromium: what to install for it, and how to run pieces of Python in it."""

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ..chromium import chromium

__all__ = ["HOSTS", "Job", "job"]

ROOT = Path(__file__).parents[2]
# What `make pyodide` installs.
INSTALLED = ROOT / "build" / "pyodide"
PYODIDE = INSTALLED / "node_modules" / "pyodide"
RUN = Path(__file__).with_name("pyodide_run.mjs")
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json"}

Job = Mapping[str, Any]


def job(folder: Path, pieces: Mapping[str, str]) -> Job:
    """Return what a host is to do: the wheels of the base install but urllib3, and the pieces to run."""
    others = [next(INSTALLED.glob(f"wheels/{name}-*.whl"), None) for name in ("msgspec", "pluggy")]
    if not (PYODIDE / "pyodide.mjs").is_file() or None in others:
        pytest.skip("Pyodide is not installed: make pyodide")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT, check=True,
    )  # fmt: skip
    wheels = [*folder.glob("anyauth0-*.whl"), *(wheel for wheel in others if wheel is not None)]
    return {"wheels": [base64.b64encode(wheel.read_bytes()).decode() for wheel in wheels], "pieces": pieces}


def in_node(job: Job, url: str, ca: Path) -> dict[str, Any]:
    """Run a job in a process of its own, which trusts the server at `url`."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed: make pyodide")
    done = subprocess.run(
        [node, str(RUN), (PYODIDE / "pyodide.mjs").as_uri()],
        env={"NODE_EXTRA_CA_CERTS": str(ca)}, input=json.dumps(job),
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return dict(json.loads(done.stdout))


def in_chromium(job: Job, url: str, ca: Path) -> dict[str, Any]:
    """Run a job in a page of the origin of the server at `url`; only its files do not come from there."""

    def file(route: Any) -> None:
        name = route.request.url.rpartition("/")[2]
        path = RUN if name == RUN.name else PYODIDE / name
        if name:
            route.fulfill(path=path, content_type=TYPES.get(path.suffix, "application/octet-stream"))
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    with chromium() as browser:
        page = browser.new_context(ignore_https_errors=True).new_page()
        page.route(f"{url}/pyodide/*", file)
        page.goto(f"{url}/pyodide/", timeout=120_000)
        results = page.evaluate(
            """async job => {
                const {loadPyodide} = await import("/pyodide/pyodide.mjs");
                const {run} = await import("/pyodide/pyodide_run.mjs");
                return run(loadPyodide, job);
            }""",
            job,
        )
    return dict(results)


HOSTS: dict[str, Callable[[Job, str, Path], dict[str, Any]]] = {"Node": in_node, "Chromium": in_chromium}
