"""The help of a resource and of an operation, from docstrings and signatures."""

import inspect

from .operations import Facts, first_line, operations, resources, shell_name
from .parameters import Parameter, parameters
from .words import own_options

__all__ = ["of_operation", "of_resource"]


def of_resource(resource: str) -> str:
    """Return the help of a resource: its operations, each with a sentence."""
    known = {shell_name(name): first_line(each) for name, each in operations(resource).items()}
    lines = _columns(list(known.items()))
    return (
        f"Usage: anyauth0 {shell_name(resource)} OPERATION [ARGUMENTS] [OPTIONS]\n\n"
        f"{resources()[resource]}\n\nOperations:\n{lines}\n\n"
        f"anyauth0 {shell_name(resource)} OPERATION --help says what one takes.\n"
    )


def of_operation(resource: str, operation: Facts) -> str:
    """Return the help of an operation: its docstring, its arguments and options."""
    known = parameters(operation)
    path = [each.name.upper() for each in known if each.positional]
    options = [each for each in known if not each.positional and each.name != "body"]
    usage = " ".join(["anyauth0", shell_name(resource), shell_name(operation.name), *path, "[OPTIONS]"])
    own = [(f"{each.option}{_value(each)}", _OWN[each.name]) for each in own_options(operation)]
    parts = [f"Usage: {usage}", inspect.cleandoc(operation.function.__doc__ or "").replace("`", '"')]
    rows = [(f"{each.option}{_value(each)}", _note(each)) for each in options]
    if operation.method not in ("GET", "DELETE") or any(each.name == "body" for each in known):
        rows.append(("--body @FILE", "the body as JSON, or - for stdin; options win over its fields"))
    if rows:
        parts.append(f"Options of the operation:\n{_columns(rows)}")
        parts.append(_MANNERS)
    parts.append(f"Options of the command:\n{_columns(own)}")
    return "\n\n".join(parts) + "\n"


_MANNERS = (
    "A value may be given in another way: --name:json '{\"a\": 1}', --name:file FILE (- for stdin),\n"
    "--name:ask (without echo). Secrets are taken in one of the last two ways, or in a body."
)
_OWN = {
    "output": "json, jsonl or table (-o); a table on a terminal, JSON elsewhere",
    "columns": "the columns of a table, by commas; dots reach into objects",
    "profile": "the credentials of that name in the keyring",
    "show_secrets": "do not mask secrets in tables",
    "debug": "show the traceback of an error",
    "help": "show this (-h)",
    "all": "go on to the last page",
    "limit": "go on until there are so many",
}


def _note(each: Parameter) -> str:
    no = f"or --no{each.option.removeprefix('-')}" if each.is_flag else ""
    return ", ".join(filter(None, ("needed" if each.needed else "", no)))


def _value(each: Parameter) -> str:
    return "" if each.is_flag else f" {each.shown}"


def _columns(rows: list[tuple[str, str]]) -> str:
    width = min(44, max(len(left) for left, _ in rows))
    return "\n".join(f"  {left:<{width}}  {right}".rstrip() for left, right in rows)
