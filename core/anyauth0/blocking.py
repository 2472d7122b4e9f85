"""The blocking driver: performs the effects of a flow, one after another, in the calling thread."""

from __future__ import annotations

import os
import time
from _thread import LockType, allocate_lock
from collections import deque
from collections.abc import Callable, Generator, Hashable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from .errors import InvalidArgumentError
from .flow import AHEAD, Effect, Exclusive, Flow, Perform, Sleep, translate
from .messages import Request
from .transport import Transport

if TYPE_CHECKING:
    from concurrent.futures import Future

R = TypeVar("R")


class _Closed(BaseException):
    """Nobody waits for the flow any more. Not an `Exception`: as a cancellation, no flow may catch it."""


class BlockingDriver:
    """Runs flows over a blocking transport. Safe to share between threads, and to use in a forked child."""

    __slots__ = ("_locks", "transport")

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        # By process: a thread that held one when its process forked is not there to release it in the child.
        self._locks: dict[tuple[int, Hashable], LockType] = {}

    def run(self, flow: Flow[R]) -> R:
        """Perform `flow` to its end and return its result, or raise what it raises."""
        # Not a local of its own: a traceback may show those, and this may be a token.
        held: list[Any] = []
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Request):
                        held.append(self.transport.send(effect))
                    else:
                        held.append(self._perform(effect))
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(held.pop())
        except StopIteration as stop:
            value: R = stop.value
            return value
        finally:
            flow.close()

    def together(
        self, following: Callable[[], Flow[Flow[R] | None]], concurrency: int
    ) -> Generator[R, None, None]:
        """Run flows in `concurrency` threads and yield their results in order; the threads end with it.

        `following` is a flow that answers the next one, or `None` at the end. Whoever closes the generator
        waits for the requests that are under way, no more: not for those to come, nor for pauses.
        """
        if concurrency == 1:
            # There are places without threads.
            while (flow := self.run(following())) is not None:
                yield self.run(flow)
            return
        from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
        from contextlib import ExitStack
        from contextvars import copy_context
        from threading import Event

        closed = Event()

        def going_on(effect: Effect) -> Effect:
            if closed.is_set():
                raise _Closed
            return Perform(partial(closed.wait, effect.seconds)) if isinstance(effect, Sleep) else effect

        pending: deque[Future[R]] = deque()
        more, refusal = True, None
        with ExitStack() as stack:
            threads = stack.enter_context(ThreadPoolExecutor(concurrency))
            stack.callback(closed.set)
            try:
                # Starts the first of them, before a row is taken.
                threads.submit(int)
            except RuntimeError as error:
                mend = f'map: no thread can be started here ({error}); use "concurrency" 1'
                raise InvalidArgumentError("concurrency", mend) from error
            while more or pending:
                running = [future for future in pending if not future.done()]
                if pending and pending[0].done():
                    yield pending.popleft().result()
                elif more and len(running) < concurrency and len(pending) < AHEAD * concurrency:
                    try:
                        flow = self.run(following())
                    except Exception as error:
                        # What is under way is not lost with what will not come.
                        flow, refusal = None, error
                    if flow is None:
                        more = False
                    else:
                        going = translate(flow, going_on)
                        pending.append(threads.submit(copy_context().run, self.run, going))
                else:
                    wait(running, return_when=FIRST_COMPLETED)
        if refusal is not None:
            raise refusal

    def _perform(self, effect: Sleep | Exclusive[Any] | Perform[Any]) -> Any:
        if isinstance(effect, Sleep):
            return time.sleep(effect.seconds)
        if isinstance(effect, Exclusive):
            # One step of the interpreter, so it needs no lock of its own.
            with self._locks.setdefault((os.getpid(), effect.key), allocate_lock()):
                return self.run(effect.flow)
        if effect.blocking is None:
            raise TypeError("an asynchronous function cannot be called by a blocking client")
        return effect.blocking()
