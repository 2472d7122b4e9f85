"""A name and a module for each definition."""

from collections.abc import Iterable, Mapping

from codegen.definitions import SHARED, Definition
from codegen.naming import body_names, enum_names, enum_stem, part_names, pascal, read_names, shortened
from codegen.overlay import Overlay, OverlayError

# Names that the generated modules import.
_RESERVED = frozenset(
    {"Any", "Call", "Checkpoint", "Event", "Literal", "Mode", "Model", "NoneType", "Offset", "Page",
     "Required", "Resource", "Open", "Sequence", "TypeAlias", "TypedDict", "Unpack", "Upload"}
)  # fmt: skip
_RANK = {"r": 0, "w": 1, "e": 2}


def names(
    definitions: dict[str, Definition],
    bodies: Mapping[str, str],
    modules: Mapping[str, str],
    overlay: Overlay,
    resources: Iterable[str],
) -> dict[str, str]:
    """Return a name for each definition, no two alike and none that of a resource; the overlay's come first.

    `bodies` are the keys of what a call sends as a whole, with the operation; `modules` says where each
    definition lives.
    """
    names: dict[str, str] = {}
    taken = {*map(pascal, resources), *_RESERVED}
    for schema, name in overlay.name.items():
        found = _made_of(schema, definitions)
        for key in found:
            names[key] = f"{name}Dict" if key.startswith("w:") and key not in bodies else name
            if names[key] in taken:
                raise OverlayError(f'name "{names[key]}" of schema "{schema}" is taken already')
            taken.add(names[key])
    for key in sorted(definitions, key=lambda key: (_RANK[key[0]], key not in bodies, key[2:5] != "Get")):
        if key not in names:
            candidates = _candidates(key, bodies.get(key))
            names[key] = next((name for name in candidates if name not in taken), "")
            if not names[key]:
                raise OverlayError(
                    f'schema "{key[2:]}" needs a name of the overlay: {candidates[0]} is taken'
                )
            taken.add(names[key])
    given = set(overlay.name.values())
    for key, name in names.items():
        short = shortened(name, modules[key])
        if short not in taken and name not in given:
            taken.add(short)
            names[key] = short
    return names


def _candidates(key: str, operation: str | None) -> tuple[str, ...]:
    """Return the names that would suit a definition, the best first."""
    kind, _, schema = key.partition(":")
    if kind == "e":
        return enum_names(schema)
    if kind == "r":
        return read_names(schema)
    return part_names(schema) if operation is None else body_names(schema, operation)


def modules(
    definitions: dict[str, Definition], users: dict[str, list[str]], overlay: Overlay
) -> dict[str, str]:
    """Return the module of each definition: the overlay's, that of its only user, or the shared one.

    `users` tells for each key the operations and the properties that mention it.
    """
    homes = {
        key: resource
        for resource, change in overlay.resource.items()
        for schema in change.home
        for key in _made_of(schema, definitions)
    }
    wanted: dict[str, set[str]] = {key: set() for key in definitions}
    modules: dict[str, str] = {}
    changed = True
    while changed:
        changed = False
        for key in definitions:
            for user in users[key]:
                owner = user.partition(" ")[0]
                module = modules.get(owner) if owner in definitions else user.partition(".")[0]
                if module is not None:
                    wanted[key].add(module)
            module = homes.get(key) or (SHARED if len(wanted[key]) > 1 else next(iter(wanted[key]), None))
            if module is not None and modules.get(key) != module:
                modules[key] = module
                changed = True
    for key, definition in definitions.items():
        for needed in definition.needs:
            if modules[key] == SHARED and modules[needed] != SHARED:
                raise OverlayError(f'"{needed}" cannot live in {modules[needed]}: shared "{key}" needs it')
    return modules


def _made_of(schema: str, definitions: dict[str, Definition]) -> list[str]:
    """Return the keys of the definitions that are made of a schema."""
    found = [key for key in (f"r:{schema}", f"w:{schema}") if key in definitions]
    if not found and f"e:{enum_stem(schema)}" in definitions:
        found = [f"e:{enum_stem(schema)}"]
    if not found:
        raise OverlayError(f'nothing is made of schema "{schema}", so it needs neither name nor home')
    return found
