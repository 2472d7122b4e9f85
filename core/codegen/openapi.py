"""Read the catalogue, or an OpenAPI 3.x document, as the same values, so that they can be compared."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar, cast
from urllib.parse import unquote

import msgspec

Value = str | int | float | bool | None

_SCHEMAS = "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")


class OpenApiError(Exception):
    """A file that is not an OpenAPI document of version 3.x, or not a whole one."""


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON schema with what OpenAPI 3.0, OpenAPI 3.1 and the catalogue may say."""

    ref: str | None = msgspec.field(default=None, name="$ref")
    type: str | tuple[str, ...] = ()
    nullable: bool = False
    format: str | None = None
    properties: dict[str, "Shape | bool"] = {}
    required: tuple[str, ...] = ()
    additional_properties: "Shape | bool" = True
    items: "Shape | bool | None" = None
    enum: tuple[Value, ...] = ()
    const: Value | msgspec.UnsetType = msgspec.UNSET
    one_of: tuple["Shape | bool", ...] = ()
    any_of: tuple["Shape | bool", ...] = ()
    all_of: tuple["Shape | bool", ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    minimum: float | None = None
    maximum: float | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_properties: int | None = None
    max_properties: int | None = None
    since: str | None = None
    removed_in: str | None = msgspec.field(default=None, name="removed_in")
    enum_since: dict[str, str] = msgspec.field(default_factory=dict[str, str], name="enum_since")
    enum_removed_in: dict[str, str] = msgspec.field(default_factory=dict[str, str], name="enum_removed_in")

    @property
    def target(self) -> str | None:
        """The name of the schema that this one points to."""
        return self.ref.removeprefix(_SCHEMAS) if self.ref else None

    @property
    def ours(self) -> bool:
        """Whether the catalogue has it from the OpenAPI document, and nothing newer lacks it."""
        return not (self.since or self.removed_in)

    @property
    def parts(self) -> "Iterator[Shape]":
        """The schemas that are written inside of this one."""
        inside = (*self.properties.values(), self.additional_properties, self.items)
        for part in (*inside, *self.one_of, *self.any_of, *self.all_of):
            if isinstance(part, Shape):
                yield part


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the path, of the query or of the headers."""

    ref: str | None = msgspec.field(default=None, name="$ref")
    name: str = ""
    place: str = msgspec.field(default="", name="in")
    schema: Shape = Shape()
    required: bool = False
    explode: bool | None = None
    since: str | None = None


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation takes; `required` is `None` where the document does not say."""

    content_types: tuple[str, ...]
    schema: Shape
    required: bool | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation answers with one status."""

    schema: Shape | None = None
    content_type: str | None = None
    since: str | None = None
    inferred: bool = False


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation; `resource` and `name` are the catalogue's."""

    method: str
    path: str
    resource: str = ""
    name: str = ""
    scopes: tuple[str, ...] | None = None
    lifecycle: str | None = None
    path_params: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    body: Body | None = None
    responses: dict[str, Answer] = {}
    since: str | None = None
    removed_in: str | None = None
    absent_from: str | None = None
    scopes_inferred: bool = False
    group: str = ""

    @property
    def ours(self) -> bool:
        """Whether the catalogue has it from the OpenAPI document, and nothing newer lacks it."""
        return (self.since or "").startswith("oas-") and not (self.removed_in or self.absent_from)

    @property
    def title(self) -> str:
        """Method and path: `GET /users`."""
        return f"{self.method} {self.path}"

    @property
    def shapes(self) -> Iterator[Shape]:
        """The schemas that the operation speaks of itself."""
        for parameter in (*self.path_params, *self.query, *self.headers):
            yield parameter.schema
        if self.body is not None:
            yield self.body.schema
        for answer in self.responses.values():
            if answer.schema is not None:
                yield answer.schema


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The operations, and the schemas that they reach, by name."""

    operations: tuple[Operation, ...]
    schemas: dict[str, Shape]


def read_catalogue(path: Path) -> Facts:
    """Read the catalogue."""
    return msgspec.json.decode(path.read_bytes(), type=Facts)


def read(path: Path) -> Facts:
    """Read an OpenAPI document.

    Raises `OpenApiError` for what is no OpenAPI 3.x in JSON, and for a reference that leads nowhere.
    """
    try:
        root = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        version = root.get("openapi")
        if not isinstance(version, str) or not version.startswith("3."):
            raise OpenApiError(f'"openapi" must be a version 3.x, not {version!r}')
        if "paths" not in root:
            raise OpenApiError('"paths" is missing')
        return _Document(root).facts()
    except OSError as error:
        raise OpenApiError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, OpenApiError) as error:
        raise OpenApiError(f"{path}: {error}") from error


class _Media(msgspec.Struct):
    schema: Shape | None = None


class _Content(msgspec.Struct):
    ref: str | None = msgspec.field(default=None, name="$ref")
    content: dict[str, _Media] = {}
    required: bool | None = None

    @property
    def answer(self) -> Answer:
        kind = "application/json" if "application/json" in self.content else next(iter(self.content), None)
        schema = self.content[kind].schema if kind else None
        # Of a body without a schema the catalogue says nothing.
        return Answer(schema=schema, content_type=kind if schema else None)


class _Item(msgspec.Struct):
    ref: str | None = msgspec.field(default=None, name="$ref")
    parameters: tuple[Parameter, ...] = ()
    get: dict[str, object] | None = None
    post: dict[str, object] | None = None
    put: dict[str, object] | None = None
    patch: dict[str, object] | None = None
    delete: dict[str, object] | None = None


class _Written(msgspec.Struct, rename="camel"):
    parameters: tuple[Parameter, ...] = ()
    request_body: _Content | None = None
    responses: dict[str, _Content] = {}
    security: tuple[dict[str, tuple[str, ...]], ...] | None = None
    lifecycle: str | None = msgspec.field(default=None, name="x-release-lifecycle")


T = TypeVar("T")
R = TypeVar("R", Parameter, Shape, _Content, _Item)


class _Document:
    """An OpenAPI document whose references are followed when they are met."""

    def __init__(self, root: dict[str, object]) -> None:
        self._root = root

    def facts(self) -> Facts:
        operations = tuple(self._operations())
        schemas: dict[str, Shape] = {}
        waiting = [shape for operation in operations for shape in operation.shapes]
        while waiting:
            shape = waiting.pop()
            waiting.extend(shape.parts)
            if shape.ref and shape.target and shape.target not in schemas:
                schemas[shape.target] = self._followed(shape)
                waiting.append(schemas[shape.target])
        return Facts(operations=operations, schemas=schemas)

    def _operations(self) -> Iterator[Operation]:
        security = self._root.get("security")
        for path, raw in _typed(self._root["paths"], dict[str, object], "paths").items():
            item = self._followed(_typed(raw, _Item, path))
            for method in _METHODS:
                operation: dict[str, object] | None = getattr(item, method)
                if operation is not None:
                    yield self._operation(
                        method.upper(), path, item.parameters, {"security": security, **operation}
                    )

    def _operation(
        self, method: str, path: str, shared: tuple[Parameter, ...], raw: dict[str, object]
    ) -> Operation:
        title = f"{method} {path}"
        written = _typed(raw, _Written, title)
        # What the operation says of a parameter comes in place of what its path says.
        parameters = {
            (each.place, each.name): each for each in map(self._followed, (*shared, *written.parameters))
        }

        def of(place: str) -> tuple[Parameter, ...]:
            return tuple(each for each in parameters.values() if each.place == place)

        scopes = {scope for way in written.security or () for listed in way.values() for scope in listed}
        for name, value in raw.items():
            if name.startswith("x-") and name.endswith("scopes"):
                scopes.update(_typed(value, tuple[str, ...], f'{title}, "{name}"'))
        sent = self._followed(written.request_body) if written.request_body else None
        body = (
            None
            if sent is None
            else Body(
                content_types=tuple(sent.content),
                schema=sent.answer.schema or Shape(),
                required=sent.required,
            )
        )
        return Operation(
            method=method,
            path=path,
            scopes=tuple(sorted(scopes)) or None,
            lifecycle=written.lifecycle,
            group=next(iter(re.findall(r"[\w-]+", str(raw.get("x-operation-group", "")))), ""),
            path_params=of("path"),
            query=of("query"),
            headers=of("header"),
            body=body,
            responses={status: self._followed(each).answer for status, each in written.responses.items()},
        )

    def _followed(self, value: R) -> R:
        seen: set[str] = set()
        while value.ref is not None:
            if value.ref in seen:
                raise OpenApiError(f'"{value.ref}" leads back to itself')
            seen.add(value.ref)
            value = _typed(self._at(value.ref), type(value), value.ref)
        return value

    def _at(self, reference: str) -> object:
        """Return what a reference points to."""
        start, *keys = reference.split("/")
        if start != "#":
            raise OpenApiError(f'"{reference}" is in another file: bundle the document into one')
        found: object = self._root
        try:
            for key in keys:
                key = unquote(key).replace("~1", "/").replace("~0", "~")
                inside = cast("dict[str | int, object]", found)
                found = inside[int(key) if isinstance(found, list) else key]
        except (LookupError, TypeError, ValueError):
            raise OpenApiError(f'"{reference}" is not there') from None
        return found


def _typed(value: object, type_: type[T], where: str) -> T:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        raise OpenApiError(f"{where}: {error}") from error
