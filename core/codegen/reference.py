"""Write the page of the docs that lists every operation of the Management API, from the descriptors.

python core/codegen/reference.py
"""

import inspect
import sys
from pathlib import Path
from typing import Any, cast

from anyauth0.endpoint import Descriptor, EndpointFacts
from anyauth0.management._tree import Tree
from anyauth0.pagination import PagedEndpoint
from anyauth0.streaming import StreamEndpoint

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operations.md"
_HEAD = """# All operations of the Management API

{operations} operations of {resources} resources, as attributes of `ManagementClient` and
`AsyncManagementClient`. Any one of the scopes is enough. *paged*: has `.iter()` and `.pages()` as well.
This page is made by `make generate` from the endpoints themselves.
"""


def page() -> str:
    """Return the text of the page."""
    parts: list[str] = []
    operations = 0
    resources = sorted(name for name, each in vars(Tree).items() if isinstance(each, property))
    for name in resources:
        resource: object = getattr(_Nobody(), name)
        kind = type(resource)
        rows = [_row(name, method, each) for method, each in _methods(kind)]
        operations += sum(isinstance(each, EndpointFacts) for _, each in _methods(kind))
        table = "| call | request | scopes | |\n|---|---|---|---|\n" + "\n".join(rows)
        parts.append(f"## {name}\n\n{_first_line(kind)}\n\n{table}\n")
    return "\n".join([_HEAD.format(operations=operations, resources=len(resources)), *parts])


class _Nobody(Tree[Any]):
    """Resources of no client: their classes are looked at, nothing is called."""

    _core: Any = None


def _methods(kind: type) -> list[tuple[str, Descriptor]]:
    found = {name: each for base in reversed(kind.__mro__) for name, each in vars(base).items()}
    return [(name, each) for name, each in found.items() if isinstance(each, Descriptor)]


def _row(resource: str, name: str, each: Descriptor) -> str:
    request = scopes = ""
    call = f"`{resource}.{name}({_arguments(each)})`"
    what = _first_line(each)
    facts = cast("EndpointFacts[..., Any]", each)
    if isinstance(each, EndpointFacts):
        request = f"`{facts.method} {facts.path}`"
        scopes = " ".join(f"`{scope}`" for scope in facts.scopes)
        if facts.lifecycle != "GA":
            request += f" ({'early access' if facts.lifecycle == 'EA' else facts.lifecycle})"
    call += _KINDS.get(type(facts), "")
    return f"| {call} | {request} | {scopes} | {what} |"


_KINDS: dict[type[Any], str] = {PagedEndpoint: " *paged*", StreamEndpoint: " *iterator*"}


def _arguments(each: Descriptor) -> str:
    """Return what one has to give: the parameters of the path, and a body."""
    parameters = list(inspect.signature(each.function).parameters.values())[1:]
    shown = [
        f"**{each.name}" if each.kind is each.VAR_KEYWORD else each.name
        for each in parameters
        if each.kind is each.VAR_KEYWORD
        or (each.default is each.empty and each.kind is not each.KEYWORD_ONLY)
    ]
    shown += [
        f"{each.name}="
        for each in parameters
        if each.kind is each.KEYWORD_ONLY and each.default is each.empty
    ]
    return ", ".join(shown)


def _first_line(each: object) -> str:
    return (inspect.getdoc(each) or "").partition("\n")[0]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written: {PAGE.name}\n")
