"""Jobs to their end: waited for without asking too often, and any number of users in and out."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ...endpoint import Mode, operation
from ...errors import Auth0Error, InvalidArgumentError, TransportTimeout
from ...flow import Flow, sleep
from ...iteration import Steps, iteration
from ..jobs import Job
from ..jobs import Jobs as GeneratedJobs
from ._bulk_file import ExportedFile
from .bulk_export import DownloadProgress, fields_of, rows_of, write_to
from .bulk_import import ImportProgress, ImportResult, Rows, import_all

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0
_GROWTH = 1.5
_LARGEST_FILE = 500_000
_MOST_JOBS = 2


class Jobs(GeneratedJobs[Mode]):
    """Import and export users, send verification mails: work that goes on after the call."""

    __slots__ = ()

    @operation
    def wait(
        self, id: str, /, *, timeout: float | None = None, progress: Callable[[Job], object] | None = None
    ) -> Flow[Job]:
        """Wait until a job is done and return it: its `status` is `"completed"` or `"failed"`.

        It is asked for at once, then after half a second, then less and less often, every 10 s at last.
        `progress` is called with each answer. `timeout` is in seconds, for the whole wait; by default it
        has no end. What became of each row is in `jobs.get_errors`.

        GET /jobs/{id}. Scopes: those of `jobs.get`. Raises `TransportTimeout` when the time is up; the job
        goes on all the same.
        """
        if timeout is not None and timeout <= 0:
            raise InvalidArgumentError("timeout", 'jobs.wait: "timeout" must be a number of seconds above 0')
        clock = self._core.options.clock
        start, pause = clock(), _FIRST_PAUSE
        while True:
            job = (yield from GeneratedJobs.get.flow(self, id)).data
            if progress is not None:
                progress(job)
            if job.status in _DONE:
                return job
            if timeout is not None and clock() + pause > start + timeout:
                raise TransportTimeout(
                    f"the job is still {job.status or 'unfinished'} after nearly {timeout:g} s; "
                    "it goes on, wait for it again",
                    request_sent=True,
                )
            yield from sleep(pause)
            pause = min(pause * _GROWTH, _LONGEST_PAUSE)

    @operation
    def import_all(
        self,
        rows: Rows,
        /,
        *,
        connection_id: str,
        upsert: bool | None = None,
        external_id: str | None = None,
        send_completion_email: bool = False,
        size: int = _LARGEST_FILE,
        concurrency: int = _MOST_JOBS,
        progress: Callable[[ImportProgress], object] | None = None,
    ) -> Flow[ImportResult]:
        """Import any number of users, and wait until it is done.

        `rows` is any iterable of mappings, for asyncio an async one too; it is read bit by bit. They are sent
        in files of at most `size` bytes (the API takes 500 kB), at most `concurrency` jobs (two may be active
        in a tenant) at a time. `progress` is called with each step. A row that cannot be sent, or that the
        server did not take, is in `errors` of the result, under its place; the others are imported.

        POST /jobs/users-imports, GET /jobs/{id}, GET /jobs/{id}/errors. Scopes: create:users and read:users.
        Raises `ImportInterrupted`, with what is done and where to go on, when a call or `rows` fails.
        """
        for name, value, most in (("size", size, _LARGEST_FILE), ("concurrency", concurrency, _MOST_JOBS)):
            if not 1 <= value <= most:
                raise InvalidArgumentError(name, f'jobs.import_all: "{name}" must be from 1 to {most}')
        fields: dict[str, Any] = {
            "connection_id": connection_id,
            "upsert": upsert,
            "external_id": external_id,
            "send_completion_email": send_completion_email,
        }
        return import_all(self, rows, fields, size=size, concurrency=concurrency, progress=progress)

    @iteration
    def export_all(
        self,
        *,
        connection_id: str | None = None,
        fields: Sequence[str | Mapping[str, Any]] | None = None,
        limit: int | None = None,
        timeout: float | None = None,
        progress: Callable[[Job], object] | None = None,
    ) -> Steps[Iterable[dict[str, Any]]]:
        """Export users, wait for the file, and go through its rows.

        `fields` are names, or objects with `name` and `export_as`. `timeout` and `progress` are those of
        `wait`. The file comes piece by piece; what breaks off goes on where it was.

        POST /jobs/users-exports, GET /jobs/{id}, and the file. Scope: read:users. Raises `TransportTimeout`
        when the job takes too long, `Auth0Error` when it fails.
        """
        body: dict[str, Any] = {"connection_id": connection_id, "fields": fields_of(fields), "limit": limit}
        given = {name: value for name, value in body.items() if value is not None}
        return self._export(given, timeout, progress)

    def _export(
        self, body: dict[str, Any], timeout: float | None, progress: Callable[[Job], object] | None
    ) -> Steps[Iterable[dict[str, Any]]]:
        jobs: list[Job] = []

        def run() -> Flow[Iterable[dict[str, Any]]]:
            job = (yield from GeneratedJobs.export_users.flow(self, format="json", **body)).data
            jobs.append((yield from Jobs.wait.flow(self, job.id, timeout=timeout, progress=progress)))
            return ()

        yield run()
        if jobs[0].status != "completed":
            raise Auth0Error(f"the export failed ({jobs[0].status_details or jobs[0].id}); start it again")
        yield from rows_of(ExportedFile(self, "jobs.export_all", jobs[0]))

    @iteration
    def download(self, job: Job | str, /) -> Steps[Iterable[dict[str, Any]]]:
        """Go through the rows of an exported file (format `json`).

        `job` is an export job that is completed, or its `location`. That address is signed: it needs no token
        and gets none. It holds for a short while; that of a job is renewed (GET /jobs/{id}) when need be.
        """
        return rows_of(ExportedFile(self, "jobs.download", job))

    @operation
    def download_to(
        self,
        job: Job | str,
        path: str | os.PathLike[str],
        /,
        *,
        progress: DownloadProgress | None = None,
        resume: bool = True,
    ) -> Flow[int]:
        """Write an exported file to `path`, as it is (gzipped), and return its size in bytes.

        It is there when it is whole. Until then it is beside, as `.part`, and the next call goes on there,
        or with `resume=False` begins anew.
        `progress` is called with the bytes that have come, and all there are where the server said so.
        """
        return write_to(ExportedFile(self, "jobs.download_to", job), path, progress, resume=resume)


_DONE = frozenset({"completed", "failed"})
