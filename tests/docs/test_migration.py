"""The migration pages: their tables are as generated, and each name of ours in them exists."""

import json
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import msgspec
import pytest

import anyauth0
from anyauth0 import (
    AuthenticationClient,
    IdTokenError,
    InvalidArgumentError,
    ManagementApiError,
    ManagementClient,
    Options,
    Response,
    RetryPolicy,
    TransportError,
    ViewOptions,
)
from anyauth0.errors import api_error
from codegen import migration
from codegen.generate import CATALOGUE
from codegen.naming import snake

FACTS = migration.read()
PAGES = {name: (migration.PAGES / name).read_text(encoding="utf-8") for name in migration.TABLES}
OPERATIONS = {
    f"{each['resource']}.{each['name']}": each for each in json.loads(CATALOGUE.read_text())["operations"]
}
GRANTS = {"id_token", "nonce", "max_age", "organization"}
"""What the options of one call are called where they are arguments of the grants."""

parametrize_pages = pytest.mark.parametrize("name", PAGES)
Row = dict[str, str]


def rows(text: str, heading: str) -> Iterator[Row]:
    """Return the rows of all tables below a heading, by the names of the columns."""
    _, found, below = text.partition(f"\n## {heading}\n")
    assert found, heading
    columns: list[str] = []
    for line in below.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = cells
        elif not set(line) <= set("|-"):
            assert len(cells) == len(columns), line
            yield dict(zip(columns, cells, strict=True))


def ours(text: str, heading: str) -> list[str]:
    """Return what is written as code in the last column, for each row at least one name or a dash."""
    found: list[str] = []
    for row in rows(text, heading):
        names = re.findall(r"`([^`]+)`", row["anyauth0"])
        assert names or row["anyauth0"] == "-", row
        found += names
    assert found, heading
    return found


def resolved(name: str, start: Any) -> Any:
    for part in name.split("."):
        start = getattr(start, part)
    return start


@parametrize_pages
def test_what_is_committed_is_what_is_written(name: str) -> None:
    assert PAGES[name] == migration.page(name, PAGES[name], FACTS), "run make generate"


def test_a_page_without_a_place_for_the_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="The Management API, name by name"):
        migration.page("node-auth0.md", "# From elsewhere\n", FACTS)


@parametrize_pages
def test_every_operation_is_there_once(name: str) -> None:
    assert len(OPERATIONS) == 496
    assert sorted(ours(PAGES[name], "The Management API, name by name")) == sorted(OPERATIONS)


def test_every_operation_is_a_method_of_the_client() -> None:
    client = ManagementClient(domain="tenant.example", token="t")
    for name in FACTS.operations:
        assert callable(resolved(name, client)), name


def test_names_of_the_node_sdk_are_ours_in_camel_case() -> None:
    for name, names in FACTS.operations.items():
        known = "auth0-node-4.37.1" in OPERATIONS[name]["sources"]
        assert (names.node_4 is not None) is known, name
        if names.node_4 is not None:
            assert ".".join(map(snake, names.node_4.split("."))) == name


def test_no_name_of_another_sdk_is_at_two_operations_but_of_a_method_that_takes_which() -> None:
    for version in migration.Names.__struct_fields__:
        found = [each for names in FACTS.operations.values() if (each := getattr(names, version))]
        twice = {each for each in found if found.count(each) > 1}
        assert twice <= {"Guardian.get_factor_providers", "Guardian.update_factor_providers"}, version


@pytest.mark.parametrize(
    ("version", "label"), [("python_6", "auth0-python-6.8.0"), ("node_4", "auth0-node-4.37.1")]
)
def test_what_the_catalogue_knows_of_a_package_has_a_name_of_that_package(version: str, label: str) -> None:
    named = {name for name, names in FACTS.operations.items() if getattr(names, version)}
    assert named == {name for name, operation in OPERATIONS.items() if label in operation["sources"]}


@parametrize_pages
def test_every_call_of_the_authentication_api_exists(name: str) -> None:
    client = AuthenticationClient(domain="tenant.example", client_id="x")
    for call in ours(PAGES[name], "The Authentication API, name by name"):
        if call.startswith("anyauth0."):
            module, _, path = call.partition(".verification.")
            assert resolved(path, import_module(f"{module}.verification")), call
        else:
            assert callable(resolved(call, client)), call


@pytest.mark.parametrize(
    ("name", "column", "place"),
    [("node-auth0.md", "node-auth0 4.x", 0), ("auth0-python.md", "auth0-python", 1)],
)
def test_each_method_in_the_table_of_names_is_on_the_page_of_its_package(
    name: str, column: str, place: int
) -> None:
    table = (migration.PAGES.parent / "names.md").read_text(encoding="utf-8")
    lines = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    theirs = {each for cells in lines for each in re.findall(r"`(\w+\.\w+)`", cells[place])}
    found = {
        each
        for row in rows(PAGES[name], "The Authentication API, name by name")
        for each in re.findall(r"`(\w+\.\w+)`", row[column])
    }
    assert len(found) > 15
    assert found == theirs


@parametrize_pages
@pytest.mark.parametrize(
    ("heading", "options"),
    [
        ("Options, name by name", Options.__annotations__.keys() | ViewOptions.__annotations__.keys()),
        ("Options of one call", ViewOptions.__annotations__.keys() | GRANTS),
    ],
)
def test_every_option_exists(name: str, heading: str, options: set[str]) -> None:
    for said in ours(PAGES[name], heading):
        given = re.findall(r"\b(\w+)=", said) or [said]
        known = options | set(RetryPolicy.__struct_fields__)
        assert set(given) <= known, said
        for kind in re.findall(r"\b[A-Z]\w+(?=\()", said):
            assert kind in anyauth0.__all__
        assert set(re.findall(r"\b[a-z]\w+(?=\()", said)) <= {"with_options"}


@parametrize_pages
def test_every_error_exists(name: str) -> None:
    errors = [
        api_error(ManagementApiError, Response(status=429), call="GET /users"),
        InvalidArgumentError("id", "missing"),
        TransportError("lost", request_sent=True),
        IdTokenError("nonce", "wrong"),
    ]
    for said in ours(PAGES[name], "Errors, name by name"):
        if said.startswith("error."):
            path = said.removeprefix("error.").removesuffix("()")
            assert any(_has(error, path) for error in errors), said
        elif said[0].isupper():
            assert issubclass(getattr(anyauth0, said), anyauth0.Auth0Error), said
        else:
            assert said == "strict=True"


def _has(error: object, path: str) -> bool:
    try:
        resolved(path, error)
    except AttributeError:
        return False
    return True


def test_errors_by_status_are_those_that_are_raised() -> None:
    found = {
        int(status[1]): row["anyauth0"].strip("`")
        for row in rows(PAGES["auth0-python.md"], "Errors, name by name")
        if (status := re.search(r"\((\d{3})\)", row["auth0-python 5.x, 6.x"]))
    }
    assert len(found) > 10
    for status, kind in found.items():
        raised = api_error(ManagementApiError, Response(status=status), call="GET /users")
        assert type(raised).__name__ == kind


def test_facts_with_a_misspelt_package_are_refused() -> None:
    text = migration.FACTS.read_bytes().replace(b'"python_4"', b'"python_04"')
    with pytest.raises(msgspec.ValidationError, match="python_04"):
        msgspec.json.decode(text, type=migration.Facts)
