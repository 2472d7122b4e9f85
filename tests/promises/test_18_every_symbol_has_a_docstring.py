"""Promise 18: whatever a user may reach says in a sentence what it is, and comes with its types.

That the types are right, for both checkers and in an editor, is for tests/typing.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from .surface import CORE, SPECIAL, Function, module, surface

ROOT = CORE.parent
PACKAGES = ("core/anyauth0", "transports/anyauth0_transports", "plugins/anyauth0_plugins")
# Fields are shown with their types, and the docstring of their class says where they come from.
SYMBOL = re.compile(r"([\w.]+)(?: is a class)?\(")
# A capital, a name in backquotes or a status first; a period last, or a colon before a list or an example.
SENTENCE = re.compile(r"[A-Z`0-9](.|\n(?!\n))*?[.:](\s|$)")
OPTIONS = ("ViewOptions", "Options")


@cache
def body(path: Path) -> list[ast.stmt]:
    return ast.parse(path.read_text(encoding="utf-8")).body


def below(nodes: Iterable[ast.stmt]) -> Iterator[tuple[str, str]]:
    """Go through the names that are given a value or a type, each with the text below it."""
    for node, after in pairwise([*nodes, ast.Pass()]):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                text = after.value if isinstance(after, ast.Expr) else None
                yield name, str(text.value) if isinstance(text, ast.Constant) else ""


@cache
def values_of(path: Path) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, text in below(body(path)):
        found.setdefault(name, []).append(text)
    return found


def within(nodes: Iterable[ast.stmt], name: str) -> Iterator[tuple[str, str]]:
    """Go through what is defined as `name` and its docstrings; of overloads only the last has one."""
    first, _, rest = name.partition(".")
    for node in nodes:
        if isinstance(node, ast.ClassDef | Function) and node.name == first:
            if rest:
                yield from within(node.body, rest)
            elif "overload" not in map(ast.unparse, node.decorator_list):
                yield name, ast.get_docstring(node) or ""


def of_core(name: str) -> Iterator[str]:
    """Go through the docstrings of a name of the surface, such as `errors.ApiError.code`."""
    parts = ["anyauth0", *name.split(".")]
    end = next(end for end in range(len(parts) - 1, 0, -1) if module(".".join(parts[:end])))
    path = CORE.joinpath(*parts[:end])
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    symbol = ".".join(parts[end:])
    found = [text for _, text in within(body(path), symbol)] or values_of(path).get(symbol, [])
    assert found, f"{name} is nowhere"
    yield from found


@pytest.fixture(scope="module")
def core() -> dict[str, str]:
    """The docstrings of what is public, fields and what Python calls by itself left out."""
    names = {found[1] for line in surface().splitlines() if (found := SYMBOL.match(line))}
    kept = (name for name in names if name.rpartition(".")[2] not in SPECIAL)
    return {name: text for name in kept for text in of_core(name)}


def everywhere(nodes: Iterable[ast.stmt], owner: str) -> Iterator[tuple[str, str]]:
    """Go through the public classes, functions and methods, with their docstrings."""
    for node in nodes:
        if isinstance(node, ast.ClassDef | Function) and node.name[0] != "_":
            name = f"{owner}.{node.name}"
            # A setter says nothing of its own.
            if not any(ast.unparse(each).endswith(".setter") for each in node.decorator_list):
                yield name, ast.get_docstring(node) or ""
            if isinstance(node, ast.ClassDef):
                yield from everywhere(node.body, name)


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_every_public_class_function_and_method_has_a_docstring(core: dict[str, str]) -> None:
    assert len(core) > 1500
    assert sorted(name for name, text in core.items() if not text) == []


def test_every_docstring_begins_with_a_sentence(core: dict[str, str]) -> None:
    assert {name: text for name, text in core.items() if text and not SENTENCE.match(text)} == {}


def test_every_option_of_a_client_says_what_it_does() -> None:
    options = CORE / "anyauth0" / "options.py"
    classes = [node for node in body(options) if isinstance(node, ast.ClassDef)]
    found = {name: text for each in classes if each.name in OPTIONS for name, text in below(each.body)}
    assert len(found) > 30
    assert [name for name, text in found.items() if not text.endswith(".")] == []


@pytest.mark.parametrize("package", PACKAGES[1:])
def test_the_transports_and_the_plugins_say_what_they_are_too(package: str) -> None:
    public = [path for path in sources(package) if not path.stem.startswith("_")]
    found = {name: text for path in public for name, text in everywhere(body(path), path.stem)}
    assert len(found) > 30
    assert sorted(name for name, text in found.items() if not SENTENCE.match(text)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_opens_with_a_sentence(package: str) -> None:
    bodies = {path: ast.Module(body(path), []) for path in sources(package)}
    assert [path for path, tree in bodies.items() if not SENTENCE.match(ast.get_docstring(tree) or "")] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_says_that_it_has_types_and_so_does_its_wheel(package: str) -> None:
    assert (ROOT / package / "py.typed").is_file()
    listed = (ROOT / "tests" / "release" / "wheel.txt").read_text().split()
    assert f"{Path(package).name}/py.typed" in listed
