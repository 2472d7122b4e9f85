"""The table of errors: it has each exception that a user may meet, and nothing else."""

import pkgutil
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import anyauth0
import anyauth0_plugins
import anyauth0_transports
from anyauth0 import ApiError, Auth0Error

TEXT = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
TABLE = TEXT.partition("|---|---|---|\n")[2].partition("\n\n")[0].splitlines()
ROWS = {line.split("`")[1]: line for line in TABLE}


def raised(kind: type[Auth0Error] = Auth0Error) -> Iterator[type[Auth0Error]]:
    """Go through the classes below `kind`, but for those of a status and an API, which have two bases."""
    for below in kind.__subclasses__():
        if len(below.__bases__) == 1:
            yield below
            yield from raised(below)


def public() -> dict[str, type[Auth0Error]]:
    for package in (anyauth0, anyauth0_plugins, anyauth0_transports):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    return {kind.__name__: kind for kind in raised() if kind.__module__.startswith("anyauth0")}


def test_every_exception_has_its_row() -> None:
    found = public()
    assert {"TransportTimeout", "RateLimited", "TokenError", "ImportInterrupted"} <= found.keys()
    assert found.keys() == ROWS.keys()


def test_every_row_has_a_cause_and_a_mend() -> None:
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in ROWS.values()]
    assert [row for row in cells if len(row) != 3 or not all(row)] == []


def test_each_exception_is_found_where_the_table_says() -> None:
    for name, kind in public().items():
        said = re.search(r"in `(anyauth0[.\w]*)`", ROWS[name])
        module = import_module(said[1] if said else "anyauth0")
        assert getattr(module, name) is kind, name


def test_the_page_names_every_status_of_its_classes() -> None:
    for kind in ApiError.__subclasses__():
        status = re.match(r"\d{3}", kind.__doc__ or "")
        if status is not None:
            assert f"| {status[0]}" in ROWS[kind.__name__], kind


def test_the_tree_has_each_exception_too() -> None:
    tree = TEXT.partition("```text\n")[2].partition("```")[0]
    assert set(re.findall(r"\b[A-Z]\w+\b", tree)) == public().keys() | {"Auth0Error"}
