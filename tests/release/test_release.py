"""What is released: the same bytes for the same source, the files that are listed, and no code of strangers.

python tests/release/test_release.py    writes the list of the files of the wheel anew
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from configparser import ConfigParser
from email import message_from_string
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
LIST = Path(__file__).with_name("wheel.txt")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = {"anyauth0", "anyauth0_transports", "anyauth0_plugins"}


def build(source: Path, target: Path) -> tuple[Path, Path]:
    """Build wheel and source distribution; return where they are."""
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(target)],
        cwd=source,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (wheel,), (sources,) = target.glob("*.whl"), target.glob("*.tar.gz")
    return wheel, sources


def files(wheel: Path) -> list[str]:
    """Return the names of the files in a wheel, without its version."""
    with ZipFile(wheel) as opened:
        return sorted(re.sub(r"^anyauth0-[^/]+\.", "anyauth0.", name) for name in opened.namelist())


def read(wheel: Path, name: str) -> str:
    """Return one file of the metadata of a wheel."""
    with ZipFile(wheel) as opened:
        (found,) = (each for each in opened.namelist() if each.endswith(f".dist-info/{name}"))
        return opened.read(found).decode()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return build(ROOT, tmp_path_factory.mktemp("first"))


def test_the_same_source_gives_the_same_bytes(built: tuple[Path, Path], tmp_path: Path) -> None:
    again = build(ROOT, tmp_path)
    for first, second in zip(built, again, strict=True):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()


def test_the_source_distribution_gives_the_same_wheel(built: tuple[Path, Path], tmp_path: Path) -> None:
    wheel, sources = built
    with tarfile.open(sources) as opened:
        opened.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    again, _ = build(unpacked, tmp_path / "dist")
    assert again.read_bytes() == wheel.read_bytes()


def test_the_files_of_the_wheel_are_those_that_are_listed(built: tuple[Path, Path]) -> None:
    listed, found = LIST.read_text().split(), files(built[0])
    more, less = sorted(set(found) - set(listed)), sorted(set(listed) - set(found))
    mend = "if that is right: python tests/release/test_release.py"
    assert not more + less, f"not listed: {more}; listed and gone: {less}; {mend}"
    assert len(found) == len(set(found))


def test_the_list_has_what_it_must_have_and_nothing_of_the_workshop() -> None:
    listed = LIST.read_text().split()
    assert {name.partition("/")[0] for name in listed} == {*PACKAGES, "anyauth0.dist-info"}
    assert {f"{package}/py.typed" for package in PACKAGES} <= set(listed)
    assert {"anyauth0/management/users.py", "anyauth0.dist-info/licenses/LICENSE"} <= set(listed)
    generated = [path for path in (ROOT / "core/anyauth0/management").glob("*.py") if path.is_file()]
    assert {f"anyauth0/management/{path.name}" for path in generated} <= set(listed)
    for name in listed:
        assert name.endswith((".py", "/py.typed")) or name.startswith("anyauth0.dist-info/"), name
        assert not re.search(
            r"(^|/)(\.|tests?/|test_|conftest|catalog|codegen|examples|docs|__pycache__)", name
        ), name


def test_the_source_distribution_has_no_hidden_files_of_a_machine(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as opened:
        hidden = [name for name in opened.getnames() if re.search(r"/\.|__pycache__|\.(pyc|pem|key)$", name)]
        owners = {(each.uid, each.gid, each.uname, each.gname) for each in opened.getmembers()}
    assert [Path(name).name for name in hidden] == [".gitignore"]
    assert owners == {(0, 0, "", "")}


def test_there_are_three_dependencies_and_none_has_an_upper_bound(built: tuple[Path, Path]) -> None:
    needed = message_from_string(read(built[0], "METADATA")).get_all("Requires-Dist", [])
    plain = [each for each in needed if ";" not in each]
    assert sorted(plain) == sorted(PROJECT["dependencies"])
    assert [re.split("[>=]", each)[0] for each in sorted(plain)] == ["msgspec", "pluggy", "urllib3"]
    for each in needed:
        assert re.fullmatch(r"[a-z0-9_-]+(\[[a-z,]+\])?>=[0-9.]+(; extra == '[a-z0-9]+')?", each), each


def test_the_entry_points_are_those_of_the_project_and_our_own(built: tuple[Path, Path]) -> None:
    entries = ConfigParser(delimiters="=")
    entries.optionxform = str  # type: ignore[method-assign, assignment]
    entries.read_string(read(built[0], "entry_points.txt"))
    wanted = {**PROJECT["entry-points"], "console_scripts": PROJECT["scripts"]}
    assert {group: dict(entries[group]) for group in entries.sections()} == wanted
    assert {each.partition(".")[0] for each in entries["anyauth0"].values()} <= PACKAGES


# Entry points of strangers

STRANGER = """
import os
from pathlib import Path
with Path(os.environ["STRANGER"]).open("a") as file:
    file.write("ran\\n")
from anyauth0 import hookimpl
@hookimpl
def anyauth0_middleware(options):
    return []
"""
CLIENTS = """
import asyncio
from anyauth0 import *
from anyauth0.verification import AccessTokenVerifier, IdTokenVerifier, LogoutTokenVerifier
who = dict(domain="tenant.example", client_id="app", client_secret="secret")
AuthenticationClient(**who).close()
ManagementClient(**who).close()
ManagementClient(**who, plugins=["retries", "client_secret_basic"], transport="urllib3").close()
async def main():
    for made in (AsyncAuthenticationClient, AsyncManagementClient):
        async with made(**who):
            pass
asyncio.run(main())
AccessTokenVerifier(domain="tenant.example", audience="api").close()
IdTokenVerifier(domain="tenant.example", client_id="app").close()
LogoutTokenVerifier(domain="tenant.example", client_id="app").close()
try:
    AuthenticationClient(**who, plugins=["nobody"])
except ConfigurationError as error:
    assert "stranger" in str(error), error
"""


@pytest.fixture
def stranger(tmp_path: Path) -> Path:
    """Plant a distribution that offers plugins, some by the names of ours."""
    folder = tmp_path / "site"
    metadata = folder / "aaa_stranger-1.0.dist-info"
    metadata.mkdir(parents=True)
    (folder / "aaa_stranger.py").write_text(STRANGER)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: aaa-stranger\nVersion: 1.0\n")
    names = ["stranger", *PROJECT["entry-points"]["anyauth0"]]
    lines = "".join(f"{name} = aaa_stranger\n" for name in names)
    groups = ("anyauth0", "anyauth0.plugins", "pytest_anyauth0")
    (metadata / "entry_points.txt").write_text("\n".join(f"[{group}]\n{lines}" for group in groups))
    return folder


def runs(script: str, folder: Path) -> int:
    """Run a script beside the stranger; return how often that one was run."""
    marks = folder / "marks"
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**os.environ, "PYTHONPATH": path, "STRANGER": str(marks)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return marks.read_text().count("ran") if marks.exists() else 0


def test_no_entry_point_of_a_stranger_runs_by_itself_or_by_a_name_of_ours(stranger: Path) -> None:
    assert runs("import anyauth0, anyauth0_plugins, anyauth0_transports", stranger) == 0
    assert runs(CLIENTS, stranger) == 0


def test_an_entry_point_runs_when_it_is_named(stranger: Path) -> None:
    script = (
        "from anyauth0 import *\nAuthenticationClient(domain='a.example', plugins=['stranger']).close()\n"
    )
    assert runs(script, stranger) == 1


def main() -> None:
    """Write the list of the files of the wheel."""
    with tempfile.TemporaryDirectory() as folder:
        wheel, _ = build(ROOT, Path(folder))
        LIST.write_text("\n".join(files(wheel)) + "\n")


if __name__ == "__main__":
    main()
