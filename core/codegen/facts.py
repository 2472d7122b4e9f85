"""The catalogue as typed values: operations, their parameters and bodies, and the schemas they speak of."""

from pathlib import Path

import msgspec

_SCHEMAS = "#/components/schemas/"


class Schema(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A JSON schema, as far as a Python type can say the same."""

    ref: str | None = msgspec.field(default=None, name="$ref")
    type: str | tuple[str, ...] | None = None
    properties: dict[str, "Schema"] = {}
    required: tuple[str, ...] = ()
    additional_properties: "bool | Schema | None" = None
    items: "Schema | None" = None
    enum: tuple[str | int | float | bool | None, ...] = ()
    one_of: tuple["Schema", ...] = ()
    any_of: tuple["Schema", ...] = ()
    all_of: tuple["Schema", ...] = ()
    maximum: float | None = None
    content_media_type: str | None = None

    @property
    def target(self) -> str | None:
        """The name of the schema that this one points to."""
        return self.ref.removeprefix(_SCHEMAS) if self.ref else None

    @property
    def types(self) -> tuple[str, ...]:
        """The JSON types that the value may have; empty where nothing is said."""
        if self.type is None:
            return ()
        return (self.type,) if isinstance(self.type, str) else self.type


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """A parameter of the path or of the query."""

    name: str
    schema: Schema = Schema()
    required: bool = False
    comma_list: bool = False


class Body(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation takes."""

    content_types: tuple[str, ...]
    schema: Schema
    required: bool


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an operation answers with one status."""

    schema: Schema | None = None
    content_type: str | None = None


class OffsetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation pages by number; `wall` and what goes beyond are known from the overlay alone."""

    page: str
    per_page: str
    items: str | None = None
    total: str = "total"
    include_totals: str | None = None
    wall: int | None = None
    beyond: str | None = None
    key: str | None = None
    advice: str | None = None


class CheckpointFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation pages by cursor."""

    from_: str = msgspec.field(name="from")
    take: str
    next: str | None = None
    items: str | None = None
    from_item_field: str | None = None


class Pagination(msgspec.Struct, frozen=True, kw_only=True):
    """How an operation pages."""

    offset: OffsetFacts | None = None
    checkpoint: CheckpointFacts | None = None

    @property
    def items(self) -> str | None:
        """The field of the answer that holds the items."""
        way = self.offset or self.checkpoint
        return way.items if way else None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation of the API."""

    resource: str
    name: str
    method: str
    path: str
    scopes: tuple[str, ...] | None = None
    lifecycle: str | None = None
    path_params: tuple[Parameter, ...] = ()
    query: tuple[Parameter, ...] = ()
    body: Body | None = None
    multipart: bool = False
    responses: dict[str, Answer]
    pagination: Pagination | None = None

    @property
    def title(self) -> str:
        """Resource and method: `users.get_all`."""
        return f"{self.resource}.{self.name}"

    @property
    def streams(self) -> bool:
        """Whether it answers server-sent events, for as long as one listens."""
        return any(each.content_type == "text/event-stream" for each in self.responses.values())

    @property
    def answer(self) -> Schema | None:
        """The schema of the first success that has one."""
        successes = (answer.schema for status, answer in sorted(self.responses.items()) if status < "300")
        return next((schema for schema in successes if schema is not None), None)


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """All operations and schemas; `same_shape` maps a schema to the one that stands for it."""

    operations: tuple[Operation, ...]
    schemas: dict[str, Schema]
    same_shape: dict[str, str]

    @property
    def resources(self) -> tuple[str, ...]:
        """The names of the resources, each once, in the order of the catalogue."""
        return tuple(dict.fromkeys(operation.resource for operation in self.operations))


def read(path: Path) -> Catalogue:
    """Read the catalogue."""
    return msgspec.json.decode(path.read_bytes(), type=Catalogue)
