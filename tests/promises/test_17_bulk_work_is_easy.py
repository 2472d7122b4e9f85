"""Promise 17: 50,000 users go in out of an iterable and come out again, over a network that breaks."""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from anyauth0 import ManagementClient, Request, Response, TransportError
from anyauth0.management import ImportProgress
from anyauth0_transports.local import LocalTenant

from ..core.fakes import KINDS, Kind
from ..management.test_bulk import Importer

COUNT = 50_000
ODD = 997


def users() -> Iterator[dict[str, Any]]:
    for number in range(COUNT):
        yield {"email": f"user{number:05}@example.com" if number % ODD else f"user{number:05}"}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no test wait: the drivers sleep for no time."""
    real = asyncio.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    monkeypatch.setattr(asyncio, "sleep", lambda seconds: real(0))


def check(result: Any, seen: list[ImportProgress]) -> None:
    odd = list(range(0, COUNT, ODD))
    assert (result.total, result.inserted, result.failed) == (COUNT, COUNT - len(odd), len(odd))
    assert [error.row for error in result.errors] == odd
    assert [error.user["email"] for error in result.errors] == [f"user{number:05}" for number in odd]
    assert [step.finished for step in seen] == sorted(step.finished for step in seen)
    assert (seen[-1].finished, seen[-1].files) == (COUNT, len(result.jobs))
    assert len(result.jobs) == 4


def test_fifty_thousand_users_go_into_a_tenant_and_come_out_over_a_line_that_breaks() -> None:
    with LocalTenant() as tenant:
        inner = tenant.transport()
        sent = [0]

        def transport(request: Request) -> Response:
            if "/exports/" in request.url:
                assert "authorization" not in request.headers
                sent[0] += 1
                if sent[0] % 3 == 0:
                    raise TransportError("broken", request_sent=True)
            return inner.send(request)

        credentials = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        connection = tenant.store.list("connections")[0]["id"]
        with ManagementClient(domain=tenant.domain, transport=transport, **credentials) as management:
            seen: list[ImportProgress] = []
            result = management.jobs.import_all(users(), connection_id=connection, progress=seen.append)
            check(result, seen)
            rows = list(management.jobs.export_all(fields=["email"]))
    assert sorted(row["email"] for row in rows) == sorted(
        row["email"] for row in users() if "@" in row["email"]
    )


def test_fifty_thousand_users_go_in_on_asyncio_too() -> None:
    kind: Kind = KINDS[1]
    server = Importer(bad=lambda row: "@" not in row["email"])
    management = kind.management_client(kind.transport(otherwise=server))
    seen: list[ImportProgress] = []
    check(kind.do(lambda: management.jobs.import_all(users(), connection_id="c", progress=seen.append)), seen)
