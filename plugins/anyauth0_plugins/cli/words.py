"""The words after an operation, read: arguments of the call, and options of the command itself."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from anyauth0 import InvalidArgumentError
from anyauth0.arguments import closest

from .operations import Facts, is_list
from .parameters import Parameter, holds_secret, parameters, parsed

__all__ = ["Given", "Own", "own_options", "read", "read_words"]


class Own(msgspec.Struct):
    """The options that are the command's own, the same for every operation."""

    output: str | None = None
    columns: str | None = None
    profile: str | None = None
    show_secrets: bool = False
    debug: bool = False
    help: bool = False
    all: bool = False
    limit: int | None = None


class Given(msgspec.Struct):
    """What a command says: the call, and the options of its own."""

    args: list[str]
    kwargs: dict[str, object]
    own: Own


_SHORT = {"-o": "--output", "-h": "--help"}
_LISTS = ("all", "limit")


def own_options(operation: Facts) -> list[Parameter]:
    """Return the command's own options for an operation; those of lists are there for lists only."""
    kinds = {"show_secrets": bool, "debug": bool, "help": bool, "all": bool, "limit": int}
    return [
        Parameter(name, (kinds.get(name, str),), needed=False)
        for name in Own.__struct_fields__
        if name not in _LISTS or is_list(operation)
    ]


def read_words(operation: Facts, words: list[str]) -> Given:
    """Read the words after an operation.

    Raises `InvalidArgumentError` that names the option in question.
    """
    reader = _Reader(operation)
    remaining = iter(words)
    for word in remaining:
        if word == "--":
            reader.args += remaining
        elif word.startswith("-") and word != "-":
            reader.option(_SHORT.get(word, word), remaining)
        else:
            reader.args.append(word)
    return Given(reader.args, reader.kwargs(), Own(**reader.own))


class _Reader:
    def __init__(self, operation: Facts) -> None:
        known = [each for each in parameters(operation) if not each.positional]
        self.args: list[str] = []
        self.own: dict[str, Any] = {}
        self._own = {each.option: each for each in own_options(operation)}
        self._known = {each.option: each for each in known}
        # A body that is no set of fields is the one argument `body`.
        self._body = self._known.pop("--body", None)
        self._takes_body = self._body is not None or operation.method not in ("GET", "DELETE")
        self._fields: dict[str, object] = {}
        self._whole: dict[str, object] = {}

    def kwargs(self) -> dict[str, object]:
        return {**self._whole, **self._fields}

    def option(self, word: str, remaining: Iterator[str]) -> None:
        """Take one option, with its value from the word or from those that remain."""
        name, equals, value = word.partition("=")
        name, _, manner = name.replace("_", "-").partition(":")
        given = value if equals else None
        if name == "--body" and self._takes_body:
            self._take_body(_value(name, given, remaining))
            return
        negated = self._known.get(f"--{name.removeprefix('--no-')}") if name.startswith("--no-") else None
        if name not in self._known and negated is not None and negated.is_flag and not equals:
            self._put(self._fields, negated, False)
            return
        own = self._own.get(name)
        parameter = own or self._known.get(name) or self._by_any_case(name)
        if parameter is None:
            raise InvalidArgumentError(name, f'there is no option "{name}"{self._near(name)}')
        if parameter.is_flag and given is None and not manner:
            read_value: object = True
        else:
            read_value = _read_value(parameter, manner, given, remaining)
        self._put(self.own if own else self._fields, parameter, read_value)

    def _by_any_case(self, name: str) -> Parameter | None:
        # Some fields of Auth0 are in camel case.
        return next((each for key, each in self._known.items() if key.lower() == name.lower()), None)

    def _put(self, into: dict[str, Any], parameter: Parameter, value: object) -> None:
        if parameter.is_list and isinstance(value, str | int):
            before = into.get(parameter.name)
            if isinstance(before, list):
                before.append(value)  # pyright: ignore[reportUnknownMemberType]
                return
            if parameter.is_text and before is None:
                # One text is sent as it is, commas included.
                into[parameter.name] = value
                return
            value = [value] if before is None else [before, value]
        elif parameter.name in into:
            raise InvalidArgumentError(parameter.name, f'"{parameter.option}" is given twice')
        into[parameter.name] = value

    def _near(self, name: str) -> str:
        near = closest(name, [*self._known, *self._own, *(["--body"] if self._takes_body else [])])
        return f', did you mean "{near}"?' if near else "; --help lists them"

    def _take_body(self, source: str) -> None:
        """Read the body of a request from a file or from stdin."""
        if source != "-" and not source.startswith("@"):
            raise InvalidArgumentError(
                "body", '"--body" is "@" and the name of a file, or "-" for stdin; fields have options'
            )
        text = read(source.removeprefix("@"))
        if self._body is None:
            fields = parsed("body", "--body", text)
            if not isinstance(fields, dict):
                raise InvalidArgumentError("body", '"--body" must be a JSON object for this operation')
            self._whole = fields
            return
        self._whole["body"] = _text_or_json(self._body, text)


def _text_or_json(body: Parameter, text: bytes) -> object:
    try:
        return parsed("body", "--body", text)
    except InvalidArgumentError:
        if body.is_text:
            # A page template, as it is.
            return text.decode()
        raise


def _value(option: str, given: str | None, remaining: Iterator[str]) -> str:
    value = given if given is not None else next(remaining, None)
    if value is None:
        raise InvalidArgumentError(option, f'"{option}" needs a value')
    return value


def _read_value(parameter: Parameter, manner: str, given: str | None, remaining: Iterator[str]) -> object:
    """Return the value of an option: as it is, or by the manner after a colon."""
    option = parameter.option
    if manner == "ask":
        return parameter.value(str(typer.prompt(parameter.name, hide_input=True, err=True)))
    text = _value(option, given, remaining)
    if manner == "file":
        content = _decoded(option, read(text))
        # Whoever puts a secret into a file puts the end of a line behind it.
        return parameter.value(content.rstrip("\r\n") if parameter.is_secret else content)
    if manner not in ("", "json"):
        raise InvalidArgumentError(option, f'"{option}:{manner}" is none of ":json", ":file", ":ask"')
    value = parsed(parameter.name, option, text) if manner else parameter.value(text)
    if (parameter.is_secret and value) or (
        not isinstance(value, str) and holds_secret(value, parameter.name)
    ):
        raise InvalidArgumentError(
            option,
            f'"{option}" would show a secret to who lists the processes of this machine; '
            f'give it by "{option}:file FILE", "{option}:ask", or in a "--body"',
        )
    return value


def _decoded(option: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        refusal = InvalidArgumentError(option, f'the file of "{option}" is no text in UTF-8')
    raise refusal


def read(name: str) -> bytes:
    """Return the content of a file, or of stdin for `-`."""
    return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
