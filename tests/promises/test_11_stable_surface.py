"""Promise 11: no public name, signature or field changes unseen, and what we know better stays known."""

import importlib
import shutil
import subprocess
import sys
from difflib import unified_diff
from pathlib import Path

import msgspec
import pytest

import anyauth0
from anyauth0 import AsyncManagementClient, AuthenticationClient, ManagementClient, Resource
from anyauth0.endpoint import Descriptor
from codegen.generate import OVERLAY, PACKAGE, main

from .surface import CORE, FILE, modules, surface

RENEW = "python tests/promises/surface.py"
MOST = 60


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return surface().splitlines()


def changes(before: list[str], after: list[str]) -> list[str]:
    """Return the lines that went, with a minus, and those that came, with a plus."""
    found = list(unified_diff(before, after, n=0, lineterm=""))
    return [line for line in found[2:] if not line.startswith("@@")]


def test_the_public_surface_is_as_it_was_pinned(lines: list[str]) -> None:
    found = changes(FILE.read_text(encoding="utf-8").splitlines(), lines)
    more = f"\n... and {len(found) - MOST} lines more" if len(found) > MOST else ""
    assert not found, (
        "what users of the library see has changed:\n\n"
        + "\n".join(found[:MOST])
        + f"{more}\n\nWhere that is meant, run `{RENEW}` and let the difference be seen in the review."
    )


def test_the_pinned_lines_are_sorted_and_none_is_long() -> None:
    pinned = FILE.read_text(encoding="utf-8").splitlines()
    assert pinned == sorted(set(pinned))
    assert [line for line in pinned if len(line) > 300] == []


def test_every_method_that_a_client_has_is_in_it(lines: list[str]) -> None:
    heads = {line.partition("(")[0] for line in lines}
    found = set()
    clients = [
        ManagementClient(domain="a.example", token="t", transport=print),
        AuthenticationClient(domain="a.example", client_id="c", transport=print),
    ]
    for client in clients:
        members = (getattr(client, name) for name in dir(client) if name[0] != "_")
        for resource in (each for each in members if isinstance(each, Resource)):
            for name in (each for each in dir(resource) if each[0] != "_"):
                function = getattr(type(resource), name)
                function = function.function if isinstance(function, Descriptor) else function
                found.add(f"{function.__module__}.{function.__qualname__}".removeprefix("anyauth0."))
    assert len(found) > 540
    assert found - heads == set()


def test_every_field_of_every_model_is_in_it(lines: list[str]) -> None:
    heads = {line.partition(": ")[0] for line in lines}
    found = set()
    for name in (*modules("anyauth0.management"), *modules("anyauth0.authentication")):
        for each in vars(importlib.import_module(name)).values():
            if isinstance(each, type) and each.__module__ == name and issubclass(each, msgspec.Struct):
                owner = f"{name}.{each.__name__}".removeprefix("anyauth0.")
                found.update(f"{owner}.{field}" for field in each.__struct_fields__)
    assert len(found) > 1500
    assert found - heads == set()


def test_every_name_and_every_option_is_in_it(lines: list[str]) -> None:
    imports = {line.partition(":")[0] for line in lines}
    assert {f"from anyauth0 import {name}" for name in anyauth0.__all__} <= imports
    options = anyauth0.Options.__annotations__.keys() | anyauth0.ViewOptions.__annotations__.keys()
    pinned = {line.partition(": ")[0].rpartition(".")[2] for line in lines if "options." in line}
    assert options <= pinned
    assert AsyncManagementClient.__name__ in str(imports)


CHANGES = [
    (
        "management/logs.py",
        "        sort: str | None = None,\n",
        "        order: str | None = None,\n",
        [
            "-management.logs.Logs.get_all(by name) sort: str | None = None",
            "+management.logs.Logs.get_all(by name) order: str | None = None",
        ],
    ),
    (
        "management/logs.py",
        "latitude: float | None = None",
        'latitude: float | None = field(name="lat", default=None)',
        [
            "-management.logs.LogLocationInfo.latitude: float | None = None",
            "+management.logs.LogLocationInfo.latitude: float | None = field(name='lat', default=None)",
        ],
    ),
    (
        "errors.py",
        "        self.received = received\n",
        "        self.came = received\n",
        [
            "-errors.PageLimitReached.received is an attribute",
            "+errors.PageLimitReached.came is an attribute",
        ],
    ),
    ("options.py", "    strict: bool\n", "", ["-options.ViewOptions.strict: bool"]),
    (
        "hooks.py",
        'def anyauth0_token_store(self, options: "ClientOptions")',
        'def anyauth0_token_store(self, given: "ClientOptions")',
        [
            "-hooks.HookSpecs.anyauth0_token_store(self, options: ClientOptions) -> TokenStore | None "
            "@hookspec(firstresult=True)",
            "+hooks.HookSpecs.anyauth0_token_store(self, given: ClientOptions) -> TokenStore | None "
            "@hookspec(firstresult=True)",
        ],
    ),
    (
        "hooks.py",
        '    "aiohttp": "anyauth0_transports.aiohttp",\n',
        "",
        ["-plugin aiohttp is anyauth0_transports.aiohttp"],
    ),
    (
        "management/tenants.py",
        '"zh-MO"',
        '"zh-XX"',
        [
            "-management.tenants.SupportedLocales has 'zh-MO'",
            "+management.tenants.SupportedLocales has 'zh-XX'",
        ],
    ),
]


def test_whatever_changes_shows_and_the_file_is_renewed_by_one_command(
    lines: list[str], tmp_path: Path
) -> None:
    shutil.copytree(CORE / "anyauth0", tmp_path / "core" / "anyauth0")
    (tmp_path / "tests" / "promises").mkdir(parents=True)
    script = tmp_path / RENEW.partition(" ")[2]
    shutil.copy(FILE.with_name("surface.py"), script)
    for name, old, new, _ in CHANGES:
        path = tmp_path / "core" / "anyauth0" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
    subprocess.run([sys.executable, "-I", str(script)], check=True)
    found = changes(lines, script.with_name(FILE.name).read_text(encoding="utf-8").splitlines())
    assert sorted(found) == sorted(line for change in CHANGES for line in change[3])


ENTRY = """
[schema.LogLocationInfo]
reason = "A test."

[schema.LogLocationInfo.properties]
latitude = { type = "string" }
"""


def test_the_overlay_changes_one_field_and_survives_the_next_generation(tmp_path: Path) -> None:
    overlay, into = tmp_path / "overlay.toml", tmp_path / "management"
    overlay.write_text(f"{OVERLAY.read_text(encoding='utf-8')}{ENTRY}", encoding="utf-8")
    into.mkdir()
    arguments = ["--overlay", str(overlay), "--into", str(into)]
    assert main(arguments) == 0
    first = {file.name: file.read_text(encoding="utf-8") for file in into.iterdir()}
    before = {name: (PACKAGE / name).read_text(encoding="utf-8") for name in first}
    assert [name for name in first if first[name] != before[name]] == ["logs.py"]
    assert changes(before["logs.py"].splitlines(), first["logs.py"].splitlines()) == [
        "-    latitude: float | None = None",
        "+    latitude: str | None = None",
    ]
    assert main(arguments) == 0
    assert {file.name: file.read_text(encoding="utf-8") for file in into.iterdir()} == first
