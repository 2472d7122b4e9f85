"""A token store beyond the process: a failure of it never stops a call, and is told once."""

from collections.abc import Callable, Sequence
from hashlib import sha256

from anyauth0 import AccessToken, Flow
from anyauth0.tokens import MemoryTokenStore

from ._attempts import Attempts, Failed
from ._sealing import Key, Sealing

__all__ = ["SharedStore", "hashed"]

_LONGEST = 365 * 86400.0
"""Seconds that a token is kept at most, whatever the server says of its life."""


class SharedStore:
    """Keeps tokens under the hash of their key, by three flows of the store that builds on this.

    While that fails, tokens are kept in the memory of this process, so that not every call fetches one.
    """

    __slots__ = ("_clock", "_memory", "_sealing", "attempt")

    def __init__(
        self,
        key: Key | Sequence[Key] | None,
        clock: Callable[[], float],
        failures: tuple[type[Exception], ...] = (OSError,),
    ) -> None:
        """Read the keys. `failures` are what the flows raise where the store fails."""
        self._sealing = Sealing(key)
        self._clock = clock
        self._memory = MemoryTokenStore()
        self.attempt = Attempts(self, failures, "tokens are not shared")

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
            self.attempt.worked()

    def remove(self, key: str) -> Flow[None]:
        """Forget the token of that key."""
        yield from self._memory.remove(key)
        yield from self.attempt(self.delete(hashed(key)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


def hashed(key: str) -> str:
    """Return the name of a key in the store: it tells nothing, and fits everywhere."""
    return sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
