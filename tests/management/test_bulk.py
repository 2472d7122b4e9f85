"""Users in and out by the thousand: what is sent, what breaks on the way, and what is told of it."""
# ruff: noqa: E501 - the tables are read better by the line

import gzip
import json as stdlib_json
from collections.abc import AsyncIterator, Iterator
from email import policy
from email.parser import BytesParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import Auth0Error, InvalidArgumentError, Request, Response, TransportError
from anyauth0.management import ImportInterrupted, ImportProgress

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
    rest = run(kind, Importer(), list(users(1000))[error.next_row :])
    assert rest.inserted + len(sent) == 1000


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


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (changing(), "has changed"),
        (Files(PACKED[:-20]), "ends in the middle"),
        (Files(PACKED[:10] + b"\xff" * 100), "cannot be decompressed"),
        (Files(b"user_id,email\n1,2\n"), "not one JSON object to a line"),
        (lambda request: json({"error": "expired"}, 403), "403"),
        (lambda request: Response(status=206, headers={}, body=b"x"), "another part"),
        (Files(PACKED, breaks=1), "broken"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_without_its_address(kind: Kind, server: Any, says: str) -> None:
    with pytest.raises(Auth0Error, match=says) as caught:
        downloaded(kind, server)
    assert "SECRET" not in f"{caught.value!r} {caught.value} {caught.value.args}"


@pytest.mark.parametrize("location", [None, "", 7, "http://files.example.com/x"])
def test_an_address_that_is_none_is_refused(kind: Kind, location: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        downloaded(kind, Files(b""), location)
    assert caught.value.argument == "job"


def test_a_bomb_comes_bit_by_bit(kind: Kind) -> None:
    row = {"a": "x" * 1_000_000}
    bomb = gzip.compress(lines([row] * 60))
    client = kind.management_client(kind.transport(otherwise=Files(bomb)))
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
