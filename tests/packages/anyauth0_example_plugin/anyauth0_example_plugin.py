"""Puts a correlation id on every call, the same on each of its attempts."""

import uuid
from collections.abc import Callable, Sequence

from anyauth0 import ClientOptions, Flow, Handler, Middleware, Request, Response, hookimpl

__all__ = ["Correlation", "default"]


def _new_id() -> str:
    return str(uuid.uuid4())


class Correlation:
    """Adds `x-correlation-id`, asking `source` once for each call: a new UUID, or what your function says.

    Use it as `plugins=["correlation"]`, or as `plugins=[Correlation(my_context_variable.get)]`.
    """

    def __init__(self, source: Callable[[], str] = _new_id) -> None:
        self._source = source

    @hookimpl
    def anyauth0_middleware(self, options: ClientOptions) -> Sequence[Middleware]:
        """Offer the one layer."""
        return [self._correlate]

    def _correlate(self, request: Request, inner: Handler) -> Flow[Response]:
        return inner(request.with_headers({"x-correlation-id": self._source()}))


default = Correlation()
"""The plugin `correlation`."""
