"""Exported files turned into rows, and files written as they are: in memory is a piece at a time."""

import os
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any

from ..._json import is_object, read
from ...errors import Auth0Error, InvalidArgumentError
from ...flow import Flow, perform
from ...iteration import Steps
from ._bulk_file import PIECE, ExportedFile

__all__ = ["DownloadProgress", "fields_of", "rows_of", "write_to"]

_LONGEST_LINE = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b"

DownloadProgress = Callable[[int, int | None], object]
"""Called with the bytes that have come, and all there are where the server said so."""


def rows_of(file: ExportedFile) -> Steps[Iterable[dict[str, Any]]]:
    """Yield a flow for each portion of the rows of an exported file: JSON, one to a line, gzipped or not."""
    lines = _Lines()
    while not file.done:
        yield _rows(file, lines)
        while lines.more:
            yield _more(lines)
    yield _last(lines)


def _rows(file: ExportedFile, lines: "_Lines") -> Flow[list[dict[str, Any]]]:
    data = yield from file.piece()
    return lines.feed(data)


def _more(lines: "_Lines") -> Flow[list[dict[str, Any]]]:
    return lines.feed(b"")
    yield


def _last(lines: "_Lines") -> Flow[list[dict[str, Any]]]:
    return lines.end()
    yield


class _Lines:
    """Turns pieces of a file into rows, never more of it in memory than a piece or a row."""

    def __init__(self) -> None:
        self.more = False
        self._started = False
        self._inflate: Any = None
        self._waiting = b""
        self._rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Return the rows that end here. With `more`, there is more of it to come without another piece."""
        if not self._started and data:
            self._started = True
            self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS) if data.startswith(_GZIP) else None
        text = data
        if self._inflate is not None:
            text = self._inflated(self._waiting + data)
        *lines, self._rest = (self._rest + text).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise Auth0Error("the exported file has a line of more than 64 MiB; it is not one row to a line")
        return [_row(line) for line in lines if line.strip()]

    def _inflated(self, data: bytes) -> bytes:
        try:
            if self._inflate.eof and data:
                # One gzip file may follow another.
                self._inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
            text: bytes = self._inflate.decompress(data, PIECE)
        except zlib.error:
            self._inflate = None
        else:
            self._waiting = self._inflate.unconsumed_tail or self._inflate.unused_data
            self.more = bool(self._waiting) or len(text) == PIECE
            return text
        raise Auth0Error("the exported file cannot be decompressed; download it anew")

    def end(self) -> list[dict[str, Any]]:
        """Return the last row, where no line end comes after it."""
        if self._inflate is not None and not self._inflate.eof:
            raise Auth0Error("the exported file ends in the middle; download it anew")
        rest, self._rest = self._rest, b""
        return [_row(rest)] if rest.strip() else []


def _row(line: bytes) -> dict[str, Any]:
    try:
        row = read(line)
    except ValueError:
        row = None
    if is_object(row):
        return row
    raise Auth0Error("the exported file is not one JSON object to a line; jobs.download_to takes any format")


def write_to(
    file: ExportedFile, path: str | os.PathLike[str], progress: DownloadProgress | None, *, resume: bool
) -> Flow[int]:
    """Write an exported file to `path` as it is, from where its part ends, and return its size."""
    data = yield from file.piece()
    # Whose part it is, the mark of the file tells; without one a part cannot be gone on with.
    mark = sha256((file.etag or "").encode()).hexdigest()[:12]
    part = f"{os.fspath(path)}.{mark}.part"
    known = 0
    if resume and file.etag is not None and file.total is not None:
        known = yield from perform(partial(_size, part))
    if file.total is not None and len(data) < known <= file.total:
        file.position = known
    else:
        yield from perform(partial(_write, part, data, "wb"))
    if progress is not None:
        progress(file.position, file.total)
    while not file.done:
        data = yield from file.piece()
        yield from perform(partial(_write, part, data, "ab"))
        if progress is not None:
            progress(file.position, file.total)
    yield from perform(partial(os.replace, part, path))
    return file.position


def _size(path: str) -> int:
    try:
        return os.path.getsize(path)
    except OSError:
        return 0


def _write(path: str, data: bytes, mode: str) -> None:
    with open(path, mode) as file:
        file.write(data)


def fields_of(fields: Iterable[str | Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Return the fields of an export as the API wants them: names alone become objects."""
    if isinstance(fields, str):
        # A text is a sequence of texts too, and the export would be one of empty rows.
        raise InvalidArgumentError(
            "fields", f'jobs.export_all: "fields" must be a list, such as ["{fields[:40]}"]'
        )
    if fields is None:
        return None
    return [{"name": each} if isinstance(each, str) else dict(each) for each in fields]
