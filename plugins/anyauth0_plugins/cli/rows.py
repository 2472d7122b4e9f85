"""Users read from a file, one by one: a JSON array, JSON one to a line, or CSV."""

import csv
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

import msgspec

from anyauth0 import InvalidArgumentError

__all__ = ["rows_of_file"]

_CSV_PLAIN = re.compile(r"true|false|null|[\[{].*", re.DOTALL)
_FORMATS = (".json", ".jsonl", ".ndjson", ".csv")


def rows_of_file(path: Path, skip: int = 0) -> Iterator[Mapping[str, Any]]:
    """Go through the rows of a file, from row `skip` on; its name says which format it has.

    Raises `InvalidArgumentError` that names the row which cannot be read.
    """
    suffix = path.suffix.lower()
    if suffix not in _FORMATS:
        raise InvalidArgumentError("FILE", f'the name of "FILE" must end in one of {", ".join(_FORMATS)}')
    return islice(_READERS[suffix](path), skip, None)


def _array(path: Path) -> Iterator[Mapping[str, Any]]:
    rows = _decoded(path.read_bytes(), "FILE")
    if not isinstance(rows, list):
        raise InvalidArgumentError("FILE", '"FILE" must be a JSON array of users; one to a line is .jsonl')
    yield from cast("list[Mapping[str, Any]]", rows)


def _lines(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield _decoded(line, f"line {number} of FILE")


def _csv(path: Path) -> Iterator[Mapping[str, Any]]:
    # Excel begins with a mark of the byte order.
    with path.open(encoding="utf-8-sig", newline="") as file:
        yield from map(_user, _csv_rows(file))


def _csv_rows(file: TextIO) -> Iterator[dict[str | None, Any]]:
    reader = csv.DictReader(file)
    for row in reader:
        if None in row or None in row.values():
            raise InvalidArgumentError(
                "FILE", f'line {reader.line_num} of "FILE" has not as many fields as the first line has names'
            )
        yield cast("dict[str | None, Any]", row)


def _user(row: Mapping[str | None, str]) -> Mapping[str, Any]:
    """Return a line of CSV as a user: empty is absent, dots make objects, JSON is what it says."""
    user: dict[str, Any] = {}
    for name, text in row.items():
        if text:
            *path, last = (name or "").split(".")
            into = user
            for part in path:
                into = into.setdefault(part, {})
            into[last] = _decoded(text, f'column "{name}" of FILE') if _CSV_PLAIN.fullmatch(text) else text
    return user


_READERS = {".json": _array, ".jsonl": _lines, ".ndjson": _lines, ".csv": _csv}


def _decoded(text: bytes | str, where: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        refusal = InvalidArgumentError("FILE", f"{where} is not JSON")
    raise refusal
