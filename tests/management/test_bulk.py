"""Users in and out by the thousand: what is sent, what breaks on the way, and what is told of it."""
# ruff: noqa: E501 - the tables are read better by the line

import gzip
import json as stdlib_json
import pickle
from collections.abc import AsyncIterator, Iterator
from email import policy
from email.parser import BytesParser
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import (
    Auth0Error,
    BadRequest,
    Forbidden,
    InvalidArgumentError,
    ManagementApiError,
    ManagementClient,
    RateLimited,
    Request,
    Response,
    TransportError,
)
from anyauth0.management import ImportInterrupted, ImportProgress
from anyauth0.management.jobs import Job
from anyauth0_transports.local import LocalTenant

from ..core.fakes import KINDS, Kind, json

LOCATION = "https://files.example.com/users.json.gz?Signature=SECRET-SIGNATURE"


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait: the drivers sleep for no time."""
    import asyncio
    import time

    real = asyncio.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: real(0))


def rows_in(request: Request) -> list[Any]:
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser(policy=policy.HTTP).parsebytes(head + (request.body or b""))
    parts = {
        p.get_param("name", header="content-disposition"): p.get_payload(decode=True)
        for p in form.iter_parts()
    }
    return stdlib_json.loads(parts["users"])  # type: ignore[no-any-return, arg-type]


class Importer:
    """A server of import jobs: at most two are active, each is done at its second look."""

    def __init__(self, *, busy: int = 0, bad: Any = lambda row: False, fails: bool = False) -> None:
        self.files: list[list[Any]] = []
        self.looks: dict[str, int] = {}
        self.most_active = 0
        self.busy = busy
        self.bad = bad
        self.fails = fails

    def __call__(self, request: Request) -> Response:
        path = request.url.partition("/api/v2")[2]
        if request.method == "POST":
            if self.busy:
                self.busy -= 1
                return json({"statusCode": 429, "message": "There are 2 active import users jobs"}, 429)
            job = f"job_{len(self.files)}"
            self.files.append(rows_in(request))
            self.looks[job] = 0
            self.most_active = max(self.most_active, sum(look < 2 for look in self.looks.values()))
            return json({"id": job, "status": "pending"}, 202)
        job = path.split("/")[2]
        rows = self.files[int(job.removeprefix("job_"))]
        wrong = [row for row in rows if self.bad(row)]
        if path.endswith("/errors"):
            return json(
                [{"user": row, "errors": [{"code": "BAD", "message": "m", "path": "p"}]} for row in wrong]
            )
        self.looks[job] += 1
        if self.looks[job] < 2:
            return json({"id": job, "status": "processing"})
        if self.fails:
            return json({"id": job, "status": "failed", "status_details": "no"})
        summary = {"failed": len(wrong), "inserted": len(rows) - len(wrong), "updated": 0, "total": len(rows)}
        return json({"id": job, "status": "completed", "summary": summary})


def users(count: int) -> Iterator[dict[str, Any]]:
    return ({"email": f"user{number:05}@example.com"} for number in range(count))


def run(kind: Kind, server: Any, rows: Any, **options: Any) -> Any:
    client = kind.management_client(kind.transport(otherwise=server))
    return kind.do(lambda: client.jobs.import_all(rows, connection_id="con_1", **options))


def test_rows_are_split_by_size_and_none_is_lost(kind: Kind) -> None:
    server, seen = Importer(), list[ImportProgress]()
    result = run(kind, server, users(1000), size=5000, progress=seen.append)
    assert [row for file in server.files for row in file] == list(users(1000))
    assert all(len(stdlib_json.dumps(file, separators=(",", ":"))) <= 5000 for file in server.files)
    # Full files: another row would not have had room.
    assert all(len(stdlib_json.dumps(file, separators=(",", ":"))) > 4950 for file in server.files[:-1])
    assert (result.total, result.inserted, result.failed) == (1000, 1000, 0)
    assert result.jobs == [f"job_{number}" for number in range(len(server.files))]
    assert server.most_active == 2
    assert (seen[-1].read, seen[-1].sent, seen[-1].finished) == (1000, 1000, 1000)
    assert all(a.finished <= b.finished <= b.sent <= b.read for a, b in pairwise(seen))


def test_one_job_at_a_time_if_told_so(kind: Kind) -> None:
    server = Importer()
    run(kind, server, users(1000), size=5000, concurrency=1)
    assert server.most_active == 1


def test_each_error_is_told_with_the_place_of_its_row(kind: Kind) -> None:
    server = Importer(bad=lambda row: row["email"].endswith("7@example.com"))
    result = run(kind, server, users(300), size=3000)
    assert [error.row for error in result.errors] == [number for number in range(300) if number % 10 == 7]
    assert all(error.user == list(users(300))[error.row] for error in result.errors)
    assert result.failed == 30
    assert result.errors[0].errors == [{"code": "BAD", "message": "m", "path": "p"}]
    assert "BAD" in repr(result.errors[0])


def test_rows_that_look_the_same_have_their_errors_in_turn(kind: Kind) -> None:
    rows = [{"email": "a@b.c"}, {"email": "x@b.c"}, {"email": "A@b.c"}]
    result = run(kind, Importer(bad=lambda row: row["email"].lower() == "a@b.c"), rows)
    assert [error.row for error in result.errors] == [0, 2]


def test_a_row_that_cannot_be_sent_is_an_error_and_the_others_go(kind: Kind) -> None:
    rows: list[Any] = [
        {"email": "a@b.c"},
        "text",
        {"email": object()},
        {"name": "x" * 5000},
        {"email": "d@b.c"},
    ]
    server = Importer()
    result = run(kind, server, rows, size=3000)
    assert server.files == [[{"email": "a@b.c"}, {"email": "d@b.c"}]]
    assert [(error.row, error.errors[0]["code"]) for error in result.errors] == [
        (1, "ROW_UNREADABLE"), (2, "ROW_UNREADABLE"), (3, "ROW_TOO_LARGE"),
    ]  # fmt: skip
    assert (result.total, result.inserted, result.failed) == (5, 2, 3)


def test_a_job_that_fails_as_a_whole_is_told_for_each_of_its_rows(kind: Kind) -> None:
    result = run(kind, Importer(fails=True), users(3))
    assert [(error.row, error.errors[0]["code"]) for error in result.errors] == [
        (n, "JOB_FAILED") for n in range(3)
    ]
    assert (result.inserted, result.failed) == (0, 3)


def test_where_others_import_too_it_waits_for_its_turn_and_uploads_once(kind: Kind) -> None:
    server = Importer(busy=5)
    result = run(kind, server, users(10))
    assert result.inserted == 10
    assert len(server.files) == 1


def test_an_import_that_breaks_says_what_is_done_and_where_to_go_on(kind: Kind) -> None:
    server = Importer()

    def breaking(request: Request) -> Response:
        if request.method == "POST" and len(server.files) == 3:
            raise TransportError("the network is gone", request_sent=False)
        return server(request)

    with pytest.raises(ImportInterrupted, match="the network is gone") as caught:
        run(kind, breaking, users(1000), size=5000)
    error = caught.value
    sent = [row for file in server.files for row in file]
    assert error.next_row == len(sent)
    assert error.result.inserted == len(server.files[0]) + len(server.files[1])
    assert isinstance(error.__cause__, TransportError)
    # The third job goes on without us, and what is not in the errors is done.
    third = range(error.result.inserted, error.next_row)
    assert [(each.row, each.errors[0]["code"]) for each in error.result.errors] == [
        (row, "JOB_UNFINISHED") for row in third
    ]
    assert error.result.errors[0].errors[0]["message"].startswith("job_2 ")
    assert error.result.failed == 0
    rest = run(kind, Importer(), list(users(1000))[error.next_row :])
    assert rest.inserted + len(sent) == 1000
    again = pickle.loads(pickle.dumps(error))
    assert (again.result, again.next_row, str(again)) == (error.result, error.next_row, str(error))


@pytest.mark.parametrize(
    ("failure", "unsure"),
    [
        (TransportError("cut off", request_sent=True), True),
        (json({"message": "oh"}, 500), True),
        (Response(status=202, body=b"<html>"), True),
        (TransportError("no connection", request_sent=False), False),
        (json({"message": "no"}, 403), False),
    ],
)
def test_a_file_that_may_have_arrived_is_not_sent_again_and_its_rows_are_told(
    kind: Kind, failure: Any, unsure: bool
) -> None:
    server = Importer()
    uploads: list[list[Any]] = []

    def failing(request: Request) -> Response:
        if request.method != "POST":
            return server(request)
        uploads.append(rows_in(request))
        if len(uploads) < 2:
            return server(request)
        if isinstance(failure, Exception):
            raise failure
        assert isinstance(failure, Response)
        return failure

    client = kind.management_client(kind.transport(otherwise=failing), strict=True)
    with pytest.raises(ImportInterrupted) as caught:
        kind.do(lambda: client.jobs.import_all(users(500), connection_id="c", size=5000, concurrency=1))
    first, second = map(len, uploads)
    error = caught.value
    assert error.next_row == first + (second if unsure else 0)
    unknown = [each for each in error.result.errors if each.errors[0]["code"] == "OUTCOME_UNKNOWN"]
    assert [each.user for each in unknown] == (uploads[1] if unsure else [])
    assert [each.row for each in unknown] == list(range(first, error.next_row))
    assert (error.result.inserted, error.result.failed) == (first, 0)


def test_rows_that_fail_in_the_middle_lose_nothing_of_what_is_known(kind: Kind) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield from users(250)
        raise LookupError("the cursor of secret-database is gone")

    server = Importer()
    with pytest.raises(ImportInterrupted, match="LookupError") as caught:
        run(kind, server, rows(), size=3000, concurrency=1)
    error = caught.value
    assert error.next_row == sum(map(len, server.files))
    assert error.result.inserted + len(error.result.errors) == error.next_row
    assert isinstance(error.__cause__, LookupError)
    assert "secret-database" not in str(error)


def test_rows_are_read_no_further_than_there_is_room_for(kind: Kind) -> None:
    server, read = Importer(), [0]

    def counting() -> Iterator[dict[str, Any]]:
        for row in users(1000):
            read[0] += 1
            assert read[0] - sum(map(len, server.files)) < 200
            yield row

    run(kind, server, counting(), size=5000)
    assert read == [1000]


def test_an_async_iterable_is_read_by_an_asyncio_client_only() -> None:
    async def rows() -> AsyncIterator[dict[str, Any]]:
        for row in users(5):
            yield row

    assert run(KINDS[1], Importer(), rows()).inserted == 5
    with pytest.raises(InvalidArgumentError, match="async iterable") as caught:
        run(KINDS[0], Importer(), rows())
    assert caught.value.argument == "rows"


@pytest.mark.parametrize(
    ("rows", "options", "argument"),
    [("file.json", {}, "rows"), ({"a": 1}, {}, "rows"), (7, {}, "rows"), ([], {"size": 0}, "size"),
     ([], {"size": 500_001}, "size"), ([], {"concurrency": 3}, "concurrency")],
)  # fmt: skip
def test_bad_input_is_refused_by_name(kind: Kind, rows: Any, options: Any, argument: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        run(kind, Importer(), rows, **options)
    assert caught.value.argument == argument


class Files:
    """A server of one file that knows ranges, and breaks when it is told to."""

    def __init__(
        self, content: bytes, *, ranges: bool = True, breaks: int = 0, etag: str | None = '"1"'
    ) -> None:
        self.content = content
        self.ranges = ranges
        self.breaks = breaks
        self.etag = etag
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        if self.breaks and len(self.requests) % self.breaks == 0:
            raise TransportError("broken", request_sent=True)
        headers = {} if self.etag is None else {"etag": self.etag}
        if not self.ranges or request.headers.get("if-range", self.etag) != self.etag:
            return Response(status=200, headers=headers, body=self.content)
        start, end = map(int, request.headers["range"].removeprefix("bytes=").split("-"))
        if start >= len(self.content):
            return Response(status=416, headers=headers)
        body = self.content[start : end + 1]
        span = f"bytes {start}-{start + len(body) - 1}/{len(self.content)}"
        return Response(status=206, headers={**headers, "content-range": span}, body=body)


def noise(count: int) -> list[dict[str, Any]]:
    import random

    draw = random.Random(1)
    return [{"user_id": f"auth0|{n}", "junk": draw.randbytes(40).hex()} for n in range(count)]


def lines(rows: list[Any]) -> bytes:
    return b"\n".join(stdlib_json.dumps(row).encode() for row in rows) + b"\n"


ROWS = noise(60_000)
PACKED = gzip.compress(lines(ROWS), compresslevel=1)


def downloaded(kind: Kind, server: Any, location: Any = LOCATION) -> list[Any]:
    client = kind.management_client(kind.transport(otherwise=server), headers={"x-own": "header"})
    return kind.collect(client.jobs.download(location))


@pytest.mark.parametrize("breaks", [0, 2, 3])
def test_a_file_comes_in_parts_and_each_row_once(kind: Kind, breaks: int) -> None:
    server = Files(PACKED, breaks=breaks)
    assert len(PACKED) > 3 * 1024 * 1024
    assert downloaded(kind, server) == ROWS
    spans = [request.headers["range"] for request in server.requests]
    assert len(set(spans)) == -(-len(PACKED) // 2**20)


def test_the_address_of_a_file_gets_no_token_and_no_header_of_ours(kind: Kind) -> None:
    server = Files(gzip.compress(lines(ROWS[:3])))
    assert downloaded(kind, server) == ROWS[:3]
    [request] = server.requests
    assert request.url == LOCATION
    assert set(request.headers) == {"accept-encoding", "range"}
    assert "SECRET" not in repr(request)


@pytest.mark.parametrize(
    "content",
    [
        lines(ROWS[:9]),
        lines(ROWS[:9])[:-1],
        gzip.compress(lines(ROWS[:4]), mtime=0) + gzip.compress(lines(ROWS[4:9]), mtime=0),
    ],
)
@pytest.mark.parametrize("ranges", [True, False])
def test_whatever_the_file_is_like_its_rows_come(kind: Kind, content: bytes, ranges: bool) -> None:
    assert downloaded(kind, Files(content, ranges=ranges)) == ROWS[:9]


@pytest.mark.parametrize("content", [b"", gzip.compress(b"", mtime=0)])
def test_an_empty_file_has_no_rows(kind: Kind, content: bytes) -> None:
    assert downloaded(kind, Files(content)) == []


def changing() -> Any:
    server = Files(PACKED)

    def answer(request: Request) -> Response:
        server.etag = '"2"' if "if-range" in request.headers else '"1"'
        return server(request)

    return answer


def another_file(*, etag: str = '"1"', total: int | None = None) -> Any:
    """Return a server that looks at no `If-Range`, and has another file after the first part."""
    server = Files(PACKED)

    def answer(request: Request) -> Response:
        response = server(request)
        if request.headers["range"].startswith("bytes=0-"):
            return response
        span = response.headers["content-range"].partition("/")[0]
        headers = {"etag": etag, "content-range": f"{span}/{total or len(PACKED)}"}
        return Response(status=206, headers=headers, body=response.body)

    return answer


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (changing(), "has changed"),
        (Files(PACKED[:-20]), "ends in the middle"),
        (Files(PACKED[:10] + b"\xff" * 100), "cannot be decompressed"),
        (Files(b"user_id,email\n1,2\n"), "not one JSON object to a line"),
        (lambda request: json({"error": "expired"}, 403), "403"),
        (Files(b"5\n"), "not one JSON object to a line"),
        (lambda request: Response(status=206, headers={}, body=b"x"), "another part"),
        (another_file(etag='"2"'), "has changed"),
        (another_file(etag='W/"2"'), "has changed"),
        (another_file(total=7 * 2**20), "has changed"),
        (lambda request: Response(status=302, headers={"location": LOCATION}), "302"),
        (lambda request: Response(status=500, body=f"<x>{LOCATION}</x>".encode()), "500"),
        (Files(PACKED, breaks=1), "broken"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_without_its_address(kind: Kind, server: Any, says: str) -> None:
    with pytest.raises(Auth0Error, match=says) as caught:
        downloaded(kind, server)
    shown = vars(caught.value)
    assert "SECRET" not in f"{caught.value!r} {caught.value} {caught.value.args} {shown}"


@pytest.mark.parametrize("size", [2**20, 2 * 2**20, 2**20 + 1])
def test_a_file_of_unknown_length_ends_where_no_more_comes(kind: Kind, size: int) -> None:
    content = lines([{"a": "x" * (size - len(lines([{"a": ""}])))}])
    assert len(content) == size
    server = Files(content)

    def answer(request: Request) -> Response:
        response = server(request)
        headers = dict(response.headers)
        if "content-range" in headers:
            headers["content-range"] = headers["content-range"].partition("/")[0] + "/*"
        return Response(status=response.status, headers=headers, body=response.body)

    assert downloaded(kind, answer) == [stdlib_json.loads(content)]


class Expiring:
    """A server whose addresses hold for some requests, and that gives others for a job."""

    def __init__(self, holds: int) -> None:
        self.files = Files(PACKED)
        self.holds = holds
        self.left = 0
        self.given = 0

    def __call__(self, request: Request) -> Response:
        if request.url.startswith("https://files"):
            assert "authorization" not in request.headers
            if not request.url.endswith(str(self.given)) or not self.left:
                return json({"message": LOCATION}, 403)
            self.left -= 1
            return self.files(request)
        self.left, self.given = self.holds, self.given + 1
        return json({"id": "job_1", "status": "completed", "location": f"{LOCATION}{self.given}"})


def test_the_address_of_a_job_is_renewed_when_it_has_expired(kind: Kind, tmp_path: Path) -> None:
    server = Expiring(holds=2)
    client = kind.management_client(kind.transport(otherwise=server))
    job = kind.do(lambda: client.jobs.wait("job_1"))
    assert kind.collect(client.jobs.download(job)) == ROWS
    assert server.given == 1 + len(PACKED) // 2**20 // 2
    kind.do(lambda: client.jobs.download_to(job, tmp_path / "users.gz"))
    assert (tmp_path / "users.gz").read_bytes() == PACKED


def test_an_address_that_never_holds_is_asked_for_once_more_and_no_more(kind: Kind) -> None:
    server = Expiring(holds=0)
    client = kind.management_client(kind.transport(otherwise=server))
    job = kind.do(lambda: client.jobs.wait("job_1"))
    with pytest.raises(Forbidden, match="may have expired") as caught:
        kind.collect(client.jobs.download(job))
    assert server.given == 2
    assert caught.value.body() == {"message": "its address may have expired, jobs.get gives another"}


@pytest.mark.parametrize(
    "location",
    [
        None,
        "",
        7,
        "http://files.example.com/x",
        "file://localhost/x",
        "https://",
        "https://[/x?SECRET",
        Job(),
    ],
)
def test_an_address_that_is_none_is_refused(kind: Kind, location: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        downloaded(kind, Files(b""), location)
    assert caught.value.argument == "job"


@cache
def bomb(row: str) -> bytes:
    """Return sixty rows, packed once for both worlds."""
    return gzip.compress(lines([{"a": row}] * 60), 1)


def test_a_bomb_comes_bit_by_bit(kind: Kind) -> None:
    row = {"a": "x" * 1_000_000}
    client = kind.management_client(kind.transport(otherwise=Files(bomb(row["a"]))))
    assert kind.collect(client.jobs.download(LOCATION), most=3) == [row] * 3


def test_an_export_is_started_waited_for_and_read(kind: Kind) -> None:
    files = Files(gzip.compress(lines(ROWS[:9])))
    looks: list[str] = []

    def server(request: Request) -> Response:
        if request.url.startswith("https://files"):
            return files(request)
        if request.method == "POST":
            assert stdlib_json.loads(request.body or b"") == {
                "format": "json", "connection_id": "con_1", "fields": [{"name": "email"}, {"name": "a", "export_as": "b"}],
            }  # fmt: skip
            return json({"id": "job_1", "status": "pending"})
        looks.append(request.url)
        if len(looks) < 3:
            return json({"id": "job_1", "status": "processing"})
        return json({"id": "job_1", "status": "completed", "location": LOCATION})

    client = kind.management_client(kind.transport(otherwise=server))
    seen: list[Any] = []
    fields = ["email", {"name": "a", "export_as": "b"}]
    rows = kind.collect(client.jobs.export_all(connection_id="con_1", fields=fields, progress=seen.append))
    assert rows == ROWS[:9]
    assert [job.status for job in seen] == ["processing", "processing", "completed"]


def test_an_export_that_fails_is_an_error(kind: Kind) -> None:
    failed = {"id": "job_1", "status": "failed", "status_details": "no such connection"}
    client = kind.management_client(kind.transport(otherwise=json(failed)))
    with pytest.raises(Auth0Error, match="no such connection"):
        kind.collect(client.jobs.export_all())


def test_one_field_is_given_as_a_list_of_one(kind: Kind) -> None:
    transport = kind.transport()
    with pytest.raises(InvalidArgumentError, match='"fields" must be a list'):
        kind.collect(kind.management_client(transport).jobs.export_all(fields="email"))
    assert transport.requests == []


def save(kind: Kind, server: Any, path: Path, **options: Any) -> Any:
    client = kind.management_client(kind.transport(otherwise=server))
    return kind.do(lambda: client.jobs.download_to(LOCATION, path, **options))


def test_a_file_is_written_as_it_is_and_is_there_when_it_is_whole(kind: Kind, tmp_path: Path) -> None:
    path, seen = tmp_path / "users.gz", list[tuple[int, int | None]]()
    assert save(kind, Files(PACKED, breaks=2), path, progress=lambda *step: seen.append(step)) == len(PACKED)
    assert path.read_bytes() == PACKED
    assert list(tmp_path.iterdir()) == [path]
    assert seen[-1] == (len(PACKED), len(PACKED))
    assert seen == sorted(seen)


def test_a_download_that_was_killed_goes_on_where_it_was(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "users.gz"
    server = Files(PACKED)

    def stop(come: int, total: int | None) -> None:
        if come > 2 * 2**20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(kind, server, path, progress=stop)
    assert not path.exists()
    before = len(server.requests)
    assert save(kind, server, path) == len(PACKED)
    assert path.read_bytes() == PACKED
    again = {request.headers["range"] for request in server.requests[before:]}
    # The first part tells whether it is the same file; the second is there already.
    assert f"bytes={2**20}-{2 * 2**20 - 1}" not in again


def test_the_part_of_another_file_is_not_gone_on_with(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "users.gz"

    def stop(come: int, total: int | None) -> None:
        if come > 2 * 2**20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(kind, Files(PACKED), path, progress=stop)
    other = PACKED[::-1]
    save(kind, Files(other, etag='"2"'), path)
    assert path.read_bytes() == other


def test_without_a_mark_of_the_file_it_is_begun_anew(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "users.gz"
    save(kind, Files(PACKED, etag=None), path)
    assert path.read_bytes() == PACKED


def part_of(kind: Kind, path: Path) -> Path:
    """Let a download be killed after its second part, and return the file that it leaves."""

    def stop(come: int, total: int | None) -> None:
        if come > 2**20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save(kind, Files(PACKED), path, progress=stop)
    [part] = path.parent.iterdir()
    assert part.suffix == ".part"
    return part


def test_it_begins_anew_where_it_is_told_so(kind: Kind, tmp_path: Path) -> None:
    path, server = tmp_path / "users.gz", Files(PACKED)
    part_of(kind, path)
    save(kind, server, path, resume=False)
    assert len(server.requests) == -(-len(PACKED) // 2**20)
    assert path.read_bytes() == PACKED


def test_a_part_that_is_longer_than_the_file_is_not_taken_for_it(kind: Kind, tmp_path: Path) -> None:
    path = tmp_path / "users.gz"
    part_of(kind, path).write_bytes(PACKED + b"more")
    save(kind, Files(PACKED), path)
    assert path.read_bytes() == PACKED


class Tenant:
    """The embedded tenant, asked without the SDK's own ways."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.tenant = tenant
        self.client = ManagementClient(
            domain=tenant.domain,
            transport=tenant.transport(),
            client_id=tenant.client_id,
            client_secret=tenant.client_secret,
            clock=tenant.clock,
            retry=False,
        )

    def export(self, **body: Any) -> str:
        job = self.client.jobs.wait(self.client.jobs.export_users(**body).data.id)
        assert job.location is not None
        return job.location

    def get(self, url: str, **headers: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.tenant.transport().send(Request(method="GET", url=url, headers=named))


@pytest.fixture
def tenant() -> Iterator[Tenant]:
    with LocalTenant() as tenant:
        for name in ("ada", "bob", "eve"):
            tenant.add_user(email=f"{name}@example.com")
        yield Tenant(tenant)


def test_a_file_of_the_tenant_comes_in_parts_to_who_has_the_address(tenant: Tenant) -> None:
    url = tenant.export(format="json", fields=[{"name": "email", "export_as": "mail"}], limit=2)
    whole = tenant.get(url)
    assert whole.status == 200
    assert gzip.decompress(whole.body) == b'{"mail":"ada@example.com"}\n{"mail":"bob@example.com"}\n'
    etag, size = whole.headers["etag"], len(whole.body)
    part = tenant.get(url, range="bytes=3-9", if_range=etag)
    assert (part.status, part.body) == (206, whole.body[3:10])
    assert part.headers["content-range"] == f"bytes 3-9/{size}"
    assert tenant.get(url, range="bytes=3-9", if_range='"other"').body == whole.body
    assert tenant.get(url, range=f"bytes={size}-").status == 416
    assert tenant.get(url[:-1] + ("0" if url[-1] != "0" else "1")).status == 403
    assert tenant.get(url.partition("?")[0]).status == 403
    assert tenant.get(url.replace("Expires=", "Expires=9")).status == 403
    tenant.tenant.advance(61)
    assert tenant.get(url).status == 403


def test_the_tenant_exports_what_it_is_told_to(tenant: Tenant) -> None:
    [database] = tenant.client.connections.get_all(name="Username-Password-Authentication").data
    [mails] = tenant.client.connections.get_all(name="email").data
    text = gzip.decompress(tenant.get(tenant.export(format="csv", fields=[{"name": "email"}])).body)
    assert text.decode().split() == ["email", "ada@example.com", "bob@example.com", "eve@example.com"]
    rows = tenant.client.jobs.export_all(connection_id=database.id, fields=["email"])
    assert [row["email"][:3] for row in rows] == ["ada", "bob", "eve"]
    assert list(tenant.client.jobs.export_all(connection_id=mails.id)) == []
    with pytest.raises(BadRequest, match="connection does not exist"):
        tenant.client.jobs.export_users(connection_id="con_none")


def test_two_imports_are_active_in_a_tenant_at_most(tenant: Tenant) -> None:
    jobs = tenant.client.jobs
    connection = tenant.tenant.store.list("connections")[0]["id"]
    for number in range(2):
        jobs.import_users(users=[{"email": f"new{number}@example.com"}], connection_id=connection)
    with pytest.raises(RateLimited, match="2 active import"):
        jobs.import_users(users=[{"email": "new2@example.com"}], connection_id=connection)
    # It takes its turn behind the jobs of somebody else.
    assert jobs.import_all([{"email": "new2@example.com"}], connection_id=connection).inserted == 1
    assert tenant.tenant.store.count("users") == 6


def test_a_file_that_is_too_large_is_refused_by_the_tenant(tenant: Tenant) -> None:
    connection = tenant.tenant.store.list("connections")[0]["id"]
    with pytest.raises(ManagementApiError) as caught:
        tenant.client.jobs.import_users(users=b" " * 500_001, connection_id=connection)
    assert caught.value.status == 413
