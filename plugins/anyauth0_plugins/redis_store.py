"""Access tokens in Redis, shared by a fleet."""

import math
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from anyauth0 import ConfigurationError, Flow
from anyauth0.flow import perform, sleep
from anyauth0.tokens import lock_pauses

from ._sealing import Key
from ._shared_store import Failed, SharedStore, hashed

if TYPE_CHECKING:
    from redis import Redis
    from redis.asyncio import Redis as AsyncRedis

    Client: TypeAlias = "Redis | AsyncRedis | str"

__all__ = ["RedisTokenStore"]

R = TypeVar("R")

_PATIENCE = 2.0
"""Seconds for Redis to connect or to answer, where the client is made here."""
_HELD = 15_000
"""Milliseconds after which the lock of a process that died is free."""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisTokenStore(SharedStore):
    """Keeps tokens under `prefix` until they expire; one process of the fleet at a time fetches one.

    `client` is a URL, a `redis.Redis`, or for asyncio clients a `redis.asyncio.Redis`. The blocking one
    serves asyncio clients too, in threads. With `key`, 32 bytes or a passphrase, tokens are encrypted; give a
    list to replace a key: the first writes, all read. While Redis is down, each process keeps its own tokens.
    """

    __slots__ = ("_asynchronous", "_client", "_opened", "_prefix")

    def __init__(
        self,
        client: "Client",
        key: Key | Sequence[Key] | None = None,
        prefix: str = "anyauth0:",
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Connect when first used.

        Raises `ConfigurationError` where the package `redis` is missing or the URL is none of its own.
        """
        self._opened = isinstance(client, str)
        self._client: Any = _opened(client) if isinstance(client, str) else client
        self._asynchronous = iscoroutinefunction(self._client.execute_command)
        self._prefix = prefix
        super().__init__(key, clock, _failures())

    def close(self) -> None:
        """Let go of the connections, unless the client was given."""
        if self._opened:
            self._client.connection_pool.disconnect()

    def read(self, name: str) -> Flow[bytes | None]:
        """GET."""
        # A client may have been told to decode what it reads.
        found: bytes | None = yield from self._command("GET", self._prefix + name, NEVER_DECODE=True)
        return found

    def write(self, name: str, data: bytes, expires_at: float) -> Flow[None]:
        """SET, with the time to live."""
        milliseconds = max(1, math.ceil((expires_at - self._clock()) * 1000))
        yield from self._command("SET", self._prefix + name, data, "PX", milliseconds)

    def delete(self, name: str) -> Flow[None]:
        """DEL."""
        yield from self._command("DEL", self._prefix + name)

    def exclusive(self, key: str, flow: Flow[R]) -> Flow[R]:
        """Run `flow` while no other process of the fleet runs one for `key`; that ends after 15 seconds.

        Source: the pattern of `SET` with `NX` and `PX` in the documentation of Redis.
        """
        name, me = f"{self._prefix}{hashed(key)}.lock", secrets.token_hex(16)
        held: object = None
        for pause in lock_pauses():
            held = yield from self.attempt(self._command("SET", name, me, "NX", "PX", _HELD))
            if held:
                break
            yield from sleep(pause)
        try:
            result = yield from flow
        except Exception:
            yield from self._release(held, name, me)
            raise
        yield from self._release(held, name, me)
        return result

    def _release(self, held: object, name: str, me: str) -> Flow[None]:
        if held and not isinstance(held, Failed):
            yield from self.attempt(self._command("EVAL", _RELEASE, 1, name, me))

    def _command(self, *words: object, **options: bool) -> Flow[Any]:
        call = partial(self._client.execute_command, *words, **options)
        return perform(None, call) if self._asynchronous else perform(call)


def _opened(url: str) -> Any:
    try:
        import redis
    except ImportError as error:
        message = "RedisTokenStore needs the package \"redis\"; pip install 'anyauth0[redis]'"
        raise ConfigurationError("redis", message) from error
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    options: dict[str, Any] = {
        "socket_timeout": _PATIENCE,
        "socket_connect_timeout": _PATIENCE,
        # Once, for a connection that lay idle until the server closed it.
        "retry": Retry(NoBackoff(), 1),
    }
    pool: Any = redis.ConnectionPool
    try:
        return redis.Redis(connection_pool=pool.from_url(url, **options))
    except ValueError:
        # The error may show the URL, which may hold a password.
        pass
    raise ConfigurationError("client", '"client" must be a URL such as "redis://host:6379/0", or a client')


def _failures() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return RedisError, OSError
