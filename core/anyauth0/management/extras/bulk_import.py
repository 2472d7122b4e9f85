"""Any number of users imported: split into files, uploaded, waited for, with each error at its row."""

from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..._json import as_array, as_object
from ...errors import Auth0Error, DecodingError, RateLimited, ServerError, TransportError
from ...flow import Flow, sleep
from ...redaction import Model
from ...rows import END, File, encoded, keys_of, reader
from ..jobs import Job
from ..jobs import Jobs as GeneratedJobs

if TYPE_CHECKING:
    from .jobs import Jobs

__all__ = ["ImportInterrupted", "ImportProgress", "ImportResult", "RowError", "Rows", "import_all"]

Rows = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]

_PATIENCE = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0


class RowError(Model, frozen=True, kw_only=True):
    """What is wrong with one row.

    - `row`: its place in what was given, from 0; `None` where the server's words fit no row
    - `user`: the row as the server had it
    - `errors`: each with `code`, `message` and `path`
    """

    row: int | None
    user: Mapping[str, Any]
    errors: list[dict[str, Any]]

    def __repr__(self) -> str:
        codes = ", ".join(str(error.get("code")) for error in self.errors)
        return f"<RowError of row {self.row}: {codes}>"


class ImportProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far an import is: rows `read`, `sent` and `finished`, what became of them, and the files sent."""

    read: int = 0
    sent: int = 0
    finished: int = 0
    inserted: int = 0
    updated: int = 0
    failed: int = 0
    files: int = 0


class ImportResult(Model, frozen=True, kw_only=True):
    """What became of an import: counts of rows, the errors in their order, and the ids of the jobs."""

    total: int
    inserted: int
    updated: int
    failed: int
    errors: list[RowError]
    jobs: list[str]

    def __repr__(self) -> str:
        return f"<ImportResult: {self.inserted} inserted, {self.updated} updated, {self.failed} failed>"


class ImportInterrupted(Auth0Error):
    """An import ended in the middle; the cause is the error that ended it.

    The rows from `next_row` on were surely not sent. `result` is what is known of those before it: each row
    is done, or in its `errors`. There `JOB_UNFINISHED` is for rows whose job goes on without us, and
    `OUTCOME_UNKNOWN` for rows of a file that may have arrived or not. Neither counts as failed.
    """

    def __init__(self, message: str, *, result: ImportResult, next_row: int) -> None:
        super().__init__(message)
        self.result = result
        self.next_row = next_row


class _Import:
    """An import that is under way."""

    def __init__(
        self, jobs: "Jobs[Any]", fields: dict[str, Any], progress: Callable[[ImportProgress], object] | None
    ) -> None:
        self.jobs = jobs
        self.fields = fields
        self.tell = progress
        self.under_way: deque[File] = deque()
        self.progress = ImportProgress()
        self.errors: list[RowError] = []
        self.ids: list[str] = []
        self.unsure: File | None = None
        self.next_row = 0

    def result(self) -> ImportResult:
        done = self.progress
        return ImportResult(
            total=done.read, inserted=done.inserted, updated=done.updated, failed=done.failed,
            errors=sorted(self.errors, key=lambda each: (each.row is None, each.row or 0)), jobs=self.ids,
        )  # fmt: skip

    def advance(self, **more: int) -> None:
        done = msgspec.structs.asdict(self.progress)
        self.progress = ImportProgress(**{name: done[name] + more.get(name, 0) for name in done})
        # Who reads rows by the thousand wants to hear of files.
        if self.tell is not None and more.keys() != {"read"}:
            self.tell(self.progress)

    def refuse(self, place: int, row: object, code: str, message: str) -> None:
        """Note a row that cannot be sent."""
        user: Mapping[str, Any] = cast("Mapping[str, Any]", row) if isinstance(row, Mapping) else {}
        self.note(place, user, code, message)
        self.advance(read=1, finished=1, failed=1)

    def note(self, place: int, user: Mapping[str, Any], code: str, message: str) -> None:
        error = {"code": code, "message": message, "path": ""}
        self.errors.append(RowError(row=place, user=user, errors=[error]))

    def note_all(self, file: File, code: str, message: str) -> None:
        for place, user in file.users():
            self.note(place, user, code, message)

    def upload(self, file: File, concurrency: int) -> Flow[None]:
        while len(self.under_way) >= concurrency:
            yield from self.finish()
        file.job = yield from self._start(file)
        self.ids.append(file.job)
        self.under_way.append(file)
        self.next_row = file.places[-1] + 1
        self.advance(sent=len(file.rows), files=1)

    def _start(self, file: File) -> Flow[str]:
        """Upload a file, when it is our turn: others import too, and two jobs may be active in a tenant."""
        body, pause, patience = file.body(), _FIRST_PAUSE, _PATIENCE
        while True:
            try:
                answer = yield from GeneratedJobs.import_users.flow(self.jobs, users=body, **self.fields)
                return answer.data.id
            except RateLimited as error:
                patience -= 1
                if not patience:
                    raise
                wait = error.retry_after or pause
            except (TransportError, ServerError, DecodingError) as error:
                if not isinstance(error, TransportError) or error.request_sent:
                    self.unsure = file
                raise
            if self.under_way:
                yield from self.finish()
            else:
                yield from sleep(wait)
                pause = min(pause * 2, _LONGEST_PAUSE)

    def finish(self) -> Flow[None]:
        """Wait for the oldest job, and note what became of its rows."""
        file = self.under_way[0]
        job: Job = yield from type(self.jobs).wait.flow(self.jobs, file.job)
        count = len(file.rows)
        if job.status != "completed":
            self.note_all(file, "JOB_FAILED", job.status_details or "the job failed as a whole")
            failed = count
            inserted = updated = 0
        else:
            summary = job.summary
            failed = (summary and summary.failed) or 0
            inserted = (summary and summary.inserted) or 0
            updated = (summary and summary.updated) or 0
            if failed:
                yield from self._read_errors(file)
        self.under_way.popleft()
        self.advance(finished=count, inserted=inserted, updated=updated, failed=failed)

    def _read_errors(self, file: File) -> Flow[None]:
        answer = yield from GeneratedJobs.get_errors.flow(self.jobs, file.job)
        places = file.by_key()
        for each in map(as_object, as_array(answer.json())):
            user = as_object(each.get("user"))
            # Of rows that look the same the first has the first error.
            found = next((places[key] for key in keys_of(user) if places.get(key)), None)
            row = found[0] if found else None
            if row is not None:
                for others in map(places.get, keys_of(user)):
                    if others and row in others:
                        others.remove(row)
            self.errors.append(RowError(row=row, user=user, errors=as_array(each.get("errors"))))

    def interrupted(self, error: Exception) -> ImportInterrupted:
        """Return the error that tells all that is known, now that `error` has ended the import."""
        for file in self.under_way:
            self.note_all(file, "JOB_UNFINISHED", f"{file.job} was under way; jobs.wait tells how it ends")
        if self.unsure is not None:
            self.note_all(self.unsure, "OUTCOME_UNKNOWN", "the file was sent, and no answer came")
            self.next_row = self.unsure.places[-1] + 1
        # What is not of this library may hold anything in its message.
        reason = error if isinstance(error, Auth0Error) else type(error).__name__
        return ImportInterrupted(
            f"the import ended, {self.progress.sent} rows were sent; go on at row {self.next_row}: {reason}",
            result=self.result(),
            next_row=self.next_row,
        )


def import_all(
    jobs: "Jobs[Any]",
    rows: Rows,
    fields: dict[str, Any],
    *,
    size: int,
    concurrency: int,
    progress: Callable[[ImportProgress], object] | None,
) -> Flow[ImportResult]:
    """Import `rows` (see `Jobs.import_all`)."""
    work, file, place = _Import(jobs, fields, progress), File(), 0
    following = reader(
        rows,
        asynchronous=jobs._core.options.asynchronous,  # pyright: ignore[reportPrivateUsage]
        title="jobs.import_all",
        of="mappings; a file goes to jobs.import_users",
    )
    try:
        while True:
            row = yield from following()
            if row is END:
                break
            content = encoded(row)
            if isinstance(content, str):
                work.refuse(place, row, "ROW_UNREADABLE", content)
            elif len(content) + 2 > size:
                work.refuse(place, row, "ROW_TOO_LARGE", f"the row alone is larger than {size} bytes")
            else:
                if file.rows and file.size + len(content) > size:
                    yield from work.upload(file, concurrency)
                    file = File()
                file.add(place, content)
                work.advance(read=1)
            place += 1
        if file.rows:
            yield from work.upload(file, concurrency)
        while work.under_way:
            yield from work.finish()
    except Exception as error:
        raise work.interrupted(error) from error
    return work.result()
