"""An operation called, and its answer shown."""

import sys
from collections.abc import Iterable
from itertools import islice
from typing import Any

import msgspec

from anyauth0 import ApiResponse, InvalidArgumentError, ManagementClient, Resource
from anyauth0.streaming import StreamEndpoint

from . import credentials, help
from .failures import say, told
from .lists import page_of, rows_of
from .operations import Facts, find, is_list, python_name, verb
from .output import Printer, printer, show, show_rows
from .words import Given, read_words

__all__ = ["run", "run_verb"]

_HELP = ("--help", "-h")


def run(resource: str, words: list[str]) -> None:
    """Run `anyauth0 RESOURCE OPERATION ...`, whose words come after the resource."""
    with told(debug="--debug" in words):
        if not words or words[0] in _HELP:
            sys.stdout.write(help.of_resource(resource))
        else:
            operation = find(resource, words[0])
            _run(resource, operation, read_words(operation, words[1:]))


def run_verb(name: str, words: list[str]) -> None:
    """Run `anyauth0 get RESOURCE ...`, whose words come after the verb."""
    with told(debug="--debug" in words):
        if not words or words[0].startswith("-"):
            raise InvalidArgumentError("RESOURCE", f"which resource? anyauth0 {name} RESOURCE [ARGUMENTS]")
        resource, rest = words[0], words[1:]
        _run(resource, *_meant(verb(name, resource), rest))


def _meant(offered: list[Facts], words: list[str]) -> tuple[Facts, Given]:
    """Return the operation that takes as many path arguments as there are among the words."""
    for operation in offered[:-1]:
        try:
            given = read_words(operation, words)
        except InvalidArgumentError:
            # An option of the other one, which says so if it has none such either.
            continue
        if given.own.help or len(given.args) == operation.path.count("{"):
            return operation, given
    return offered[-1], read_words(offered[-1], words)


def _run(resource: str, operation: Facts, given: Given) -> None:
    if given.own.help:
        sys.stdout.write(help.of_operation(resource, operation))
        return
    own = given.own
    how = printer(own.output, own.columns, show_secrets=own.show_secrets)
    with credentials.management(own.profile) as client:
        _call(client, resource, operation, given, how)


def _call(client: ManagementClient, resource: str, operation: Facts, given: Given, how: Printer) -> None:
    owner = getattr(client, python_name(resource))
    if is_list(operation):
        show_rows(_listed(owner, operation, given), how)
        return
    answer = getattr(owner, operation.name)(*given.args, **given.kwargs)
    if isinstance(operation, StreamEndpoint):
        lines = Printer("jsonl") if how.format == "table" else how
        show_rows(map(msgspec.to_builtins, answer), lines)
    else:
        show(_plain(answer), how)


def _plain(answer: ApiResponse[Any]) -> object:
    try:
        return answer.json()
    except ValueError:
        return answer.data


def _listed(owner: Resource[Any], operation: Facts, given: Given) -> Iterable[object]:
    if given.own.all or given.own.limit is not None:
        return islice(rows_of(owner, operation, given.args, given.kwargs), given.own.limit)
    page = page_of(owner, operation, given.args, given.kwargs)
    if page.next or (page.total or 0) > (page.start or 0) + len(page):
        say(f"{len(page)} of {page.total or 'more'}; --all gets the rest")
    return page
