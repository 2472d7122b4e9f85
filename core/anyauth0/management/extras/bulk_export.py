"""Exported files brought over piece by piece: what breaks off goes on where it was, by any transport."""

import os
import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from ..._json import as_object, read
from ...client import Core
from ...errors import Auth0Error, InvalidArgumentError, TransportError, api_error
from ...flow import Flow, perform, sleep
from ...iteration import Steps
from ...messages import Request, Response

__all__ = ["DownloadProgress", "file_address", "rows_of", "write_to"]

_PIECE = 1024 * 1024
_LONGEST_LINE = 64 * 1024 * 1024
_BREAKS = 10
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_GZIP = b"\x1f\x8b"

DownloadProgress = Callable[[int, int | None], object]
"""Called with the bytes that have come, and all there are where the server said so."""


def file_address(title: str, location: object) -> str:
    """Return the address of an exported file.

    It is signed: whoever has it may read the file. So it is never shown, and goes over TLS only.
    """
    url = getattr(location, "location", location)
    if not isinstance(url, str) or not url:
        raise InvalidArgumentError(
            "job", f'{title}: "job" is a job that is completed (jobs.wait), or the location that is in it'
        )
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise InvalidArgumentError("job", f'{title}: the location of "job" is not https')
    return url


class _Remote:
    """A file elsewhere, asked for in pieces."""

    def __init__(self, core: Core, url: str) -> None:
        self.position = 0
        self.total: int | None = None
        self.etag: str | None = None
        self._core = core
        self._url = url
        self._breaks = 0

    @property
    def done(self) -> bool:
        return self.total is not None and self.position >= self.total

    def __repr__(self) -> str:
        return f"<file at {urlsplit(self._url).hostname}>"

    def piece(self) -> Flow[bytes]:
        """Return the next piece. What breaks on the way is asked for again, more slowly each time."""
        while True:
            try:
                response = yield from self._core.fetch(self._request())
            except TransportError:
                self._breaks += 1
                if self._breaks > _BREAKS:
                    raise
                yield from sleep(min(0.25 * 2**self._breaks, 10.0))
            else:
                data = self._taken(response)
                self._breaks = 0
                return data

    def _request(self) -> Request:
        headers = {
            "accept-encoding": "identity",
            "range": f"bytes={self.position}-{self.position + _PIECE - 1}",
        }
        if self.etag is not None:
            headers["if-range"] = self.etag
        return Request(
            method="GET", url=self._url, headers=headers, endpoint="GET (exported file)", idempotent=True
        )

    def _taken(self, response: Response) -> bytes:
        if response.status == 206:
            return self._part(response)
        if response.status == 200 and self.position == 0:
            # The server knows no ranges: this is all of it.
            self.total = self.position = len(response.body)
            return response.body
        if response.status == 416 and self.position == 0:
            self.total = 0
            return b""
        if response.status in (200, 416):
            raise Auth0Error("the exported file has changed since its first part came; download it anew")
        raise api_error(self._core.family, response, call="GET (exported file)")

    def _part(self, response: Response) -> bytes:
        found = _RANGE.fullmatch(response.headers.get("content-range", ""))
        if found is None or int(found[1]) != self.position or len(response.body) == 0:
            raise Auth0Error("the server of the exported file sent another part than it was asked for")
        etag = response.headers.get("etag")
        self.etag = etag if etag and not etag.startswith("W/") else None
        self.position += len(response.body)
        if found[3] != "*":
            self.total = int(found[3])
        elif len(response.body) < _PIECE:
            self.total = self.position
        return response.body


def rows_of(core: Core, url: str) -> Steps[Iterable[dict[str, Any]]]:
    """Yield a flow for each portion of the rows of an exported file: JSON, one to a line, gzipped or not."""
    remote, lines = _Remote(core, url), _Lines()
    while not remote.done:
        yield _rows(remote, lines)
        while lines.more:
            yield _more(lines)
    yield _last(lines)


def _rows(remote: _Remote, lines: "_Lines") -> Flow[list[dict[str, Any]]]:
    data = yield from remote.piece()
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
            text: bytes = self._inflate.decompress(data, _PIECE)
        except zlib.error:
            self._inflate = None
        else:
            self._waiting = self._inflate.unconsumed_tail or self._inflate.unused_data
            self.more = bool(self._waiting) or len(text) == _PIECE
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
        return as_object(read(line))
    except ValueError:
        pass
    raise Auth0Error("the exported file is not one JSON object to a line; jobs.download_to takes any format")


def write_to(
    core: Core, url: str, path: str | os.PathLike[str], progress: DownloadProgress | None
) -> Flow[int]:
    """Write an exported file to `path` as it is, from where its part ends, and return its size."""
    remote = _Remote(core, url)
    data = yield from remote.piece()
    # Whose part it is, the mark of the file tells; without one a part cannot be gone on with.
    mark = sha256((remote.etag or "").encode()).hexdigest()[:12]
    part = f"{os.fspath(path)}.{mark}.part"
    known = 0
    if remote.etag is not None:
        known = yield from perform(partial(_size, part))
    if known > len(data):
        remote.position = known
    else:
        yield from perform(partial(_write, part, data, "wb"))
    if progress is not None:
        progress(remote.position, remote.total)
    while not remote.done:
        data = yield from remote.piece()
        yield from perform(partial(_write, part, data, "ab"))
        if progress is not None:
            progress(remote.position, remote.total)
    yield from perform(partial(os.replace, part, path))
    return remote.position


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
    if fields is None:
        return None
    return [{"name": each} if isinstance(each, str) else dict(each) for each in fields]
