"""Answers that are the same thing under several names: what creates, gets or updates it is one class."""

import re
from collections.abc import Callable, Iterable, Mapping

from msgspec import structs

from codegen.facts import Schema

_VERB = re.compile(r"^(Get|List|Create|Post|Update|Patch|Set|Put|Rotate|Regenerate)(?=[A-Z])")
_PART = re.compile(r"(RequestContent|ResponseContent|ResponseSchema|Schema|Response)$")


def noun(schema: str) -> str:
    """Return the name of a schema without the verb and the part that it plays in a call."""
    return _VERB.sub("", _PART.sub("", schema))


def one_class_each(
    schemas: Mapping[str, Schema], canonical: Callable[[str], str]
) -> tuple[dict[str, str], dict[str, Schema]]:
    """Return which schema stands for others of its noun where they are read, and these schemas, merged.

    Only what agrees on every property that they share is one thing.
    """
    groups: dict[str, list[str]] = {}
    for name, schema in schemas.items():
        if schema.properties and canonical(name) == name:
            groups.setdefault(noun(name), []).append(name)
    stands_for: dict[str, str] = {}
    merged: dict[str, Schema] = {}
    for bare, names in groups.items():
        names.sort(key=lambda name: (name != bare, not name.startswith("Get"), "Request" in name))
        first, *others = names
        for other in others:
            together = merge([merged.get(first, schemas[first]), schemas[other]], canonical)
            if together is not None and _alike(schemas[first], schemas[other]):
                merged[first] = together
                stands_for[other] = first
    return stands_for, merged


def _alike(schema: Schema, other: Schema) -> bool:
    shared = len(schema.properties.keys() & other.properties.keys())
    return shared * 2 >= min(len(schema.properties), len(other.properties))


def merge(schemas: Iterable[Schema], canonical: Callable[[str], str]) -> Schema | None:
    """Return an object with the properties of all; `None` where two differ in what a property is."""
    properties: dict[str, Schema] = {}
    required: set[str] | None = None
    first: Schema | None = None
    for schema in schemas:
        first = first or schema
        required = set(schema.required) if required is None else required & set(schema.required)
        for name, value in schema.properties.items():
            known = properties.setdefault(name, value)
            if known != value and not (
                known.target and value.target and canonical(known.target) == canonical(value.target)
            ):
                return None
    return first and structs.replace(first, properties=properties, required=tuple(required or ()))


def union(schemas: Iterable[Schema]) -> Schema:
    """Return an object with the properties of all; one that differs may be any of what it is."""
    found: dict[str, list[Schema]] = {}
    required: set[str] | None = None
    for schema in schemas:
        required = set(schema.required) if required is None else required & set(schema.required)
        for name, value in schema.properties.items():
            if value not in found.setdefault(name, []):
                found[name].append(value)
    properties = {name: of[0] if len(of) == 1 else Schema(one_of=tuple(of)) for name, of in found.items()}
    return Schema(type="object", properties=properties, required=tuple(required or ()))
