"""What we know better than the catalogue, or say in our own words: the overlay, read and applied."""

import re
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Annotated, cast

import msgspec

from codegen.facts import Catalogue, Operation, Schema


class OverlayError(Exception):
    """An entry of the overlay that has nothing to change, or that changes nothing."""


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1)]


class SchemaChange(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts of one schema.

    `opaque` makes it a plain dict, `merge` lets it stand for others too, `required` are properties that the
    server always sends, `properties` says of some what they really are, as a JSON schema.
    """

    opaque: bool = False
    merge: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    properties: dict[str, Schema] = {}


class ResourceChange(_Entry, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Facts of one resource: `class` is what the tree hands out, `home` the schemas that live with it."""

    class_: str | None = msgspec.field(default=None, name="class")
    home: tuple[str, ...] = ()


class Overlay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The overlay: facts with their reasons, names of schemas, and first lines of docstrings.

    The facts of an operation are written as in the catalogue: `pagination.offset.wall = 1000`.
    """

    operation: dict[str, dict[str, object]] = {}
    schema: dict[str, SchemaChange] = {}
    resource: dict[str, ResourceChange] = {}
    name: dict[str, str] = {}
    summary: dict[str, str] = {}

    @property
    def opaque(self) -> frozenset[str]:
        """The schemas that are plain dicts."""
        return frozenset(name for name, change in self.schema.items() if change.opaque)


def read(path: Path) -> Overlay:
    """Read the overlay.

    Raises `OverlayError` for a key that it has no use for.
    """
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Overlay)
    except msgspec.ValidationError as error:
        raise OverlayError(f"{path.name}: {error}") from error


def apply(overlay: Overlay, catalogue: Catalogue) -> Catalogue:
    """Return the catalogue with the facts of the overlay in it.

    Raises `OverlayError` for an operation, schema or resource that the catalogue does not have, and for a
    fact that it says already.
    """
    titles = {operation.title for operation in catalogue.operations}
    resources = {operation.resource for operation in catalogue.operations}
    mentioned = {name.removesuffix(".item") for change in overlay.schema.values() for name in change.merge}
    mentioned.update(name for change in overlay.resource.values() for name in change.home)
    _known("operation", overlay.operation.keys(), titles)
    _known("resource", overlay.resource.keys(), resources)
    _known("summary", overlay.summary.keys(), titles | resources)
    mentioned |= {_NUMBER.sub("", name) for name in overlay.name}
    _known("schema", overlay.schema.keys() | mentioned, catalogue.schemas.keys())
    operations = tuple(
        _operation(operation, dict(overlay.operation.get(operation.title, {})))
        for operation in catalogue.operations
    )
    schemas = dict(catalogue.schemas)
    # Enumerations of the same values may mean quite different things, and cost one line.
    same_shape = {name: other for name, other in catalogue.same_shape.items() if not schemas[name].enum}
    for name, change in overlay.schema.items():
        schemas[name] = _schema(name, change, schemas)
        if change.merge:
            same_shape.pop(name, None)
            same_shape.update(dict.fromkeys(change.merge, name))
    return msgspec.structs.replace(catalogue, operations=operations, schemas=schemas, same_shape=same_shape)


# Behind the name of a schema: its items, or which of its alternatives.
_NUMBER = re.compile(r"\.(item|\d+)$")


def _known(kind: str, names: AbstractSet[str], known: AbstractSet[str]) -> None:
    for name in sorted(names - known):
        raise OverlayError(f'the catalogue has no {kind} "{name}"')


def _operation(operation: Operation, change: dict[str, object]) -> Operation:
    if not change:
        return operation
    title = f'operation "{operation.title}"'
    if not change.pop("reason", None):
        raise OverlayError(f'{title}: give the "reason"')
    facts = msgspec.to_builtins(operation)
    _set(facts, change, title)
    try:
        return msgspec.convert(facts, Operation)
    except msgspec.ValidationError as error:
        raise OverlayError(f"{title}: {error}") from error


def _set(facts: dict[str, object], change: dict[str, object], title: str) -> None:
    for name, value in change.items():
        if name not in facts:
            raise OverlayError(f'{title}: there is no fact "{name}"')
        known = facts[name]
        if isinstance(known, dict) and isinstance(value, dict):
            _set(cast("dict[str, object]", known), cast("dict[str, object]", value), title)
        elif known == value:
            raise OverlayError(f'{title}: "{name}" is {value!r} in the catalogue already')
        else:
            facts[name] = value


def _schema(name: str, change: SchemaChange, schemas: dict[str, Schema]) -> Schema:
    schema = _merged(schemas, (name, *change.merge))
    _known(f'property of "{name}"', set(change.required), schema.properties.keys())
    if set(change.required) & set(schema.required):
        raise OverlayError(f'schema "{name}": what it requires is required in the catalogue already')
    _known(f'property of "{name}"', change.properties.keys(), schema.properties.keys())
    if any(schema.properties[wire] == better for wire, better in change.properties.items()):
        raise OverlayError(f'schema "{name}": what "properties" says is in the catalogue already')
    return msgspec.structs.replace(
        schema,
        required=(*schema.required, *change.required),
        properties={**schema.properties, **change.properties},
    )


def _merged(schemas: dict[str, Schema], names: tuple[str, ...]) -> Schema:
    """Return the first schema with the properties, or the values, of the others that it lacks."""
    first = schemas[names[0]]
    if first.enum:
        values = dict.fromkeys(value for name in names for value in schemas[name].enum)
        return msgspec.structs.replace(first, enum=tuple(values))
    properties = dict(first.properties)
    for name in names[1:]:
        other = schemas[name.removesuffix(".item")]
        if name.endswith(".item") and other.items is not None:
            other = other.items
        if not other.properties:
            raise OverlayError(f'schema "{names[0]}": "{name}" is not an object with properties')
        properties = {**other.properties, **properties}
    return msgspec.structs.replace(first, properties={**first.properties, **properties})
