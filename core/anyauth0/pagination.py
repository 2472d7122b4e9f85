"""List endpoints as methods: one page when called, all items or pages by their iterators."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, cast, overload

from .endpoint import Async, Bound, Call, EndpointFacts, Resource, Sync, checked, started
from .flow import Flow
from .iteration import Steps, async_items, async_portions, items, portions, portions_ahead
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


class PagedBound(Bound):
    # A list endpoint, ready to be called (see `PagedMethod` and `AsyncPagedMethod`).
    __slots__ = ()
    __doc__ = Bound.__doc__

    def pages(self, *args: Any, **kwargs: Any) -> Any:
        """Go through all pages. Raises `PageLimitReached` where the server stops serving."""
        steps = started(cast("PagedEndpoint[..., Any]", self.descriptor).steps, self.resource, args, kwargs)
        del args, kwargs
        return self._portions(checked(steps))

    def iter(self, *args: Any, **kwargs: Any) -> Any:
        """Go through all items, page after page. Raises `PageLimitReached` where the server stops serving."""
        steps = started(cast("PagedEndpoint[..., Any]", self.descriptor).steps, self.resource, args, kwargs)
        del args, kwargs
        source = self._portions(checked(steps))
        return async_items(source) if self._core.options.asynchronous else items(source)

    def _portions(self, steps: Any) -> Any:
        options = self._core.options
        if not options.asynchronous:
            return portions(self._core, steps)
        return (portions_ahead if options.read_ahead else async_portions)(self._core, steps)


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
    def __get__(self, instance: None, owner: type) -> "PagedEndpoint[P, T]": ...
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
