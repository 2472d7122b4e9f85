"""Virtual environments under build/bench: ours with nothing but what it needs, and those of auth0-python."""

import subprocess
import sys
import venv
from collections.abc import Mapping
from importlib.metadata import distributions
from pathlib import Path

from .common import Comparison
from .server import ROOT

FOLDER = ROOT / "build" / "bench"
OTHERS = {"auth0-python": "auth0-python", "auth0-python 4": "auth0-python<5"}


def ours() -> Path:
    """Return the interpreter of an environment that has our wheel, made anew from the sources."""
    wheels = FOLDER / "wheel"
    for old in wheels.glob("*.whl"):
        old.unlink()
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), str(ROOT))
    python = _environment("plain")
    (wheel,) = wheels.glob("*.whl")
    _pip("--python", str(python), "install", "--upgrade", str(wheel))
    # What has the same version is not installed again.
    _pip("--python", str(python), "install", "--force-reinstall", "--no-deps", str(wheel))
    return python


def others(*, fresh: bool) -> dict[str, Path]:
    """Return the interpreters that have auth0-python, with its newest release if `fresh`."""
    found: dict[str, Path] = {}
    for name, requirement in OTHERS.items():
        python = found[name] = _environment(name.replace(" ", "-"))
        if fresh or "auth0-python" not in installed(python):
            _pip("--python", str(python), "install", "--upgrade", requirement)
    return found


def installed(python: Path) -> dict[str, tuple[str, int]]:
    """Return version and bytes of all that is installed, as pip leaves it: with its compiled modules."""
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    return {
        each.name: (each.version, sum(file.stat().st_size for file in _files(each)))
        for each in distributions(path=[str(site)])
    }


def sizes(plain: Path, peers: Mapping[str, Path]) -> list[Comparison]:
    """Compare what an installation takes on the disk."""
    packages = {name: size for name, (_, size) in installed(plain).items()}
    whole = float(sum(packages.values()))
    rows = [("urllib3 alone", float(packages["urllib3"]), None)]
    for name, python in peers.items():
        rows.append((name, float(sum(size for _, size in installed(python).values())), 0.1))
    return [
        Comparison(
            group="size",
            what="installed, all dependencies",
            against=against,
            ours=[whole],
            other=[size],
            target=target,
            unit="byte",
        )
        for against, size, target in rows
    ]


def _files(distribution) -> list[Path]:
    listed = [Path(str(distribution.locate_file(file))) for file in distribution.files or ()]
    return [path for path in listed if path.is_file()]


def _environment(name: str) -> Path:
    folder = FOLDER / name
    if not folder.exists():
        # Without pip, which would count as installed.
        venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


def _pip(*arguments: str) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*command, *arguments], check=True)
