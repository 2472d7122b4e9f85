"""Forks: a child has connections and locks of its own, whatever its parent was at when it forked."""

from pathlib import Path

import pytest

from ..transports.certificates import Certificates
from ..transports.servers import serve
from .scripts import Tenant, arguments, run

CHILDREN = 8


def test_a_client_that_was_used_goes_on_in_eight_forked_children(certificates: Certificates) -> None:
    tenant = Tenant()
    with serve(tenant, certificates.server) as server:
        run(
            """
            management = ManagementClient(**options)

            def ask(name):
                for number in range(5):
                    assert management.users.get(f"{name}-{number}").data.user_id == f"{name}-{number}"

            ask("parent")
            join(*[fork(ask, f"child{number}") for number in range(8)])
            ask("parent")
            management.close()
            """,
            *arguments(server, certificates.ca_file),
        )
    # No connection has requests of two processes, and the parent has kept its own.
    talks = sorted({user.partition("-")[0] for user in users} for users in tenant.conversations)
    assert all(len(names) == 1 for names in talks)
    assert len(talks) == 1 + CHILDREN
    assert max(map(len, tenant.conversations)) == 10
    # The token was in memory when they were forked.
    assert tenant.tokens == 1


@pytest.mark.parametrize("used", [False, True], ids=["built", "used"])
def test_a_client_that_was_made_before_the_workers_were_forked_serves_them_all(
    used: bool, certificates: Certificates, tmp_path: Path
) -> None:
    tenant = Tenant()
    with serve(tenant, certificates.server) as server:
        said = run(
            """
            management = ManagementClient(**options, token_store=FileTokenStore(sys.argv[3]))
            if sys.argv[4] == "True":
                management.users.get("parent-0")

            def work(name):
                ids = [f"{name}-{number}" for number in range(20)]
                outcomes = list(management.map(management.users.get, ids, concurrency=4))
                assert [outcome.result().data.user_id for outcome in outcomes] == ids
                os.write(1, f"{name} is done\\n".encode())

            join(*[fork(work, f"worker{number}") for number in range(4)])
            management.close()
            """,
            *arguments(server, certificates.ca_file), tmp_path / "store", used,
        )  # fmt: skip
    assert sorted(said) == [f"worker{number} is done" for number in range(4)]
    talks = [{user.partition("-")[0] for user in users} for users in tenant.conversations]
    assert max(map(len, talks)) == 1
    assert tenant.tokens == 1


# A thread that holds a lock at the time of the fork is not there to release it in the child.
HELD = """
    from types import SimpleNamespace
    from anyauth0 import blocking
    from anyauth0.tokens import MemoryTokenStore

    asked, go_on, parent = threading.Event(), threading.Event(), os.getpid()

    def send(request):
        if os.getpid() == parent:
            asked.set()
            go_on.wait()
        return Response(status=200, body=b'{"access_token": "t%d", "expires_in": 3600}' % os.getpid())

    auth = AuthenticationClient(
        domain="tenant.eu.auth0.com", client_id="app", client_secret="s", transport=send, retry=False,
        token_store=STORE,
    )

    def ask():
        found.append(auth.tokens.get(audience="api"))

    def in_the_child():
        # There is nothing to wait for.
        blocking.time = SimpleNamespace(sleep=lambda seconds: os._exit(9))
        ask()
        assert found == [f"t{os.getpid()}"]

    found = []
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    asked.wait()
    join(fork(in_the_child))
    go_on.set()
    thread.join()
    assert found == [f"t{parent}"]
"""


@pytest.mark.parametrize("store", ["None", "MemoryTokenStore()"])
def test_a_token_that_another_thread_was_fetching_at_the_fork_does_not_stop_the_child(
    store: str, certificates: Certificates
) -> None:
    run(HELD.replace("STORE", store), "localhost", certificates.ca_file)


def test_a_call_that_was_under_way_at_the_fork_is_none_of_the_childs_budget(
    certificates: Certificates,
) -> None:
    run(
        """
        from types import SimpleNamespace
        from anyauth0 import blocking
        from anyauth0_plugins.rate_limit import RateLimiter

        asked, go_on, parent = threading.Event(), threading.Event(), os.getpid()
        told = {"x-ratelimit-limit": "10", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}

        def send(request):
            if request.url.endswith("slow"):
                asked.set()
                go_on.wait()
            return Response(status=200, headers=told, body=b"{}")

        def in_the_child():
            # It would wait for an answer that only its parent gets.
            blocking.time = SimpleNamespace(sleep=lambda seconds: os._exit(9))
            batch.users.get("fast")

        management = ManagementClient(
            domain="tenant.eu.auth0.com", token="t", transport=send, retry=False, plugins=[RateLimiter()]
        )
        batch = management.with_options(priority="batch")
        management.users.get("fast")
        thread = threading.Thread(target=lambda: batch.users.get("slow"), daemon=True)
        thread.start()
        asked.wait()
        join(fork(in_the_child))
        go_on.set()
        thread.join()
        """,
        "localhost", certificates.ca_file,
    )  # fmt: skip
