"""An exported file elsewhere, asked for piece by piece: what breaks off goes on where it was."""

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ...errors import Auth0Error, InvalidArgumentError, TransportError, api_error
from ...flow import Flow, sleep
from ...messages import Request, Response
from ..jobs import Job
from ..jobs import Jobs as GeneratedJobs

if TYPE_CHECKING:
    from .jobs import Jobs

__all__ = ["PIECE", "ExportedFile"]

PIECE = 1024 * 1024
_BREAKS = 10
_CALL = "GET (exported file)"
_EXPIRED = b'{"message": "its address may have expired, jobs.get gives another"}'
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


class ExportedFile:
    """The file of an export job, or at an address.

    The address is signed: whoever has it may read the file. So it is never shown, goes over TLS only, and
    holds for a short while: that of a job is renewed when it has expired.
    """

    def __init__(self, jobs: "Jobs[Any]", title: str, job: Job | str) -> None:
        self.position = 0
        self.total: int | None = None
        self.etag: str | None = None
        self._core = jobs._core  # pyright: ignore[reportPrivateUsage]
        self._jobs = jobs
        self._title = title
        self._id = job.id if isinstance(job, Job) else ""
        self._url = _address(title, job)
        self._mark: tuple[str, str] = ("", "")
        self._breaks = 0
        self._renewed = False

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
                continue
            if response.status == 403 and self._id and not self._renewed:
                self._renewed = True
                job = (yield from GeneratedJobs.get.flow(self._jobs, self._id)).data
                self._url = _address(self._title, job)
                continue
            data = self._taken(response)
            self._breaks, self._renewed = 0, False
            return data

    def _request(self) -> Request:
        headers = {
            "accept-encoding": "identity",
            "range": f"bytes={self.position}-{self.position + PIECE - 1}",
        }
        if self.etag is not None:
            headers["if-range"] = self.etag
        return Request(method="GET", url=self._url, headers=headers, endpoint=_CALL, idempotent=True)

    def _taken(self, response: Response) -> bytes:
        if response.status == 206:
            return self._part(response)
        if response.status == 200 and self.position == 0:
            # The server knows no ranges: this is all of it.
            self.total = self.position = len(response.body)
            return response.body
        if response.status == 416 and self.total is None:
            self.total = self.position
            return b""
        if response.status in (200, 416):
            raise self._changed()
        # Servers of files quote the signature that they refuse, and redirect with another: neither is kept.
        body = _EXPIRED if response.status == 403 else b""
        raise api_error(self._core.family, Response(status=response.status, body=body), call=_CALL)

    def _part(self, response: Response) -> bytes:
        found = _RANGE.fullmatch(response.headers.get("content-range", ""))
        size = len(response.body)
        end = self.position + size
        if not found or not size or (int(found[1]), int(found[2])) != (self.position, end - 1):
            raise Auth0Error("the server of the exported file sent another part than it was asked for")
        mark = (response.headers.get("etag", ""), str(found[3]))
        if self.position and mark != self._mark:
            raise self._changed()
        self._mark = mark
        # A weak mark does not say that the bytes are the same.
        self.etag = mark[0] if mark[0] and not mark[0].startswith("W/") else None
        self.position = end
        if found[3] != "*":
            self.total = int(found[3])
        elif size < PIECE:
            self.total = self.position
        return response.body

    @staticmethod
    def _changed() -> Auth0Error:
        return Auth0Error("the exported file has changed since its first part came; download it anew")


def _address(title: str, job: object) -> str:
    url = job.location if isinstance(job, Job) else job
    if not isinstance(url, str) or not url:
        raise InvalidArgumentError(
            "job", f'{title}: "job" is a job that is completed (jobs.wait), or the location that is in it'
        )
    try:
        parts = urlsplit(url)
        # It is looked at here, for it may be none.
        plain = url.isprintable() and " " not in url and parts.username is None and parts.port != 0
    except ValueError:
        parts, plain = urlsplit(""), False
    scheme, host = parts.scheme, parts.hostname
    if not plain or not host or (scheme != "https" and (scheme != "http" or host not in _HERE)):
        raise InvalidArgumentError("job", f'{title}: the location of "job" is no https address')
    return url
