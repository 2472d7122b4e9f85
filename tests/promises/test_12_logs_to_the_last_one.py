"""Promise 12: each entry of the log comes once, in order, and a stored position is enough to go on from."""

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from anyauth0 import AuthenticationClient, Request, Response
from anyauth0_transports.local import LocalTenant

from ..core.fakes import Kind

MANY = 12_345


def write(tenant: LocalTenant, count: int) -> None:
    """Write entries of the log until there are so many."""
    with tenant.store.transaction():
        for number in range(tenant.store.count("logs"), count):
            tenant.log("s", description=f"entry {number}")


def ids(tenant: LocalTenant) -> list[str]:
    """Return what a reader has to get."""
    return [entry["log_id"] for entry in tenant.store.list("logs")]


def token(tenant: LocalTenant) -> str:
    """Return a token; that it was given out is an entry of the log already, and the only one so far."""
    grant = AuthenticationClient(
        domain=tenant.domain,
        client_id=tenant.client_id,
        client_secret=tenant.client_secret,
        transport=tenant.transport(),
    ).oauth.client_credentials_grant(audience=tenant.management_audience)
    return grant.data.access_token


@pytest.fixture(scope="module")
def full() -> Iterator[tuple[LocalTenant, str, list[str]]]:
    """A tenant with the whole log, which is only read, a token for it, and the ids of the log."""
    with LocalTenant() as tenant:
        found = token(tenant)
        write(tenant, MANY)
        yield tenant, found, ids(tenant)


class Reader:
    """A client that begins anew each time, as after a restart, and the requests for logs that it made."""

    def __init__(self, kind: Kind, tenant: LocalTenant, token: str) -> None:
        self.kind = kind
        self.tenant = tenant
        self.token = token
        self.asked: list[dict[str, list[str]]] = []

    def send(self, request: Request) -> Response:
        where = urlsplit(request.url)
        if where.path == "/api/v2/logs":
            self.asked.append(parse_qs(where.query, keep_blank_values=True))
        return self.tenant.transport().send(request)

    async def send_in_loop(self, request: Request) -> Response:
        return self.send(request)

    def logs(self) -> Any:
        transport = self.send_in_loop if self.kind.asynchronous else self.send
        return self.kind.management(domain=self.tenant.domain, transport=transport, token=self.token).logs

    def read(self, most: int | None = None, **query: Any) -> list[str]:
        """Return the ids of the entries, the first `most` at the most."""
        return [entry.log_id for entry in self.kind.collect(self.logs().get_all.iter(**query), most)]

    def process(self, each: Callable[[str], None], **query: Any) -> None:
        """Hand over the id of each entry while the iteration goes on."""
        items = self.logs().get_all.iter(**query)
        if not self.kind.asynchronous:
            for entry in items:
                each(entry.log_id)
            return

        async def main() -> None:
            async for entry in items:
                each(entry.log_id)

        self.kind.do(main)


def fewest(count: int, take: int) -> int:
    """Return the pages that it takes, with the empty one: nobody says that the last one was it."""
    return math.ceil(count / take) + 1


@pytest.mark.parametrize("take", [50, 100, None])
def test_each_of_12345_logs_comes_once_with_the_fewest_requests(
    kind: Kind, full: tuple[LocalTenant, str, list[str]], take: int | None
) -> None:
    tenant, token, ids = full
    reader = Reader(kind, tenant, token)
    assert reader.read(**({} if take is None else {"take": take})) == ids
    assert len(ids) == len(set(ids)) == MANY
    assert len(reader.asked) == fewest(MANY, take or 100)
    assert {query["take"][0] for query in reader.asked} == {str(take or 100)}
    assert [query["from"] for query in reader.asked[:2]] == [[""], [ids[(take or 100) - 1]]]


def test_logs_one_by_one_come_once_too(kind: Kind, full: tuple[LocalTenant, str, list[str]]) -> None:
    tenant, token, ids = full
    reader = Reader(kind, tenant, token)
    # The last ones only: that many requests for all of them take long.
    assert reader.read(take=1, from_=ids[-251]) == ids[-250:]
    assert len(reader.asked) == fewest(250, 1)


# Within a page, at its edges, and just before, at and after the last item.
POINTS = [1, 99, 100, 101, 5000, 5050, 9999, MANY - 46, MANY - 45, MANY - 1, MANY]


def test_an_iterator_that_was_left_is_gone_on_with_from_the_last_id(
    kind: Kind, full: tuple[LocalTenant, str, list[str]]
) -> None:
    tenant, token, ids = full
    reader = Reader(kind, tenant, token)
    found: list[str] = []
    for point in POINTS:
        before = len(reader.asked)
        position = {"from_": found[-1]} if found else {}
        new = reader.read(most=point - len(found), **position)
        assert len(new) == point - len(found)
        assert len(reader.asked) - before == math.ceil(len(new) / 100)
        found += new
    assert found == ids
    before = len(reader.asked)
    assert reader.read(from_=found[-1]) == []
    assert len(reader.asked) == before + 1


@pytest.mark.parametrize("left", [0, 1, 99, 100, 101, 1000, MANY - 2, MANY - 1])
def test_what_is_left_takes_no_more_requests_than_if_it_were_all(
    kind: Kind, full: tuple[LocalTenant, str, list[str]], left: int
) -> None:
    tenant, token, ids = full
    reader = Reader(kind, tenant, token)
    assert reader.read(from_=ids[MANY - left - 1]) == ids[MANY - left :]
    assert len(reader.asked) == fewest(left, 100)


def test_logs_that_arrive_meanwhile_come_too(kind: Kind) -> None:
    with LocalTenant() as tenant:
        reader = Reader(kind, tenant, token(tenant))
        write(tenant, 1000)
        found: list[str] = []

        def each(log_id: str) -> None:
            found.append(log_id)
            if len(found) + 1000 <= 2345:
                tenant.log("s")

        reader.process(each)
        assert found == ids(tenant)
        assert len(found) == 2345
        assert len(reader.asked) == fewest(2345, 100)


def test_a_reader_that_comes_back_gets_what_is_new_and_nothing_else(kind: Kind) -> None:
    with LocalTenant() as tenant:
        reader = Reader(kind, tenant, token(tenant))
        found: list[str] = []
        for size in (1, 1, 2, 2, 101, 201, 302, 302, 552):
            write(tenant, size)
            before, known = len(reader.asked), len(found)
            found += reader.read(**({"from_": found[-1]} if found else {}))
            assert found == ids(tenant)
            assert len(found) == size
            assert len(reader.asked) - before == fewest(size - known, 100)


PROGRAM = """
import asyncio, json, os, sys

from anyauth0 import AsyncManagementClient, ManagementClient
from anyauth0_transports.local import LocalTenant

asynchronous, database, path, token, most = json.loads(sys.argv[1])
tenant = LocalTenant(database=database)
options = dict(domain=tenant.domain, token=token, transport="local")


def process(file, entry, number):
    file.write(entry.log_id + "\\n")
    file.flush()
    if number == most:
        # No finally, no close, no goodbye.
        os._exit(9)


async def main(file, **position):
    logs = AsyncManagementClient(**options).logs
    number = 0
    async for entry in logs.get_all.iter(**position):
        number += 1
        process(file, entry, number)


with open(path, "a+") as file:
    file.seek(0)
    done = file.read().split()
    position = {"from_": done[-1]} if done else {}
    if asynchronous:
        asyncio.run(main(file, **position))
    else:
        for number, entry in enumerate(ManagementClient(**options).logs.get_all.iter(**position), 1):
            process(file, entry, number)
os._exit(0)
"""


def test_a_process_that_was_killed_is_gone_on_with_by_the_next_one(tmp_path: Path) -> None:
    database, position = tmp_path / "tenant.db", tmp_path / "position"
    with LocalTenant(database=database) as tenant:
        found = token(tenant)
        write(tenant, 1234)
        expected = ids(tenant)
    codes = []
    # Each kind is killed once, and goes on once after the other.
    for most, asynchronous in ((250, True), (701, False), (1234, True)):
        arguments = json.dumps([asynchronous, str(database), str(position), found, most])
        done = subprocess.run([sys.executable, "-c", PROGRAM, arguments], capture_output=True, text=True)
        assert done.stderr == ""
        codes.append(done.returncode)
    assert codes == [9, 9, 0]
    assert position.read_text().split() == expected
