"""`generate.py --compare`: what a newer OpenAPI document changed, each change once, and nothing else."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen import openapi
from codegen.changes import Change, changes, propose
from codegen.generate import CATALOGUE, main

Json = dict[str, Any]
Mutation = Callable[[Json], object]

RAW: Json = msgspec.json.decode(CATALOGUE.read_bytes())
OLD = openapi.read_catalogue(CATALOGUE)
_PLACES = (("path_params", "path"), ("query", "query"), ("headers", "header"))


def schema(value: Any, *, known: bool) -> Any:
    """Return a schema as a document writes it; without `known`, without what came from elsewhere."""
    if not isinstance(value, dict):
        return value
    out = {key: each for key, each in value.items() if key not in _LABELS}
    if "lifecycle" in value:
        out["x-release-lifecycle"] = value["lifecycle"]
    if "properties" in value:
        out["properties"] = {
            name: schema(each, known=known)
            for name, each in value["properties"].items()
            if known or not elsewhere(each)
        }
        if "required" in out:
            out["required"] = [name for name in out["required"] if name in out["properties"]]
    for key in ("items", "additionalProperties"):
        if key in value:
            out[key] = schema(value[key], known=known)
    for key in ("oneOf", "anyOf", "allOf"):
        if key in value:
            out[key] = [schema(each, known=known) for each in value[key] if known or not elsewhere(each)]
    if not known and "enum_since" in value:
        out["enum"] = [each for each in value["enum"] if each not in value["enum_since"]]
        if not out["enum"]:
            del out["enum"]
    return out


_LABELS = {"lifecycle", "since", "removed_in", "enum_since", "enum_removed_in"}


def elsewhere(value: Any) -> bool:
    return isinstance(value, dict) and ("since" in value or "removed_in" in value)


def wrapped(*, known: bool = True) -> Json:
    """Return the catalogue as an OpenAPI 3.1 document."""
    paths: Json = {}
    for each in RAW["operations"]:
        if not known and not each["since"].startswith("oas-"):
            continue
        parameters = [
            {
                "name": one["name"],
                "in": place,
                "required": place == "path" or one["required"],
                "schema": schema(one["schema"], known=known),
                "description": "Words.",
                **{key: one[key] for key in ("style", "explode") if key in one},
            }
            for field, place in _PLACES
            for one in each.get(field, ())
            if known or not elsewhere(one)
        ]
        responses = {
            status: {
                "description": "Words.",
                **(
                    {"content": {one["content_type"]: {"schema": schema(one["schema"], known=known)}}}
                    if one["schema"]
                    else {}
                ),
            }
            for status, one in each["responses"].items()
            if known or not elsewhere(one)
        }
        operation = {"operationId": "words", "parameters": parameters, "responses": responses}
        if each["body"]:
            inside = {"schema": schema(each["body"]["schema"], known=known), "example": {}}
            operation["requestBody"] = {
                "content": dict.fromkeys(each["body"]["content_types"], inside),
                **({"required": each["body"]["required"]} if known else {}),
            }
        if each["scopes"]:
            operation["security"] = [{"oAuth2ClientCredentials": each["scopes"]}]
        if each["lifecycle"]:
            operation["x-release-lifecycle"] = each["lifecycle"]
        paths.setdefault(each["path"], {})[each["method"].lower()] = operation
    schemas = {name: schema(each, known=known) for name, each in RAW["schemas"].items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Words", "version": "2"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


WHOLE = msgspec.json.encode(wrapped())
# Enough of the document to change each kind of fact in it, in little time.
_FEW = (
    "/roles", "/roles/{id}", "/roles/{id}/users", "/users", "/users/{user_id}/sessions", "/users/{id}/groups",
    "/clients", "/connections", "/log-streams", "/agents", "/stats/active-users", "/client-grants",
    "/client-grants/{id}/organizations",
)  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("documents")


def found(document: Json, directory: Path, *, paths: tuple[str, ...] = ()) -> list[Change]:
    """Return what the document changes; with `paths`, as if these were all there are in the catalogue."""
    path = directory / "openapi.json"
    path.write_bytes(msgspec.json.encode(document))
    operations = tuple(each for each in OLD.operations if not paths or each.path in paths)
    old = openapi.Facts(operations=operations, schemas=OLD.schemas)
    return sorted(set(changes(old, openapi.read(path))))


@pytest.fixture(scope="module")
def few(directory: Path) -> bytes:
    """The operations of a few paths, and the schemas that they reach."""
    document: Json = msgspec.json.decode(WHOLE)
    document["paths"] = {path: document["paths"][path] for path in _FEW}
    path = directory / "few.json"
    path.write_bytes(msgspec.json.encode(document))
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {name: schemas[name] for name in openapi.read(path).schemas}
    assert found(document, directory, paths=_FEW) == []
    return msgspec.json.encode(document)


def old_style(value: Any) -> Any:
    """Return a schema as OpenAPI 3.0 writes it."""
    if isinstance(value, list):
        return [old_style(each) for each in value]
    if not isinstance(value, dict):
        return value
    out = {key: old_style(each) for key, each in value.items()}
    if isinstance(out.get("type"), list):
        [out["type"]] = [each for each in out["type"] if each != "null"]
        out["nullable"] = True
    if "const" in out and not isinstance(out["const"], dict):
        out["enum"] = [out.pop("const")]
    for key in ("oneOf", "anyOf"):
        members = out.get(key)
        if isinstance(members, list) and {"type": "null"} in members:
            out["nullable"] = True
            members.remove({"type": "null"})
            if len(members) == 1:
                out["allOf"] = out.pop(key)
    return out


def test_the_catalogue_itself_is_no_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "openapi.json"
    path.write_bytes(WHOLE)
    assert main(["--compare", str(path)]) == 0
    assert capsys.readouterr().out == "no difference\n"


def test_what_the_catalogue_has_from_elsewhere_need_not_be_in_the_document(directory: Path) -> None:
    document = wrapped(known=False)
    assert len(document["paths"]) < len(msgspec.json.decode(WHOLE)["paths"])
    assert found(document, directory) == []


def test_a_document_of_version_3_0_says_null_in_its_own_way(directory: Path) -> None:
    document: Json = msgspec.json.decode(WHOLE)
    assert old_style(document["components"]) != document["components"]
    paths, components = old_style(document["paths"]), old_style(document["components"])
    assert found({"openapi": "3.0.3", "paths": paths, "components": components}, directory) == []


def renamed(document: bytes) -> Json:
    new: Json = msgspec.json.decode(document.replace(b"#/components/schemas/", b"#/components/schemas/New"))
    schemas = new["components"]["schemas"]
    new["components"]["schemas"] = {f"New{name}": each for name, each in schemas.items()}
    return new


def test_names_of_schemas_are_no_matter(directory: Path) -> None:
    assert found(renamed(WHOLE), directory) == []


def test_what_changes_with_its_name_is_reported_by_the_known_name(few: bytes, directory: Path) -> None:
    document = renamed(few)
    del document["components"]["schemas"]["NewRole"]["properties"]["description"]
    assert found(document, directory, paths=_FEW) == [
        Change("schemas", "Role", 'property "description": gone')
    ]


def test_references_and_parameters_of_the_path_are_resolved(directory: Path) -> None:
    document: Json = msgspec.json.decode(WHOLE)
    parts: Json = {"parameters": {}, "requestBodies": {}, "responses": {}, "pathItems": {}}
    for number, (path, item) in enumerate(document["paths"].items()):
        for method, operation in item.items():
            key = f"{method}~{number}/x"
            pointer = f"{method}~0{number}~1x"
            for at, each in enumerate(operation["parameters"]):
                parts["parameters"][f"{key}{at}"] = each
                operation["parameters"][at] = {"$ref": f"#/components/parameters/{pointer}{at}"}
            if "requestBody" in operation:
                parts["requestBodies"][key] = operation["requestBody"]
                operation["requestBody"] = {"$ref": f"#/components/requestBodies/{pointer}"}
            for status, answer in operation["responses"].items():
                parts["responses"][f"{key}{status}"] = answer
                operation["responses"][status] = {"$ref": f"#/components/responses/{pointer}{status}"}
        # What all operations of a path have stands with the path, which is a reference too.
        first = next(iter(item.values()))
        shared = first.pop("parameters") if len(item) == 1 else []
        parts["pathItems"][str(number)] = {"parameters": shared, **item}
        document["paths"][path] = {"$ref": f"#/components/pathItems/{number}"}
    document["components"].update(parts)
    assert found(document, directory) == []


def at(*keys: str | int) -> Callable[[Json], Any]:
    """Return what leads to a place in a document."""

    def lead(document: Json) -> Any:
        value: Any = document
        for key in keys:
            value = value[key]
        return value

    return lead


def put(value: Any, *keys: str | int) -> Mutation:
    def mutate(document: Json) -> None:
        at(*keys[:-1])(document)[keys[-1]] = value

    return mutate


def drop(*keys: str | int) -> Mutation:
    return lambda document: at(*keys[:-1])(document).pop(keys[-1])


def add(value: Any, *keys: str | int) -> Mutation:
    return lambda document: at(*keys)(document).append(value)


def remove(value: Any, *keys: str | int) -> Mutation:
    return lambda document: at(*keys)(document).remove(value)


def parameter(path: str, name: str) -> tuple[str | int, ...]:
    """Return the way to a parameter of a GET."""
    listed = msgspec.json.decode(WHOLE)["paths"][path]["get"]["parameters"]
    return ("paths", path, "get", "parameters", [each["name"] for each in listed].index(name))


def ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


ROLES = ("paths", "/roles", "get")
CREATE = ("paths", "/roles", "post")
BODY = (*CREATE, "requestBody")
SCHEMAS = ("components", "schemas")
ROLE = (*SCHEMAS, "Role", "properties")
GET_ROLES, CREATE_ROLE = "GET /roles (roles.get_all)", "POST /roles (roles.create)"
Q = {"name": "q", "in": "query", "schema": {"type": "string"}}
NEW = {"security": [{"oAuth2": ["read:roles"]}], "x-release-lifecycle": "beta", "responses": {}}
PAGE = "ListRolesOffsetPaginatedResponseContent"
FORM = "application/x-www-form-urlencoded"
CONTENT = (*ROLES, "responses", "200", "content")

KINDS: dict[str, tuple[Mutation, str, str, str]] = {
    "an operation is gone": (drop(*CREATE), "gone operations", CREATE_ROLE, ""),
    "an operation is new": (
        put({"get": NEW}, "paths", "/roles/{id}/rules"),
        "new operations", "GET /roles/{id}/rules (roles.get_rules)", 'lifecycle beta, scope "read:roles"',
    ),
    "a scope is new": (
        add({"oAuth2": ["read:all"]}, *ROLES, "security"),
        "changed operations", GET_ROLES, 'scope "read:all": new',
    ),
    "a scope is gone": (
        put([], *ROLES, "security"), "changed operations", GET_ROLES, 'scope "read:roles": gone',
    ),
    "a scope is in an extension": (
        put(["read:more"], *ROLES, "x-required-scopes"),
        "changed operations", GET_ROLES, 'scope "read:more": new',
    ),
    "a lifecycle changes": (
        put("EA", *ROLES, "x-release-lifecycle"), "changed operations", GET_ROLES, "lifecycle is EA, was GA",
    ),
    "a query parameter is new": (
        add({**Q, "required": True}, *ROLES, "parameters"),
        "changed operations", GET_ROLES, 'query parameter "q": new, string, required',
    ),
    "a query parameter is gone": (
        drop(*parameter("/roles", "name_filter")),
        "changed operations", GET_ROLES, 'query parameter "name_filter": gone',
    ),
    "a query parameter changes its type": (
        put({"type": "array", "items": {"type": "string"}}, *parameter("/roles", "name_filter"), "schema"),
        "changed operations", GET_ROLES, 'query parameter "name_filter": type is array of string, was string',
    ),
    "a query parameter is required now": (
        put(True, *parameter("/roles", "name_filter"), "required"),
        "changed operations", GET_ROLES, 'query parameter "name_filter": is required now',
    ),
    "a query parameter does not repeat now": (
        put(False, *parameter("/connections", "strategy"), "explode"),
        "changed operations", "GET /connections (connections.get_all)",
        'query parameter "strategy": does not repeat now',
    ),
    "a query parameter of the path is new": (
        put([Q], "paths", "/client-grants/{id}/organizations", "parameters"),
        "changed operations", "GET /client-grants/{id}/organizations (client_grants.get_all_organizations)",
        'query parameter "q": new, string',
    ),
    "a path parameter changes its type": (
        put({"type": "integer"}, *parameter("/roles/{id}", "id"), "schema"),
        "changed operations", "GET /roles/{id} (roles.get)",
        'path parameter "id": type is integer, was string',
    ),
    "a header is gone": (
        put([], "paths", "/users", "post", "parameters"),
        "changed operations", "POST /users (users.create)", 'header "auth0-custom-domain": gone',
    ),
    "a pagination parameter is new": (
        add({"name": "take", "in": "query", "schema": {"type": "integer"}}, *ROLES, "parameters"),
        "changed operations", GET_ROLES, 'pagination parameter "take": new, integer',
    ),
    "a pagination parameter is gone": (
        drop(*parameter("/roles", "include_totals")),
        "changed operations", GET_ROLES, 'pagination parameter "include_totals": gone',
    ),
    "a body is gone": (drop(*BODY), "changed operations", CREATE_ROLE, "body: gone"),
    "a body is new": (
        put({"content": {"application/json": {"schema": ref("Role")}}}, *ROLES, "requestBody"),
        "changed operations", GET_ROLES, "body: new, Role",
    ),
    "a content type of a body is new": (
        put({"schema": ref("CreateRoleRequestContent")}, *BODY, "content", "application/xml"),
        "changed operations", CREATE_ROLE, "body: content type application/xml: new",
    ),
    "a content type of a body is gone": (
        drop(*BODY, "content", FORM), "changed operations", CREATE_ROLE, f"body: content type {FORM}: gone",
    ),
    "a body is optional now": (
        put(False, *BODY, "required"), "changed operations", CREATE_ROLE, "body: is optional now",
    ),
    "a response is new": (
        put({"description": "Words."}, *ROLES, "responses", "418"),
        "changed operations", GET_ROLES, "response 418: new",
    ),
    "a response is gone": (
        drop(*ROLES, "responses", "429"), "changed operations", GET_ROLES, "response 429: gone",
    ),
    "a response has a schema now": (
        put({"application/json": {"schema": ref("Role")}}, *ROLES, "responses", "400", "content"),
        "changed operations", GET_ROLES, "response 400: schema new, Role",
    ),
    "a response has no schema now": (
        drop(*CONTENT), "changed operations", GET_ROLES, "response 200: schema gone",
    ),
    "a response has another schema now": (
        put(ref("Role"), *CONTENT, "application/json", "schema"),
        "changed operations", GET_ROLES, "response 200: type is Role, was ListRolesResponseContent",
    ),
    "a response has another content type now": (
        put({"text/plain": {"schema": ref("ListRolesResponseContent")}}, *CONTENT),
        "changed operations", GET_ROLES, "response 200: content type is text/plain, was application/json",
    ),
    "a property is new": (
        put({"type": "array", "items": ref("Role")}, *ROLE, "parents"),
        "schemas", "Role", 'property "parents": new, array of Role',
    ),
    "a property is gone": (drop(*ROLE, "description"), "schemas", "Role", 'property "description": gone'),
    "a property changes its type": (
        put({"type": "number"}, *ROLE, "description"),
        "schemas", "Role", 'property "description": type is number, was string',
    ),
    "a property may be null now": (
        put({"type": "string", "nullable": True}, *ROLE, "description"),
        "schemas", "Role", 'property "description": type is string or null, was string',
    ),
    "a property with a schema of its own may be null now": (
        put({"anyOf": [ref("RoleTypeEnum"), {"type": "null"}]}, *ROLE, "type"),
        "schemas", "Role", 'property "type": type is RoleTypeEnum or null, was RoleTypeEnum',
    ),
    "a property has another format now": (
        put({"type": "string", "format": "uri"}, *ROLE, "description"),
        "schemas", "Role", 'property "description": type is string (uri), was string',
    ),
    "a property is required now": (
        put(["id"], *SCHEMAS, "Role", "required"), "schemas", "Role", 'property "id": is required now',
    ),
    "a property is optional now": (
        drop(*SCHEMAS, "CreateRoleRequestContent", "required"),
        "schemas", "CreateRoleRequestContent", 'property "name": is optional now',
    ),
    "a property has a limit now": (
        put(40, *ROLE, "name", "maxLength"),
        "schemas", "Role", 'property "name": maxLength is 40, was not given',
    ),
    "items have another type now": (
        put({"type": "string"}, *SCHEMAS, PAGE, "properties", "roles", "items"),
        "schemas", PAGE, 'property "roles[]": type is string, was Role',
    ),
    "other properties are allowed now": (
        put(True, *SCHEMAS, "Role", "additionalProperties"),
        "schemas", "Role", "other properties are allowed now",
    ),
    "an enum value is new": (
        add("maybe", *SCHEMAS, "ClientGrantDefaultForEnum", "enum"),
        "schemas", "ClientGrantDefaultForEnum", 'enum value "maybe": new',
    ),
    "a string is an enum now": (
        put(["a", "b"], *ROLE, "name", "enum"), "schemas", "Role", 'property "name": enum new: "a", "b"',
    ),
    "an alternative is new": (
        add(ref("Role"), *SCHEMAS, "LogStreamResponseSchema", "oneOf"),
        "schemas", "LogStreamResponseSchema", "alternative Role: new",
    ),
    "an alternative is gone": (
        remove(ref("LogStreamHttpResponseSchema"), *SCHEMAS, "LogStreamResponseSchema", "oneOf"),
        "schemas", "LogStreamResponseSchema", "alternative LogStreamHttpResponseSchema: gone",
    ),
    "a named part of allOf changes": (
        drop(*SCHEMAS, "Group", "properties", "name"), "schemas", "Group", 'property "name": gone',
    ),
    "a part of allOf changes": (
        drop(*SCHEMAS, "UserGroupsResponseSchema", "allOf", 1, "properties", "membership_created_at"),
        "schemas", "UserGroupsResponseSchema", 'property "membership_created_at": gone',
    ),
}  # fmt: skip


def said_for_all(document: Json) -> None:
    """Say for the whole document what one operation says for itself."""
    document["security"] = document["paths"]["/roles"]["get"].pop("security")


NOTHING: dict[str, Mutation] = {
    "a description": put("Words.", *ROLE, "name", "description"),
    "an example": put("words", *ROLE, "name", "example"),
    "a string default": put("words", *ROLE, "name", "default"),
    "a limit on what came from the packages": put(
        9, *SCHEMAS, "AgentResponseContent", "properties", "name", "maxLength"
    ),
    "a schema that no operation reaches": put({"type": "object"}, *SCHEMAS, "Unreached"),
    "whether a body is required, unsaid": drop(*BODY, "required"),
    "scopes of the whole document": said_for_all,
    "a schema in place of its name": lambda document: put(
        at(*SCHEMAS, "Role")(document), *SCHEMAS, PAGE, "properties", "roles", "items"
    )(document),
    "a name beside a description": put(
        {"description": "Words.", "allOf": [ref("Role")]}, *SCHEMAS, PAGE, "properties", "roles", "items"
    ),
    "an allOf that begins with words": lambda document: put(
        {"allOf": [{"description": "Words."}, at(*SCHEMAS, "Role")(document)]}, *SCHEMAS, "Role"
    )(document),
    "scopes of what came from the packages": drop("paths", "/agents", "get", "security"),
    "an operation from the packages": drop("paths", "/agents"),
    "a property from the packages": drop(*ROLE, "owner_id"),
}


@pytest.mark.parametrize("mutate", NOTHING.values(), ids=NOTHING)
def test_what_is_no_change_is_not_reported(mutate: Mutation, few: bytes, directory: Path) -> None:
    document: Json = msgspec.json.decode(few)
    mutate(document)
    assert document != msgspec.json.decode(few)
    assert found(document, directory, paths=_FEW) == []


@pytest.mark.parametrize(("mutate", "group", "subject", "text"), KINDS.values(), ids=KINDS)
def test_each_kind_of_change_is_one_line(
    mutate: Mutation, group: str, subject: str, text: str, few: bytes, directory: Path
) -> None:
    document: Json = msgspec.json.decode(few)
    mutate(document)
    assert found(document, directory, paths=_FEW) == [Change(group, subject, text)]


def removals() -> Iterator[tuple[Change, tuple[str | int, ...], Any]]:
    """Go through what can be removed: the line that says so, the way to it, and for an enum the value."""
    for each in RAW["operations"]:
        if each["since"].startswith("oas-") and not {"removed_in", "absent_from"} & each.keys():
            subject = f"{each['method']} {each['path']} ({each['resource']}.{each['name']})"
            yield (
                Change("gone operations", subject, ""),
                ("paths", each["path"], each["method"].lower()),
                None,
            )
    for name, value in RAW["schemas"].items():
        if not elsewhere(value):
            yield from inside(name, value, (*SCHEMAS, name), "")


def inside(name: str, value: Json, way: tuple[str | int, ...], path: str) -> Iterator[Any]:
    values = value.get("enum", ())
    labelled = value.get("enum_since", {}).keys() | value.get("enum_removed_in", {}).keys()
    for one in values if len(values) > 1 else ():
        if one is not None and one not in labelled:
            where = f'property "{path}": ' if path else ""
            text = f"{where}enum value {json.dumps(one)}: gone"
            yield Change("schemas", name, text), (*way, "enum"), one
    for key, each in value.get("properties", {}).items():
        if not elsewhere(each):
            step = f"{path}.{key}" if path else key
            yield Change("schemas", name, f'property "{step}": gone'), (*way, "properties", key), None
            yield from inside(name, each, (*way, "properties", key), step)
    if isinstance(value.get("items"), dict):
        yield from inside(name, value["items"], (*way, "items"), f"{path}[]")


def reached(operations: Iterable[openapi.Operation]) -> dict[str, str]:
    """Return each schema that these operations reach, with the path of one that does."""
    paths: dict[str, str] = {}
    for operation in operations:
        waiting = list(operation.shapes)
        while waiting:
            shape = waiting.pop()
            waiting.extend(shape.parts)
            if shape.target and shape.target not in paths:
                paths[shape.target] = operation.path
                waiting.append(OLD.schemas[shape.target])
    return paths


DOCUMENT: Json = msgspec.json.decode(WHOLE)
REMOVALS = list(removals())
REACHED = reached(OLD.operations)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(REMOVALS))
def test_any_single_removal_is_reported_once(directory: Path, removal: Any) -> None:
    change, way, value = removal
    only = way[1] if way[0] == "paths" else REACHED[change.subject]
    operations = tuple(each for each in OLD.operations if each.path == only)
    schemas = {name: DOCUMENT["components"]["schemas"][name] for name in reached(operations)}
    part = {**DOCUMENT, "paths": {only: DOCUMENT["paths"][only]}, "components": {"schemas": schemas}}
    document: Json = msgspec.json.decode(msgspec.json.encode(part))
    if value is None:
        drop(*way)(document)
    else:
        remove(value, *way)(document)
    # Once as it comes, not only once among the lines.
    path = directory / "removal.json"
    path.write_bytes(msgspec.json.encode(document))
    old = openapi.Facts(operations=operations, schemas=OLD.schemas)
    assert list(changes(old, openapi.read(path))) == [change]


def test_the_report_is_grouped_and_sorted(
    few: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document: Json = msgspec.json.decode(WHOLE)
    for kind in (
        "an enum value is new", "a property is gone", "a property is new", "a query parameter is new",
        "a lifecycle changes", "an operation is new",
    ):  # fmt: skip
        KINDS[kind][0](document)
    drop("paths", "/rules", "post")(document)
    drop("paths", "/hooks/{id}", "get")(document)
    path = tmp_path / "openapi.json"
    path.write_bytes(msgspec.json.encode(document))
    assert main(["--compare", str(path)]) == 1
    assert (
        capsys.readouterr().out
        == """\
changed operations
  GET /roles (roles.get_all)
    lifecycle is EA, was GA
    query parameter "q": new, string, required
gone operations
  GET /hooks/{id} (hooks.get)
  POST /rules (rules.create)
new operations
  GET /roles/{id}/rules (roles.get_rules)
    lifecycle beta, scope "read:roles"
schemas
  ClientGrantDefaultForEnum
    enum value "maybe": new
  Role
    property "description": gone
    property "parents": new, array of Role
"""
    )


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("GET /things", "things.get_all"),
        ("POST /things", "things.create"),
        ("GET /things/{id}", "things.get"),
        ("PUT /things/{id}", "things.set"),
        ("DELETE /things/{id}/parts/{part_id}", "things.delete_part"),
        ("GET /client-grants/{id}/audit-entries", "client_grants.get_audit_entries"),
        ("PATCH /organizations/{id}/big-parts/{part_id}", "organizations.update_big_part"),
        ("POST /organizations/{id}/roles", "organizations.add_roles"),
        ("POST /connections/{id}/users", "connections.assign_users"),
        ("POST /organizations/{id}/widgets", "organizations.create_widget"),
        ("POST /custom-domains/{id}/renew", "custom_domains.renew"),
        ("POST /actions/modules/{id}/freeze", "actions.freeze_module"),
        ("POST /experimentation/experiments/{id}/stop-ramp", "experimentation.stop_experiment_ramp"),
        ("GET /roles/search", "roles.search"),
    ],
)
def test_a_new_operation_gets_a_name_by_the_rules_of_the_catalogue(title: str, name: str) -> None:
    method, _, path = title.partition(" ")
    operation = openapi.Operation(method=method, path=path)
    assert propose(operation, OLD.operations, [operation]) == name


def test_a_new_resource_is_called_by_the_group_of_the_document(few: bytes, directory: Path) -> None:
    document: Json = msgspec.json.decode(few)
    document["paths"]["/things"] = {"get": {"x-operation-group": "big-things.parts", "responses": {}}}
    [change] = found(document, directory, paths=_FEW)
    assert change == Change("new operations", "GET /things (big_things.get_all)", "")


MALFORMED = {
    "not JSON": (b"openapi: 3.1.0", "JSON is malformed"),
    "not an object": (b"[]", "Expected `object`, got `array`"),
    "no version": (b'{"paths": {}}', '"openapi" must be a version 3.x, not None'),
    "version 2": (b'{"swagger": "2.0", "paths": {}}', '"openapi" must be a version 3.x, not None'),
    "version 4": (b'{"openapi": "4.0.0", "paths": {}}', "\"openapi\" must be a version 3.x, not '4.0.0'"),
    "no paths": (b'{"openapi": "3.1.0"}', '"paths" is missing'),
    "paths of another type": (b'{"openapi": "3.1.0", "paths": []}', "paths: Expected `object`, got `array`"),
    "an operation of another type": (
        b'{"openapi": "3.1.0", "paths": {"/a": {"get": {"responses": 1}}}}',
        "GET /a: Expected `object`, got `int` - at `$.responses`",
    ),
    "a reference that leads nowhere": (
        b'{"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/components/pathItems/a"}}}',
        '"#/components/pathItems/a" is not there',
    ),
    "a reference to itself": (
        b'{"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/paths/~1a"}}}',
        '"#/paths/~1a" leads back to itself',
    ),
    "a schema made of itself": (
        msgspec.json.encode(
            {
                "openapi": "3.1.0",
                "paths": {"/roles": {"post": {"requestBody": {"content": {"a/b": {"schema": ref("Role")}}}}}},
                "components": {"schemas": {"Role": {"allOf": [ref("Role")], "required": ["id"]}}},
            }
        ),
        'a schema is in its own "allOf"',
    ),
    "a reference to another file": (
        b'{"openapi": "3.1.0", "paths": {"/a": {"$ref": "a.json#/b"}}}',
        '"a.json#/b" is in another file: bundle the document into one',
    ),
}


@pytest.mark.parametrize(("content", "message"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_document_is_an_error_that_says_why(
    content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "openapi.json"
    path.write_bytes(content)
    assert main(["--compare", str(path)]) == 2
    output = capsys.readouterr()
    assert output.err.startswith(f"{path}: {message}")
    assert output.out == ""


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--compare", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err == f"{tmp_path / 'none.json'}: No such file or directory\n"


def test_a_schema_that_is_not_there_is_named(few: bytes, directory: Path) -> None:
    document: Json = msgspec.json.decode(few)
    del document["components"]["schemas"]["Role"]
    with pytest.raises(openapi.OpenApiError, match=r'"#/components/schemas/Role" is not there$'):
        found(document, directory)
