"""The generated resources against the raw catalogue: its operations, and models that take its answers."""

import importlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Unpack, get_args, get_origin

import msgspec
import pytest

import anyauth0
from anyauth0 import Call, ManagementClient, Page, Request, Resource, Response
from anyauth0.decoding import Shape, decode
from anyauth0.endpoint import EndpointFacts
from anyauth0.pagination import PagedEndpoint

CATALOGUE = json.loads((Path(anyauth0.__file__).parents[1] / "catalog" / "management.json").read_bytes())
SCHEMAS: dict[str, Any] = CATALOGUE["schemas"]
RESOURCES = ("clients", "connections", "jobs", "logs", "users", "users_by_email")
OPERATIONS = {
    f"{each['resource']}.{each['name']}": each
    for each in CATALOGUE["operations"]
    if each["resource"] in RESOURCES
}
MODULES = [importlib.import_module(f"anyauth0.management.{name}") for name in (*RESOURCES, "shared")]
STRUCTS = [
    value
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, msgspec.Struct) and value.__module__ == module.__name__
]


def resource_class(resource: str) -> type[Resource[Any]]:
    module = importlib.import_module(f"anyauth0.management.{resource}")
    name = "".join(word.capitalize() for word in resource.split("_"))
    found: type[Resource[Any]] = getattr(module, name)
    return found


def endpoints(resource: str) -> dict[str, EndpointFacts[..., Any]]:
    members = vars(resource_class(resource))
    return {name: each for name, each in members.items() if isinstance(each, EndpointFacts)}


def endpoint(title: str) -> EndpointFacts[..., Any]:
    resource, _, name = title.partition(".")
    return endpoints(resource)[name]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    return schema


def call(title: str, **more: Any) -> Call[Any]:
    """Return what an endpoint sends when it is given what it needs, and `more`."""
    operation = OPERATIONS[title]
    path = [f"<{each['name']}>" for each in operation["path_params"]]
    keywords: dict[str, Any] = {each["name"]: "x" for each in operation["query"] if each["required"]}
    positional: list[Any] = list(path)
    if operation["body"]:
        body = resolved(operation["body"]["schema"])
        if "properties" in body:
            keywords |= dict.fromkeys(body.get("required", ()), "x")
        else:
            positional.append(["the body"])
    made: Call[Any] = endpoint(title).function(None, *positional, **{**keywords, **more})
    return made


def test_every_operation_is_there_and_no_other() -> None:
    assert {f"{resource}.{name}" for resource in RESOURCES for name in endpoints(resource)} == set(OPERATIONS)


@pytest.mark.parametrize("title", OPERATIONS)
def test_an_endpoint_has_the_facts_of_the_catalogue(title: str) -> None:
    operation, found = OPERATIONS[title], endpoint(title)
    assert (found.method, found.path) == (operation["method"], operation["path"])
    assert found.scopes == tuple(operation["scopes"] or ())
    assert found.lifecycle == (operation["lifecycle"] or "GA")
    assert found.title == title
    assert found.__doc__ is not None
    assert f"{operation['method']} {operation['path']}" in " ".join(found.__doc__.split())


@pytest.mark.parametrize("title", OPERATIONS)
def test_a_call_sends_every_parameter_under_its_own_name(title: str) -> None:
    operation = OPERATIONS[title]
    names = [each["name"] for each in operation["query"]]
    values = {f"{name}_" if name == "from" else name: f"<{name}>" for name in names}
    made = call(title, **values)
    assert made.query == {name: f"<{name}>" for name in names}
    assert made.path == tuple(f"<{each['name']}>" for each in operation["path_params"])
    sent = [made.json is not msgspec.UNSET, made.multipart is not None]
    assert any(sent) is bool(operation["body"])


@pytest.mark.parametrize("title", [title for title, each in OPERATIONS.items() if each["body"]])
def test_a_body_takes_the_fields_of_the_catalogue(title: str) -> None:
    body = resolved(OPERATIONS[title]["body"]["schema"])
    annotations = endpoint(title).function.__annotations__
    if "multipart/form-data" in OPERATIONS[title]["body"]["content_types"]:
        made = call(title).multipart
        assert made is not None
        assert list(made) == list(body["properties"])
    elif "properties" in body:
        assert get_origin(annotations["body"]) is Unpack
        fields = get_args(annotations["body"])[0]
        assert fields.__required_keys__ == frozenset(body.get("required", ()))
        assert fields.__required_keys__ | fields.__optional_keys__ == frozenset(body["properties"])
    else:
        assert call(title).json == ["the body"]


@pytest.mark.parametrize("title", OPERATIONS)
def test_a_list_pages_as_the_catalogue_says(title: str) -> None:
    paging, found = OPERATIONS[title]["pagination"], endpoint(title)
    assert isinstance(found, PagedEndpoint) is (paging is not None)
    if not isinstance(found, PagedEndpoint):
        return
    assert get_origin(call(title).model) is Page
    offset, checkpoint = paging.get("offset"), paging.get("checkpoint")
    assert found.items == (offset or checkpoint)["items"]
    assert (found.offset is None, found.checkpoint is None) == (offset is None, checkpoint is None)
    if found.offset is not None:
        assert (found.offset.page, found.offset.per_page) == (offset["page"], offset["per_page"])
        assert (found.offset.totals, found.offset.total) == (offset.get("include_totals"), offset["total"])
    if found.checkpoint is not None:
        assert (found.checkpoint.from_, found.checkpoint.take) == (checkpoint["from"], checkpoint["take"])
        assert found.checkpoint.next == checkpoint["next"]
        assert found.checkpoint.item_field == checkpoint.get("from_item_field")
        [take] = [each["schema"] for each in OPERATIONS[title]["query"] if each["name"] == checkpoint["take"]]
        assert found.checkpoint.most == take.get("maximum", 100)


def test_the_server_stops_at_a_thousand_users_and_log_entries() -> None:
    walls = {}
    for title in OPERATIONS:
        found = endpoint(title)
        if isinstance(found, PagedEndpoint) and found.offset is not None and found.offset.wall is not None:
            walls[title] = found.offset.wall
    assert walls == {"logs.get_all": 1000, "users.get_all": 1000, "users.get_logs": 1000}


def test_fields_may_be_given_as_a_list() -> None:
    made = call("users.get_all", fields=["user_id", "email"])
    assert made.query["fields"] == "user_id,email"


def test_every_model_is_frozen_and_needs_no_value() -> None:
    assert len(STRUCTS) > 50
    for model in STRUCTS:
        assert model.__struct_config__.frozen
        model()


def test_no_two_models_share_a_name() -> None:
    names = [model.__name__ for model in STRUCTS]
    assert len(names) == len(set(names))


def test_what_one_looks_for_is_where_one_looks() -> None:
    wanted = {"users": "User", "logs": "Log", "jobs": "Job", "clients": "Client", "connections": "Connection"}
    for resource, name in wanted.items():
        module = importlib.import_module(f"anyauth0.management.{resource}")
        assert getattr(module, name).__module__ == module.__name__


def unreachable(request: Request) -> Response:
    raise AssertionError(f"{request.endpoint} was sent")


def test_the_tree_has_a_property_for_each_resource() -> None:
    with ManagementClient(domain="tenant.example.com", token="t", transport=unreachable) as management:
        for resource in RESOURCES:
            assert isinstance(getattr(management, resource), resource_class(resource))
        assert hasattr(management.jobs, "wait")


def answers() -> Iterator[tuple[str, dict[str, Any]]]:
    for title, operation in OPERATIONS.items():
        for status, answer in sorted(operation["responses"].items()):
            if status < "300" and answer["schema"] is not None:
                yield title, answer["schema"]
                break


ANSWERS = dict(answers())


class Examples:
    """Makes values that a schema allows: every property the first time, any of them after that.

    Enumerations have grown and objects have new fields, as is to be expected of a server.
    """

    def __init__(self, title: str, *, whole: bool) -> None:
        self.random = random.Random(title)
        self.whole = whole

    def make(self, schema: dict[str, Any]) -> Any:
        schema = resolved(schema)
        if "enum" in schema:
            return self.random.choice([*schema["enum"], "new"])
        branches = schema.get("oneOf") or schema.get("anyOf")
        if branches:
            return self.make(self.random.choice(branches))
        if "allOf" in schema:
            return {name: each for part in schema["allOf"] for name, each in self.make(part).items()}
        kinds = schema.get("type", "string")
        return self.plain(kinds if isinstance(kinds, str) else self.random.choice(kinds), schema)

    def plain(self, kind: str, schema: dict[str, Any]) -> Any:
        if kind == "array":
            size = 2 if self.whole else self.random.randrange(3)
            return [self.make(schema.get("items", {})) for _ in range(size)]
        if kind == "object":
            made = {"a_field_of_tomorrow": 1}
            for name, each in schema.get("properties", {}).items():
                if self.whole or name in schema.get("required", ()) or self.random.random() < 0.5:
                    # The catalogue calls the counters numbers, and no server counts in fractions.
                    made[name] = self.random.randrange(9) if name in COUNTERS else self.make(each)
            values = schema.get("additionalProperties")
            return {"a": self.make(values), "b": self.make(values)} if isinstance(values, dict) else made
        return self.random.choice(VALUES[kind])


COUNTERS = ("start", "limit", "length", "total")
VALUES: dict[str, list[Any]] = {
    "string": ["", "text", "2026-01-02T03:04:05.678Z"],
    "integer": [0, -1, 2**53],
    "number": [0, 1, -122.4, 1e9],
    "boolean": [True, False],
    "null": [None],
}


def fitted(title: str, value: Any) -> tuple[Any, tuple[anyauth0.Anomaly, ...]]:
    found = endpoint(title)
    shape = Shape(endpoint=title, items=getattr(found, "items", None))
    return decode(call(title).model, Response(status=200, body=json.dumps(value).encode()), shape)


@pytest.mark.parametrize("title", ANSWERS)
def test_an_answer_that_the_catalogue_allows_fits_its_model(title: str) -> None:
    for number in range(20):
        value = Examples(f"{title} {number}", whole=not number).make(ANSWERS[title])
        model, anomalies = fitted(title, value)
        assert anomalies == ()
        same(model, value)


def same(model: Any, value: Any) -> None:
    """Say that what was decoded holds the values that were sent."""
    if isinstance(model, msgspec.Struct):
        for name, wire in zip(model.__struct_fields__, model.__struct_encode_fields__, strict=True):
            if wire in value:
                same(getattr(model, name), value[wire])
    elif isinstance(model, Page):
        items = value if isinstance(value, list) else next(
            (each for each in value.values() if isinstance(each, list)), []
        )  # fmt: skip
        assert len(model) == len(items)
        for one, sent in zip(model, items, strict=True):
            same(one, sent)
    elif isinstance(model, list):
        for one, sent in zip(model, value, strict=True):
            same(one, sent)
    else:
        assert model == value


def test_the_test_above_can_fail() -> None:
    assert fitted("users.get", {"email_verified": "yes"})[1] != ()
    assert fitted("clients.get", {"callbacks": "https://example.com"})[1] != ()
