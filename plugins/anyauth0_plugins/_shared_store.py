"""A token store beyond the process: a failure of it never stops a call, and is told once."""

import logging
from collections.abc import Callable, Sequence
from hashlib import sha256
from time import monotonic
from typing import TypeVar

from anyauth0 import AccessToken, Flow
from anyauth0.tokens import MemoryTokenStore

from ._sealing import Key, Sealing

__all__ = ["FAILED", "Failed", "SharedStore"]

R = TypeVar("R")

_LONGEST = 365 * 86400.0
"""Seconds that a token is kept at most, whatever the server says of its life."""
_REST = 5.0
"""Seconds that a store which failed is left alone."""

log = logging.getLogger("anyauth0")


class Failed:
    """What an attempt returns that the store did not carry out."""


FAILED = Failed()


class SharedStore:
    """Keeps tokens under the hash of their key, by three flows of the store that builds on this.

    While that fails, tokens are kept in the memory of this process, so that not every call fetches one.
    """

    __slots__ = ("_clock", "_failures", "_memory", "_resting_until", "_sealing", "_warned")

    def __init__(
        self,
        key: Key | Sequence[Key] | None,
        clock: Callable[[], float],
        failures: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        """Read the keys. `failures` are what the flows raise where the store fails."""
        self._sealing = Sealing(key)
        self._clock = clock
        self._failures = failures
        self._memory = MemoryTokenStore()
        self._resting_until = 0.0
        self._warned = False

    def read(self, name: str) -> Flow[bytes | None]:
        """Return what is kept under `name`."""
        raise NotImplementedError

    def write(self, name: str, data: bytes, expires_at: float) -> Flow[None]:
        """Keep `data` under `name` until then."""
        raise NotImplementedError

    def delete(self, name: str) -> Flow[None]:
        """Forget what is kept under `name`, if anything is."""
        raise NotImplementedError

    def load(self, key: str) -> Flow[AccessToken | None]:
        """Return the token of that key, or `None`."""
        name = hashed(key)
        data = yield from self.attempt(self.read(name))
        if isinstance(data, Failed):
            return (yield from self._memory.load(key))
        return None if data is None else self._sealing.open(name, data)

    def save(self, key: str, token: AccessToken) -> Flow[None]:
        """Keep `token` until it expires."""
        yield from self._memory.save(key, token)
        now = self._clock()
        if token.expires_at <= now:
            return
        name, until = hashed(key), min(token.expires_at, now + _LONGEST)
        done = yield from self.attempt(self.write(name, self._sealing.seal(name, token), until))
        if not isinstance(done, Failed):
            self._warned = False

    def remove(self, key: str) -> Flow[None]:
        """Forget the token of that key."""
        yield from self._memory.remove(key)
        yield from self.attempt(self.delete(hashed(key)))

    def attempt(self, flow: Flow[R]) -> Flow[R | Failed]:
        """Run `flow` unless the store has just failed; where it fails now, say so once and go on."""
        if monotonic() < self._resting_until:
            return FAILED
        try:
            return (yield from flow)
        except self._failures as error:
            self._resting_until = monotonic() + _REST
            if not self._warned:
                self._warned = True
                # The message may hold an address with a password.
                log.warning(
                    "%r failed (%s): tokens are not shared until it is back", self, type(error).__name__
                )
        return FAILED

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def hashed(key: str) -> str:
    """Return the name of a key in the store: it tells nothing, and fits everywhere."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
