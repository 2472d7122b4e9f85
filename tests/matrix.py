"""The whole suite under every supported Python here, with the newest dependencies and with the oldest ones.

python tests/matrix.py                      all, one after another
python tests/matrix.py 3.12 [lowest]        one of them
python tests/matrix.py 3.12 lowest PATH...  of it these tests
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "build" / "matrix"
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
VERSIONS = [
    found[1]
    for each in PROJECT["classifiers"]
    if (found := re.fullmatch(r".* :: (3\.\d+)", each)) is not None
]
HIGHEST, LOWEST = "highest", "lowest"
PYTEST = ["-q", "-n", "auto", "--dist", "worksteal", "-p", "no:cacheprovider"]
COLUMNS = "{:8} {:8} {:>7} {:>7} {:>7}  {}"


def bounds(extra: str = "") -> Iterator[tuple[str, str]]:
    """Yield name and lower bound of all that a user gets with an extra of ours, or without one."""
    wanted: list[str] = PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]
    for each in wanted:
        if each.startswith("anyauth0["):
            for inner in each.partition("[")[2].rstrip("]").split(","):
                yield from bounds(inner)
        else:
            name, bound = each.split(">=")
            yield name, bound


def interpreter(version: str) -> str | None:
    """Return the Python of this version, of those on the path and those of pyenv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *map(str, sorted(pyenv.glob(f"{version}.*/bin/python")))]
    test = f"import sys; sys.exit('%d.%d' % sys.version_info[:2] != {version!r})"
    for each in filter(None, candidates):
        # What pyenv puts on the path may be there and not run.
        if subprocess.run([each, "-c", test], stderr=subprocess.DEVNULL).returncode == 0:
            return each
    return None


def environment(python: str, version: str, kind: str) -> Path:
    """Return the interpreter of an environment with the newest dependencies, or with the oldest of users."""
    folder = FOLDER / f"{version}-{kind}"
    own = folder / "bin" / "python"
    if not own.exists():
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    command = [str(own), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--upgrade"]
    command += ["--upgrade-strategy", "eager", "--editable", ".[dev]"]
    if kind == LOWEST:
        pins = folder / "lowest.txt"
        pins.write_text("".join(f"{name}=={bound}\n" for name, bound in [*bounds(), *bounds("all")]))
        command += ["--constraint", str(pins)]
    subprocess.run(command, check=True, cwd=ROOT)
    return own


def run(python: Path, tests: list[str]) -> tuple[int, int, int, int]:
    """Run the tests; return the exit code, and how many passed, failed and were skipped."""
    report = python.parents[1] / "report.xml"
    report.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", *PYTEST, f"--junit-xml={report}"]
    code = subprocess.run([*command, *tests], cwd=ROOT).returncode
    suites = ElementTree.parse(report).getroot().iter("testsuite") if report.exists() else ()
    counted = [
        [int(each.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")] for each in suites
    ]
    total, failures, errors, skipped = map(sum, zip(*counted, strict=True)) if counted else (0, 0, 0, 0)
    return code, total - failures - errors - skipped, failures + errors, skipped


def main(arguments: list[str]) -> int:
    """Run what is asked for, print a table, and return how many did not pass."""
    here = {version: interpreter(version) for version in VERSIONS}
    oldest = next(version for version, python in here.items() if python is not None)
    chosen = [(version, HIGHEST) for version in VERSIONS] + [(oldest, LOWEST)]
    tests: list[str] = []
    if arguments:
        version, *tests = arguments
        if version not in here or here[version] is None:
            sys.exit(f"no Python {version!r} is here; these are: {[each for each in VERSIONS if here[each]]}")
        kind = tests.pop(0) if tests and tests[0] in (HIGHEST, LOWEST) else HIGHEST
        chosen = [(version, kind)]
    lines, bad = [COLUMNS.format("python", "deps", "passed", "failed", "skipped", "")], 0
    for version, kind in chosen:
        python = here[version]
        if python is None:
            lines.append(COLUMNS.format(version, kind, "-", "-", "-", "not installed here"))
            continue
        try:
            code, *counts = run(environment(python, version, kind), tests)
            said = f"pytest ended with {code}" if code else ""
        except subprocess.CalledProcessError as error:
            code, counts, said = error.returncode, ["-"] * 3, "could not be installed"
        bad += code != 0
        lines.append(COLUMNS.format(version, kind, *counts, said))
    print("\n".join(line.rstrip() for line in lines))
    return bad


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
