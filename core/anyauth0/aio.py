"""The asyncio driver: performs the effects of a flow without ever blocking the event loop."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable
from typing import Any, TypeVar

from .flow import AHEAD, Exclusive, Flow, Perform, Sleep
from .messages import Request
from .transport import AsyncTransport

R = TypeVar("R")


class AsyncDriver:
    """Runs flows over an asyncio transport. One may be used in several event loops, one after another."""

    __slots__ = ("_locks", "transport")

    def __init__(self, transport: AsyncTransport) -> None:
        self.transport = transport
        # A lock belongs to the loop in which it is awaited.
        self._locks: dict[asyncio.AbstractEventLoop, dict[Hashable, asyncio.Lock]] = {}

    async def run(self, flow: Flow[R]) -> R:
        """Perform `flow` to its end and return its result, or raise what it raises."""
        # Not a local of its own: a traceback may show those, and this may be a token.
        held: list[Any] = []
        try:
            effect = next(flow)
            while True:
                try:
                    if isinstance(effect, Request):
                        held.append(await self.transport.send(effect))
                    else:
                        held.append(await self._perform(effect))
                except Exception as error:
                    effect = flow.throw(error)
                else:
                    effect = flow.send(held.pop())
        except StopIteration as stop:
            value: R = stop.value
            return value
        finally:
            flow.close()

    def begin(self, flow: Flow[R]) -> "asyncio.Task[R]":
        """Run `flow` beside what goes on, and return what can be awaited."""
        return asyncio.create_task(self.run(flow))

    async def abandon(self, task: "asyncio.Task[Any]") -> None:
        """Stop what was begun, whatever it would have returned or raised."""
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()

    async def together(
        self, following: Callable[[], Flow[Flow[R] | None]], concurrency: int
    ) -> AsyncGenerator[R, None]:
        """Run flows in `concurrency` tasks and yield their results in order.

        `following` is a flow that answers the next one, or `None` at the end. Whoever closes the generator
        cancels the flows that are under way.
        """
        pending: deque[asyncio.Task[R]] = deque()
        more, refusal = True, None
        try:
            while more or pending:
                running = [task for task in pending if not task.done()]
                if pending and pending[0].done():
                    yield pending.popleft().result()
                elif more and len(running) < concurrency and len(pending) < AHEAD * concurrency:
                    try:
                        flow = await self.run(following())
                    except Exception as error:
                        # What is under way is not lost with what will not come.
                        flow, refusal = None, error
                    if flow is None:
                        more = False
                    else:
                        pending.append(self.begin(flow))
                else:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in pending:
                task.cancel()
            for task in pending:
                await self.abandon(task)
        if refusal is not None:
            raise refusal

    async def _perform(self, effect: Sleep | Exclusive[Any] | Perform[Any]) -> Any:
        if isinstance(effect, Sleep):
            return await asyncio.sleep(effect.seconds)
        if isinstance(effect, Exclusive):
            async with self._lock(effect.key):
                return await self.run(effect.flow)
        if effect.asynchronous is not None:
            return await effect.asynchronous()
        if effect.blocking is None:
            raise TypeError("Perform needs a function")
        return await asyncio.to_thread(effect.blocking)

    def _lock(self, key: Hashable) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if loop not in self._locks:
            # A lock that was waited for holds on to its loop, so a weak reference would never let go of it.
            for other in tuple(self._locks):
                if other.is_closed():
                    self._locks.pop(other, None)
        return self._locks.setdefault(loop, {}).setdefault(key, asyncio.Lock())
