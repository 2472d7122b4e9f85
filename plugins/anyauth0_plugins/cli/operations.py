"""The operations by their names, without a client; only the resource in question is imported."""

import inspect
from types import SimpleNamespace
from typing import Any

from anyauth0 import InvalidArgumentError, ManagementClient
from anyauth0.arguments import closest
from anyauth0.endpoint import EndpointFacts
from anyauth0.pagination import PagedEndpoint

__all__ = [
    "Facts",
    "find",
    "first_line",
    "is_list",
    "operations",
    "python_name",
    "resources",
    "shell_name",
    "verb",
]

Facts = EndpointFacts[..., Any]

_VERBS = {
    "get": ("get_all", "get", "get_settings"),
    "create": ("create",),
    "update": ("update", "update_settings"),
    "delete": ("delete",),
}


def resources() -> dict[str, str]:
    """Return the names of the resources, each with a sentence on it."""
    return {
        name: first_line(each)
        for base in ManagementClient.__mro__
        for name, each in vars(base).items()
        if isinstance(each, property)
    }


def operations(resource: str) -> dict[str, Facts]:
    """Return the operations of a resource by their names.

    Raises `InvalidArgumentError` for a resource that there is not.
    """
    known = resources()
    name = python_name(resource)
    if name not in known:
        raise InvalidArgumentError(
            "RESOURCE", f'there is no resource "{resource}"{_near(name, known)}; anyauth0 --help lists them'
        )
    nobody: object = getattr(ManagementClient, name).fget(SimpleNamespace(_core=None))
    found = {key: each for base in reversed(type(nobody).__mro__) for key, each in vars(base).items()}
    return {key: each for key, each in found.items() if isinstance(each, EndpointFacts)}


def find(resource: str, operation: str) -> Facts:
    """Return an operation. Raises `InvalidArgumentError` with the nearest name for one that there is not."""
    known = operations(resource)
    name = python_name(operation)
    if name not in known:
        raise InvalidArgumentError(
            "OPERATION",
            f'{shell_name(resource)} has no operation "{operation}"{_near(name, known)}; '
            f"anyauth0 {shell_name(resource)} --help lists them",
        )
    return known[name]


def verb(name: str, resource: str) -> list[Facts]:
    """Return the operations that a verb may mean for a resource.

    Raises `InvalidArgumentError` where there is none.
    """
    known = operations(resource)
    offered = [known[each] for each in _VERBS[name] if each in known]
    if not offered:
        raise InvalidArgumentError(
            "RESOURCE",
            f'"{name}" is not among the operations of {shell_name(resource)}; '
            f"anyauth0 {shell_name(resource)} --help lists them",
        )
    return offered


def is_list(operation: Facts) -> bool:
    """Say whether an operation answers a list, page by page."""
    return isinstance(operation, PagedEndpoint)


def shell_name(name: str) -> str:
    """Return a name of Python's as it is written in a command: `get-all`, `from`."""
    return name.rstrip("_").replace("_", "-")


def python_name(name: str) -> str:
    """Return a name of a command with underscores; an underscore at its end is not known here."""
    return name.replace("-", "_")


def first_line(each: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(each) or "").partition("\n")[0]


def _near(name: str, known: dict[str, Any]) -> str:
    near = closest(name, list(known))
    return f', did you mean "{shell_name(near)}"?' if near else ""
