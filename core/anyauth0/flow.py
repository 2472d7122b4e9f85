"""Logic without I/O: a flow yields what it needs done and receives the outcome.

A flow is a generator. It yields effects (`Request`, `Sleep`, `Exclusive`, `Perform`) and is sent their
results; a driver (`blocking`, `aio`) performs them. What is written as a flow exists once, for both worlds.

Rules: delegate with `yield from`; never yield in `finally`; catch `TransportError`, never `BaseException`.
A driver closes a flow that it cannot finish (Ctrl-C, cancellation), and a flow must let itself be closed.
"""

from collections.abc import Awaitable, Callable, Generator, Hashable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from .messages import Request, Response

R = TypeVar("R")

__all__ = [
    "Effect", "Exclusive", "Flow", "Handler", "Middleware", "Perform", "Sleep",
    "compose", "exclusive", "perform", "send", "sleep", "translate",
]  # fmt: skip


AHEAD = 4
"""Of flows that run together, results may wait for their turn: this many for each that may be under way."""


class Sleep(msgspec.Struct, frozen=True):
    """Wait this many seconds."""

    seconds: float


class Exclusive(msgspec.Struct, Generic[R], frozen=True):
    """Run `flow` while holding the lock of `key`: no other flow of this client holds it meanwhile."""

    key: Hashable
    flow: "Generator[Effect, Any, R]"


class Perform(msgspec.Struct, Generic[R], frozen=True):
    """Let the driver call a function of your own that does I/O.

    The blocking driver runs `blocking`. The asyncio driver awaits `asynchronous` where there is one, and runs
    `blocking` in a thread where there is not. At least one must be given.
    """

    blocking: Callable[[], R] | None = None
    asynchronous: Callable[[], Awaitable[R]] | None = None

    def __repr__(self) -> str:
        # A function may show what it was made of: a `partial` does.
        return "<Perform>"


Effect: TypeAlias = Request | Sleep | Exclusive[Any] | Perform[Any]
Flow: TypeAlias = Generator[Effect, Any, R]
Handler: TypeAlias = Callable[[Request], Flow[Response]]
Middleware: TypeAlias = Callable[[Request, Handler], Flow[Response]]


def send(request: Request) -> Flow[Response]:
    """Send one request over the transport of the client.

    Raises `TransportError` or `TransportTimeout` when there is no answer.
    """
    response: Response = yield request
    return response


def sleep(seconds: float) -> Flow[None]:
    """Wait this many seconds."""
    yield Sleep(seconds)


def exclusive(key: Hashable, flow: Flow[R]) -> Flow[R]:
    """Run `flow` while holding the lock of `key` and return what it returns."""
    result: R = yield Exclusive(key, flow)
    return result


def perform(
    blocking: Callable[[], R] | None = None, asynchronous: Callable[[], Awaitable[R]] | None = None
) -> Flow[R]:
    """Have the driver call the function of its kind and return what that returns (see `Perform`)."""
    result: R = yield Perform(blocking, asynchronous)
    return result


def compose(middleware: Sequence[Middleware], handler: Handler = send) -> Handler:
    """Wrap `handler` in `middleware`, the first one outermost."""

    def wrap(outer: Middleware, inner: Handler) -> Handler:
        return lambda request: outer(request, inner)

    for layer in reversed(middleware):
        handler = wrap(layer, handler)
    return handler


def translate(flow: Flow[R], change: Callable[[Effect], Effect]) -> Flow[R]:
    """Run `flow` with every effect that it yields put through `change` first, inside `Exclusive` too.

    An exception that `change` raises is raised in the flow at the place of the effect.
    """
    # Not a local of its own: a traceback may show those, and this may be a token.
    held: list[Any] = []
    try:
        effect = next(flow)
        while True:
            try:
                changed = change(effect)
                if isinstance(changed, Exclusive):
                    changed = Exclusive(changed.key, translate(changed.flow, change))
                held.append((yield changed))
            except Exception as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(held.pop())
    except StopIteration as stop:
        value: R = stop.value
        return value
    finally:
        flow.close()
