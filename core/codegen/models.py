"""Schemas as Python types, and the definitions that these need."""

from collections import deque
from collections.abc import Sequence

from codegen import nouns, places
from codegen.definitions import KEY, Definition, Field, keys
from codegen.facts import Catalogue, Operation, Schema
from codegen.naming import enum_stem
from codegen.overlay import Overlay

ANY_DICT = "dict[str, Any]"
_SCALARS = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}


class Models:
    """All definitions that the operations of the catalogue need, by key, with their names and modules."""

    def __init__(self, catalogue: Catalogue, overlay: Overlay) -> None:
        self._schemas = dict(catalogue.schemas)
        self._same_shape = catalogue.same_shape
        self._opaque = overlay.opaque
        self._enums = _enums(catalogue.schemas)
        # Where it is read, one schema may stand for others, with all that these have.
        self._stands_for, merged = nouns.one_class_each(catalogue.schemas, self._canonical)
        self._made = {f"r:{name}": schema for name, schema in merged.items()}
        self.users: dict[str, list[str]] = {}
        self._bodies: dict[str, str] = {}
        self.definitions: dict[str, Definition] = {}
        self._queue: deque[str] = deque()
        for operation in catalogue.operations:
            for key in self.mentioned(operation):
                self.users.setdefault(key, []).append(operation.title)
                self._queue.append(key)
            self._define_all()
        resources = {operation.resource for operation in catalogue.operations}
        self.modules = places.modules(self.definitions, self.users, overlay)
        self.names = places.names(self.definitions, self._bodies, self.modules, overlay, resources)

    def text(self, type_: str) -> str:
        """Return a type with the names of its definitions in it."""
        return KEY.sub(lambda match: self.names[match[1]], type_)

    def is_body(self, key: str) -> bool:
        """Say whether a definition is what a call sends as a whole."""
        return key in self._bodies

    def answer(self, operation: Operation) -> str | None:
        """Return the type that an operation answers; `None` for one that answers nothing."""
        schema = operation.answer
        if operation.streams:
            # The shapes of its some hundred events are an envelope each, around what nobody could name.
            return "Event"
        if schema is None:
            return None
        if operation.pagination is not None:
            return f"Page[{self._item(schema, operation.pagination.items)}]"
        return self._type(schema, "r", f"{operation.title} answer")

    def body(self, operation: Operation) -> tuple[str, tuple[Field, ...]] | None:
        """Return the type that an operation takes and, where that is an object, its fields."""
        if operation.body is None:
            return None
        # A body that may be null is one that may be left out, which costs no more than `{}`.
        type_ = self._type(operation.body.schema, "w", f"{operation.title} body").removesuffix(" | None")
        fields: tuple[Field, ...] = ()
        if type_.startswith("{w:") and type_.count("{") == 1 and type_.endswith("}"):
            fields = self._fields(type_[3:-1], "w")
        return type_, fields

    def parameter(self, schema: Schema, owner: str) -> str:
        """Return the type of a path or query parameter; one that repeats is a sequence."""
        return self._type(schema, "w", owner).replace("list[", "Sequence[", 1)

    def mentioned(self, operation: Operation) -> list[str]:
        """Return the keys of the definitions that an operation mentions; whole bodies are noted."""
        mentioned = [self.parameter(each.schema, each.name) for each in operation.query]
        mentioned.append(self.answer(operation) or "")
        body = self.body(operation)
        if body is not None:
            type_, fields = body
            if operation.multipart:
                mentioned += [field.type for field in fields]
            else:
                whole = [each for each in type_.split(" | ") if each.startswith("{w:")]
                self._bodies.update({key: operation.title for each in whole for key in keys(each)})
                mentioned.append(type_)
        return [key for each in mentioned for key in keys(each)]

    def _define_all(self) -> None:
        while self._queue:
            key = self._queue.popleft()
            if key in self.definitions:
                continue
            kind, _, name = key.partition(":")
            if kind == "e":
                self.definitions[key] = Definition(key=key, values=self._enums[name])
                continue
            fields = self._fields(name, kind)
            self.definitions[key] = Definition(key=key, fields=fields)
            for field in fields:
                for needed in keys(field.type):
                    self.users.setdefault(needed, []).append(f"{key} {field.wire}")
                    self._queue.append(needed)

    def _fields(self, name: str, side: str) -> tuple[Field, ...]:
        properties, required = self._object(self._made.get(f"{side}:{name}") or self._schemas[name])
        return tuple(
            Field(wire=wire, type=self._type(schema, side, f"{name}.{wire}"), required=wire in required)
            for wire, schema in properties.items()
        )

    def _object(self, schema: Schema) -> tuple[dict[str, Schema], frozenset[str]]:
        """Return the properties of an object and the required ones, those of `allOf` included."""
        properties, required = dict(schema.properties), set(schema.required)
        for part in schema.all_of:
            target = self._schemas[self._canonical(part.target)] if part.target else part
            more, needed = self._object(target)
            properties.update(more)
            required |= needed
        return properties, frozenset(required)

    def _canonical(self, name: str) -> str:
        while name in self._same_shape:
            name = self._same_shape[name]
        return name

    def _type(self, schema: Schema, side: str, owner: str) -> str:
        return " | ".join(self._alternatives(schema, side, owner))

    def _alternatives(self, schema: Schema, side: str, owner: str) -> tuple[str, ...]:
        if schema.target:
            name = self._canonical(schema.target)
            if side == "r":
                name = self._stands_for.get(name, name)
            null = ("None",) if "null" in self._schemas[schema.target].types else ()
            return _union([*self._alternatives(self._schemas[name], side, name), *null], side)
        null = ("None",) if "null" in schema.types else ()
        if owner in self._opaque:
            return (ANY_DICT, *null)
        values = tuple(value for value in schema.enum if isinstance(value, str))
        if values:
            self._enums.setdefault(enum_stem(owner), values)
            return (f"{{e:{enum_stem(owner)}}}", *(("None",) if None in schema.enum else null))
        if self._object(schema)[0]:
            self._schemas.setdefault(owner, schema)
            return (f"{{{side}:{self._canonical(owner)}}}", *null)
        branches = self._merged(schema.one_of or schema.any_of or schema.all_of, side, owner)
        if branches:
            found: list[str] = []
            for number, branch in enumerate(branches, 1):
                merged = branch is self._made.get(f"{side}:{owner}")
                place = owner if merged or len(branches) == 1 else f"{owner}.{number}"
                found += self._alternatives(branch, side, place)
            return _union([*found, *null], side)
        return _union([self._plain(kind, schema, side, owner) for kind in schema.types] or ["Any"], side)

    def _merged(self, branches: Sequence[Schema], side: str, owner: str) -> Sequence[Schema]:
        """Return the alternatives; where one object, or one enumeration, can stand for several, that one."""
        plain = [self._branches(branch) for branch in branches]
        flat = [each for group in plain for each in group]
        if len(flat) > 1 and all(each.enum and None not in each.enum for each in flat):
            values = dict.fromkeys(str(value) for each in flat for value in each.enum)
            return [Schema(type="string", enum=tuple(values))]
        parts = [self._object(each) for each in flat if "object" in each.types or self._object(each)[0]]
        others = [
            branch
            for branch, group in zip(branches, plain, strict=True)
            if not any("object" in each.types or self._object(each)[0] for each in group)
        ]
        # What is sent is told apart by its class, where it has one.
        named = side == "w" and all(branch.target for branch in branches)
        if named or not 2 <= len(parts) <= _MOST_OBJECTS or not all(properties for properties, _ in parts):
            return branches
        union = nouns.union(Schema(properties=each, required=tuple(needed)) for each, needed in parts)
        self._made[f"{side}:{owner}"] = union
        return [union, *others]

    def _branches(self, schema: Schema) -> list[Schema]:
        """Return the alternatives that a schema is made of, itself where there are none."""
        if schema.target:
            return self._branches(self._schemas[self._canonical(schema.target)])
        parts = schema.one_of or schema.any_of
        if not parts or self._object(schema)[0]:
            return [schema]
        return [each for part in parts for each in self._branches(part)]

    def _plain(self, kind: str, schema: Schema, side: str, owner: str) -> str:
        if kind == "array":
            items = schema.items or Schema()
            return f"list[{self._type(items, side, f'{owner}.item')}]"
        if kind == "object":
            values = schema.additional_properties
            if isinstance(values, Schema):
                return f"dict[str, {self._type(values, side, f'{owner}.value')}]"
            return ANY_DICT
        return "Upload" if schema.content_media_type and side == "w" else _SCALARS[kind]

    def _item(self, schema: Schema, field: str | None) -> str:
        """Return the type of the items of a page."""
        if schema.target:
            name = self._canonical(schema.target)
            return self._item(self._schemas[name], field)
        if schema.items is not None:
            return self._type(schema.items, "r", f"{field or 'page'}.item")
        if field in schema.properties:
            return self._item(schema.properties[field], field)
        for branch in schema.one_of or schema.any_of:
            found = self._item(branch, field)
            if found != "Any":
                return found
        return "Any"


def _enums(schemas: dict[str, Schema]) -> dict[str, tuple[str, ...]]:
    """Return the values of each enumeration by its stem: the one that may be null is no other."""
    enums: dict[str, tuple[str, ...]] = {}
    for name, schema in schemas.items():
        values = [value for value in schema.enum if isinstance(value, str)]
        if values:
            enums[enum_stem(name)] = tuple(dict.fromkeys([*enums.get(enum_stem(name), ()), *values]))
    return enums


def _union(found: list[str], side: str) -> tuple[str, ...]:
    """Return the alternatives, each once, `None` last; what is read must be told apart by its JSON type."""
    unique = list(dict.fromkeys(found))
    null = ["None"] if "None" in unique else []
    unique = [each for each in unique if each != "None"]
    if "Any" in unique:
        return ("Any",)
    if "float" in unique and "int" in unique:
        unique.remove("int")
    objects = [each for each in unique if each.startswith(("{r:", "{w:", "dict["))]
    strings = [each for each in unique if each == "str" or each.startswith("{e:")]
    arrays = [each for each in unique if each.startswith("list[")]
    if len(objects) > (1 if side == "r" or ANY_DICT in objects else _MOST_OBJECTS):
        unique = [each for each in unique if each not in objects] + [ANY_DICT]
    if len(strings) > 1:
        unique = [each for each in unique if each not in strings] + ["str"]
    if len(arrays) > 1 and side == "r":
        unique = [each for each in unique if each not in arrays] + ["list[Any]"]
    return (*unique, *null)


_MOST_OBJECTS = 10
