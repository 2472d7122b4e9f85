"""Definitions as Python source: structs for what is read, dicts for what is sent, open enumerations."""

import keyword
import re
import textwrap
from collections.abc import Sequence

from codegen.definitions import Definition, keys
from codegen.models import Models
from codegen.naming import snake

WIDTH = 110


def classes(models: Models, definitions: dict[str, Definition]) -> list[str]:
    """Return the source of each definition of a module."""
    enums = sorted((models.names[key], each) for key, each in definitions.items() if each.values)
    parts = ["\n".join(_enumeration(name, each) for name, each in enums)] if enums else []
    known = models.names.keys() - definitions.keys()
    for key, definition in definitions.items():
        if not definition.values:
            write = _struct if key.startswith("r:") else _typed_dict
            parts.append(write(models, definition, known, _use(models, definition)))
        known.add(key)
    return parts


def _enumeration(name: str, definition: Definition) -> str:
    """Return the alias of an open enumeration."""
    values = ", ".join(f'"{value}"' for value in definition.values)
    line = f"{name}: TypeAlias = Open[Literal[{values}]]"
    if len(line) <= WIDTH:
        return line
    wrapped = textwrap.fill(
        values, WIDTH, initial_indent=" " * 4, subsequent_indent=" " * 4, break_on_hyphens=False
    )
    return f"{name}: TypeAlias = Open[Literal[\n{wrapped},\n]]  # fmt: skip"


def _annotation(models: Models, type_: str, known: set[str]) -> str:
    """Return a type as an annotation, quoted where it mentions what comes later."""
    text = models.text(type_)
    return text if known.issuperset(keys(type_)) else f'"{text}"'


def _struct(models: Models, definition: Definition, known: set[str], use: str) -> str:
    lines = [f"class {models.names[definition.key]}(Model, frozen=True, kw_only=True):"]
    lines.append(docstring([use], 1) + "\n")
    for each in definition.fields:
        name, type_, default = snake(each.wire), each.type, "None"
        # An id that may be None would want a check at each use, and it is always sent.
        if type_ == "str" and (each.required or each.wire == "id"):
            default = '""'
        elif each.required and type_.startswith("list[") and "|" not in re.sub(r"\[.*\]", "", type_):
            default = "[]"
        elif type_ != "Any" and not type_.endswith("| None"):
            type_ += " | None"
        if name != each.wire:
            default = f'field(name="{each.wire}", default={default})'
        elif default == "[]":
            # Each instance gets one of its own, which the linter cannot know of a model.
            default = "field(default=[])"
        lines.append(f"    {name}: {_annotation(models, type_, known)} = {default}")
    return "\n".join(lines)


def _typed_dict(models: Models, definition: Definition, known: set[str], use: str) -> str:
    name = models.names[definition.key]
    whole_body = models.is_body(definition.key)
    required = any(each.required for each in definition.fields)
    whole = required and all(each.required for each in definition.fields)
    pairs = [
        (
            # As an argument it cannot have its name; within a dict it can.
            f"{each.wire}_" if whole_body and keyword.iskeyword(each.wire) else each.wire,
            models.text(each.type) if whole or not each.required else f"Required[{models.text(each.type)}]",
        )
        for each in definition.fields
    ]
    if all(wire.isidentifier() and not keyword.iskeyword(wire) for wire, _ in pairs):
        total = "" if whole else ", total=False"
        quote = [not known.issuperset(keys(each.type)) for each in definition.fields]
        lines = [f"class {name}(TypedDict{total}):", docstring([use], 1) + "\n"]
        lines += [
            f'    {wire}: "{type_}"' if quoted else f"    {wire}: {type_}"
            for (wire, type_), quoted in zip(pairs, quote, strict=True)
        ]
        return "\n".join(lines)
    inner = ", ".join(f'"{wire}": "{type_}"' for wire, type_ in pairs)
    return f'{name} = TypedDict("{name}", {{{inner}}}{"" if whole else ", total=False"})\n"""{use}"""'


def _use(models: Models, definition: Definition) -> str:
    """Return the sentence that says where a definition is met first."""
    owner, _, wire = models.users[definition.key][0].partition(" ")
    if wire:
        return f"`{wire}` of `{models.names[owner]}`."
    return f"{'Sent' if definition.key.startswith('w:') else 'Answered'} by `{owner}`."


def docstring(paragraphs: Sequence[str], level: int) -> str:
    """Return a docstring: the first line alone, then the paragraphs, wrapped."""
    indent = "    " * level
    first, *more = paragraphs
    if not more:
        return f'{indent}"""{first}"""'
    wrapped = [
        textwrap.fill(each, WIDTH - len(indent), break_on_hyphens=False, break_long_words=False)
        for each in more
    ]
    return textwrap.indent('"""' + "\n\n".join([first, *wrapped]) + '\n"""', indent)
