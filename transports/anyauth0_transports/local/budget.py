"""How many requests a client may still send in this second, as the Management API tells it."""

import threading

__all__ = ["Budget"]


class Budget:
    """Counts requests per second and tells the budget. It is never enforced: 429 is for `faults` to say."""

    _LIMIT = 100

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = 0
        self._spent = 0

    def spend(self, now: float) -> dict[str, str]:
        """Count a request at `now`, in epoch seconds; return the headers that tell what is left."""
        with self._lock:
            second = int(now)
            if second != self._second:
                self._second, self._spent = second, 0
            self._spent = min(self._spent + 1, self._LIMIT)
            remaining = self._LIMIT - self._spent
        return {
            "x-ratelimit-limit": str(self._LIMIT),
            "x-ratelimit-remaining": str(remaining),
            "x-ratelimit-reset": str(second + 1),
        }
