"""The blocking driver: performs the effects of a flow, one after another, in the calling thread."""

import threading
import time
from collections.abc import Hashable
from typing import Any, TypeVar

from .flow import Effect, Exclusive, Flow, Perform, Sleep
from .transport import Transport

R = TypeVar("R")


class BlockingDriver:
    """Runs flows over a blocking transport. Safe to share between threads."""

    __slots__ = ("_locks", "_locks_guard", "transport")

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._locks: dict[Hashable, threading.Lock] = {}
        self._locks_guard = threading.Lock()

    def run(self, flow: Flow[R]) -> R:
        """Perform `flow` to its end and return its result, or raise what it raises."""
        try:
            effect = next(flow)
            while True:
                try:
                    result = self._perform(effect)
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(result)
        except StopIteration as stop:
            value: R = stop.value
            return value
        finally:
            flow.close()

    def _perform(self, effect: Effect) -> Any:
        if isinstance(effect, Sleep):
            return time.sleep(effect.seconds)
        if isinstance(effect, Exclusive):
            with self._lock(effect.key):
                return self.run(effect.flow)
        if isinstance(effect, Perform):
            if effect.blocking is None:
                raise TypeError("an asynchronous function cannot be called by a blocking client")
            return effect.blocking()
        return self.transport.send(effect)

    def _lock(self, key: Hashable) -> threading.Lock:
        with self._locks_guard:
            return self._locks.setdefault(key, threading.Lock())
