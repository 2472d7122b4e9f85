"""Promise 13: loops, threads, forks, exits. `tests/processes` has what needs a process of its own."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from anyauth0 import AsyncManagementClient, ManagementClient, Options
from anyauth0.tokens import MemoryTokenStore
from anyauth0_transports.local import LocalTenant, serve

from ..core.fakes import DOMAIN, Kind, json, things

THREADS = 16


@pytest.fixture
def tenant() -> Iterator[LocalTenant]:
    with LocalTenant() as found:
        yield found


@pytest.fixture
def options(tenant: LocalTenant) -> Iterator[Options]:
    """Yield the options of a client of the tenant, served over TLS."""
    with serve(tenant) as server:
        yield {
            "domain": server.domain,
            "client_id": tenant.client_id,
            "client_secret": tenant.client_secret,
            "tls": server.tls,
            "proxy": False,
            "retry": False,
        }


def token_requests(tenant: LocalTenant) -> int:
    return sum(request.path == "/oauth/token" for request in tenant.requests)


def user(name: str) -> dict[str, str]:
    return {
        "connection": "Username-Password-Authentication",
        "email": f"{name}@example.com",
        "password": "correct-Horse-7",
    }


# Loops


def test_one_client_serves_three_loops_one_after_another(tenant: LocalTenant, options: Options) -> None:
    management = AsyncManagementClient(**options)

    async def main(loop: int) -> list[str]:
        made = await asyncio.gather(
            *(management.users.create(**user(f"loop{loop}-{task}")) for task in range(4))
        )
        found = await asyncio.gather(*(management.users.get(each.data.user_id) for each in made))
        return [str(each.data.email) for each in found]

    for loop in range(3):
        assert asyncio.run(main(loop)) == [f"loop{loop}-{task}@example.com" for task in range(4)]
    assert token_requests(tenant) == 1
    asyncio.run(management.close())


def test_loops_in_two_threads_at_the_same_time_share_one_client(
    tenant: LocalTenant, options: Options
) -> None:
    management = AsyncManagementClient(**options)
    together = threading.Barrier(2)

    async def main(name: str) -> str:
        together.wait(30)
        made = await management.users.create(**user(name))
        return str((await management.users.get(made.data.user_id)).data.email)

    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda name: asyncio.run(main(name)), ["one", "other"]))
    assert found == ["one@example.com", "other@example.com"]


# Threads


def test_sixteen_threads_share_one_client_and_each_has_its_own_answers(
    tenant: LocalTenant, options: Options
) -> None:
    together = threading.Barrier(THREADS)

    def work(name: str) -> list[str]:
        together.wait(30)
        made = management.users.create(**user(name)).data.user_id
        seen = []
        for number in range(5):
            management.users.update(made, nickname=f"{name}-{number}")
            seen.append(str(management.users.get(made).data.nickname))
        return seen

    with ManagementClient(**options) as management, ThreadPoolExecutor(THREADS) as threads:
        names = [f"thread{number}" for number in range(THREADS)]
        found = list(threads.map(work, names))
    assert found == [[f"{name}-{number}" for number in range(5)] for name in names]
    assert token_requests(tenant) == 1


# Nothing grows


def test_tokens_of_ever_new_audiences_and_users_leave_a_bounded_client(
    kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MemoryTokenStore, "_MOST", 1000)
    transport = kind.transport(otherwise=json({"access_token": "t", "expires_in": 3600}))
    auth = kind.authentication(domain=DOMAIN, client_id="app", client_secret="s", transport=transport)

    async def main() -> None:
        for number in range(2000):
            await auth.tokens.get(audience=str(number))
            await auth.tokens.for_refresh_token(str(number), audience="api")

    if kind.asynchronous:
        asyncio.run(main())
    else:
        for number in range(2000):
            auth.tokens.get(audience=str(number))
            auth.tokens.for_refresh_token(str(number), audience="api")
    assert len(transport.requests) == 4000
    session = auth._core.session
    assert len(session.token_store._tokens) == 1000
    assert not session.token_store._held
    locks = session.driver._locks
    # One for each of so many stripes, and one for the store itself.
    kept = sum(map(len, locks.values())) if kind.asynchronous else len(locks)
    assert kept <= 1024 + 1


def test_the_locks_of_a_loop_go_with_it() -> None:
    kind = Kind(asynchronous=True)
    transport = kind.transport(otherwise=json({"access_token": "t", "expires_in": 3600}))
    auth = kind.authentication(domain=DOMAIN, client_id="app", client_secret="s", transport=transport)
    for number in range(10):
        asyncio.run(auth.tokens.get(audience=str(number)))
    assert len(transport.requests) == 10
    assert len(auth._core.session.driver._locks) == 1


# What is left open


def test_a_client_that_was_closed_warns_of_nothing(options: Options) -> None:
    with ManagementClient(**options) as management:
        management.users.get_all()
    del management

    async def main() -> None:
        async with AsyncManagementClient(**options) as client:
            await client.users.get_all()

    asyncio.run(main())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(each.message) for each in told] == []


def test_a_client_that_was_never_closed_says_so(options: Options) -> None:
    management = ManagementClient(**options)
    management.users.get_all()
    last = [management]
    del management
    with pytest.warns(ResourceWarning) as told:
        last.clear()
    # One warning, and none of the sockets: they are closed all the same.
    assert [str(each.message) for each in told] == [
        'unclosed <Urllib3Transport>; use the client in a "with", or close() it'
    ]


def test_a_client_that_goes_before_its_loop_and_was_never_closed_says_so(options: Options) -> None:
    async def main() -> None:
        management = AsyncManagementClient(**options)
        await management.users.get_all()
        del management
        gc.collect()

    with pytest.warns(ResourceWarning) as told:
        asyncio.run(main())
    assert [str(each.message) for each in told] == [
        'unclosed <AiohttpTransport>; use the client in an "async with", or close() it'
    ]


def test_a_view_keeps_the_client_open_and_warns_of_nothing(options: Options) -> None:
    management = ManagementClient(**options)
    view = management.with_options(timeout=5)
    view.users.get_all()
    del management
    gc.collect()
    view.users.get_all()
    view.close()


def test_a_transport_that_was_given_is_not_the_clients_to_close(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"id": "1"}))
    resource = things(kind.management_client(transport))
    kind.do(partial(resource.get, "1"))
    del resource
    gc.collect()
    assert not transport.closed
