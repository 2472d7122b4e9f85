"""Many calls of one method, a few at a time: each has an outcome, in the order of the rows."""

import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterable, Mapping, Sized
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast

import msgspec

from .endpoint import Bound, Descriptor, EndpointFacts, Operation, Resource, bare
from .errors import Auth0Error, InvalidArgumentError
from .flow import Flow
from .iteration import IterationBound
from .redaction import Model
from .rows import END, reader

if TYPE_CHECKING:
    from .client import Core

R = TypeVar("R")
Row = TypeVar("Row")

__all__ = ["AsyncOutcomes", "MapProgress", "Outcome", "Outcomes"]


class Outcome(Model, Generic[Row, R], frozen=True, kw_only=True, gc=True):
    """What became of one row.

    - `index`, `row`: which one it was, from 0
    - `response`: what the method returned, or `None` where it raised
    - `error`: what it raised, or `None`
    """

    index: int
    row: Row
    response: R | None = None
    error: Exception | None = None

    def result(self) -> R:
        """Return what the method returned. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return cast("R", self.response)

    def __repr__(self) -> str:
        # A row may hold a password.
        return f"<Outcome {self.index}: {type(self.error).__name__ if self.error else 'done'}>"


class MapProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far it is: calls that are `done`, how many of them `failed`, and the `total` where it is known."""

    done: int
    failed: int
    total: int | None


class Work(Generic[Row, R]):
    """The calls that are to be made."""

    def __init__(
        self,
        method: object,
        rows: Iterable[Row] | AsyncIterable[Row],
        concurrency: int,
        progress: Callable[[MapProgress], object] | None,
    ) -> None:
        """Check the arguments.

        Raises `InvalidArgumentError` naming the one that does not fit.
        """
        descriptor = method.descriptor if isinstance(method, Bound) else None
        # An iterator makes many calls, or has no end.
        one = isinstance(descriptor, EndpointFacts | Operation) and not isinstance(method, IterationBound)
        if not isinstance(method, Bound) or descriptor is None or not one:
            raise InvalidArgumentError(
                "method",
                'map: "method" must be one of a client that makes a call, such as client.users.update',
            )
        if not isinstance(cast("object", concurrency), int) or concurrency < 1:
            raise InvalidArgumentError("concurrency", 'map: "concurrency" must be a whole number from 1 up')
        if progress is not None and not callable(cast("object", progress)):
            raise InvalidArgumentError("progress", 'map: "progress" must be a function of a MapProgress')
        self.concurrency = concurrency
        self.core, self._resource = _as_batch(method.resource)
        self._descriptor: Descriptor = descriptor
        self._progress = progress
        self._total = len(rows) if isinstance(rows, Sized) else None
        self._next = reader(rows, asynchronous=self.core.options.asynchronous, title="map")
        self._index = self._done = self._failed = 0
        self._guard = threading.Lock()
        self.stopped = False

    def following(self) -> Flow[Flow[Outcome[Row, R]] | None]:
        """Return the flow of the next row, or `None` at the end."""
        if self.stopped:
            return None
        row = yield from self._next()
        if row is END:
            return None
        index, self._index = self._index, self._index + 1
        return self._outcome(index, row)

    def _outcome(self, index: int, row: Row) -> Flow[Outcome[Row, R]]:
        try:
            response = yield from bare(self._call(row))
            outcome = Outcome[Row, R](index=index, row=row, response=response)
        except Exception as error:
            if isinstance(error, Auth0Error):
                # Its frames hold the row.
                error.with_traceback(None)
            outcome = Outcome[Row, R](index=index, row=row, error=error)
        self._tell(failed=outcome.error is not None)
        return outcome

    def _call(self, row: object) -> Flow[R]:
        args: tuple[Any, ...] = (row,)
        kwargs: dict[str, Any] = {}
        if isinstance(row, Mapping):
            kwargs = {**cast("Mapping[str, Any]", row)}
            code = self._descriptor.function.__code__
            places = code.co_varnames[1 : code.co_posonlyargcount]
            args = tuple(kwargs.pop(name) for name in places if name in kwargs)
        elif isinstance(row, tuple):
            args = cast("Any", row)
        # The checks are part of it: a row that does not fit is an outcome too.
        flow: Flow[R] = self._descriptor.start(self._resource, args, kwargs)
        return (yield from flow)

    def _tell(self, *, failed: bool) -> None:
        with self._guard:
            self._done += 1
            self._failed += failed
            if self._progress is not None:
                self._progress(MapProgress(done=self._done, failed=self._failed, total=self._total))


def _as_batch(resource: Resource[Any]) -> "tuple[Core, Resource[Any]]":
    """Return the resource once more, over a pipeline that lets interactive calls go first."""
    core: Core = resource._core  # pyright: ignore[reportPrivateUsage]
    core = core.view(msgspec.structs.replace(core.options, priority="batch"))
    view = object.__new__(type(resource))
    view._core = core  # pyright: ignore[reportPrivateUsage]
    return core, view


class Outcomes(Generic[Row, R]):
    """The outcomes of `map`, in the order of the rows. Calls begin when the first one is asked for."""

    def __init__(self, work: Work[Row, R]) -> None:
        self._work = work
        driver = work.core.session.driver
        self._outcomes: Generator[Outcome[Row, R], None, None] = driver.together(
            work.following, work.concurrency
        )

    def stop(self) -> None:
        """Begin no other call; the outcomes of those that are under way are still to come."""
        self._work.stopped = True

    def close(self) -> None:
        """Begin no other call, and return when those that are under way are done."""
        self.stop()
        self._outcomes.close()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome[Row, R]:
        return next(self._outcomes)


class AsyncOutcomes(Generic[Row, R]):
    """The outcomes of `map` on asyncio (see `Outcomes`)."""

    def __init__(self, work: Work[Row, R]) -> None:
        self._work = work
        driver = work.core.session.driver
        self._outcomes: AsyncGenerator[Outcome[Row, R], None] = driver.together(
            work.following, work.concurrency
        )

    def stop(self) -> None:
        """Begin no other call; the outcomes of those that are under way are still to come."""
        self._work.stopped = True

    async def aclose(self) -> None:
        """Begin no other call, and cancel those that are under way."""
        self.stop()
        await self._outcomes.aclose()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Outcome[Row, R]:
        return await anext(self._outcomes)
