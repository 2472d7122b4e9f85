"""The parameters of an operation, as words of a command give them: texts in, values of the right kind out."""

import inspect
from collections.abc import Sequence
from functools import partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from anyauth0 import InvalidArgumentError
from anyauth0.redaction import is_secret

from .operations import Facts, shell_name

__all__ = ["Parameter", "holds_secret", "parameters", "parsed"]


class Parameter(msgspec.Struct, frozen=True):
    """A parameter: `kinds` are the types that it takes, `positional` ones have no name in a command."""

    name: str
    kinds: tuple[Any, ...]
    needed: bool
    positional: bool = False

    @property
    def option(self) -> str:
        """The name as an option: `--email-verified`."""
        return f"--{shell_name(self.name)}"

    @property
    def is_text(self) -> bool:
        """Whether any text will do."""
        return str in self.kinds

    @property
    def is_flag(self) -> bool:
        """Whether it is yes or no, and takes no value."""
        return bool in self.kinds and not self.is_text

    @property
    def is_list(self) -> bool:
        """Whether it may be given more than once."""
        return any(get_origin(each) in (list, Sequence) and _simple(each) for each in self.kinds)

    @property
    def is_secret(self) -> bool:
        """Whether it must not be among the arguments of a process, where others may read it."""
        return self.is_text and is_secret(self.name)

    @property
    def shown(self) -> str:
        """The kind of value, for the help."""
        if self.is_list:
            return "TEXT..."
        return (
            "TEXT" if self.is_text else next((_SHOWN[each] for each in self.kinds if each in _SHOWN), "JSON")
        )

    def value(self, text: str) -> object:
        """Return the value that `text` stands for.

        Raises `InvalidArgumentError` for a text that stands for none.
        """
        if self.is_text:
            return text
        if self.is_list:
            numbers = any(int in get_args(each) for each in self.kinds)
            return self._number(text, int) if numbers else text
        if bool in self.kinds:
            if text.lower() not in ("true", "false"):
                raise InvalidArgumentError(self.name, f'"{self.option}" is true or false')
            return text.lower() == "true"
        for kind in (int, float):
            if kind in self.kinds:
                return self._number(text, kind)
        return parsed(self.name, self.option, text)

    def _number(self, text: str, kind: type) -> object:
        try:
            return kind(text)
        except ValueError:
            what = "a whole number" if kind is int else "a number"
            refusal = InvalidArgumentError(self.name, f'"{self.option}" must be {what}')
        raise refusal


_SHOWN = {bool: "true|false", int: "NUMBER", float: "NUMBER"}


def _simple(kind: Any) -> bool:
    """Say whether a list is one of texts or numbers."""
    (item,) = get_args(kind) or (None,)
    return all(each in (str, int) for each in _kinds(item))


def parsed(name: str, option: str, text: str | bytes) -> Any:
    """Return JSON as plain data. Raises `InvalidArgumentError` that names `option` and not what it holds."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError):
        refusal = InvalidArgumentError(name, f'"{option}" must be JSON')
    raise refusal


def holds_secret(value: object, name: str = "") -> bool:
    """Say whether there is a text anywhere under a name that says it is secret."""
    if isinstance(value, dict):
        fields: dict[str, object] = value  # pyright: ignore[reportUnknownVariableType]
        return any(holds_secret(each, key) for key, each in fields.items())
    if isinstance(value, list):
        rows: list[object] = value  # pyright: ignore[reportUnknownVariableType]
        return any(map(partial(holds_secret, name=name), rows))
    return isinstance(value, str) and bool(value) and is_secret(name)


def parameters(operation: Facts) -> list[Parameter]:
    """Return the parameters of an operation, the fields of its body among them, in their order."""
    hints = get_type_hints(operation.function)
    found: list[Parameter] = []
    for each in list(inspect.signature(operation.function).parameters.values())[1:]:
        hint = hints[each.name]
        if each.kind is each.VAR_KEYWORD:
            fields = get_args(hint)[0]
            found += [
                Parameter(name, _kinds(kind), name in fields.__required_keys__)
                for name, kind in get_type_hints(fields).items()
            ]
        else:
            positional = each.kind is each.POSITIONAL_ONLY
            found.append(Parameter(each.name, _kinds(hint), each.default is each.empty, positional))
    return found


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Return the types of a union, flat, without `None`."""
    if get_origin(hint) in (Union, UnionType):
        return tuple(kind for each in get_args(hint) for kind in _kinds(each))
    return () if hint is NoneType else (hint,)
