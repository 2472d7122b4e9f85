"""Access tokens in Redis, shared by a fleet."""

import math
import secrets
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from anyauth0 import Flow
from anyauth0.flow import sleep
from anyauth0.tokens import lock_pauses

from ._attempts import Failed
from ._redis import Redis
from ._sealing import Key
from ._shared_store import SharedStore, hashed

if TYPE_CHECKING:
    from ._redis import Client

__all__ = ["RedisTokenStore"]

R = TypeVar("R")

_HELD = 15_000
"""Milliseconds after which the lock of a process that died is free."""
_TAKE = """
if redis.call('get', KEYS[1]) == ARGV[1] then
  return redis.call('pexpire', KEYS[1], ARGV[2])
end
return redis.call('set', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
"""
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class RedisTokenStore(SharedStore):
    """Keeps tokens under `prefix` until they expire; one process of the fleet at a time fetches one.

    `client` is a URL, a `redis.Redis`, or for asyncio clients a `redis.asyncio.Redis`. The blocking one
    serves asyncio clients too, in threads. With `key`, 32 bytes or a passphrase, tokens are encrypted; give a
    list to replace a key: the first writes, all read. While Redis is down, each process keeps its own tokens.
    """

    __slots__ = ("_left", "_prefix", "_redis")

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
        self._redis = Redis(client, "RedisTokenStore")
        self._prefix = prefix
        self._left: tuple[str, str] | None = None
        super().__init__(key, clock, self._redis.failures)

    def close(self) -> None:
        """Let go of the connections, unless the client was given."""
        self._redis.close()

    def read(self, name: str) -> Flow[bytes | None]:
        """GET."""
        # A client may have been told to decode what it reads.
        found: bytes | None = yield from self._redis.command("GET", self._prefix + name, NEVER_DECODE=True)
        return found

    def write(self, name: str, data: bytes, expires_at: float) -> Flow[None]:
        """SET, with the time to live."""
        milliseconds = max(1, math.ceil((expires_at - self._clock()) * 1000))
        yield from self._redis.command("SET", self._prefix + name, data, "PX", milliseconds)

    def delete(self, name: str) -> Flow[None]:
        """DEL."""
        yield from self._redis.command("DEL", self._prefix + name)

    def exclusive(self, key: str, flow: Flow[R]) -> Flow[R]:
        """Run `flow` while no other process of the fleet runs one for `key`; that ends after 15 seconds.

        Source: the pattern of `SET` with `NX` and `PX` in the documentation of Redis.
        """
        name, me = f"{self._prefix}{hashed(key)}.lock", secrets.token_hex(16)
        left, self._left = self._left, None
        if left is not None and left[0] == name:
            me = left[1]
        held: object = None
        try:
            for pause in lock_pauses():
                held = yield from self.attempt(self._redis.command("EVAL", _TAKE, 1, name, me, _HELD))
                if held:
                    break
                yield from sleep(pause)
            result = yield from flow
        except GeneratorExit:
            # Cancelled, when Redis cannot be told any more: whoever comes next goes on with the lock.
            self._left = name, me
            raise
        except Exception:
            yield from self._release(held, name, me)
            raise
        yield from self._release(held, name, me)
        return result

    def __reduce__(self) -> tuple[object, ...]:
        # Another process has its own memory, and its own opinion of whether Redis works.
        again = partial(RedisTokenStore, clock=self._clock)
        return again, (self._redis.url(), self._sealing.keys, self._prefix)

    def _release(self, held: object, name: str, me: str) -> Flow[None]:
        if held and not isinstance(held, Failed):
            yield from self.attempt(self._redis.command("EVAL", _RELEASE, 1, name, me))
