"""The catalogue of the Management API as plain dicts, without our own code: its names, and who lacks them."""

import json
import keyword
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
Operation = dict[str, Any]

_FILE = Path(__file__).parents[2] / "core" / "catalog" / "management.json"
_CATALOGUE: dict[str, Any] = json.loads(_FILE.read_bytes())
SCHEMAS: dict[str, Schema] = _CATALOGUE["schemas"]
LISTED: list[Operation] = _CATALOGUE["operations"]
OPERATIONS: dict[str, Operation] = {f"{each['resource']}.{each['name']}": each for each in LISTED}

# A type hint of a class body would mean the field, were it called like that.
_TYPES = frozenset({"bool", "dict", "float", "int", "list", "object", "str"})


@cache
def snake(name: str) -> str:
    """Return `isMobile` as `is_mobile`; a name that Python wants for itself gets an underscore."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^0-9A-Za-z]+", "_", name)
    words = apart.strip("_").lower()
    return f"{words}_" if keyword.iskeyword(words) or words in _TYPES else words


@cache
def _named(reference: str) -> Schema:
    return resolved(SCHEMAS[reference.rpartition("/")[2]])


def resolved(schema: Schema) -> Schema:
    """Return the schema that a `$ref` stands for."""
    return _named(schema["$ref"]) if "$ref" in schema else schema


_UNIONS: dict[int, tuple[Schema, list[Schema]]] = {}
"""What is known of each schema by its identity; the schema stands there so that nothing else gets that."""


def alternatives(schema: Schema) -> list[Schema]:
    """Return the members of a union; a schema that is none is the only one."""
    if id(schema) not in _UNIONS:
        whole = resolved(schema)
        members = whole.get("oneOf") or whole.get("anyOf")
        found = [each for member in members for each in alternatives(member)] if members else [whole]
        _UNIONS[id(schema)] = (schema, found)
    return _UNIONS[id(schema)][1]


def properties(schema: Schema) -> dict[str, list[Schema]]:
    """Return the names that an object of this schema may have, each with the schemas that it may follow."""
    if "$ref" in schema:
        return _properties_of(schema["$ref"])
    found: dict[str, list[Schema]] = {}
    for name, each in schema.get("properties", {}).items():
        found.setdefault(name, []).append(each)
    for key in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(key, ()):
            for name, each in properties(part).items():
                found.setdefault(name, []).extend(each)
    return found


@cache
def _properties_of(reference: str) -> dict[str, list[Schema]]:
    return properties(_named(reference))


def elements(schema: Schema) -> list[Schema]:
    """Return the schemas that an item of an array may follow."""
    return [each["items"] for each in alternatives(schema) if "items" in each]


def values(schema: Schema) -> list[Schema]:
    """Return the schemas that the values of an open object may follow."""
    extra = [each.get("additionalProperties") for each in alternatives(schema)]
    return [each for each in extra if isinstance(each, dict)]


def fields(operation: Operation) -> dict[str, list[Schema]] | None:
    """Return the fields of a body that is one object with names, `None` for any other body and for none."""
    body = operation["body"]
    return (
        (properties(body["schema"]) if "properties" in resolved(body["schema"]) else None) if body else None
    )


def success(operation: Operation) -> tuple[int, Schema | None]:
    """Return the first 2xx status that has a schema, with that schema, or the first one with `None`."""
    answers = [(int(status), each["schema"]) for status, each in sorted(operation["responses"].items())]
    good = [(status, schema) for status, schema in answers if 200 <= status < 300]
    return next(((status, schema) for status, schema in good if schema is not None), good[0])


def paging(operation: Operation) -> dict[str, str]:
    """Return the attributes of a page by the fields of the answer that they come from."""
    pages = operation["pagination"] or {}
    offset, checkpoint = pages.get("offset") or {}, pages.get("checkpoint") or {}
    named = {"items": offset.get("items") or checkpoint.get("items"), "next": checkpoint.get("next")}
    named |= {name: offset.get(name) for name in ("total", "start", "limit", "length")}
    named |= {name: offset.get(f"{name}_field") for name in ("page", "per_page")}
    return {field: attribute for attribute, field in named.items() if field}


def lost(model: Any, value: Any, schemas: list[Schema], path: str = "$") -> Iterator[str]:
    """Go through the places of `value` that `model` does not hold, by the names that the schemas give."""
    if isinstance(value, dict):
        for name, each in value.items():
            here, named = (
                f"{path}.{name}",
                [one for schema in schemas for one in properties(schema).get(name, ())],
            )
            if isinstance(model, dict):
                within = named or [one for schema in schemas for one in values(schema)]
                yield from lost(model.get(name), each, within, here)
                if named:
                    yield f"{here} has no attribute"
            elif named and hasattr(model, snake(name)):
                yield from lost(getattr(model, snake(name)), each, named, here)
            else:
                yield f"{here} is gone"
    elif isinstance(value, list):
        if not isinstance(model, list) or len(model) != len(value):
            yield f"{path} is not the array"
            return
        items = [one for schema in schemas for one in elements(schema)]
        for mine, each in zip(model, value, strict=True):
            yield from lost(mine, each, items, f"{path}[]")
    elif model != value or isinstance(model, bool) is not isinstance(value, bool):
        yield f"{path} is another"


def lost_of_page(page: Any, value: Any, operation: Operation, schema: Schema) -> Iterator[str]:
    """Go through what a page lost: of its items, and of what stands beside them."""
    if isinstance(value, list):
        yield from lost(page.items, value, [schema])
        return
    if "per_page" in value:
        # Actions count in pages; a page counts in items.
        value = {**value, "limit": value["per_page"], "start": value["page"] * value["per_page"]}
        if (page.start, page.limit) != (value["start"], value["limit"]):
            yield "$.page is another"
    for field, each in value.items():
        if field in ("page", "per_page", "start", "limit") and "per_page" in value:
            continue
        attribute = paging(operation).get(field)
        if attribute is None:
            yield f"$.{field} has no attribute"
        else:
            yield from lost(getattr(page, attribute), each, properties(schema)[field], f"$.{field}")
