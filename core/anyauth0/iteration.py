"""What is gone through by and by: one definition, an iterator for blocking clients and one for asyncio.

Steps are a generator that yields flows. A driver runs each flow and sends its result, a portion, back; the
generator then says what is next. Whoever stops early closes the steps, which may let go of what they hold.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator, Iterable, Iterator
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    ParamSpec,
    TypeVar,
    cast,
    get_args,
    get_origin,
    overload,
)

from .endpoint import Async, Bound, Descriptor, Resource, Sync, bare
from .errors import Auth0Error
from .flow import Flow

if TYPE_CHECKING:
    from .client import Core

P = ParamSpec("P")
T = TypeVar("T")
Portion = TypeVar("Portion")

Steps = Generator[Flow[Portion], Portion, None]
"""A flow for each portion in turn; each is to be run and its result sent back."""

__all__ = ["Iteration", "Steps", "iteration"]


def following(steps: Steps[Portion], portion: Portion) -> Flow[Portion] | None:
    """Return the flow that comes after `portion`, or `None` at the end."""
    try:
        return steps.send(portion)
    except StopIteration:
        return None


def portions(core: Core, steps: Steps[Portion]) -> Iterator[Portion]:
    """Run the steps, blocking, and yield each portion."""
    try:
        flow = next(steps, None)
        while flow is not None:
            portion = core.run(bare(flow))
            yield portion
            flow = following(steps, portion)
    finally:
        steps.close()


async def async_portions(core: Core, steps: Steps[Portion]) -> AsyncGenerator[Portion, None]:
    """Run the steps in the running loop and yield each portion."""
    try:
        flow = next(steps, None)
        while flow is not None:
            portion = await core.run(bare(flow))
            yield portion
            flow = following(steps, portion)
    finally:
        steps.close()


async def portions_ahead(core: Core, steps: Steps[Portion]) -> AsyncGenerator[Portion, None]:
    """Run the steps and yield each portion while the next one is on its way already."""
    driver = core.session.driver
    flow = next(steps, None)
    task = None if flow is None else driver.begin(bare(flow))
    refusal: Auth0Error | None = None
    try:
        while task is not None:
            portion = await task
            task = None
            try:
                flow = following(steps, portion)
            except Auth0Error as error:
                # What came is not lost with what will not come.
                flow, refusal = None, error.with_traceback(None)
            if flow is not None:
                task = driver.begin(bare(flow))
            yield portion
    finally:
        if task is not None:
            await driver.abandon(task)
        steps.close()
    if refusal is not None:
        raise refusal


class IterationBound(Bound):
    # A method of a resource that returns an iterator; its arguments are checked when it is called.
    __slots__ = ()
    __doc__ = Bound.__doc__

    def _answered(self, annotation: Any) -> Any:
        # `Call[Event]`, or the steps of portions.
        found = get_args(annotation)
        if get_origin(annotation) is Generator:
            found = get_args(found[1])
        kind: Any = AsyncIterator if self._core.options.asynchronous else Iterator
        return kind[found[0]] if found else annotation

    def _run(self, started: Any) -> Any:
        core = self._core
        if core.options.asynchronous:
            return async_items(async_portions(core, started))
        return items(portions(core, started))


def items(source: Iterator[Iterable[T]]) -> Iterator[T]:
    """Yield the items of each portion."""
    for portion in source:
        yield from portion


async def async_items(source: AsyncGenerator[Iterable[T], None]) -> AsyncGenerator[T, None]:
    """Yield the items of each portion."""
    try:
        async for portion in source:
            for item in portion:
                yield item
    finally:
        # A loop that ends early leaves its async generators open, and what these hold.
        await source.aclose()


class Iteration(Descriptor, Generic[P, T]):
    """A method whose steps yield portions of items; what is called is an iterator over the items."""

    bound = IterationBound

    def start(
        self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Steps[Iterable[T]]:
        """Check the arguments and return the steps."""
        return cast("Steps[Iterable[T]]", self.arguments.apply(resource, args, kwargs))

    @overload
    def __get__(self, instance: None, owner: type) -> Iteration[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Sync], owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, instance: Resource[Async], owner: type) -> Callable[P, AsyncIterator[T]]: ...
    @overload
    def __get__(self, instance: Resource[Any], owner: type) -> Callable[P, Any]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else self.bound(self, instance)


def iteration(function: Callable[Concatenate[Any, P], Steps[Iterable[T]]]) -> Iteration[P, T]:
    """Make a method that yields flows of portions an iterator over their items.

    The method runs nothing by itself, not even its checks, until the first item is asked for. Where
    arguments want checking, let it be a plain function that checks and returns a generator.
    """
    return Iteration(function)
