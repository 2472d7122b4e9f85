"""Write the tables of the migration pages: each operation of the Management API under its name elsewhere.

python core/codegen/migration.py
"""

import sys
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import msgspec

CORE = Path(__file__).resolve().parents[1]
FACTS = CORE / "catalog" / "migration.json"
PAGES = CORE.parent / "docs" / "migration"
HEADING = "## The Management API, name by name\n"
"""What is above it in a page is written by hand, it and what is below by this module."""


class Names(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The names of one operation in other SDKs; `None` where it has none."""

    node_4: str | None = None
    python_4: str | None = None
    python_5: str | None = None
    python_6: str | None = None


class Facts(msgspec.Struct, frozen=True):
    """What `migration.json` holds: the packages looked at, and the names by operation of ours."""

    sources: dict[str, str]
    operations: dict[str, Names]


Cells = Callable[[Names], list[str]]


def read() -> Facts:
    """Return what is known of the names in other SDKs."""
    return msgspec.json.decode(FACTS.read_bytes(), type=Facts)


def page(name: str, written: str, facts: Facts) -> str:
    """Return the text of a page: `written` up to the heading of the tables, and the tables anew."""
    by_hand, heading, _ = written.partition(HEADING)
    if not heading:
        raise ValueError(f'the page "{name}" has no line "{HEADING.strip()}": write one where the tables go')
    columns, cells = TABLES[name]
    return f"{by_hand}{heading}\n{_intro(facts, cells)}\n{_tables(facts, columns, cells)}"


def _intro(facts: Facts, cells: Cells) -> str:
    operations = facts.operations.values()
    missing = sum(all(cell == "-" for cell in cells(names)) for names in operations)
    return (
        f"All {len(operations)} operations, by resource; {missing} of them have no name there, which is a\n"
        "`-`. Ours are attributes of `ManagementClient` and `AsyncManagementClient`; what they take is in\n"
        "[operations.md](../operations.md). Operations were matched by HTTP method and path; `make\n"
        "generate` writes these tables from `core/catalog/migration.json`.\n"
    )


def _tables(facts: Facts, columns: tuple[str, ...], cells: Cells) -> str:
    head = f"| {' | '.join((*columns, 'anyauth0'))} |\n|{'---|' * (len(columns) + 1)}\n"
    parts: list[str] = []
    by_resource = groupby(sorted(facts.operations, key=_resource), key=_resource)
    for resource, operations in by_resource:
        rows = [f"| {' | '.join((*cells(facts.operations[each]), f'`{each}`'))} |\n" for each in operations]
        parts.append(f"### {resource}\n\n{head}{''.join(rows)}")
    return "\n".join(parts)


def _resource(operation: str) -> str:
    return operation.partition(".")[0]


def _node(names: Names) -> list[str]:
    return [_code(names.node_4)]


def _python(names: Names) -> list[str]:
    older, newer = names.python_5, names.python_6
    if older == newer:
        return [_code(names.python_4), _code(newer)]
    said = [f"{_code(name)} ({version})" for name, version in ((older, "5.x"), (newer, "6.x")) if name]
    return [_code(names.python_4), ", ".join(said)]


def _code(name: str | None) -> str:
    return f"`{name}`" if name else "-"


TABLES: dict[str, tuple[tuple[str, ...], Cells]] = {
    "node-auth0.md": (("node-auth0 4.x",), _node),
    "auth0-python.md": (("auth0-python 4.x", "auth0-python 5.x, 6.x"), _python),
}


def main() -> None:
    """Write both pages."""
    facts = read()
    for name in TABLES:
        path = PAGES / name
        path.write_text(page(name, path.read_text(encoding="utf-8"), facts), encoding="utf-8")
        sys.stdout.write(f"written: {name}\n")


if __name__ == "__main__":
    main()
