"""Say what an OpenAPI document has that the catalogue lacks, what it lacks, and what it says otherwise.

What the catalogue knows from elsewhere (`since`, `removed_in`, `absent_from`) need not be in the document.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import msgspec
from msgspec import UNSET, Struct, structs

from codegen.naming import singular
from codegen.openapi import Facts, OpenApiError, Operation, Parameter, Shape, Value, read, read_catalogue

_LIMITS = {each.encode_name: each.name for each in structs.fields(Shape) if each.name[:3] in ("min", "max")}


class Change(Struct, frozen=True, order=True):
    """One line of the report: `group` and `subject` are the headings that it stands under."""

    group: str
    subject: str
    text: str


def compare(document: Path, catalogue: Path) -> int:
    """Print the report and return the exit status: 0 for no difference, 1 for some, 2 for no document."""
    try:
        new = read(document)
        found = sorted(set(changes(read_catalogue(catalogue), new)))
    except (OpenApiError, RecursionError) as error:
        endless = isinstance(error, RecursionError)
        sys.stderr.write(f'{document}: a schema is in its own "allOf"\n' if endless else f"{error}\n")
        return 2
    for group, in_group in groupby(found, lambda change: change.group):
        sys.stdout.write(f"{group}\n")
        for subject, of_subject in groupby(in_group, lambda change: change.subject):
            sys.stdout.write(f"  {subject}\n")
            sys.stdout.writelines(f"    {change.text}\n" for change in of_subject if change.text)
    if not found:
        sys.stdout.write("no difference\n")
    return 1 if found else 0


def changes(old: Facts, new: Facts) -> Iterator[Change]:
    """Go through the differences; one that is met on several ways comes several times."""
    comparison = _Comparison(old, new)
    listed = {operation.title: operation for operation in new.operations}
    for operation in old.operations:
        subject = f"{operation.title} ({operation.resource}.{operation.name})"
        if operation.title in listed:
            place = _Place("changed operations", subject, ours=operation.ours)
            yield from comparison.operation(place, operation, listed.pop(operation.title))
        elif operation.ours:
            yield Change("gone operations", subject, "")
    for title, operation in listed.items():
        facts = [f"lifecycle {operation.lifecycle}"] if operation.lifecycle else []
        facts += [f'scope "{scope}"' for scope in operation.scopes or ()]
        name = propose(operation, old.operations, new.operations)
        yield Change("new operations", f"{title} ({name})", ", ".join(facts))
    for name in old.schemas.keys() & new.schemas.keys():
        yield from comparison.schema(comparison.place(name), old.schemas[name], new.schemas[name])


class _Place(Struct, frozen=True):
    """Where a fact stands; `ours` is whether the catalogue has it from the OpenAPI document."""

    group: str
    subject: str
    part: str = ""
    path: str = ""
    ours: bool = True

    def of(self, part: str) -> "_Place":
        return structs.replace(self, part=part)

    def at(self, step: str, *, ours: bool = True) -> "_Place":
        path = f"{self.path}.{step}" if self.path and step[0] not in "[{|" else self.path + step
        return structs.replace(self, path=path, ours=self.ours and ours)

    def change(self, text: str) -> Change:
        inside = f'property "{self.path}"' if self.path else ""
        where = ", ".join(filter(None, (self.part, inside)))
        return Change(self.group, self.subject, f"{where}: {text}" if where else text)

    def differs(self, fact: str, old: object, new: object) -> Iterator[Change]:
        if old != new and (new is not None or self.ours):
            yield self.change(f"{fact} is {_word(new)}, was {_word(old)}")


def _word(value: object) -> object:
    return "not given" if value is None else value


class _Kind(Struct, frozen=True, kw_only=True):
    """What a schema comes to after `allOf`, `const`, and the several ways to allow null."""

    ref: str | None = None
    shape: Shape = Shape()
    types: frozenset[str] = frozenset()
    nullable: bool = False
    values: frozenset[Value] = frozenset()
    members: tuple[Shape, ...] = ()


class _Schemas:
    """The schemas of one side, to be read as kinds."""

    def __init__(self, named: Mapping[str, Shape]) -> None:
        self.named = named

    def kind(self, schema: Shape | bool | None) -> _Kind:
        """Return what a schema comes to; a reference stays one."""
        shape = schema if isinstance(schema, Shape) else Shape()
        if shape.target:
            return _Kind(ref=shape.target, nullable=shape.nullable)
        if shape.all_of:
            return self._merged(shape)
        values = shape.enum if shape.const is UNSET else (shape.const,)
        named = (shape.type,) if isinstance(shape.type, str) else shape.type
        types = frozenset(named or (_TYPES[type(value)] for value in values))
        union = [each for each in shape.one_of or shape.any_of if isinstance(each, Shape)]
        members = tuple(each for each in union if each.type not in ("null", ("null",)))
        nullable = shape.nullable or "null" in types or len(members) < len(union)
        if len(members) == 1 and not types:
            kind = self.kind(members[0])
            return structs.replace(kind, nullable=nullable or kind.nullable)
        return _Kind(
            shape=shape,
            types=types - {"null"},
            nullable=nullable,
            values=frozenset(values) - {None},
            members=members,
        )

    def whole(self, kind: _Kind) -> _Kind:
        """Return what a reference stands for."""
        if kind.ref is None:
            return kind
        found = self.whole(self.kind(self.named[kind.ref]))
        return structs.replace(found, nullable=kind.nullable or found.nullable)

    def said(self, kind: _Kind) -> str:
        """Return a kind in words."""
        if kind.ref:
            plain = kind.ref
        elif kind.members:
            plain = "one of " + ", ".join(sorted(self.said(self.kind(each)) for each in kind.members))
        elif "array" in kind.types and len(kind.types) == 1:
            plain = f"array of {self.said(self.kind(kind.shape.items))}"
        else:
            plain = " or ".join(sorted(kind.types)) or "anything"
        form = f" ({kind.shape.format})" if kind.shape.format else ""
        return plain + form + " or null" * kind.nullable

    def _merged(self, shape: Shape) -> _Kind:
        parts = [self.kind(each) for each in shape.all_of]
        own = structs.replace(shape, all_of=())
        if len(parts) == 1 and own == Shape(nullable=shape.nullable):
            return structs.replace(parts[0], nullable=shape.nullable or parts[0].nullable)
        kinds = [self.whole(part) for part in (*parts, self.kind(own))]
        properties = {name: each for kind in kinds for name, each in kind.shape.properties.items()}
        required = tuple(name for kind in kinds for name in kind.shape.required)
        base = next((kind for kind in kinds if kind.types), kinds[0])
        return structs.replace(
            base,
            shape=structs.replace(base.shape, properties=properties, required=required),
            nullable=shape.nullable,
            members=tuple(member for kind in kinds for member in kind.members),
        )


_TYPES = {str: "string", bool: "boolean", int: "integer", float: "number", type(None): "null"}
# What names the page that is asked for; `from` alone may also be a day.
_PAGING = {"page", "per_page", "include_totals", "from", "take"}


class _Comparison:
    """The catalogue, and the document that it is held against."""

    def __init__(self, old: Facts, new: Facts) -> None:
        self._old = _Schemas(old.schemas)
        self._new = _Schemas(new.schemas)
        # Pairs of schemas with different names that are being compared: a schema may contain itself.
        self._open: set[tuple[str, str]] = set()

    def operation(self, place: _Place, old: Operation, new: Operation) -> Iterator[Change]:
        before, after = set(old.scopes or ()), set(new.scopes or ())
        known = after or (place.ours and not old.scopes_inferred)
        yield from (place.change(f'scope "{scope}": new') for scope in after - before)
        yield from (place.change(f'scope "{scope}": gone') for scope in before - after if known)
        yield from place.differs("lifecycle", old.lifecycle, new.lifecycle)
        pages = {each.name for each in (*old.query, *new.query)} & {"per_page", "take"}
        for kind, were, are in (
            ("path parameter", old.path_params, new.path_params),
            ("query parameter", old.query, new.query),
            ("header", old.headers, new.headers),
        ):
            was, now = {each.name: each for each in were}, {each.name: each for each in are}
            for name in was.keys() | now.keys():
                paging = kind == "query parameter" and pages and name in _PAGING
                part = place.of(f'{"pagination parameter" if paging else kind} "{name}"')
                yield from self._parameter(part, was.get(name), now.get(name))
        body = place.of("body")
        if old.body and new.body:
            kinds, listed = set(old.body.content_types), set(new.body.content_types)
            yield from (body.change(f"content type {kind}: new") for kind in listed - kinds)
            yield from (body.change(f"content type {kind}: gone") for kind in kinds - listed if place.ours)
            # The OpenAPI document does not say in most places.
            if new.body.required not in (None, old.body.required):
                yield body.change(f"is {'required' if new.body.required else 'optional'} now")
            yield from self.schema(body, old.body.schema, new.body.schema)
        elif new.body:
            yield body.change(f"new, {self._new.said(self._new.kind(new.body.schema))}")
        elif old.body and place.ours:
            yield body.change("gone")
        for status in old.responses.keys() | new.responses.keys():
            part = place.of(f"response {status}")
            answered, answer = old.responses.get(status), new.responses.get(status)
            if answered is None:
                yield part.change("new")
            elif answer is None:
                if place.ours and answered.since is None:
                    yield part.change("gone")
            elif answered.schema and answer.schema:
                yield from part.differs("content type", answered.content_type, answer.content_type)
                yield from self.schema(part, answered.schema, answer.schema)
            elif answer.schema:
                yield part.change(f"schema new, {self._new.said(self._new.kind(answer.schema))}")
            elif answered.schema and place.ours:
                yield part.change("schema gone")

    def _parameter(self, place: _Place, old: Parameter | None, new: Parameter | None) -> Iterator[Change]:
        if old and new:
            if old.required != new.required and new.place != "path":
                yield place.change(f"is {'required' if new.required else 'optional'} now")
            if old.explode and new.explode is False:
                yield place.change("does not repeat now")
            yield from self.schema(place, old.schema, new.schema)
        elif new:
            said = self._new.said(self._new.kind(new.schema))
            yield place.change(f"new, {said}{', required' * new.required}")
        elif old and place.ours and old.since is None:
            yield place.change("gone")

    def schema(self, place: _Place, old: Shape | bool | None, new: Shape | bool | None) -> Iterator[Change]:
        """Go through the differences of what stands at one place; what has the same name is none."""
        if old == new:
            return
        was, now = self._old.kind(old), self._new.kind(new)

        def differs() -> Change:
            return place.change(f"type is {self._new.said(now)}, was {self._old.said(was)}")

        if was.ref and now.ref and was.ref != now.ref and not self._alike(was.ref, now.ref):
            if was.ref in self._new.named or now.ref in self._old.named:
                yield differs()
            elif (was.ref, now.ref) not in self._open:
                self._open.add((was.ref, now.ref))
                yield from self.schema(
                    self.place(was.ref), self._old.named[was.ref], self._new.named[now.ref]
                )
                self._open.discard((was.ref, now.ref))
        elif was.ref and now.ref:
            if was.nullable != now.nullable:
                yield differs()
        else:
            before, after = self._old.whole(was), self._new.whole(now)
            if was.ref and before.types == after.types:
                place = self.place(was.ref)
            yield from self._kinds(place, before, after, differs)

    def place(self, schema: str) -> _Place:
        return _Place("schemas", schema, ours=self._old.named[schema].ours)

    def _alike(self, old: str, new: str) -> bool:
        if (old, new) in self._open:
            return True
        before = set(self._open)
        self._open.add((old, new))
        alike = self._same(self._old.named[old], self._new.named[new])
        self._open = before
        return alike

    def _same(self, old: Shape, new: Shape) -> bool:
        before = set(self._open)
        same = next(self.schema(_Place("", ""), old, new), None) is None
        # What was left half way is not being compared any more.
        self._open = before
        return same

    def _kinds(
        self, place: _Place, was: _Kind, now: _Kind, differs: Callable[[], Change]
    ) -> Iterator[Change]:
        own = [each for each in was.members if each.ours]
        if place.ours and not now.members and len(own) == 1 < len(was.members):
            # Only the packages know of the other members.
            only = self._old.whole(self._old.kind(own[0]))
            was = structs.replace(only, nullable=was.nullable or only.nullable)
        formats = (was.shape.format, now.shape.format) if place.ours else (None, None)
        same = was.types == now.types and bool(was.members) == bool(now.members)
        if not same or was.nullable != now.nullable or formats[0] != formats[1]:
            yield differs()
        if not same:
            return
        yield from self._values(place, was, now)
        # The packages carry no limits.
        for wire, limit in _LIMITS.items() if place.ours else ():
            yield from place.differs(wire, getattr(was.shape, limit), getattr(now.shape, limit))
        yield from self._properties(place, was.shape, now.shape)
        extra, more = was.shape.additional_properties, now.shape.additional_properties
        if extra is False or more is False:
            if extra is not more and place.ours:
                yield place.change(f"other properties are {'refused' if more is False else 'allowed'} now")
        elif isinstance(extra, Shape) or isinstance(more, Shape):
            yield from self.schema(place.at("{}"), extra, more)
        if was.shape.items or now.shape.items:
            yield from self.schema(place.at("[]"), was.shape.items, now.shape.items)
        yield from self._members(place, was, now)

    def _values(self, place: _Place, was: _Kind, now: _Kind) -> Iterator[Change]:
        labelled = was.shape.enum_since.keys() | was.shape.enum_removed_in.keys()
        missing = was.values - now.values - labelled if place.ours else frozenset[Value]()
        if not now.values or not was.values:
            # All values at once: it became an enumeration, or ceased to be one.
            if missing or now.values:
                values = ", ".join(sorted(map(_json, now.values or was.values)))
                yield place.change(f"enum {'new' if now.values else 'gone'}: {values}")
            return
        yield from (place.change(f"enum value {_json(value)}: new") for value in now.values - was.values)
        yield from (place.change(f"enum value {_json(value)}: gone") for value in missing)

    def _properties(self, place: _Place, old: Shape, new: Shape) -> Iterator[Change]:
        for name in old.properties.keys() | new.properties.keys():
            known = old.properties.get(name)
            inside = place.at(name, ours=not isinstance(known, Shape) or known.ours)
            optional = name not in new.required
            if name not in old.properties:
                said = self._new.said(self._new.kind(new.properties[name]))
                yield inside.change(f"new, {said}{'' if optional else ', required'}")
            elif name not in new.properties:
                if inside.ours:
                    yield inside.change("gone")
            else:
                if optional != (name not in old.required):
                    yield inside.change(f"is {'optional' if optional else 'required'} now")
                yield from self.schema(inside, old.properties[name], new.properties[name])

    def _members(self, place: _Place, was: _Kind, now: _Kind) -> Iterator[Change]:
        """Pair the members that have one name, say the same or are next in turn; the rest are new or gone."""
        old, new = list(was.members), list(now.members)
        for alike in (_same_name, self._same, self._in_turn):
            for member in tuple(old):
                met = next((each for each in new if alike(member, each)), None)
                if met is not None:
                    at = was.members.index(member)
                    yield from self.schema(place.at(f"|{at}", ours=member.ours), member, met)
                    old.remove(member)
                    new.remove(met)
        for member in old:
            if place.ours and member.ours:
                yield place.change(f"alternative {self._old.said(self._old.kind(member))}: gone")
        for member in new:
            yield place.change(f"alternative {self._new.said(self._new.kind(member))}: new")

    def _in_turn(self, old: Shape, new: Shape) -> bool:
        """Whether one may have become the other: both have names that are gone and new, or none."""
        if old.target and new.target:
            return old.target not in self._new.named and new.target not in self._old.named
        return not old.ref and not new.ref and old.type == new.type


_VERBS = {"GET": "get", "POST": "create", "PATCH": "update", "PUT": "set", "DELETE": "delete"}


def propose(operation: Operation, known: Sequence[Operation], listed: Sequence[Operation]) -> str:
    """Return a resource and a name by the rules of the catalogue, for a person to look at."""
    steps = _steps(operation)
    near = next((other.resource for other in known if _steps(other)[0] == steps[0]), None)
    resource = near or operation.group or steps[0]
    words = [step for at, step in enumerate(steps) if at and step != "{}" and (at > 1 or step != steps[0])]
    verb, item = _VERBS[operation.method], steps[-1] == "{}"
    if not words:
        name = ["get_all" if verb == "get" and not item else verb]
    else:
        *parents, last = words
        nouns = [*map(singular, parents), singular(last) if item or verb == "create" else last]
        alone = {other.method for other in listed if _steps(other) == steps} == {"POST"}
        # The word for a link to the same things: that of the resource itself, else that of others.
        like = [each for each in known if each.method == "POST" and _steps(each)[-2:] == ["{}", last]]
        own = [each for each in like if each.resource == near]
        used = [each.name.partition("_")[0] for each in own or like]
        link = max(sorted({"add", "assign"} & set(used)), key=used.count, default=None)
        if last == "search" or (alone and not item and singular(last) == last):
            # The path ends in what to do: `/modules/{id}/rollback`, `/experiments/{id}/advance-ramp`.
            action, *rest = last.split("-")
            name = [action, *nouns[:-1], *rest]
        elif verb == "create" and steps[-2] == "{}" and link:
            name = [link, *nouns[:-1], last]
        else:
            name = [verb, *nouns]
    return ".".join((_snake(resource), _snake("_".join(name))))


def _same_name(old: Shape, new: Shape) -> bool:
    return old.ref is not None and old.ref == new.ref


def _steps(operation: Operation) -> list[str]:
    return ["{}" if step.startswith("{") else step for step in operation.path.strip("/").split("/")]


def _snake(name: str) -> str:
    return name.replace("-", "_").lower()


def _json(value: Value) -> str:
    return msgspec.json.encode(value).decode()
