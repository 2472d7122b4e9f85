"""Promise 17: 50,000 users go in out of an iterable; a tenant gives back what came, over a broken line."""

import asyncio
import gzip
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import ManagementClient, Request, Response, TransportError
from anyauth0.management import ImportProgress
from anyauth0_transports.local import LocalTenant

from ..core.fakes import Kind
from ..management.test_bulk import Importer

COUNT = 50_000
# The tenant writes each row down, so it has fewer and longer ones: the file that it exports is as large.
IN_TENANT = 5_000
ODD = 997
FIELDS = ["email", "app_metadata"]


def users(count: int, length: int = 40) -> Iterator[dict[str, Any]]:
    """Yield the rows: one in 997 has no address, and all have what does not compress."""
    draw = random.Random(17)
    for number in range(count):
        email = f"user{number:05}@example.com" if number % ODD else f"user{number:05}"
        yield {"email": email, "app_metadata": {"mark": draw.randbytes(length).hex()}}


def rows_of_tenant() -> Iterator[dict[str, Any]]:
    return users(IN_TENANT, 400)


def good() -> list[dict[str, Any]]:
    return [row for row in rows_of_tenant() if "@" in row["email"]]


@pytest.fixture(scope="module", autouse=True)
def no_waiting() -> Iterator[None]:
    """Let no test wait: the drivers sleep for no time."""
    real = asyncio.sleep
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", lambda seconds: None)
        patch.setattr(asyncio, "sleep", lambda seconds: real(0))
        yield


def check(result: Any, seen: list[ImportProgress], count: int, files: int) -> None:
    odd = list(range(0, count, ODD))
    assert (result.total, result.inserted, result.failed) == (count, count - len(odd), len(odd))
    assert [error.row for error in result.errors] == odd
    assert [error.user["email"] for error in result.errors] == [f"user{number:05}" for number in odd]
    assert all(a.finished <= b.finished <= b.sent <= b.read for a, b in pairwise(seen))
    assert (seen[-1].finished, seen[-1].files) == (count, len(result.jobs))
    # A file has half of a MB.
    assert len(result.jobs) == files


@pytest.fixture(scope="module")
def full(no_waiting: None) -> Iterator[tuple[LocalTenant, Any, list[ImportProgress]]]:
    """Yield a tenant into which users were imported once, and what was told of that."""
    with LocalTenant() as tenant:
        # An event for each user is not asked for here, and costs as much as the user.
        tenant.store.watch = None
        connection = tenant.store.list("connections")[0]["id"]
        credentials = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        seen: list[ImportProgress] = []
        with ManagementClient(
            domain=tenant.domain, transport=tenant.transport(), **credentials
        ) as management:
            rows = rows_of_tenant()
            result = management.jobs.import_all(rows, connection_id=connection, progress=seen.append)
        yield tenant, result, seen


class Breaking:
    """The tenant's transport over a line that breaks at every third part of a file."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.inner = tenant.transport()
        self.asked: list[str] = []

    def __call__(self, request: Request) -> Response:
        if "/exports/" in request.url:
            assert "authorization" not in request.headers
            self.asked.append(request.headers["range"])
            if len(self.asked) % 3 == 0:
                raise TransportError("broken", request_sent=True)
        return self.inner.send(request)


def management_of(kind: Kind, tenant: LocalTenant, line: Breaking) -> Any:
    return kind.management(
        domain=tenant.domain,
        transport=kind.transport(otherwise=line),
        client_id=tenant.client_id,
        client_secret=tenant.client_secret,
        retry=False,
    )


def test_fifty_thousand_users_go_in_each_error_at_its_row(kind: Kind) -> None:
    async def later() -> AsyncIterator[dict[str, Any]]:
        for row in rows:
            yield row

    rows = list(users(COUNT))
    server = Importer(bad=lambda row: "@" not in row["email"])
    management = kind.management_client(kind.transport(otherwise=server))
    seen: list[ImportProgress] = []
    given = later() if kind.asynchronous else iter(rows)
    result = kind.do(lambda: management.jobs.import_all(given, connection_id="c", progress=seen.append))
    # The rows are 7 MB.
    check(result, seen, COUNT, 15)
    assert [row for file in server.files for row in file] == rows


def test_users_go_into_a_tenant_each_error_at_its_row(
    full: tuple[LocalTenant, Any, list[ImportProgress]],
) -> None:
    tenant, result, seen = full
    check(result, seen, IN_TENANT, 9)
    assert tenant.store.count("users") == result.inserted


def test_they_come_out_once_each_over_a_line_that_breaks_at_every_third_part(
    kind: Kind, full: tuple[LocalTenant, Any, list[ImportProgress]]
) -> None:
    line = Breaking(full[0])
    management = management_of(kind, full[0], line)
    assert kind.collect(management.jobs.export_all(fields=FIELDS)) == good()
    assert len(line.asked) > len(set(line.asked)) >= 3


def test_a_saved_file_that_was_killed_goes_on_where_it_was(
    kind: Kind, full: tuple[LocalTenant, Any, list[ImportProgress]], tmp_path: Path
) -> None:
    tenant, path = full[0], tmp_path / "users.json.gz"
    line = Breaking(tenant)
    management = management_of(kind, tenant, line)
    started = kind.do(
        lambda: management.jobs.export_users(format="json", fields=[{"name": name} for name in FIELDS])
    )
    job = kind.do(lambda: management.jobs.wait(started.data.id))

    def stop(come: int, total: int | None) -> None:
        if come > 2**20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kind.do(lambda: management.jobs.download_to(job, path, progress=stop))
    assert not path.exists()
    # The address has expired meanwhile; that of a job is renewed.
    tenant.advance(61)
    before = len(line.asked)
    size = kind.do(lambda: management.jobs.download_to(job, path))
    assert path.stat().st_size == size
    assert list(map(json.loads, gzip.decompress(path.read_bytes()).splitlines())) == good()
    # The second part was there already.
    assert f"bytes={2**20}-{2 * 2**20 - 1}" not in line.asked[before:]
