"""The tenant's memory: JSON documents by kind and id, in SQLite, in the order in which they came."""

import builtins
import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from os import PathLike
from typing import Any, TypeAlias

import msgspec

__all__ = ["Duplicate", "Note", "Store"]

Note: TypeAlias = Callable[[str, Mapping[str, Any] | None, Mapping[str, Any] | None], None]
"""Is told the id of a document that changed, and what was there before and after."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS documents (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    json TEXT NOT NULL,
    UNIQUE (kind, id)
);
CREATE INDEX IF NOT EXISTS in_order ON documents (kind, position);
CREATE INDEX IF NOT EXISTS by_email ON documents (kind, json_extract(json, '$.email'))
    WHERE kind = 'users';
CREATE INDEX IF NOT EXISTS nested ON documents (id, kind) WHERE instr(kind, '/') > 0;
"""


class Duplicate(Exception):
    """There is a document of this kind and id already."""


class Store:
    """Documents of all kinds. Safe to share between threads: one at a time reads or writes.

    A document is a JSON object. What is handed out is a copy, to be changed at will and put back.
    """

    def __init__(self, path: str | PathLike[str] = ":memory:") -> None:
        """Open the file, or make it; `:memory:` keeps nothing."""
        self.watch: Callable[[str], Note | None] | None = None
        """Asked by kind who is to be told of a change; not of what goes with another document."""
        self._lock = threading.RLock()
        self._depth = 0
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        if str(path) != ":memory:":
            self._connection.execute("PRAGMA journal_mode = WAL")
            # A lost last moment is no harm in a test tenant, a sync for each write is.
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(_SCHEMA)
        # A tenant that was forgotten without being closed must not warn; nothing is flushed here.
        weakref.finalize(self, self._connection.close).atexit = False

    @contextmanager
    def transaction(self) -> Generator[None]:
        """Keep everybody else out, and undo everything when the block raises. May be nested: then the inner
        block is a part of the outer one."""
        with self._lock:
            if self._depth == 0:
                self._connection.execute("BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield
            except BaseException:
                self._depth -= 1
                if self._depth == 0:
                    self._connection.execute("ROLLBACK")
                raise
            self._depth -= 1
            if self._depth == 0:
                self._connection.execute("COMMIT")

    @contextmanager
    def _change(self, kind: str, id: str, after: Mapping[str, Any] | None) -> Generator[None]:
        with self._lock:
            note = None if self.watch is None else self.watch(kind)
            before = None if note is None else self.get(kind, id)
            yield
            if note is not None and before != after:
                note(id, before, after)

    def add(self, kind: str, id: str, document: Mapping[str, Any]) -> None:
        """Add a document at the end. Raises `Duplicate`."""
        with self._change(kind, id, document):
            try:
                self._connection.execute(
                    "INSERT INTO documents (kind, id, json) VALUES (?, ?, ?)",
                    (kind, id, msgspec.json.encode(document).decode()),
                )
            except sqlite3.IntegrityError:
                raise Duplicate(f"there is a document of this id in {kind}") from None

    def put(self, kind: str, id: str, document: Mapping[str, Any]) -> None:
        """Replace a document in its place, or add it at the end."""
        with self._change(kind, id, document):
            self._connection.execute(
                "INSERT INTO documents (kind, id, json) VALUES (?, ?, ?) "
                "ON CONFLICT (kind, id) DO UPDATE SET json = excluded.json",
                (kind, id, msgspec.json.encode(document).decode()),
            )

    def use_once(self, kind: str, id: str, *, now: float, until: float) -> None:
        """Remember `id` until then, and forget some of what need not be remembered any more.

        Raises `Duplicate` while it is remembered.
        """
        with self.transaction():
            # Two go for each that comes, so that they never pile up.
            self._connection.execute(
                "DELETE FROM documents WHERE kind = ? AND json_extract(json, '$.expires_at') <= ? AND ("
                "id = ? OR position IN (SELECT position FROM documents WHERE kind = ? "
                "ORDER BY position LIMIT 2))",
                (kind, now, id, kind),
            )
            self.add(kind, id, {"expires_at": until})

    def get(self, kind: str, id: str) -> dict[str, Any] | None:
        """Return a document, or `None`."""
        with self._lock:
            row = self._connection.execute(
                "SELECT json FROM documents WHERE kind = ? AND id = ?", (kind, id)
            ).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def remove(self, kind: str, id: str) -> bool:
        """Remove a document; return whether there was one."""
        with self._change(kind, id, None):
            cursor = self._connection.execute("DELETE FROM documents WHERE kind = ? AND id = ?", (kind, id))
            return cursor.rowcount > 0

    def remove_below(self, kind: str) -> None:
        """Remove all documents whose kind begins with `kind` and a slash."""
        with self._lock:
            # "0" is what follows the slash; unlike LIKE, the range finds its way by the index.
            self._connection.execute(
                "DELETE FROM documents WHERE kind > ? AND kind < ?", (f"{kind}/", f"{kind}0")
            )

    def remove_links(self, above: str, word: str, id: str, part: str) -> None:
        """Remove, among the kinds that begin with `above`, the documents of this id in those that end in
        `/word`, and all in those that contain `part`."""
        with self._lock:
            self._connection.execute(
                "DELETE FROM documents WHERE instr(kind, '/') > 0 AND substr(kind, 1, ?) = ? "
                "AND ((id = ? AND kind LIKE '%/' || ?) OR instr(kind, ?) > 0)",
                (len(above), above, id, word, part),
            )

    def list(
        self, kind: str, *, offset: int = 0, limit: int | None = None, after: str | None = None
    ) -> builtins.list[dict[str, Any]]:
        """Return the documents of a kind, oldest first: `limit` of them, from `offset` on.

        With `after`, only those that came after the document of that id; none when there is no such one.
        """
        query = "SELECT json FROM documents WHERE kind = ?"
        values: builtins.list[str | int] = [kind]
        if after is not None:
            query += " AND position > (SELECT position FROM documents WHERE kind = ? AND id = ?)"
            values += [kind, after]
        query += " ORDER BY position LIMIT ? OFFSET ?"
        values += [-1 if limit is None else limit, offset]
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
        return [msgspec.json.decode(row[0]) for row in rows]

    def last(self, kind: str) -> dict[str, Any] | None:
        """Return the document that came last, or `None`."""
        with self._lock:
            row = self._connection.execute(
                "SELECT json FROM documents WHERE kind = ? ORDER BY position DESC LIMIT 1", (kind,)
            ).fetchone()
        return None if row is None else msgspec.json.decode(row[0])

    def find(self, kind: str, **fields: str) -> builtins.list[dict[str, Any]]:
        """Return the documents of a kind whose top-level fields have these values, oldest first."""
        query = "SELECT json FROM documents WHERE kind = ?"
        values = [kind]
        if kind == "users":
            # The index on e-mail addresses is of users only; SQLite uses it where it sees the literal.
            query = "SELECT json FROM documents WHERE kind = ? AND kind = 'users'"
        for name, value in fields.items():
            if not name.isidentifier():
                raise ValueError("a field name must be an identifier")
            query += f" AND json_extract(json, '$.{name}') = ?"
            values.append(value)
        with self._lock:
            rows = self._connection.execute(f"{query} ORDER BY position", values).fetchall()
        return [msgspec.json.decode(row[0]) for row in rows]

    def count(self, kind: str) -> int:
        """Return how many documents of a kind there are."""
        with self._lock:
            found: int = self._connection.execute(
                "SELECT COUNT(*) FROM documents WHERE kind = ?", (kind,)
            ).fetchone()[0]
        return found

    def close(self) -> None:
        """Close the file. Closing twice is fine."""
        with self._lock:
            self._connection.close()
