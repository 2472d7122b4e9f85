"""What was seen already, so that nothing that is good for one use is used twice."""

import threading
from typing import Protocol

from ..flow import Flow

__all__ = ["MemoryReplayStore", "ReplayStore"]


class ReplayStore(Protocol):
    """Remembers ids. The method is a flow, so that one store serves both kinds of verifier."""

    def remember(self, key: str, *, now: float, until: float) -> Flow[bool]:
        """Remember `key` until then, and say whether it is new; two at the same time must not both be new.

        Times are epoch seconds. `key` is a hash, 43 letters long after a prefix.
        """
        ...


class MemoryReplayStore:
    """Remembers the newest `capacity` ids of this process.

    Where more than `capacity` come within the time that an id must be remembered, the oldest are forgotten:
    make it larger then. Several processes need a store that they share.
    """

    __slots__ = ("_capacity", "_guard", "_seen")

    def __init__(self, capacity: int = 100_000) -> None:
        self._capacity = capacity
        self._seen: dict[str, float] = {}
        self._guard = threading.Lock()

    def remember(self, key: str, *, now: float, until: float) -> Flow[bool]:
        """Remember `key` until then, and say whether it is new."""
        with self._guard:
            if self._seen.get(key, now) > now:
                return False
            self._seen.pop(key, None)
            while self._seen:
                oldest = next(iter(self._seen))
                if len(self._seen) < self._capacity and self._seen[oldest] > now:
                    break
                del self._seen[oldest]
            self._seen[key] = until
            return True
        yield

    def __repr__(self) -> str:
        return f"<MemoryReplayStore of {len(self._seen)} ids>"
