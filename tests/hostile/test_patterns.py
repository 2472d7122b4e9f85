"""No pattern of ours has the structure of one for which some text takes longer than linear time."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import anyauth0
import anyauth0_plugins
import anyauth0_transports

from .regexes import costs

PACKAGES = (anyauth0, anyauth0_plugins, anyauth0_transports)
FINE = {
    r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)": "an end is optional",
    r"(https?)://(?:[^/?#]*@)?(\[[^/?#]*\]|[^/?#:]*)(?::([0-9]{1,5}))?(?:(/api/v2)/)?": "any host will do",
}
"""Patterns with a structure that is refused, in which nothing after it can fail."""


def patterns() -> Iterator[tuple[str, re.Pattern[Any], set[str]]]:
    """Go through the patterns of our packages: where each is, itself, and the methods it is used by."""
    for package in PACKAGES:
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                module = importlib.import_module(found.name)
                source = Path(str(module.__file__)).read_text()
                for name, value in vars(module).items():
                    used = set(re.findall(rf"\b{name}(?:\[\w+\])?\.(\w+)\(", source))
                    yield from ((f"{found.name}.{name}", each, used) for each in compiled(value))
                yield from ((f"{found.name}, a call", *each) for each in inline(source, vars(module)))


def compiled(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, tuple | list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from compiled(each)


def inline(source: str, names: dict[str, Any]) -> Iterator[tuple[re.Pattern[str], set[str]]]:
    """Go through the texts that functions of `re` are called with: there, by name, or one of a tuple."""
    if not re.search(r"\bre\.(?!compile|Pattern)", source):
        # Most modules are generated, and reading their trees is what takes time.
        return
    tree = ast.parse(source)
    tuples = [
        (ast.unparse(loop.target), names.get(ast.unparse(loop.iter), ()))
        for loop in ast.walk(tree)
        if isinstance(loop, ast.For)
    ]
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("re.") and call.args:
            method, first = ast.unparse(call.func)[3:], call.args[0]
            if method in ("compile", "escape"):
                continue
            if isinstance(first, ast.Constant):
                yield re.compile(first.value, re.DOTALL), {method}
            elif isinstance(first, ast.Name):
                texts = [
                    names.get(first.id),
                    *(each for name, over in tuples if name == first.id for each in over),
                ]
                yield from ((re.compile(text), {method}) for text in texts if isinstance(text, str))


ALL = {(each.pattern, each.flags): (where, each, used) for where, each, used in patterns()}


@pytest.mark.parametrize("where", ALL.values(), ids=[each[0] for each in ALL.values()])
def test_no_pattern_has_the_structure_of_one_that_takes_longer(where: Any) -> None:
    place, pattern, used = where
    if pattern.pattern not in FINE:
        whole, search = used == {"fullmatch"}, not used or not used <= {"match", "fullmatch"}
        assert costs(pattern, search=search, whole=whole) == [], f"{place}: {pattern.pattern}"


def test_all_of_our_patterns_were_looked_at() -> None:
    assert len(ALL) > 40
    assert {each.pattern for _, each, _ in ALL.values()} >= FINE.keys()


@pytest.mark.parametrize("bad", [
    r"^(a+)+$", r"^(a|a)*$", r"^(a|ab)*c", r"^a*a*b", r"\s*,", r"^(\w+\s?)*:", r"^(?:a?b?)*c",
    r"x[ab]*b[bc]*!", r"^\d+\.?\d+x", r"^(.*)=(.*);", r"\w+@", r"^\s+|\s+$", "a++b",
    r"(?=(a*)(a*)b)x", r"eyJ[\w-]+\.", r"(?:a*?b?)*?c",
])  # fmt: skip
def test_what_takes_longer_is_found(bad: str) -> None:
    assert costs(re.compile(bad))


@pytest.mark.parametrize("good", [
    r"^a*b$", r"eyJ[\w-]+(?:\.[\w-]*)*", r"\{(\w+)\}", r"(?<=\.)\d+", r"(?<![a-z])[a-z]+=", r"(?<=://)[^/]+@",
    r"x\s*:\s*y", r"^(?>a+)a", r"^(?:a|b)*c", r"^a++a",
])  # fmt: skip
def test_what_is_linear_is_not(good: str) -> None:
    assert costs(re.compile(good)) == []
