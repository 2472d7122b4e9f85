"""Stores of tokens beyond the process: private, encrypted, shared, and never a reason why a call fails."""

import asyncio
import inspect
import logging
import os
import stat
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis as redis_package
import redis.asyncio as redis_asyncio

from anyauth0 import AccessToken, ConfigurationError
from anyauth0.aio import AsyncDriver
from anyauth0.blocking import BlockingDriver
from anyauth0.tokens import MemoryTokenStore, SharedTokenStore, lock_pauses
from anyauth0_plugins import _attempts
from anyauth0_plugins.file_store import FileTokenStore
from anyauth0_plugins.redis_store import RedisTokenStore

from ..core.fakes import DOMAIN, KINDS, START, Clock, Kind, json
from .processes import RedisServer, file_store, fork_and_get, redis_server, redis_store

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))
TOKEN = AccessToken.issued("canary", lifetime=3600, now=START, scope="a b", refresh_token="canary-2")


def run(flow: Any) -> Any:
    """Run a flow by the blocking driver."""
    return BlockingDriver(None).run(flow)  # type: ignore[arg-type]


def returns(value: Any) -> Any:
    """Return a flow that returns `value`."""
    return value
    yield


def fails(error: Exception) -> Any:
    """Return a flow that raises `error`."""
    raise error
    yield


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    with redis_server() as found:
        yield found


@pytest.fixture
def client(server: RedisServer) -> Iterator[Any]:
    found = redis_package.Redis.from_url(server.url)
    found.flushall()
    yield found
    found.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


Maker = Callable[..., Any]


@pytest.fixture(params=["file", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Maker:
    """Return a function that makes a store; all that it makes share what they keep."""
    if request.param == "file":
        return lambda key=None: FileTokenStore(tmp_path / "store", key, clock=clock)
    found = request.getfixturevalue("client")
    return lambda key=None: RedisTokenStore(found, key, clock=clock)


# What holds for both.


@pytest.mark.parametrize("key", [None, KEY, "a passphrase of many words", [KEY, OTHER_KEY]])
def test_another_store_in_the_same_place_has_the_token(make: Maker, key: Any) -> None:
    one, another = make(key), make(key)
    run(one.save("key", TOKEN))
    assert run(another.load("key")) == TOKEN
    assert run(another.load("other")) is None
    run(another.remove("key"))
    run(another.remove("key"))
    assert run(one.load("key")) is None


def test_a_key_is_replaced_by_a_list_with_the_new_one_in_front(make: Maker) -> None:
    run(make(KEY).save("key", TOKEN))
    assert run(make(OTHER_KEY).load("key")) is None
    assert run(make([OTHER_KEY, KEY]).load("key")) == TOKEN
    run(make([OTHER_KEY, KEY]).save("key", TOKEN))
    assert run(make(KEY).load("key")) is None
    assert run(make(OTHER_KEY).load("key")) == TOKEN


def test_a_store_with_a_key_believes_nothing_that_is_not_encrypted_and_the_other_way_round(
    make: Maker,
) -> None:
    run(make().save("key", TOKEN))
    assert run(make(KEY).load("key")) is None
    run(make(KEY).save("key", TOKEN))
    assert run(make().load("key")) is None


def test_a_token_that_has_expired_is_not_written(make: Maker, clock: Clock) -> None:
    clock.now = TOKEN.expires_at
    run(make().save("key", TOKEN))
    assert run(make().load("key")) is None


def test_a_token_of_an_absurd_life_is_kept_for_a_year(make: Maker) -> None:
    token = AccessToken.issued("long", lifetime=1e30, now=START)
    run(make().save("key", token))
    assert run(make().load("key")) == token


def test_the_stores_are_known_to_share(make: Maker) -> None:
    assert isinstance(make(), SharedTokenStore)
    assert isinstance(MemoryTokenStore(), SharedTokenStore)


def test_the_lock_is_let_go_of_whether_the_flow_ends_well_or_not(make: Maker) -> None:
    for _ in range(2):
        assert run(make().exclusive("key", returns(1))) == 1
        with pytest.raises(ZeroDivisionError):
            run(make().exclusive("key", fails(ZeroDivisionError())))


def test_whoever_finds_the_lock_taken_waits_for_it(make: Maker) -> None:
    seen: list[str] = []

    def outer() -> Any:
        waiting = make().exclusive("key", inner())
        effect = next(waiting)
        # By hand: what it wants is done, until it wants to sleep.
        while not hasattr(effect, "seconds"):
            effect = waiting.send(effect.blocking())
        seen.append("waits")
        return waiting, effect
        yield

    def inner() -> Any:
        seen.append("runs")
        return 7
        yield

    waiting, _ = run(make().exclusive("key", outer()))
    assert seen == ["waits"]
    assert run(resumed(waiting)) == 7
    assert seen == ["waits", "runs"]


def resumed(waiting: Any) -> Any:
    """Return a flow that goes on with one that wants to sleep, as if it had slept."""
    effect = waiting.send(None)
    while True:
        try:
            result = yield effect
            effect = waiting.send(result)
        except StopIteration as stop:
            return stop.value


def test_whoever_waits_too_long_for_the_lock_goes_on_without(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anyauth0 import blocking

    slept: list[float] = []
    monkeypatch.setattr(blocking, "time", type("Time", (), {"sleep": staticmethod(slept.append)}))
    assert run(make().exclusive("key", make().exclusive("key", returns(1)))) == 1
    assert slept == list(lock_pauses())
    assert 30 <= sum(slept) < 31


@pytest.mark.parametrize(
    "key", ["", "short", b"k" * 16, b"k" * 33, 5, [], [KEY, "short"]], ids=lambda key: str(key)[:12]
)
def test_a_key_that_is_none_is_refused(make: Maker, key: Any) -> None:
    with pytest.raises(ConfigurationError, match='"key"') as caught:
        make(key)
    assert caught.value.option == "key"


def test_no_store_shows_what_it_keeps_or_by_which_key(make: Maker) -> None:
    store = make("canary passphrase")
    run(store.save("canary", TOKEN))
    assert "canary" not in f"{store!r} {store} {store._sealing!r} {vars(type(store))}"


def test_two_clients_of_either_kind_share_a_store(make: Maker, clock: Clock) -> None:
    transports = [kind.transport(otherwise=json({"access_token": "t", "expires_in": 3600})) for kind in KINDS]
    for kind, transport in zip(KINDS, transports, strict=True):
        auth = kind.authentication(
            domain=DOMAIN, client_id="app", client_secret="s", clock=clock, transport=transport,
            token_store=make(KEY),
        )  # fmt: skip
        assert kind.do(lambda auth=auth: auth.tokens.get(audience="api")) == "t"
    assert [len(transport.requests) for transport in transports] == [1, 0]


# Encryption.


def test_what_is_encrypted_is_good_in_its_place_only(tmp_path: Path, clock: Clock) -> None:
    store = FileTokenStore(tmp_path / "store", KEY, clock=clock)
    run(store.save("key", TOKEN))
    run(store.save("other", AccessToken.issued("other", lifetime=3600, now=START)))
    one, other = tokens_in(tmp_path)
    one_content = one.read_bytes()
    assert b"canary" not in one_content + other.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(one_content)
    assert run(store.load("key")) is None
    assert run(store.load("other")) is None


def test_the_same_token_is_never_written_alike(tmp_path: Path, clock: Clock) -> None:
    store = FileTokenStore(tmp_path / "store", KEY, clock=clock)
    written = set()
    for _ in range(3):
        run(store.save("key", TOKEN))
        written.add(tokens_in(tmp_path)[0].read_bytes())
    assert len(written) == 3


# Files.


def tokens_in(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "store").glob("*.token"))


def test_files_are_for_their_owner_only(tmp_path: Path, clock: Clock) -> None:
    before = os.umask(0)
    try:
        store = FileTokenStore(tmp_path / "deep" / "store", clock=clock)
        run(store.exclusive("key", store.save("key", TOKEN)))
    finally:
        os.umask(before)
    directory = tmp_path / "deep" / "store"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()} == {0o600}
    assert {path.suffix for path in directory.iterdir()} == {".token", ".lock"}


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\x00" * 99, b"\x01", b"\x01" + b"x" * 99, b"[1]", b'{"value":1}']
)
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_file_that_is_no_token_is_ignored_and_replaced(
    tmp_path: Path, clock: Clock, content: bytes, key: Any
) -> None:
    store = FileTokenStore(tmp_path / "store", key, clock=clock)
    run(store.save("key", TOKEN))
    (file,) = tokens_in(tmp_path)
    file.write_bytes(content)
    assert run(store.load("key")) is None
    run(store.save("key", TOKEN))
    assert run(store.load("key")) == TOKEN


@pytest.mark.parametrize("cut", [1, 12, 13, 14, 40, -1])
def test_a_file_that_was_cut_off_or_altered_is_ignored(tmp_path: Path, clock: Clock, cut: int) -> None:
    store = FileTokenStore(tmp_path / "store", KEY, clock=clock)
    run(store.save("key", TOKEN))
    (file,) = tokens_in(tmp_path)
    whole = file.read_bytes()
    file.write_bytes(whole[:cut])
    assert run(store.load("key")) is None
    altered = bytearray(whole)
    altered[cut] ^= 1
    file.write_bytes(altered)
    assert run(store.load("key")) is None


def test_a_link_or_a_pipe_in_the_place_of_a_file_is_ignored_and_replaced(
    tmp_path: Path, clock: Clock
) -> None:
    store = FileTokenStore(tmp_path / "store", clock=clock)
    run(store.save("key", TOKEN))
    (file,) = tokens_in(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert run(store.load("key")) is None
    run(store.save("key", AccessToken.issued("new", lifetime=3600, now=START)))
    assert b"canary" in elsewhere.read_bytes(), "the link was replaced, not followed"
    file.unlink()
    os.mkfifo(file)
    assert run(store.load("key")) is None
    run(store.save("key", TOKEN))
    assert run(store.load("key")) == TOKEN


def test_a_directory_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store").chmod(0o777)
    with pytest.raises(ConfigurationError, match=r'"path".*chmod 700'):
        FileTokenStore(tmp_path / "store", "canary passphrase")
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match='"path"') as caught:
        FileTokenStore(tmp_path / "file")
    assert caught.value.option == "path"


@pytest.mark.parametrize("path", [5, None, b"tokens", "", " "])
def test_what_names_no_directory_is_refused(path: Any) -> None:
    with pytest.raises(ConfigurationError, match='"path" of FileTokenStore') as caught:
        FileTokenStore(path, "canary passphrase")
    assert caught.value.option == "path"


def test_a_directory_that_was_cleaned_away_is_made_again(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    store = FileTokenStore(tmp_path / "store", clock=clock)
    (tmp_path / "store").rmdir()
    run(store.exclusive("key", store.save("key", TOKEN)))
    assert run(store.load("key")) == TOKEN
    assert len(tokens_in(tmp_path)) == 1
    assert not caplog.records


def test_what_has_expired_is_swept_away_and_nothing_of_others(tmp_path: Path, clock: Clock) -> None:
    store = FileTokenStore(tmp_path / "store", clock=clock)
    run(store.save("key", TOKEN))
    foreign = tmp_path / "store" / "notes.txt"
    left = tmp_path / "store" / ".abc.new"
    for path in (foreign, left):
        path.touch()
        os.utime(path, (START, START))
    clock.now += 7200
    run(store.save("other", AccessToken.issued("new", lifetime=3600, now=clock.now)))
    assert len(tokens_in(tmp_path)) == 1
    assert run(store.load("key")) is None
    assert foreign.exists()
    assert not left.exists()


def test_a_disk_that_takes_nothing_is_told_once_and_tokens_stay_in_memory(
    tmp_path: Path, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_attempts, "monotonic", clock)
    store = FileTokenStore(tmp_path / "store", clock=clock)
    (tmp_path / "store").rmdir()
    (tmp_path / "store").touch()
    for _ in range(3):
        run(store.exclusive("key", store.save("key", TOKEN)))
        assert run(store.load("key")) == TOKEN
    clock.now += 6
    run(store.save("key", TOKEN))
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "canary" not in caplog.text
    (tmp_path / "store").unlink()
    clock.now += 6
    run(store.exclusive("key", store.save("key", TOKEN)))
    assert len(tokens_in(tmp_path)) == 1


def test_forked_children_that_share_a_directory_make_one_request(tmp_path: Path) -> None:
    assert fork_and_get(file_store(tmp_path / "store")) == (1, ["t1"] * 8)


def test_a_store_that_was_made_before_the_fork_is_shared_too(tmp_path: Path) -> None:
    assert fork_and_get(file_store(tmp_path / "store"), before_the_fork=True) == (1, ["t1"] * 8)


def test_children_without_a_shared_store_make_a_request_each() -> None:
    requests, tokens = fork_and_get("from anyauth0.tokens import MemoryTokenStore\nreturn MemoryTokenStore()")
    assert (requests, len(set(tokens))) == (8, 8)


def test_the_lock_of_a_process_that_died_is_free(tmp_path: Path, clock: Clock) -> None:
    dies = f"""
import os
from anyauth0.blocking import BlockingDriver
from anyauth0_plugins.file_store import FileTokenStore

def dies():
    os._exit(7)
    yield

BlockingDriver(None).run(FileTokenStore({str(tmp_path / "store")!r}).exclusive("key", dies()))
"""
    assert subprocess.run([sys.executable, "-c", dies]).returncode == 7
    assert list((tmp_path / "store").glob("*.lock"))
    held = FileTokenStore(tmp_path / "store", clock=clock).exclusive("key", returns(1))
    assert next(held).blocking() is True, "at once"
    held.close()


def test_a_lock_that_was_let_go_of_is_free_though_a_child_was_forked_meanwhile(tmp_path: Path) -> None:
    forks = f"""
import os
from anyauth0.blocking import BlockingDriver
from anyauth0_plugins.file_store import FileTokenStore

store = FileTokenStore({str(tmp_path / "store")!r})
read, write = os.pipe()

def forks():
    child = os.fork()
    if child == 0:
        os.close(write)
        os.read(read, 1)
        os._exit(0)
    return child
    yield

def nothing():
    return None
    yield

child = BlockingDriver(None).run(store.exclusive("key", forks()))
again = store.exclusive("key", nothing())
print(next(again).blocking())
os.close(write)
os.waitpid(child, 0)
"""
    done = subprocess.run([sys.executable, "-c", forks], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr


# Redis.


def test_redis_forgets_a_token_when_it_expires(client: Any, clock: Clock) -> None:
    store = RedisTokenStore(client, prefix="mine:", clock=clock)
    clock.now += 600
    run(store.save("key", TOKEN))
    (name,) = client.keys()
    assert name.startswith(b"mine:")
    assert 2_990_000 < client.pttl(name) <= 3_000_000


@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_client_that_decodes_what_it_reads_will_do(server: RedisServer, clock: Clock, key: Any) -> None:
    with redis_package.Redis.from_url(server.url, decode_responses=True) as decoding:
        store = RedisTokenStore(decoding, key, clock=clock)
        run(store.save("key", TOKEN))
        assert run(store.load("key")) == TOKEN


def test_what_others_wrote_is_ignored_and_replaced(client: Any, clock: Clock) -> None:
    store = RedisTokenStore(client, KEY, clock=clock)
    run(store.save("key", TOKEN))
    (name,) = client.keys()
    client.set(name, b"\xff" * 50)
    assert run(store.load("key")) is None
    run(store.save("key", TOKEN))
    assert run(store.load("key")) == TOKEN


def test_an_asyncio_client_serves_asyncio_clients(server: RedisServer, client: Any, clock: Clock) -> None:
    async def main() -> AccessToken | None:
        driver = AsyncDriver(None)  # type: ignore[arg-type]
        async with redis_asyncio.Redis.from_url(server.url) as found:
            store = RedisTokenStore(found, KEY, clock=clock)
            await driver.run(store.exclusive("key", store.save("key", TOKEN)))
            return await driver.run(store.load("key"))

    assert asyncio.run(main()) == TOKEN
    assert run(RedisTokenStore(client, KEY, clock=clock).load("key")) == TOKEN


def test_a_url_serves_both_kinds_of_client(server: RedisServer, kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"access_token": "t", "expires_in": 3600}))
    store = RedisTokenStore(server.url, prefix=f"{kind}:")
    for _ in range(2):
        auth = kind.authentication(
            domain=DOMAIN, client_id="app", client_secret="s", transport=transport, token_store=store
        )
        assert kind.do(lambda auth=auth: auth.tokens.get(audience="api")) == "t"
    assert len(transport.requests) == 1
    store.close()


def test_the_lock_in_redis_has_an_end_and_only_its_holder_lets_go_of_it(client: Any, clock: Clock) -> None:
    store = RedisTokenStore(client, clock=clock)
    held = store.exclusive("key", holds())
    effect = next(held)
    while effect != "held":
        effect = held.send(effect.blocking())
    (name,) = client.keys()
    assert 0 < client.pttl(name) <= 15_000
    client.set(name, "another")
    effect = next(held)
    with pytest.raises(StopIteration):
        held.send(effect.blocking())
    assert client.get(name) == b"another"


def holds() -> Any:
    yield "held"


def test_a_redis_that_goes_down_and_comes_back_stops_no_call(
    clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: Kind
) -> None:
    monkeypatch.setattr(_attempts, "monotonic", clock)
    with redis_server() as server:
        store = RedisTokenStore(server.url, clock=clock)
        issued = iter(range(1, 100))
        transport = kind.transport(
            otherwise=lambda request: json({"access_token": f"t{next(issued)}", "expires_in": 3600})
        )
        auth = kind.authentication(
            domain=DOMAIN, client_id="app", client_secret="s", clock=clock, transport=transport,
            token_store=store,
        )  # fmt: skip

        def get(audience: str = "api") -> Any:
            return kind.do(lambda: auth.tokens.get(audience=audience))

        assert get() == "t1"
        server.stop()
        assert [get(), get()] == ["t1", "t1"], "out of memory"
        assert [get("other"), get("other")] == ["t2", "t2"], "fetched, once"
        clock.now += 6
        assert get() == "t1"
        assert [record.levelno for record in caplog.records] == [logging.WARNING], "one warning"
        assert "t1" not in caplog.text
        server.start()
        clock.now += 6
        assert get() == "t3", "a new Redis is empty"
        assert run(RedisTokenStore(server.url, clock=clock).load(*memory_keys(store, "t3"))).value == "t3"
        store.close()


def memory_keys(store: Any, value: str) -> list[str]:
    return [key for key, token in store._memory._tokens.items() if token.value == value]


def test_children_that_share_a_redis_make_one_request(client: Any, server: RedisServer) -> None:
    assert fork_and_get(redis_store(server.url)) == (1, ["t1"] * 8)
    client.flushall()
    assert fork_and_get(redis_store(server.url), before_the_fork=True) == (1, ["t1"] * 8)


def test_a_url_that_is_none_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError, match='"client"') as caught:
        RedisTokenStore("https://user:" + "can" + "ary@host")
    assert caught.value.option == "client"
    assert "canary" not in "".join(traceback.format_exception(caught.value))
    for client in (5, None, object()):
        with pytest.raises(ConfigurationError, match='"client" must be a URL'):
            RedisTokenStore(client)  # type: ignore[arg-type]


def test_the_clock_of_a_store_is_that_of_the_system_unless_a_test_gives_one() -> None:
    for store in (FileTokenStore, RedisTokenStore):
        assert inspect.signature(store).parameters["clock"].default is time.time
