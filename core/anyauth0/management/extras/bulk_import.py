"""Any number of users imported: split into files, uploaded, waited for, with each error at its row."""

from collections import deque
from collections.abc import AsyncIterable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import msgspec

from ..._json import as_array, as_object
from ...encoding import encode_json
from ...errors import Auth0Error, InvalidArgumentError, RateLimited
from ...flow import Flow, perform, sleep
from ..jobs import Job
from ..jobs import Jobs as GeneratedJobs

if TYPE_CHECKING:
    from .jobs import Jobs

__all__ = ["ImportInterrupted", "ImportProgress", "ImportResult", "RowError", "Rows", "import_all"]

Rows = Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]]

_PATIENCE = 20
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
_KEYS = ("user_id", "email", "username", "phone_number")


class RowError(msgspec.Struct, frozen=True, kw_only=True):
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


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
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

    `result` is what is known to be done. The rows from `next_row` on were not sent; jobs of rows before it
    may still be under way (`result.jobs`).
    """

    def __init__(self, message: str, *, result: ImportResult, next_row: int) -> None:
        super().__init__(message)
        self.result = result
        self.next_row = next_row


class _File:
    """Rows of one upload, as JSON, with the place of the first."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.places: list[int] = []
        self.size = 2
        self.job = ""

    def add(self, place: int, row: bytes) -> None:
        self.rows.append(row)
        self.places.append(place)
        self.size += len(row) + 1

    def body(self) -> bytes:
        return b"[" + b",".join(self.rows) + b"]"

    def by_key(self) -> dict[tuple[str, str], deque[int]]:
        """Return the places of the rows by each of what may name a user."""
        found: dict[tuple[str, str], deque[int]] = {}
        for place, row in zip(self.places, self.rows, strict=True):
            for key in _keys(as_object(msgspec.json.decode(row))):
                found.setdefault(key, deque()).append(place)
        return found


def _keys(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name, str(user[name]).lower()) for name in _KEYS if user.get(name) is not None]


class _Import:
    """An import that is under way."""

    def __init__(
        self, jobs: "Jobs[Any]", fields: dict[str, Any], progress: Callable[[ImportProgress], object] | None
    ) -> None:
        self.jobs = jobs
        self.fields = fields
        self.tell = progress
        self.under_way: deque[_File] = deque()
        self.progress = ImportProgress()
        self.errors: list[RowError] = []
        self.ids: list[str] = []
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
        error = {"code": code, "message": message, "path": ""}
        self.errors.append(RowError(row=place, user=user, errors=[error]))
        self.advance(read=1, finished=1, failed=1)

    def upload(self, file: _File, concurrency: int) -> Flow[None]:
        while len(self.under_way) >= concurrency:
            yield from self.finish()
        file.job = yield from self._start(file.body())
        self.ids.append(file.job)
        self.under_way.append(file)
        self.next_row = file.places[-1] + 1
        self.advance(sent=len(file.rows), files=1)

    def _start(self, body: bytes) -> Flow[str]:
        """Upload a file, when it is our turn: others import too, and two jobs may be active in a tenant."""
        pause, patience = _FIRST_PAUSE, _PATIENCE
        while True:
            try:
                answer = yield from GeneratedJobs.import_users.flow(self.jobs, users=body, **self.fields)
            except RateLimited as error:
                patience -= 1
                if not patience:
                    raise
                wait = error.retry_after or pause
            else:
                return answer.data.id
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
            reason = job.status_details or "the job failed as a whole"
            for place, row in zip(file.places, file.rows, strict=True):
                error = {"code": "JOB_FAILED", "message": reason, "path": ""}
                user = as_object(msgspec.json.decode(row))
                self.errors.append(RowError(row=place, user=user, errors=[error]))
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

    def _read_errors(self, file: _File) -> Flow[None]:
        answer = yield from GeneratedJobs.get_errors.flow(self.jobs, file.job)
        places = file.by_key()
        for each in map(as_object, as_array(answer.json())):
            user = as_object(each.get("user"))
            # Of rows that look the same the first has the first error.
            found = next((places[key] for key in _keys(user) if places.get(key)), None)
            row = found[0] if found else None
            if row is not None:
                for others in map(places.get, _keys(user)):
                    if others and row in others:
                        others.remove(row)
            self.errors.append(RowError(row=row, user=user, errors=as_array(each.get("errors"))))


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
    work, file, place = _Import(jobs, fields, progress), _File(), 0
    following = _reader(rows, asynchronous=jobs._core.options.asynchronous)  # pyright: ignore[reportPrivateUsage]
    try:
        while True:
            row = yield from following()
            if row is _END:
                break
            encoded = _encoded(row)
            if isinstance(encoded, str):
                work.refuse(place, row, "ROW_UNREADABLE", encoded)
            elif len(encoded) + 2 > size:
                work.refuse(place, row, "ROW_TOO_LARGE", f"the row alone is larger than {size} bytes")
            else:
                if file.rows and file.size + len(encoded) > size:
                    yield from work.upload(file, concurrency)
                    file = _File()
                file.add(place, encoded)
                work.advance(read=1)
            place += 1
        if file.rows:
            yield from work.upload(file, concurrency)
        while work.under_way:
            yield from work.finish()
    except Auth0Error as error:
        cause = error.with_traceback(None)
    else:
        return work.result()
    raise ImportInterrupted(
        f"the import ended after {work.progress.sent} rows were sent, go on at row {work.next_row}: {cause}",
        result=work.result(),
        next_row=work.next_row,
    ) from cause


_END = object()


def _reader(rows: Any, *, asynchronous: bool) -> Callable[[], Flow[Any]]:
    """Return the flow that reads the next row, or answers `_END`."""
    given = rows
    if isinstance(rows, AsyncIterable):
        if not asynchronous:
            raise InvalidArgumentError(
                "rows", 'jobs.import_all: "rows" is an async iterable, which a blocking client cannot read'
            )
        source: Any = aiter(given)

        async def step() -> Any:
            return await anext(source, _END)

        return lambda: perform(asynchronous=step)
    if isinstance(rows, Mapping | str | bytes) or not isinstance(rows, Iterable):
        raise InvalidArgumentError(
            "rows",
            'jobs.import_all: "rows" must be an iterable of mappings; a file goes to jobs.import_users',
        )
    iterator: Any = iter(given)

    def following() -> Flow[Any]:
        return next(iterator, _END)
        yield

    return following


def _encoded(row: object) -> bytes | str:
    """Return a row as JSON, or as text why it cannot be sent."""
    if not isinstance(row, Mapping):
        return f"a row must be a mapping, not {type(row).__name__}"
    try:
        return encode_json(cast("Mapping[str, Any]", row))
    except InvalidArgumentError as error:
        return str(error)
