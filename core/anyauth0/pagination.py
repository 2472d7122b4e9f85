"""List endpoints as methods: one page when called, all items or pages by their iterators."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, get_args, overload

from .endpoint import Async, Bound, Call, EndpointFacts, Resource, Sync
from .flow import Flow
from .iteration import IterationBound, Steps, async_items, async_portions, items, portions, portions_ahead
from .messages import ApiResponse
from .pages import Checkpoint, Offset, Page

P = ParamSpec("P")
T = TypeVar("T")

__all__ = ["PagedEndpoint", "paged"]


class PagedMethod(Protocol[P, T]):
    """A list endpoint of a blocking client."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> ApiResponse[Page[T]]:
        """Get one page."""
        ...

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        ...

    def pages(self, *args: P.args, **kwargs: P.kwargs) -> Iterator[Page[T]]:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        ...


class AsyncPagedMethod(Protocol[P, T]):
    """A list endpoint of an asyncio client."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, ApiResponse[Page[T]]]:
        """Get one page."""
        ...

    def iter(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[T]:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        ...

    def pages(self, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[Page[T]]:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        ...


class BoundPages(IterationBound):
    # `users.get_all.pages`, ready to be called. A docstring of the class would hide that of the method.
    __slots__ = ()
    __doc__ = property(lambda _: PagedMethod[..., Any].pages.__doc__)  # pyright: ignore[reportAssignmentType]
    part = ".pages"

    def _start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return cast("PagedEndpoint[..., Any]", self.descriptor).steps(self.resource, args, kwargs)

    def _run(self, started: Any) -> Any:
        core = self._core
        if not core.options.asynchronous:
            return portions(core, started)
        return (portions_ahead if core.options.read_ahead else async_portions)(core, started)


class BoundItems(BoundPages):
    # `users.get_all.iter`, ready to be called.
    __slots__ = ()
    __doc__ = property(lambda _: PagedMethod[..., Any].iter.__doc__)  # pyright: ignore[reportAssignmentType]
    part = ".iter"

    def _answered(self, annotation: Any) -> Any:
        return super()._answered(get_args(annotation)[0])

    def _run(self, started: Any) -> Any:
        source = super()._run(started)
        return async_items(source) if self._core.options.asynchronous else items(source)


class PagedBound(Bound):
    # A list endpoint, ready to be called (see `PagedMethod` and `AsyncPagedMethod`).
    __slots__ = ()
    __doc__ = Bound.__doc__

    @property
    def pages(self) -> BoundPages:
        """Go through all pages."""
        return BoundPages(self.descriptor, self.resource)

    @property
    def iter(self) -> BoundItems:
        """Go through all items, page after page."""
        return BoundItems(self.descriptor, self.resource)


class PagedEndpoint(EndpointFacts[P, Page[T]], Generic[P, T]):
    """An endpoint that answers a `Page`, with the facts of its paging (see `paged`)."""

    bound = PagedBound

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], Call[Page[T]]],
        method: str,
        path: str,
        *,
        items: str | None,
        offset: Offset | None,
        checkpoint: Checkpoint | None,
        scopes: tuple[str, ...] = (),
        lifecycle: str = "GA",
    ) -> None:
        super().__init__(function, method, path, scopes=scopes, lifecycle=lifecycle)
        self.items = items
        self.offset = offset
        self.checkpoint = checkpoint

    def steps(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Steps[Page[T]]:
        """Check the arguments and return a flow for each page in turn."""
        from .page_steps import by_cursor, by_number

        self.call(resource, args, kwargs)

        def fetch(**paging: object) -> Flow[Page[T]]:
            flow: Flow[ApiResponse[Page[T]]] = self.start(resource, args, {**kwargs, **paging})
            return (yield from flow).data

        numbered = self.offset is not None and any(
            kwargs.get(name) is not None
            for name in (self.offset.page, self.offset.per_page, self.offset.totals)
            if name
        )
        if self.checkpoint is not None and not numbered:
            return by_cursor(self.title, self.checkpoint, kwargs, fetch)
        return by_number(self.title, self.offset or Offset(), kwargs, fetch)

    @overload
    def __get__(self, instance: None, owner: type) -> PagedEndpoint[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Sync], owner: type) -> PagedMethod[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Async], owner: type) -> AsyncPagedMethod[P, T]: ...
    @overload
    def __get__(self, instance: Resource[Any], owner: type) -> Any: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else self.bound(self, instance)


def paged(
    method: str,
    path: str,
    *,
    items: str | None = None,
    offset: Offset | None = None,
    checkpoint: Checkpoint | None = None,
    scopes: tuple[str, ...] = (),
    lifecycle: str = "GA",
) -> Callable[[Callable[Concatenate[Any, P], Call[Page[T]]]], PagedEndpoint[P, T]]:
    """Make an endpoint of a method that returns a `Call[Page[T]]`.

    `items` is the field of the answer that holds the items, `None` where the answer is always a bare array.
    """

    def decorate(function: Callable[Concatenate[Any, P], Call[Page[T]]]) -> PagedEndpoint[P, T]:
        return PagedEndpoint(
            function,
            method,
            path,
            items=items,
            offset=offset,
            checkpoint=checkpoint,
            scopes=scopes,
            lifecycle=lifecycle,
        )

    return decorate
