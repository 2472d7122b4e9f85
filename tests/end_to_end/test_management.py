"""The Management API against the embedded tenant; blocking and asyncio."""

import io
import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import (
    AsyncManagementClient,
    Conflict,
    Forbidden,
    InvalidArgumentError,
    ManagementApiError,
    ManagementClient,
    NotFound,
    PageLimitReached,
    RateLimited,
    Request,
    Response,
    TransportTimeout,
)
from anyauth0_transports.local import LocalTenant

PASSWORD = "correct-Horse-battery-9"
CONNECTION = "Username-Password-Authentication"


@pytest.fixture
def kind(run: Any) -> Any:
    return AsyncManagementClient if run.asynchronous else ManagementClient


@pytest.fixture
def options(where: Any, tenant: LocalTenant) -> dict[str, Any]:
    return {**where, "client_id": tenant.client_id, "client_secret": tenant.client_secret}


@pytest.fixture
def management(run: Any, kind: Any, options: Any) -> Any:
    """Return a function that does one call with a new client of the kind at hand."""

    def call(do: Any, **more: Any) -> Any:
        return run(kind(**{**options, **more}), do)

    return call


@pytest.fixture
def collect(run: Any, kind: Any, options: Any) -> Any:
    """Return a function that collects what an iterator of either kind gives."""

    def collected(start: Any, into: list[Any]) -> list[Any]:
        if not run.asynchronous:

            def all_of(management: Any) -> None:
                into.extend(start(management))

            run(kind(**options), all_of)
        else:

            async def async_all_of(management: Any) -> None:
                async for item in start(management):
                    into.append(item)  # noqa: PERF401 - what came before an error counts

            run(kind(**options), async_all_of)
        return into

    return collected


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Make the pauses of both drivers take no time; return their lengths."""
    import asyncio
    import time

    pauses: list[float] = []
    real = asyncio.sleep

    async def at_once(seconds: float) -> None:
        if seconds:
            pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(time, "sleep", pauses.append)
    monkeypatch.setattr(asyncio, "sleep", at_once)
    return pauses


def email() -> str:
    return f"{secrets.token_hex(5)}@example.com"


def test_a_user_from_create_to_delete(management: Any) -> None:
    address = email()
    created = management(
        lambda m: m.users.create(
            connection=CONNECTION, email=address, password=PASSWORD, user_metadata={"a": 1, "b": 2}
        )
    )
    assert created.status == 201
    assert created.anomalies == ()
    user_id = created.data.user_id
    assert management(lambda m: m.users.get(user_id)).data.email == address
    updated = management(lambda m: m.users.update(user_id, user_metadata={"a": None}, nickname="ada"))
    assert updated.data.user_metadata == {"b": 2}
    assert updated.data.nickname == "ada"
    found = management(lambda m: m.users_by_email.get_by_email(email=address)).data
    assert [user.user_id for user in found] == [user_id]
    assert management(lambda m: m.users.delete(user_id)).data is None
    with pytest.raises(NotFound) as caught:
        management(lambda m: m.users.get(user_id))
    assert isinstance(caught.value, ManagementApiError)
    assert caught.value.request_id


def test_a_user_who_exists_is_a_conflict(management: Any, tenant: LocalTenant) -> None:
    address = email()
    tenant.add_user(email=address, password=PASSWORD)
    with pytest.raises(Conflict):
        management(lambda m: m.users.create(connection=CONNECTION, email=address, password=PASSWORD))


def test_users_are_found_and_paged(management: Any, collect: Any, tenant: LocalTenant) -> None:
    mark = secrets.token_hex(4)
    ids = [tenant.add_user(email=f"{number}@{mark}.example")["user_id"] for number in range(7)]
    query = f"email:*@{mark}.example"
    page = management(lambda m: m.users.get_all(q=query, per_page=3, include_totals=True)).data
    assert (len(page), page.total, page.start) == (3, 7, 0)
    users = collect(lambda m: m.users.get_all.iter(q=query, per_page=3, sort="created_at:1"), [])
    assert [user.user_id for user in users] == ids
    before = len(tenant.requests)
    pages = collect(lambda m: m.users.get_all.pages(q=query, per_page=3), [])
    assert [len(page) for page in pages] == [3, 3, 1]
    assert sum(asked.path == "/api/v2/users" for asked in list(tenant.requests)[before:]) == 3


def test_logs_are_read_to_the_last_one_and_taken_up_again(collect: Any, tenant: LocalTenant) -> None:
    for _ in range(5):
        tenant.log("s", user_name="ada@example.com")
    first = collect(lambda m: m.logs.get_all.iter(take=3), [])
    ids = [entry.log_id for entry in first]
    assert len(set(ids)) == len(ids) >= 5
    tenant.log("f", user_name="ada@example.com")
    later = collect(lambda m: m.logs.get_all.iter(from_=ids[-1], take=100), [])
    assert "f" in [entry.type for entry in later]
    assert not {entry.log_id for entry in later} & set(ids)


def rows(count: int) -> list[dict[str, Any]]:
    return [{"email": email(), "email_verified": True} for _ in range(count)]


@pytest.mark.parametrize("source", ["path", "text path", "bytes", "file", "text file", "list", "generator"])
def test_users_are_imported_from(
    management: Any, tenant: LocalTenant, fast: list[float], tmp_path: Path, source: str
) -> None:
    wanted = rows(3)
    text = json.dumps(wanted)
    path = tmp_path / "users.json"
    path.write_text(text)
    sources: dict[str, Any] = {
        "path": path, "text path": str(path), "bytes": text.encode(), "file": io.BytesIO(text.encode()),
        "text file": io.StringIO(text), "list": wanted, "generator": (row for row in wanted),
    }  # fmt: skip
    [connection] = tenant.store.find("connections", name=CONNECTION)
    job = management(
        lambda m: m.jobs.import_users(users=sources[source], connection_id=connection["id"])
    ).data
    seen: list[str] = []
    done = management(lambda m: m.jobs.wait(job.id, progress=lambda job: seen.append(job.status)))
    assert done.status == "completed"
    assert seen[-1] == "completed"
    assert done.summary.inserted == 3
    assert {row["email"] for row in wanted} <= {user["email"] for user in tenant.store.list("users")}


def test_bad_rows_are_told_one_by_one(management: Any, tenant: LocalTenant, fast: list[float]) -> None:
    [connection] = tenant.store.find("connections", name=CONNECTION)
    bad = [*rows(1), {"email": "no address"}, {"name": "no e-mail at all"}]
    job = management(lambda m: m.jobs.import_users(users=bad, connection_id=connection["id"])).data
    done = management(lambda m: m.jobs.wait(job.id))
    assert (done.summary.inserted, done.summary.failed) == (1, 2)
    errors = management(lambda m: m.jobs.get_errors(job.id))
    assert errors.anomalies == ()
    assert len(errors.data) == 2


def test_waiting_backs_off_and_ends_in_time(run: Any, kind: Any, fast: list[float]) -> None:
    def clock() -> float:
        return 1e9 + sum(fast)

    body = b'{"id": "job_1", "status": "pending"}'

    def pending(request: Request) -> Response:
        return Response(status=200, body=body)

    async def async_pending(request: Request) -> Response:
        return Response(status=200, body=body)

    options = {"token": "t", "transport": async_pending if run.asynchronous else pending}
    with pytest.raises(TransportTimeout):
        run(kind(domain="t.example", clock=clock, **options), lambda m: m.jobs.wait("job_1", timeout=60))
    assert fast[0] == 0.5
    assert fast == sorted(fast)
    assert max(fast) <= 10
    assert sum(fast) <= 60


def test_connections_and_clients(management: Any, collect: Any) -> None:
    name = f"db-{secrets.token_hex(3)}"
    connection = management(lambda m: m.connections.create(name=name, strategy="auth0")).data
    assert connection.id.startswith("con_")
    [found] = management(lambda m: m.connections.get_all(name=name)).data
    assert found.id == connection.id
    names = [item.name for item in collect(lambda m: m.connections.get_all.iter(), [])]
    assert {name, CONNECTION} <= set(names)
    client = management(lambda m: m.clients.create(name=f"app-{name}", app_type="non_interactive")).data
    assert client.client_secret
    rotated = management(lambda m: m.clients.rotate_client_secret(client.client_id)).data
    assert rotated.client_secret != client.client_secret
    management(lambda m: m.clients.delete(client.client_id))
    management(lambda m: m.connections.delete(connection.id))


def test_the_scope_that_is_missing_is_named(management: Any, tenant: LocalTenant) -> None:
    client = tenant.add_client("Reads logs", apis={tenant.management_audience: ["read:logs"]})
    with pytest.raises(Forbidden) as caught:
        management(
            lambda m: m.users.get_all(), client_id=client["client_id"], client_secret=client["client_secret"]
        )
    assert isinstance(caught.value, ManagementApiError)
    assert caught.value.error_code == "insufficient_scope"
    assert "read:users" in caught.value.missing_scopes


def test_a_token_that_is_refused_is_fetched_anew_once(management: Any, tenant: LocalTenant) -> None:
    tenant.faults.add(status=401, path="/api/v2/users", times=1)
    before = sum(asked.path == "/oauth/token" for asked in tenant.requests)
    assert management(lambda m: m.users.get_all()).status == 200
    assert sum(asked.path == "/oauth/token" for asked in tenant.requests) == before + 2


def test_retries_and_the_rate_limit(management: Any, tenant: LocalTenant, fast: list[float]) -> None:
    tenant.faults.add(status=429, path="/api/v2/users", times=2, headers={"retry-after": "3"})
    answer = management(lambda m: m.users.get_all())
    assert answer.rate_limit.limit
    assert fast == [3.0, 3.0]
    tenant.faults.add(status=429, path="/api/v2/users", times=1, headers={"retry-after": "86400"})
    with pytest.raises(RateLimited) as caught:
        management(lambda m: m.users.get_all())
    assert caught.value.retry_after == 86400


def test_a_write_is_not_sent_twice(management: Any, tenant: LocalTenant, fast: list[float]) -> None:
    tenant.faults.add(status=500, path="/api/v2/users", times=1)
    before = len(tenant.requests)
    with pytest.raises(ManagementApiError):
        management(lambda m: m.users.create(connection=CONNECTION, email=email(), password=PASSWORD))
    sent = [asked.method for asked in list(tenant.requests)[before:] if asked.path == "/api/v2/users"]
    assert sent == ["POST"]


def test_options_of_one_call(run: Any, kind: Any, options: Any, tenant: LocalTenant) -> None:
    client = kind(**options, headers={"foo": "all"})
    view = client.with_options(headers={"bar": "this"}, timeout=5)
    run(client, lambda _: view.users.get_all())
    asked = tenant.requests[-1].headers
    assert (asked["foo"], asked["bar"]) == ("all", "this")


BAD_CALLS: list[tuple[str, Any]] = [
    ("id", lambda m: m.users.get("")),
    ("id", lambda m: m.users.delete("  ")),
    ("id", lambda m: m.users.delete("../clients/x")),
    ("id", lambda m: m.users.get("..")),
    ("id", lambda m: m.users.get("a\nb")),
    ("id", lambda m: m.users.get(7)),
    ("user_metadat", lambda m: m.users.update("x", user_metadat={})),
    ("connection", lambda m: m.users.create(email="a@example.com")),
    ("querry", lambda m: m.users.get_all(querry="x")),
    ("users", lambda m: m.jobs.import_users(users="/no/such/file.json", connection_id="con_1")),
    ("users", lambda m: m.jobs.import_users(users=7, connection_id="con_1")),
    ("body", lambda m: m.users.update("x", user_metadata={"a": {1, object()}})),
    ("timeout", lambda m: m.jobs.wait("job_1", timeout=-1)),
]


@pytest.mark.parametrize(("argument", "call"), BAD_CALLS)
def test_bad_arguments_are_refused_before_anything_is_sent(
    management: Any, tenant: LocalTenant, argument: str, call: Any
) -> None:
    before = len(tenant.requests)
    with pytest.raises(InvalidArgumentError) as caught:
        management(call)
    assert caught.value.argument == argument
    assert len(tenant.requests) == before


def test_the_wall_at_a_thousand_users(collect: Any, tenant: LocalTenant) -> None:
    have = tenant.store.count("users")
    for number in range(have, 1030):
        tenant.add_user(email=f"wall-{number}-{secrets.token_hex(3)}@example.com")
    everyone: list[Any] = []
    collect(lambda m: m.users.get_all.iter(per_page=70), everyone)
    assert len({user.user_id for user in everyone}) == len(everyone) == tenant.store.count("users")
    into: list[Any] = []
    with pytest.raises(PageLimitReached, match='leave "sort" out') as caught:
        collect(lambda m: m.users.get_all.iter(per_page=70, sort="email:1"), into)
    assert len({user.user_id for user in into}) == len(into) == 1000
    assert caught.value.received == 1000
    assert caught.value.total == tenant.store.count("users")
