"""Values that a schema allows, the same ones in every run: each union and each enumeration takes turns."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

from .catalogue import OPERATIONS, Schema, fields, paging, resolved, success

_MOST = 2000
_BOTH = [True, False]
# Characters that JSON, a URL and a form must each write in their own way.
_TEXT = 'text é|/%&+= "'
_FORMATS = {
    "date-time": "2026-01-02T03:04:05.678Z", "date": "2026-01-02", "email": "jane@example.com",
    "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "cidr": "192.0.2.0/24",
    "ipv6_cidr": "2001:db8::/32", "hostname": "example.com", "hostname-rfc2181": "example.com",
    "uuid": "123e4567-e89b-42d3-a456-426614174000", "html-color": "#0a0b0c", "html-color-or-null": "#0a0b0c",
    "forms-hex-color": "#0a0b0c", "forms-file-extension": ".pdf",
}  # fmt: skip
# One for each pattern of the catalogue; it writes one as `{8, 20}`, which counts nothing.
_TEXTS = (
    _TEXT, "text", "", "#0a0b0c", "123456789012", "+15551234567", "A" * 86 + "==", "a1" * 16, "US",
    "https://example.com/a", "us-east-1", "simplified/1.0", "aamva", "client.metadata.a", "10",
    "organization.metadata.a", "transaction.custom_domain.domain_metadata.a", "user.user_metadata.a",
    "user.app_metadata.a", "untrusted_data.authorization_params.ext-a", "example.com", "+" + "1" * 15,
    "123e4567-e89b-42d3-a456-426614174000", "+1{8, 20}",
    *(f"{prefix}_{'a1b2' * 4}" for prefix in ("con", "est", "evt", "exp", "flg", "grp", "org")),
    *(f"{prefix}_{'a1b2' * 4}" for prefix in ("rol", "seg", "ten", "var")),
)  # fmt: skip


@cache
def text(pattern: str) -> str:
    """Return a text that fits a pattern."""
    return next(each for each in _TEXTS if re.search(pattern, each))


def samples(schema: Schema) -> Iterator[Any]:
    """Go through full values until each member of each union and of each enumeration was in one of them.

    A full value has every property, even where `maxProperties` would have the server send but some at a time.
    """
    sampler = Sampler(full=True)
    for _ in range(_MOST):
        yield sampler.make(schema)
        if not sampler.unfinished:
            return
    raise AssertionError(f"not every member had its turn in {_MOST} values")


def smallest(schema: Schema) -> Any:
    """Return a value with the required properties alone."""
    return Sampler(full=False).make(schema)


class Sampler:
    """Makes values one after another, and remembers whose turn it is."""

    def __init__(self, *, full: bool) -> None:
        self.full = full
        self.turns: Counter[int] = Counter()
        self.sizes: dict[int, int] = {}
        self.within: Counter[int] = Counter()

    @property
    def unfinished(self) -> bool:
        """Whether a union that was met still has members that had no turn."""
        return any(self.turns[key] < size for key, size in self.sizes.items())

    def turn(self, members: list[Any]) -> Any:
        """Return the next of the members."""
        key = id(members)
        self.sizes[key] = len(members)
        self.turns[key] += 1
        return members[(self.turns[key] - 1) % len(members)]

    def make(self, schema: Schema) -> Any:
        """Return the next value of `schema`."""
        schema = resolved(schema)
        self.within[id(schema)] += 1
        made = self.value(schema)
        self.within[id(schema)] -= 1
        return made

    def value(self, schema: Schema) -> Any:
        if "const" in schema:
            return schema["const"]
        if "allOf" in schema:
            return {name: each for part in schema["allOf"] for name, each in self.make(part).items()}
        if "enum" in schema:
            return self.turn(schema["enum"])
        for key in ("oneOf", "anyOf"):
            if key in schema:
                return self.make(self.turn(schema[key]))
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        return getattr(self, kinds if isinstance(kinds, str) else self.turn(kinds))(schema)

    def object(self, schema: Schema) -> dict[str, Any]:
        named, extra = schema.get("properties", {}), schema.get("additionalProperties")
        if not named and extra is not False:
            each = extra if isinstance(extra, dict) else {"type": "string"}
            return {name: self.make(each) for name in ("a", "b c")}
        if not self.whole(schema):
            required = schema.get("required", [])
            names = [*required, *(name for name in named if name not in required)]
            named = {
                name: named[name] for name in names[: max(len(required), schema.get("minProperties", 0))]
            }
        return {name: self.make(each) for name, each in named.items()}

    def array(self, schema: Schema) -> list[Any]:
        least = schema.get("minItems", 0)
        size = min(max(2, least), schema.get("maxItems", max(2, least))) if self.whole(schema) else least
        return [self.make(schema.get("items", {})) for _ in range(size)]

    def whole(self, schema: Schema) -> bool:
        """Say whether to make all of it: not for ever, where a schema holds itself."""
        return self.full and self.within[id(schema)] < 3

    def string(self, schema: Schema) -> str:
        made = _FORMATS.get(schema.get("format", "")) or text(schema.get("pattern", ""))
        if "pattern" in schema:
            return made
        return made.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength")]

    def number(self, schema: Schema) -> float:
        return max(min(2.5, schema.get("maximum", 2.5)), schema.get("minimum", 2.5))

    def integer(self, schema: Schema) -> int:
        return max(min(7, schema.get("maximum", 7)), schema.get("minimum", 7))

    def boolean(self, schema: Schema) -> bool:
        return self.turn(_BOTH)

    def null(self, schema: Schema) -> None:
        return None


@cache
def queries(title: str) -> list[dict[str, Any]]:
    """Return values for all query parameters of an operation, as often as it takes."""
    named = {each["name"]: each["schema"] for each in OPERATIONS[title]["query"]}
    return list(samples({"type": "object", "properties": named, "additionalProperties": False}))


@cache
def _samples_of(schema: str) -> list[Any]:
    """Return the samples of a schema in JSON: of one that is the same under another name as well."""
    return list(samples(json.loads(schema)))


@cache
def bodies(title: str) -> list[Any]:
    """Return full bodies, as often as it takes; `[None]` where the operation has no body."""
    operation = OPERATIONS[title]
    if not operation["body"]:
        return [None]
    made = _samples_of(json.dumps(resolved(operation["body"]["schema"])))
    # Keywords cannot say that a body with fields is null.
    return [each for each in made if fields(operation) is None or each is not None]


@cache
def answers(title: str) -> list[Any]:
    """Return full answers, as often as it takes, then one with only what the schema requires."""
    operation = OPERATIONS[title]
    _, schema = success(operation)
    made = [] if schema is None else [*samples(schema), smallest(schema)]
    for value in made:
        for field in paging(operation) if isinstance(value, dict) else ():
            # The catalogue calls the counters numbers, and no server counts in fractions.
            if isinstance(value.get(field), float):
                value[field] = int(value[field])
    return made
