"""Pickles: options go to another process, which makes a client of its own; what cannot go says what does."""

import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from anyauth0 import TLS, AccessToken, DPoPKey, ManagementClient, Options, RetryPolicy
from anyauth0.blocking import BlockingDriver
from anyauth0.keys import generate_key
from anyauth0.keys.jwk import public_jwk
from anyauth0.tokens import MemoryTokenStore
from anyauth0_plugins.client_assertion import AssertionKeys, private_key, remote_key
from anyauth0_plugins.file_store import FileTokenStore
from anyauth0_plugins.rate_limit import RateLimiter
from anyauth0_plugins.redis_store import RedisTokenStore
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server

from ..authentication.processes import RedisServer, redis_server

KEY = b"k" * 32
PHRASE = "a passphrase of ours"
TOKEN = AccessToken(value="t1", expires_at=4e9, renew_at=4e9)


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as found:
        yield found


@pytest.fixture
def tenant() -> Iterator[LocalTenant]:
    with LocalTenant() as found:
        yield found


@pytest.fixture
def served(tenant: LocalTenant) -> Iterator[Server]:
    with serve(tenant) as found:
        yield found


def sent(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def do(flow: Any) -> Any:
    return BlockingDriver(None).run(flow)  # type: ignore[arg-type]


# Another process

WORKER = """
import pickle, sys
from contextlib import closing, nullcontext
from anyauth0 import ManagementClient

options = pickle.loads(sys.stdin.buffer.read())
store, plugins = options.get("token_store"), options.get("plugins", [])
for owner in (store, *plugins):
    print(repr(owner))
with ManagementClient(**options) as management:
    print(len(management.users.get_all().data), "users")
for owner in (store, *plugins):
    if hasattr(owner, "close"):
        owner.close()
"""


def in_another_process(options: Options) -> list[str]:
    """Make a client of `options` in a process of its own, as `spawn` does, and return what that says."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", WORKER],
        input=pickle.dumps(options), capture_output=True, check=False, timeout=90,
    )  # fmt: skip
    assert (done.returncode, done.stderr.decode()) == (0, "")
    return done.stdout.decode().splitlines()


def tokens_of(tenant: LocalTenant) -> int:
    return sum(request.path == "/oauth/token" for request in tenant.requests)


def test_options_with_a_secret_a_directory_and_a_retry_policy_go_to_another_process(
    tenant: LocalTenant, served: Server, tmp_path: Path
) -> None:
    options: Options = {
        "domain": served.domain,
        "client_id": tenant.client_id,
        "client_secret": tenant.client_secret,
        "tls": TLS(ca=served.ca_pem),
        "proxy": False,
        "retry": RetryPolicy(retries=1),
        "token_store": FileTokenStore(tmp_path / "store", PHRASE),
        "plugins": ["client_secret_basic", RateLimiter(100)],
    }
    for _ in range(2):
        assert in_another_process(options)[-1] == "0 users"
    assert tokens_of(tenant) == 1


def test_options_with_a_key_and_redis_go_to_another_process(
    tenant: LocalTenant, served: Server, server: RedisServer
) -> None:
    pair = generate_key("ES256")
    options: Options = {
        "domain": served.domain,
        "client_id": tenant.add_client("Signs", public_key=public_jwk(pair))["client_id"],
        "client_assertion_signing_key": pair.to_pem(),
        "client_assertion_signing_alg": "ES256",
        "tls": TLS(ca=served.ca_pem),
        "proxy": False,
        "token_store": RedisTokenStore(server.url, KEY),
        "plugins": [RateLimiter(100, burst=10, redis=server.url)],
    }
    for _ in range(2):
        assert in_another_process(options) == ["<RedisTokenStore>", "<RateLimiter of a fleet>", "0 users"]
    assert tokens_of(tenant) == 1


# Stores


@pytest.mark.parametrize("key", [None, KEY, PHRASE, [PHRASE, KEY]], ids=["none", "bytes", "phrase", "two"])
def test_a_store_of_a_directory_comes_back_with_its_directory_and_keys(key: Any, tmp_path: Path) -> None:
    first = FileTokenStore(tmp_path / "store", key)
    do(first.save("a", TOKEN))
    second = sent(first)
    assert do(second.load("a")) == TOKEN
    do(second.save("b", TOKEN))
    assert do(FileTokenStore(tmp_path / "store", key).load("b")) == TOKEN
    # Each has the lock to itself, and a memory of its own.
    assert do(second.exclusive("c", first.load("a"))) == TOKEN
    assert second._memory is not first._memory
    assert not second._memory._tokens.keys() & {"a"}


def test_a_store_of_a_url_comes_back_with_its_url_prefix_and_keys(server: RedisServer) -> None:
    first = RedisTokenStore(server.url, PHRASE, "mine:")
    do(first.save("a", TOKEN))
    second = sent(first)
    assert do(second.load("a")) == TOKEN
    assert do(second.exclusive("a", second.load("a"))) == TOKEN
    assert not second._memory._tokens
    first.close()
    second.close()


def test_a_store_that_rests_after_a_failure_does_not_rest_in_another_process(tmp_path: Path) -> None:
    store = RedisTokenStore("redis://127.0.0.1:1/0")
    assert do(store.load("a")) is None
    assert store.attempt._resting_until > 0
    assert sent(store).attempt._resting_until == 0


def test_a_store_in_memory_takes_no_token_along() -> None:
    store = MemoryTokenStore()
    do(store.save("a", TOKEN))
    assert b"t1" not in pickle.dumps(store)
    assert do(sent(store).load("a")) is None


def test_no_token_and_no_passphrase_is_in_the_pickle_of_a_store(tmp_path: Path) -> None:
    store = FileTokenStore(tmp_path / "store", PHRASE)
    do(store.save("a", TOKEN))
    # A key has to be in it: the other process could do nothing without.
    assert not any(secret in pickle.dumps(store) for secret in (b"t1", PHRASE.encode()))


# What cannot go


def mine() -> bytes:
    return b"signature"


@pytest.mark.parametrize(
    ("make", "mend"),
    [
        (DPoPKey.generate, r"to_pem\(\)"),
        (lambda: RedisTokenStore(redis.Redis()), 'RedisTokenStore .* give it a URL, such as "redis://host"'),
        (lambda: RateLimiter(1, redis=redis.Redis()), 'RateLimiter .* give it a URL, such as "redis://host"'),
        (
            lambda: AssertionKeys(
                [private_key(generate_key("ES256").to_pem(), key_id="1", algorithm="ES256")]
            ),
            'give away the PEM, as the option "client_assertion_signing_key"',
        ),
    ],
    ids=["dpop", "store", "limiter", "assertion"],
)
def test_what_cannot_go_to_another_process_says_what_does(make: Callable[[], Any], mend: str) -> None:
    with pytest.raises(TypeError, match=mend) as caught:
        pickle.dumps(make())
    assert "PRIVATE" not in str(caught.value)


def test_a_key_that_is_held_elsewhere_goes_by_the_name_of_its_function() -> None:
    key = sent(remote_key(mine, key_id="1", algorithm="ES256"))
    assert (key.sign, key.key_id, key.remote) == (mine, "1", True)


def test_a_client_cannot_be_pickled() -> None:
    with (
        ManagementClient(domain="tenant.eu.auth0.com", token="t") as management,
        pytest.raises((TypeError, AttributeError), match=r"pickle"),
    ):
        pickle.dumps(management)
