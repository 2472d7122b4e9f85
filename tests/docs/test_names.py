"""The table of names: each name of ours exists, and every method is in it."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import AsyncAuthenticationClient, AuthenticationClient
from anyauth0.endpoint import Resource

TEXT = (Path(__file__).parents[2] / "docs" / "names.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in TEXT.splitlines()
    if line.startswith("| ") and not line.startswith("| node-auth0")
]
OURS = sorted({name for row in ROWS for name in re.findall(r"`([\w.]+)`", row[-1])})
KINDS = [AuthenticationClient, AsyncAuthenticationClient]


def resolved(name: str, start: Any) -> Any:
    for part in name.split("."):
        start = getattr(start, part)
    return start


def methods_of(client: Any) -> set[str]:
    """Return the public methods of every resource, and those of the client that ask the tenant."""
    found = set()
    for name in dir(client):
        member = getattr(client, name) if not name.startswith("_") else None
        if isinstance(member, Resource):
            found |= {f"{name}.{method}" for method in dir(member) if not method.startswith("_")}
        elif type(member).__module__ == "anyauth0.endpoint":
            found.add(name)
    return found


def test_every_row_has_a_cell_for_each_package() -> None:
    assert len(ROWS) > 60
    assert [row for row in ROWS if len(row) != 4 or not all(row)] == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_name_of_ours_exists(kind: Any) -> None:
    client = kind(domain="tenant.example", client_id="x")
    for name in OURS:
        if name.startswith("anyauth0."):
            module = re.match(r"anyauth0(?:\.[a-z]\w*)*(?=\.)", name)
            assert module is not None
            resolved(name.removeprefix(f"{module[0]}."), import_module(module[0]))
        else:
            assert callable(resolved(name, client)), name


@pytest.mark.parametrize("kind", KINDS)
def test_every_method_of_the_authentication_client_is_in_the_table(kind: Any) -> None:
    methods = methods_of(kind(domain="tenant.example", client_id="x"))
    assert {"oauth.password_grant", "authorize", "tokens.get"} <= methods
    assert methods - set(OURS) == set()


def test_every_link_of_the_documentation_leads_to_a_file() -> None:
    docs = Path(__file__).parents[2] / "docs"
    links = [
        (page, target)
        for page in docs.rglob("*.md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[\w-]*)?\)", page.read_text())
    ]
    assert len(links) > 50
    assert [(page.name, target) for page, target in links if not (page.parent / target).exists()] == []
