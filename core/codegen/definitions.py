"""The classes and aliases of the generated code, before they have names."""

import re

import msgspec

SHARED = "shared"
"""The module of what several resources need."""

KEY = re.compile(r"\{([^{}]+)\}")
"""What stands in a type for the name of a definition."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One property: its name on the wire and its type, in which `{key}` stands for a definition's name."""

    wire: str
    type: str
    required: bool


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """One class or alias of the generated code.

    `key` is the schema's name behind `r:` (read), `w:` (written) or `e:` (enumeration).
    """

    key: str
    fields: tuple[Field, ...] = ()
    values: tuple[str, ...] = ()

    @property
    def needs(self) -> tuple[str, ...]:
        """The keys of the definitions that this one mentions."""
        return tuple(key for field in self.fields for key in keys(field.type))


def keys(type_: str) -> list[str]:
    """Return the keys of the definitions that a type mentions."""
    return KEY.findall(type_)
