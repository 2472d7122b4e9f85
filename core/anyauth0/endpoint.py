"""Endpoints as methods: a method says what to send, its decorator the facts, the client does the rest.

A method decorated with `@endpoint` returns a `Call`. Reached through a resource of a blocking client it
becomes a function that returns an `ApiResponse`, through one of an asyncio client a function that returns a
coroutine of it, and through the class it is the descriptor itself, with `method`, `path` and `scopes`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping
from typing import (
    TYPE_CHECKING,
    Any,
    Concatenate,
    Generic,
    Literal,
    ParamSpec,
    TypeVar,
    Unpack,
    cast,
    get_args,
    get_origin,
    overload,
)

import msgspec

from .arguments import Arguments
from .errors import Auth0Error, InvalidArgumentError
from .flow import Flow
from .messages import ApiResponse
from .redaction import Model

if TYPE_CHECKING:
    import inspect

    from .client import Core

P = ParamSpec("P")
R = TypeVar("R")
Mode = TypeVar("Mode")
ClientAuthenticationRule = Literal["required", "optional", "id", "none"]

__all__ = [
    "Async",
    "Call",
    "Endpoint",
    "Mode",
    "Operation",
    "Resource",
    "Sync",
    "comma",
    "endpoint",
    "operation",
    "spelled",
]


class Sync:
    """The mode of a blocking client: `Users[Sync]`."""


class Async:
    """The mode of an asyncio client: `Users[Async]`."""


class Call(Model, Generic[R], frozen=True, gc=True):
    """What one call of an endpoint sends, and how its answer is read.

    - `model`: the type of `ApiResponse.data`; `NoneType` where the answer has no body
    - `path`: the values of the path template, in its order
    - `query`: `None` is not sent, a sequence repeats its name
    - `json`, `form`, `multipart`: the body, at most one of them; `None` is null in JSON, not sent elsewhere
    - `headers`: added to those of the client
    - `check`: a flow that looks at the answer before the caller sees it, and may raise
    """

    model: type[R]
    path: tuple[str, ...] = ()
    query: Mapping[str, object] = {}
    json: object = msgspec.UNSET
    form: Mapping[str, object] | None = None
    multipart: Mapping[str, object] | None = None
    headers: Mapping[str, str] = {}
    check: Callable[[Core, ApiResponse[R]], Flow[None]] | None = None

    def __repr__(self) -> str:
        return f"<Call of {getattr(self.model, '__name__', self.model)}>"


class Resource(Generic[Mode]):
    """A group of endpoints, bound to a client. Made by the client; costs nothing to hold or to make again."""

    __slots__ = ("_core",)

    def __init__(self, core: Core) -> None:
        self._core = core

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._core.options.domain}>"


class Bound:
    """A method of a resource, ready to be called; `help()` shows the signature and docstring as written."""

    __slots__ = ("descriptor", "resource")
    # `.iter` where this is a method of a method.
    part = ""

    def __init__(self, descriptor: Descriptor, resource: Resource[Any]) -> None:
        self.descriptor = descriptor
        self.resource = resource

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        refusal = started = None
        try:
            started = self._start(args, kwargs)
        except InvalidArgumentError as error:
            refusal = error.with_traceback(None)
        # A traceback that shows locals must not show passwords.
        del args, kwargs
        if refusal is not None:
            raise refusal
        return self._run(started)

    def _start(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self.descriptor.start(self.resource, args, kwargs)

    def _run(self, started: Any) -> Any:
        return self.resource._core.run(started)  # pyright: ignore[reportPrivateUsage]

    @property
    def _core(self) -> Core:
        return self.resource._core  # pyright: ignore[reportPrivateUsage]

    def __get__(self, instance: object, owner: type | None = None) -> Bound:
        # Its being there is what makes `pydoc` and `inspect` take this for a routine.
        return self

    # A subclass with a docstring of its own would hide it, so they have none.
    __doc__ = property(lambda self: self.descriptor.documentation)  # pyright: ignore[reportAssignmentType]

    def __getattr__(self, name: str) -> str:
        # The names of a function; a property of that name would be taken for the name of the class.
        if name in ("__name__", "__qualname__"):
            whole = f"{getattr(self.descriptor.function, name)}{self.part}"
            return whole.rpartition(".")[2] if name == "__name__" else whole
        raise AttributeError(f"{self.descriptor.title}{self.part} has no attribute {name!r}")

    @property
    def __signature__(self) -> inspect.Signature:
        import inspect

        signature = inspect.signature(self.descriptor.function)
        _, *parameters = [
            each.replace(annotation=f"Unpack[{get_args(each.annotation)[0].__name__}]")
            if get_origin(each.annotation) is Unpack
            else each
            for each in signature.parameters.values()
        ]
        answer = self._answered(signature.return_annotation)
        return signature.replace(parameters=parameters, return_annotation=answer)

    def _answered(self, annotation: Any) -> Any:
        """Return what a call gives to its user, by what the method says that it returns."""
        if get_origin(annotation) is Call:
            annotation = cast("Any", ApiResponse)[get_args(annotation)[0]]
        elif get_origin(annotation) is Generator:
            annotation = get_args(annotation)[2]
        return Coroutine[Any, Any, annotation] if self._core.options.asynchronous else annotation

    def __repr__(self) -> str:
        return f"<{self.descriptor.title}{self.part} of {self._core.options.domain}>"


class Descriptor:
    """What `Endpoint` and `Operation` have in common: a function, its arguments, and a way to start it."""

    bound: type[Bound] = Bound

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.arguments = Arguments(function)
        self.__doc__ = function.__doc__
        self.__wrapped__ = function

    @property
    def name(self) -> str:
        """The name of the method."""
        return self.function.__name__

    @property
    def title(self) -> str:
        """Resource and method, for messages: `users.get_all`."""
        return self.arguments.title

    @property
    def documentation(self) -> str:
        """The docstring, with the fields of the body where the signature has the name of their type only."""
        import inspect

        written, fields = inspect.getdoc(self.function) or "", self.arguments.fields
        return f"{written}\n\nFields: {', '.join(fields)}." if fields else written

    def start(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check the arguments and return what `Bound` runs: a flow, or steps."""
        raise NotImplementedError


def bare(flow: Flow[R]) -> Flow[R]:
    """Run `flow`, and let its errors come without its frames, whose locals hold what is sent."""
    try:
        return (yield from flow)
    except Auth0Error as error:
        refusal = error.with_traceback(None)
    raise refusal


class EndpointFacts(Descriptor, Generic[P, R]):
    """A method that returns a `Call`, with the facts of its endpoint.

    - `method`, `path`: the path is a template (`/users/{id}`)
    - `scopes`: any one of them is enough
    - `lifecycle`: `"GA"`, `"EA"` or `"beta"`
    - `client_authentication`: `"required"` (only confidential clients), `"optional"` (public clients too),
      `"id"` (the client says its id, no more) or `"none"`
    - `idempotent`: whether sending it twice does no more than sending it once
    """

    def __init__(
        self,
        function: Callable[Concatenate[Any, P], Call[R]],
        method: str,
        path: str,
        *,
        scopes: tuple[str, ...] = (),
        lifecycle: str = "GA",
        client_authentication: ClientAuthenticationRule = "none",
        idempotent: bool | None = None,
    ) -> None:
        super().__init__(function)
        self.method = method
        self.path = path
        self.scopes = scopes
        self.lifecycle = lifecycle
        self.client_authentication = client_authentication
        self.idempotent = method in _IDEMPOTENT if idempotent is None else idempotent

    def __repr__(self) -> str:
        return f"<endpoint {self.method} {self.path}>"

    def call(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call[R]:
        """Check the arguments and return the `Call`, without sending anything."""
        return cast("Call[R]", self.arguments.apply(resource, args, kwargs))

    def start(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Check the arguments and return the flow that does the call."""
        return resource._core.perform(self, self.call(resource, args, kwargs))  # pyright: ignore[reportPrivateUsage]

    def flow(self, resource: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> Flow[ApiResponse[R]]:
        """Call the endpoint from within another flow: `yield from Jobs.get.flow(self, id)`."""
        return cast("Flow[ApiResponse[R]]", self.start(resource, args, kwargs))


class Endpoint(EndpointFacts[P, R]):
    """An endpoint that answers one thing (see `EndpointFacts`)."""

    @overload
    def __get__(self, instance: None, owner: type) -> Endpoint[P, R]: ...
    @overload
    def __get__(self, instance: Resource[Sync], owner: type) -> Callable[P, ApiResponse[R]]: ...
    @overload
    def __get__(
        self, instance: Resource[Async], owner: type
    ) -> Callable[P, Coroutine[Any, Any, ApiResponse[R]]]: ...
    @overload
    def __get__(self, instance: Resource[Any], owner: type) -> Callable[P, Any]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else self.bound(self, instance)


_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


def endpoint(
    method: str,
    path: str,
    *,
    scopes: tuple[str, ...] = (),
    lifecycle: str = "GA",
    client_authentication: ClientAuthenticationRule = "none",
    idempotent: bool | None = None,
) -> Callable[[Callable[Concatenate[Any, P], Call[R]]], Endpoint[P, R]]:
    """Make an endpoint of a method that returns a `Call` (see `Endpoint` for the facts)."""

    def decorate(function: Callable[Concatenate[Any, P], Call[R]]) -> Endpoint[P, R]:
        return Endpoint(
            function,
            method,
            path,
            scopes=scopes,
            lifecycle=lifecycle,
            client_authentication=client_authentication,
            idempotent=idempotent,
        )

    return decorate


class Operation(Descriptor, Generic[P, R]):
    """A method that is a flow of its own, made of several calls (poll a job to its end)."""

    def start(self, resource: Resource[Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Flow[R]:
        """Check the arguments and return the flow."""
        flow: Flow[R] = self.arguments.apply(resource, args, kwargs)
        return bare(flow)

    def flow(self, resource: Resource[Any], /, *args: P.args, **kwargs: P.kwargs) -> Flow[R]:
        """Run the operation from within another flow."""
        return self.start(resource, args, kwargs)

    @overload
    def __get__(self, instance: None, owner: type) -> Operation[P, R]: ...
    @overload
    def __get__(self, instance: Resource[Sync], owner: type) -> Callable[P, R]: ...
    @overload
    def __get__(self, instance: Resource[Async], owner: type) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, instance: Resource[Any], owner: type) -> Callable[P, Any]: ...
    def __get__(self, instance: Resource[Any] | None, owner: type) -> Any:
        return self if instance is None else self.bound(self, instance)


def operation(function: Callable[Concatenate[Any, P], Flow[R]]) -> Operation[P, R]:
    """Make a method that is a flow callable: blocking or as a coroutine, as the client is."""
    return Operation(function)


def comma(values: str | Iterable[str] | None) -> str | None:
    """Return the names joined by commas, as the API wants its `fields`."""
    return values if values is None or isinstance(values, str) else ",".join(values)


def spelled(body: Mapping[str, object], **names: str) -> dict[str, object]:
    """Return a body with the API's own names for arguments that Python cannot call so (`from_`)."""
    return {names.get(name, name): value for name, value in body.items()}
