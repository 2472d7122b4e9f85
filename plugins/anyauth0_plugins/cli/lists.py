"""Lists gone through with each item as it came: a model would leave out what it does not know."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from anyauth0 import ApiResponse, Flow, Page, Resource
from anyauth0.pagination import PagedEndpoint

from .operations import Facts

__all__ = ["page_of", "rows_of"]


def page_of(owner: Resource[Any], operation: Facts, args: list[str], kwargs: dict[str, object]) -> Page[Any]:
    """Return one page of a list."""
    return cast("Page[Any]", _method(owner, operation)(*args, **kwargs).data)


def rows_of(
    owner: Resource[Any], operation: Facts, args: list[str], kwargs: dict[str, object]
) -> Iterator[Mapping[str, Any]]:
    """Go through all items of a list, page after page."""
    return cast("Iterator[Mapping[str, Any]]", _method(owner, operation).iter(*args, **kwargs))


def _method(owner: Resource[Any], operation: Facts) -> Any:
    return _Rows(operation).__get__(owner, type(owner))


class _Rows(PagedEndpoint[..., Any]):
    def __init__(self, endpoint: Facts) -> None:
        self.__dict__.update(endpoint.__dict__)

    def start(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Flow[Any]:
        flow = cast("Flow[ApiResponse[Any]]", super().start(resource, args, kwargs))
        answer: ApiResponse[Any] = yield from flow
        page: Page[Any] = answer.data
        body: object = answer.json()
        items = (
            cast("Mapping[str, object]", body).get(self.items or "") if isinstance(body, Mapping) else body
        )
        rows = Page[Any](
            list(map(_row, cast("list[object]", items or []))),
            total=page.total, start=page.start, limit=page.limit, length=page.length, next=page.next,
        )  # fmt: skip
        return ApiResponse[Any](answer.response, lambda _: (rows, ()))


def _row(item: object) -> object:
    return _Row(cast("dict[str, Any]", item)) if isinstance(item, dict) else item


class _Row(dict[str, Any]):
    # Paging asks for some fields of an item as those of a model.
    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None
