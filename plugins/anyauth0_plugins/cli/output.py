"""What is shown: JSON, one JSON to a line, or a table, in which secrets are masked."""

import re
import sys
from collections.abc import Container, Iterable, Mapping
from itertools import chain
from typing import TYPE_CHECKING, cast

import msgspec

from anyauth0 import InvalidArgumentError
from anyauth0.redaction import is_secret, redacted

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["FORMATS", "Printer", "line", "masked", "on_a_terminal", "printer", "show", "show_rows"]

FORMATS = ("json", "jsonl", "table")
_BETWEEN = 2
# What JSON leaves as it is, and a terminal takes for a command or for another order of the letters.
_CONTROLS = re.compile(r"[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")


class Printer(msgspec.Struct, frozen=True):
    """How to show: `format` is one of `FORMATS`, `columns` are those of a table, dots reach into objects."""

    format: str
    columns: tuple[str, ...] = ()
    show_secrets: bool = False


def printer(output: str | None, columns: str | None, *, show_secrets: bool) -> Printer:
    """Return how to show; a table by default on a terminal, JSON elsewhere."""
    if output is not None and output not in FORMATS:
        raise InvalidArgumentError("output", f'"--output" is one of {", ".join(FORMATS)}')
    names = tuple(name.strip() for name in (columns or "").split(",") if name.strip())
    chosen = output or ("table" if names or on_a_terminal() else "json")
    return Printer(chosen, names, show_secrets)


def on_a_terminal() -> bool:
    """Say whether what is shown is for the eyes of somebody."""
    return sys.stdout.isatty()


def show(value: object, how: Printer) -> None:
    """Show one answer. Nothing is shown for no answer."""
    if value is None:
        return
    if isinstance(value, str):
        sys.stdout.write(f"{value}\n")
    elif isinstance(value, list):
        show_rows(cast("list[object]", value), how)
    elif how.format == "table" and isinstance(value, Mapping):
        fields = _visible(cast("Mapping[str, object]", value), how)
        _print(_table(("field", "value"), [(name, _cell(fields, name)) for name in how.columns or fields]))
    else:
        sys.stdout.write(_json(value, indent=0 if how.format == "jsonl" else 2) + "\n")


def show_rows(rows: Iterable[object], how: Printer) -> None:
    """Show rows as they come; for a table all of them are waited for."""
    if how.format == "jsonl":
        for row in rows:
            sys.stdout.write(_json(row, indent=0) + "\n")
            # Whoever follows something wants each line at once.
            sys.stdout.flush()
    elif how.format == "json":
        between = "[\n"
        try:
            for row in rows:
                text = _json(row, indent=2).replace("\n", "\n  ")
                sys.stdout.write(f"{between}  {text}")
                between = ",\n"
        finally:
            sys.stdout.write("[]\n" if between == "[\n" else "\n]\n")
    else:
        _show_table(rows, how)


def _show_table(rows: Iterable[object], how: Printer) -> None:
    found: list[Mapping[str, object]] = []
    try:
        for row in rows:
            # One by one, for what came is not lost with what will not come.
            fields = cast("Mapping[str, object]", row) if isinstance(row, Mapping) else {"value": row}
            found.append(_visible(fields, how))
    finally:
        names = how.columns or _fitting(found)
        if names:
            _print(_table(names, [tuple(_cell(row, name) for name in names) for row in found]))


def _fitting(rows: list[Mapping[str, object]]) -> tuple[str, ...]:
    """Return the names of columns that fit beside each other, without lists and objects, as they came."""
    room = _console().width
    names: list[str] = []
    for name in dict.fromkeys(chain.from_iterable(rows)):
        width = max(len(name), *(len(_cell(row, name)) for row in rows)) + _BETWEEN
        nested = any(isinstance(row.get(name), dict | list) for row in rows)
        if not nested and (width <= room or not names):
            names.append(name)
            room -= width
    return tuple(names)


def _visible(row: Mapping[str, object], how: Printer) -> Mapping[str, object]:
    return row if how.show_secrets else cast("Mapping[str, object]", masked(row))


def _cell(row: Mapping[str, object], column: str) -> str:
    # A name may have dots of its own.
    value = _at(row, [column] if column in row else column.split("."))
    if value is None:
        return ""
    text = value if isinstance(value, str) else _json(value, indent=0)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _at(value: object, path: list[str]) -> object:
    for part in path:
        value = cast("Mapping[str, object]", value).get(part) if isinstance(value, Mapping) else None
    return value


def line(row: Mapping[str, object], how: Printer) -> str:
    """Return a row as one line of the columns that are set."""
    fields = _visible(row, how)
    return "  ".join(filter(None, (_cell(fields, name) for name in how.columns)))


def masked(value: object, name: str = "", beside: Container[object] = ()) -> object:
    """Return plain data with secrets masked: by the names of fields, and what looks like one in any text."""
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {key: masked(each, key, fields) for key, each in fields.items()}
    if isinstance(value, list):
        return [masked(each, name, beside) for each in cast("list[object]", value)]
    if not isinstance(value, str):
        return value
    return "***" if value and name and is_secret(name, beside) else redacted(value)


def _json(value: object, *, indent: int) -> str:
    encoded = msgspec.json.encode(value)
    text = (msgspec.json.format(encoded, indent=indent) if indent else encoded).decode()
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, _BETWEEN, 0, 0), header_style="bold")
    for column in columns:
        table.add_column(Text(column), overflow="fold")
    for row in rows:
        # Texts, for what is in square brackets is markup elsewhere.
        table.add_row(*map(Text, row))
    return table


def _print(table: "Table") -> None:
    _console().print(table)


def _console() -> "Console":
    from rich.console import Console

    # In a file lines may be of any length.
    return Console(highlight=False, width=None if on_a_terminal() else 10_000)
