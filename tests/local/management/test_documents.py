"""The whole Management API of the tenant: every operation answers, and what was written is read back."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import ApiError, AsyncManagementClient, Conflict, ManagementClient, NotFound
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.management.places import endpoints

Api = Any
Operation = dict[str, Any]

_FILE = Path(__file__).parents[3] / "core" / "catalog" / "management.json"
_CATALOGUE: dict[str, Any] = json.loads(_FILE.read_bytes())
# An iterator of server-sent events is no document.
OPERATIONS: dict[str, Operation] = {
    f"{each['resource']}.{each['name']}": each
    for each in _CATALOGUE["operations"]
    if each["path"] != "/events"
}
PATHS = {(each["method"], each["path"]): each for each in OPERATIONS.values()}
PASSWORD = "correct-Horse-7"
CONNECTION = "Username-Password-Authentication"

# The id of a document where that is not its `id`.
IDS = {
    "/agents": "agent_id", "/branding/themes": "themeId", "/clients": "client_id",
    "/custom-domains": "custom_domain_id", "/email-templates": "template", "/keys/encryption": "kid",
    "/logs": "log_id",
    "/organizations/{id}/clients": "client_id", "/organizations/{id}/connections": "connection_id",
    "/organizations/{id}/enabled_connections": "connection_id", "/users": "user_id",
}  # fmt: skip
KEPT_AS = {
    "client-grants": "client_grants", "resource-servers": "resource_servers",
    "organizations/x1/connections": "organizations/x1/enabled_connections",
}  # fmt: skip
# Where the least that the catalogue asks for is not enough.
NEEDED: dict[str, dict[str, Any]] = {
    "refresh_tokens.revoke": {"client_id": "x1"},
    "jobs.import_users": {"users": [{"email": "bob@example.com"}], "connection_id": "x1"},
    "users.create": {"connection": CONNECTION, "email": "eve@example.com", "password": PASSWORD},
    "users.link": {"provider": "auth0", "user_id": "other"},
}


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = _CATALOGUE["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def least(schema: dict[str, Any], name: str = "x") -> Any:
    """Return a value with nothing but what the schema requires."""
    schema = resolved(schema)
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return least(schema[key][0], name)
    if "enum" in schema or "const" in schema:
        return schema.get("const") or schema["enum"][0]
    if "allOf" in schema:
        return {key: value for part in schema["allOf"] for key, value in least(part).items()}
    kind = schema.get("type", "object")
    kind = kind if isinstance(kind, str) else kind[0]
    if kind == "object":
        named = schema.get("properties", {})
        return {key: least(named[key], key) for key in schema.get("required", ()) if key in named}
    values = {"array": [], "boolean": True, "integer": 1, "number": 1, "null": None}
    return values.get(kind, f"{name}.example")


class World:
    """A tenant with something at every path."""

    def __init__(self, tenant: LocalTenant) -> None:
        self.tenant = tenant
        self.user = tenant.add_user(email="ada@example.com")["user_id"]
        tenant.add_user(user_id="other", email="grace@example.com")
        self.kid = tenant.tokens.jwks()["keys"][0]["kid"]

    def path(self, operation: Operation) -> list[str]:
        """Return values for the path of an operation, with a document at each of its places."""
        path: list[str] = []
        place = ""
        for segment in operation["path"].strip("/").split("/"):
            if not segment.startswith("{"):
                place = f"{place}/{segment}".strip("/")
                continue
            value = {"users": self.user, "keys/signing": self.kid, "logs": "1"}.get(place, "x1")
            path.append(value)
            kind = place
            # Kept by another name than that of the path.
            for name, kept in KEPT_AS.items():
                kind = kind.replace(name, kept) if kind.endswith(name) else kind
            if kind not in ("users", "keys/signing"):
                field = IDS.get(f"/{kind}", "id")
                if place.endswith("/name"):
                    kind, field = place.removesuffix("/name"), "id"
                named = {"name": "x1", "domain": "x1", "status": "completed", "type": "x"}
                self.tenant.store.put(kind, value, {field: value, **named})
            place = f"{place}/{value.replace('|', '%7C')}"
        return path


class Undo(Exception):
    """Raised to undo what a test has written."""


@pytest.fixture(scope="module")
def shared(signing_key: dict[str, Any]) -> Iterator[LocalTenant]:
    # Reading a key takes longer than most of these tests.
    with LocalTenant(domain="documents.example") as tenant:
        tenant.store.add("keys", signing_key["kid"], signing_key)
        yield tenant


@pytest.fixture
def tenant(shared: LocalTenant) -> Iterator[LocalTenant]:
    with suppress(Undo), shared.store.transaction():
        yield shared
        raise Undo


@pytest.fixture(scope="module")
def management(shared: LocalTenant) -> Iterator[ManagementClient]:
    with client(shared) as management:
        yield management


@pytest.fixture
def world(tenant: LocalTenant) -> World:
    return World(tenant)


# What is refused for a reason of its own: there is nothing to act upon.
REFUSED = {"actions.rollback_module": 404, "jobs.verify_email": 404, "keys.revoke": 400, "users.unlink": 404}


@pytest.mark.parametrize("title", OPERATIONS)
def test_an_operation_answers_what_its_model_allows(
    title: str, world: World, management: ManagementClient
) -> None:
    operation = OPERATIONS[title]
    path = world.path(operation)
    if title == "branding.get_default_theme":
        world.tenant.store.put("branding/themes", "t", {"themeId": "t"})
    world.tenant.store.put("connections", "x1", {"id": "x1", "name": "x1", "strategy": "auth0"})
    keywords = NEEDED.get(title) or arguments(operation)
    for query in operation["query"]:
        if query.get("required"):
            keywords = {**keywords, query["name"]: least(query["schema"], "a@b")}
    resource, _, name = title.partition(".")
    method = getattr(getattr(management, resource), name)
    if title in REFUSED:
        with pytest.raises(ApiError) as caught:
            method(*path, **keywords)
        assert caught.value.status == REFUSED[title]
    else:
        # The client is strict: it raises for what its model does not allow, and for any other status.
        assert 200 <= method(*path, **keywords).status < 300


def arguments(operation: Operation) -> dict[str, Any]:
    """Return the least body as the method of the SDK wants it."""
    schema = resolved(operation["body"]["schema"]) if operation["body"] else {}
    if not schema:
        return {}
    body = least(schema)
    if "properties" not in schema:
        return {"body": body}
    return {f"{name}_" if iskeyword(name) else name: value for name, value in body.items()}


def client(tenant: LocalTenant, **options: Any) -> ManagementClient:
    return ManagementClient(
        domain=tenant.domain, transport="local", client_id=tenant.client_id,
        client_secret=tenant.client_secret, strict=True, **options,
    )  # fmt: skip


def test_the_catalogue_and_the_sdk_have_the_same_operations() -> None:
    routed = {(endpoint.method, endpoint.path) for endpoint in endpoints()}
    assert set(PATHS) <= routed


# --- documents of a collection


def child(path: str) -> str | None:
    """Return the path of one document of a collection, if it can be read."""
    found = [each for method, each in PATHS if method == "GET" and each.rpartition("/")[0] == path]
    return next((each for each in found if each.endswith("}")), None)


COLLECTIONS = [path for method, path in PATHS if method == "POST" and child(path) and path != "/users"]


@pytest.mark.parametrize("path", COLLECTIONS)
def test_a_document_is_created_read_changed_and_deleted(path: str, world: World, api: Api) -> None:
    one = child(path)
    assert one is not None
    above = world.path({**PATHS["POST", path]})
    here = filled(path, above)
    operation = PATHS["POST", path]
    body = least(operation["body"]["schema"]) if operation["body"] else {}
    if path == "/connections":
        body = {"name": "hub", "strategy": "github"}
    status, made = api("POST", here, body)
    assert status in (200, 201, 204)
    if made is None:
        made = api("GET", here)[1][-1]
    if path == "/organizations/{id}/clients":
        api("POST", here, {"clients": [{"client_id": "c1"}]})
        made = api("GET", f"{here}/c1")[1]
    identifier = made[IDS.get(path, "id")]
    there = f"{here}/{identifier}"
    status, found = api("GET", there)
    assert status == 200
    assert found.items() >= {**made, **{key: found[key] for key in ("updated_at",) if key in found}}.items()
    if ("GET", path) in PATHS:
        listed = api("GET", here)[1]
        listed = listed if isinstance(listed, list) else next(
            value for value in listed.values() if isinstance(value, list)
        )  # fmt: skip
        assert identifier in [item.get(IDS.get(path, "id")) for item in listed]
    if ("PATCH", one) in PATHS:
        status, changed = api("PATCH", there, {"name": "changed", "extra": {"a": 1}})
        assert status in (200, 204)
        changed = api("GET", there)[1]
        assert (changed["name"], changed["extra"]) == ("changed", {"a": 1})
        assert changed[IDS.get(path, "id")] == identifier
        assert changed.keys() >= found.keys()
    if ("PUT", one) in PATHS:
        assert api("PUT", there, {"name": "replaced"})[0] == 200
        replaced = api("GET", there)[1]
        assert replaced["name"] == "replaced"
        assert "extra" not in replaced
    if ("DELETE", one) in PATHS:
        assert api("DELETE", there) == (204, None)
        status, error = api("GET", there)
        assert (status, error["statusCode"], error["error"]) == (404, 404, "Not Found")
        if ("PATCH", one) in PATHS:
            assert api("PATCH", there, {"name": "x"})[0] == 404


def filled(path: str, values: list[str]) -> str:
    parts = iter(values)
    return "/".join(next(parts) if part.startswith("{") else part for part in path.split("/"))


SINGLE = [
    path for method, path in PATHS
    if method in ("PATCH", "PUT") and not path.endswith("}") and ("GET", path) in PATHS
    and not PATHS["GET", path]["pagination"]
]  # fmt: skip
# These have a shape of their own.
SHAPED = {"/branding/templates/universal-login", "/connections/{id}/clients", "/guardian/policies"}


@pytest.mark.parametrize("path", [path for path in SINGLE if path not in SHAPED])
def test_the_only_document_of_its_kind_is_kept(path: str, world: World, api: Api) -> None:
    here = filled(path, world.path(PATHS["GET", path]))
    status, before = api("GET", here)
    assert (status, [value for value in before.values() if value and value != "x1"]) == (200, [])
    if ("PATCH", path) in PATHS:
        assert api("PATCH", here, {"extra": {"a": 1}})[0] in (200, 204)
        assert api("PATCH", here, {"more": 2})[0] in (200, 204)
        assert api("GET", here)[1].items() >= {"extra": {"a": 1}, "more": 2}.items()
    if ("PUT", path) in PATHS:
        assert api("PUT", here, {"extra": 3})[0] in (200, 204)
        after = api("GET", here)[1]
        assert after["extra"] == 3
        assert "more" not in after
    if ("DELETE", path) in PATHS:
        assert api("DELETE", here)[0] == 204
        assert "extra" not in api("GET", here)[1]


def test_what_has_a_shape_of_its_own_is_read_back_in_it(api: Api) -> None:
    assert api("GET", "/guardian/policies") == (200, [])
    assert api("PUT", "/guardian/policies", ["all-applications"]) == (200, ["all-applications"])
    assert api("PUT", "/guardian/policies", ["confidence-score"])[0] == 200
    assert api("GET", "/guardian/policies") == (200, ["confidence-score"])
    template = "/branding/templates/universal-login"
    assert api("PUT", template, "<html>")[0] == 204
    assert api("GET", template) == (200, {"body": "<html>"})
    assert api("PUT", template, {"template": "<p>"})[0] == 204
    assert api("GET", template) == (200, {"body": "<p>"})
    assert api("PUT", template, {"body": "<p>"})[0] == 400
    assert api("GET", "/user-blocks/auth0%7Cx") == (200, {"blocked_for": []})
    assert api("GET", "/stats/active-users") == (200, 0)


def test_a_document_with_a_name_is_made_by_writing_it(api: Api) -> None:
    assert api("PUT", "/email-templates/verify_email", {"subject": "a"})[0] == 200
    assert api("GET", "/email-templates/verify_email")[1] == {"subject": "a", "template": "verify_email"}
    assert api("PUT", "/rules-configs/key", {"value": "v"})[1] == {"key": "key", "value": "v"}
    assert [config["key"] for config in api("GET", "/rules-configs")[1]] == ["key"]
    assert api("DELETE", "/rules-configs/key")[0] == 204
    assert api("GET", "/rules-configs")[1] == []
    text = "/prompts/login/custom-text/en"
    assert api("GET", text) == (200, {})
    assert api("PUT", text, {"login": {"title": "Hi"}})[0] == 204
    assert api("GET", text) == (200, {"login": {"title": "Hi"}})
    assert api("GET", "/prompts/login/custom-text/de") == (200, {})
    assert api("PUT", "/network-acls/acl_none", {"active": True})[0] == 404


def test_a_screen_is_the_same_alone_and_in_the_list(api: Api) -> None:
    many = {"configs": [{"prompt": "login", "screen": "login-id", "rendering_mode": "advanced"}]}
    assert api("PATCH", "/prompts/rendering", many)[1]["configs"][0]["rendering_mode"] == "advanced"
    screen = "/prompts/login/screen/login-id/rendering"
    assert api("GET", screen)[1]["rendering_mode"] == "advanced"
    api("PATCH", screen, {"head_tags": []})
    assert [(item["screen"], item["head_tags"]) for item in api("GET", "/prompts/rendering")[1]] == [
        ("login-id", [])
    ]


def test_secrets_of_a_hook_are_added_changed_and_taken_away(api: Api) -> None:
    hook = api("POST", "/hooks", {"name": "h", "script": "x", "triggerId": "credentials-exchange"})[1]
    path = f"/hooks/{hook['id']}/secrets"
    assert api("POST", path, {"A": "1", "B": "2"})[0] == 204
    assert api("PATCH", path, {"B": "3"})[0] == 204
    assert api("GET", path)[1] == {"A": "1", "B": "3"}
    assert api("DELETE", path, ["A"])[0] == 204
    assert api("GET", path)[1] == {"B": "3"}


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/roles", "name"), ("/organizations", "name"), ("/resource-servers", "identifier"),
        ("/custom-domains", "domain"), ("/rules", "name"),
    ],
)  # fmt: skip
def test_a_name_is_taken_once(path: str, field: str, api: Api) -> None:
    first = api("POST", path, {field: "a"})[1]
    status, error = api("POST", path, {field: "a"})
    assert (status, error["errorCode"]) == (409, "conflict")
    other = api("POST", path, {field: "b"})[1]
    key = IDS.get(path, "id")
    assert api("PATCH", f"{path}/{other[key]}", {field: "a"})[0] == 409
    assert api("PATCH", f"{path}/{first[key]}", {field: "a"})[0] == 200


def test_lists_are_narrowed_by_the_fields_of_their_documents(api: Api) -> None:
    for name, kind in (("Editor", "org"), ("Reader", "tenant"), ("Edit more", "org")):
        api("POST", "/roles", {"name": name, "type": kind})
    assert [role["name"] for role in api("GET", "/roles", type="org")[1]] == ["Editor", "Edit more"]
    assert [role["name"] for role in api("GET", "/roles", name_filter="EDIT")[1]] == ["Editor", "Edit more"]
    assert [role["name"] for role in api("GET", "/roles", type="org", name_filter="r")[1]] == [
        "Editor", "Edit more",
    ]  # fmt: skip
    for name in ("b", "a"):
        api("POST", "/organizations", {"name": name})
    found = api("GET", "/organizations", sort="name:1")[1]
    assert [organization["name"] for organization in found] == ["a", "b"]
    found = api("GET", "/organizations/search", q="name:b")[1]
    assert [organization["name"] for organization in found["organizations"]] == ["b"]
    assert api("GET", "/organizations/name/a")[1]["name"] == "a"
    assert api("GET", "/organizations/name/c")[0] == 404


def test_what_is_below_a_document_needs_it_and_goes_with_it(tenant: LocalTenant, api: Api) -> None:
    role = api("POST", "/roles", {"name": "Editor"})[1]["id"]
    organization = api("POST", "/organizations", {"name": "acme"})[1]["id"]
    # A user id may hold any character, a slash among them.
    user = tenant.add_user(user_id="a/b%_", email="ada@example.com")["user_id"]
    at = f"/users/{'auth0%7Ca%2Fb%25_'}"
    like = tenant.add_user(user_id="a/b%x", email="grace@example.com")["user_id"]
    permission = {"permission_name": "read", "resource_server_identifier": "api"}
    for path, body in (
        (f"{at}/roles", {"roles": [role]}),
        (f"{at}/permissions", {"permissions": [permission]}),
        (f"/organizations/{organization}/members", {"members": [user, like]}),
        (f"/organizations/{organization}/members/{at[7:]}/roles", {"roles": [role]}),
    ):
        assert api("POST", path, body)[0] == 204
    members = f"/organizations/{organization}/roles/{role}/members"
    assert [item["user_id"] for item in api("GET", f"/roles/{role}/users")[1]] == [user]
    assert [item["user_id"] for item in api("GET", members)[1]["members"]] == [user]
    assert api("DELETE", at)[0] == 204
    assert api("GET", f"{at}/permissions")[0] == 404
    assert api("GET", f"/roles/{role}/users")[1] == []
    assert api("GET", members)[1]["members"] == []
    left = api("GET", f"/organizations/{organization}/members")[1]
    assert [item["user_id"] for item in left] == [like]
    # The same user again has nothing of the one before.
    tenant.add_user(user_id="a/b%_", email="ada@example.com")
    for path in ("roles", "permissions", "organizations"):
        assert api("GET", f"{at}/{path}") == (200, [])
    assert api("GET", "/roles/rol_none/permissions")[0] == 404
    assert api("POST", "/organizations/org_none/members", {"members": [user]})[0] == 404


def test_a_member_who_leaves_has_no_role_there_any_more(tenant: LocalTenant, api: Api) -> None:
    role = api("POST", "/roles", {"name": "Editor"})[1]["id"]
    user = tenant.add_user(email="ada@example.com")["user_id"]
    organizations = [api("POST", "/organizations", {"name": name})[1]["id"] for name in ("a", "b")]
    for organization in organizations:
        path = f"/organizations/{organization}/members"
        api("POST", path, {"members": [user]})
        api("POST", f"{path}/{user}/roles", {"roles": [role]})
    assert api("DELETE", f"/organizations/{organizations[0]}/members", {"members": [user]})[0] == 204
    counts = [
        len(api("GET", f"/organizations/{organization}/{path}", take=5)[1][items])
        for organization in organizations
        for path, items in (("members", "members"), (f"roles/{role}/members", "members"))
    ]
    assert counts == [0, 0, 1, 1]
    assert [each["id"] for each in api("GET", f"/users/{user}/organizations")[1]] == organizations[1:]


def test_a_link_shows_what_it_leads_to_as_it_is_now(tenant: LocalTenant, api: Api) -> None:
    role = api("POST", "/roles", {"name": "Editor"})[1]["id"]
    user = tenant.add_user(email="ada@example.com", app_metadata={"plan": "gold"})["user_id"]
    organization = api(
        "POST", "/organizations",
        {"name": "acme", "enabled_connections": [{"connection_id": "con_none", "show_as_button": True}]},
    )[1]["id"]  # fmt: skip
    api("POST", f"/users/{user}/roles", {"roles": [role]})
    api("PATCH", f"/roles/{role}", {"name": "Writer"})
    assert [each["name"] for each in api("GET", f"/users/{user}/roles")[1]] == ["Writer"]
    api("POST", f"/organizations/{organization}/members", {"members": [user]})
    (member,) = api("GET", f"/organizations/{organization}/members")[1]
    assert member["email"] == "ada@example.com"
    assert "app_metadata" not in member
    connection = tenant.add_connection("hub", "github", options={"client_secret": "s"})["id"]
    enabled = f"/organizations/{organization}/enabled_connections"
    made = api("POST", enabled, {"connection_id": connection, "show_as_button": False})[1]
    assert made["connection"] == {"name": "hub", "strategy": "github"}
    assert [each["connection_id"] for each in api("GET", enabled)[1]] == ["con_none", connection]
    assert api("DELETE", f"{enabled}/con_none")[0] == 204
    api("PATCH", f"{enabled}/{connection}", {"show_as_button": True})
    assert api("GET", f"{enabled}/{connection}")[1]["show_as_button"] is True
    assert len(api("GET", f"/organizations/{organization}/connections")[1]) == 1
    api("POST", f"/organizations/{organization}/clients", {"clients": [{"client_id": tenant.client_id}]})
    (application,) = api("GET", f"/organizations/{organization}/clients")[1]["clients"]
    assert application["client"]["name"] == "First application"
    assert "client_secret" not in application["client"]


def test_signing_keys_are_rotated_and_revoked(tenant: LocalTenant, api: Api, api_with: Any) -> None:
    old = api("GET", "/keys/signing")[1]
    assert [key["current"] for key in old] == [True]
    new = api("POST", "/keys/signing/rotate")[1]["kid"]
    assert [key["kid"] for key in api("GET", "/keys/signing")[1]] == [new, old[0]["kid"]]
    assert api("PUT", f"/keys/signing/{new}/revoke")[0] == 400
    # The token of this caller is signed with the old key.
    assert api("PUT", f"/keys/signing/{old[0]['kid']}/revoke")[0] == 200
    assert api("GET", "/keys/signing")[0] == 401
    fresh = api_with("read:signing_keys")
    assert [key["kid"] for key in fresh("GET", "/keys/signing")[1]] == [new]


def test_scopes_are_asked_for(api_with: Callable[[str], Api]) -> None:
    few = api_with("read:roles")
    assert few("GET", "/roles")[0] == 200
    status, error = few("POST", "/roles", {"name": "a"})
    assert (status, error["errorCode"]) == (403, "insufficient_scope")


@pytest.mark.parametrize("body", [5, [1], "a", [{}]])
@pytest.mark.parametrize("path", ["/roles", "/emails/provider", "/actions/actions"])
def test_a_body_of_another_shape_is_refused(body: Any, path: str, api: Api) -> None:
    assert api("POST", path, body)[0] == 400


@pytest.mark.parametrize("body", [{}, {"roles": "rol_1"}, "rol_1", {"roles": [{"name": "x"}]}])
def test_a_list_of_links_that_is_none_changes_nothing(
    body: Any, tenant: LocalTenant, api: Api, at: Any
) -> None:
    path = f"{at(tenant.add_user(email='ada@example.com'))}/roles"
    api("POST", path, {"roles": ["rol_1"]})
    assert api("POST", path, body)[0] == 400
    assert api("DELETE", path, body)[0] == 400
    assert [role["id"] for role in api("GET", path)[1]] == ["rol_1"]


def test_an_act_answers_of_what_it_acts_upon(tenant: LocalTenant, api: Api) -> None:
    flag = api("POST", "/experimentation/feature-flags", {"name": "f", "status": "draft"})[1]["id"]
    path = f"/experimentation/feature-flags/{flag}"
    assert api("POST", f"{path}/status", {"status": "active"})[1]["status"] == "active"
    assert api("GET", path)[1]["status"] == "active"
    domain = api("POST", "/custom-domains", {"domain": "a.example"})[1]["custom_domain_id"]
    assert api("POST", f"/custom-domains/{domain}/verify")[1]["domain"] == "a.example"
    assert api("POST", f"/custom-domains/{domain}/test") == (200, {"success": True})
    assert api("POST", "/custom-domains/cd_none/verify")[0] == 404
    ticket = api("POST", "/guardian/enrollments/ticket", {"user_id": "x"})[1]
    assert ticket["ticket_url"] == f"https://{tenant.domain}/lo/ticket?ticket={ticket['ticket_id']}"
    variation = api("POST", f"{path}/variations", {"name": "v"})[1]
    assert variation["feature_flag_id"] == flag
    assert variation["created_at"] == variation["updated_at"]


def test_times_follow_the_clock_of_the_tenant(tenant: LocalTenant, api: Api) -> None:
    made = api("POST", "/forms", {"name": "f"})[1]
    tenant.advance(60)
    changed = api("PATCH", f"/forms/{made['id']}", {"name": "g"})[1]
    assert changed["created_at"] == made["created_at"]
    assert changed["updated_at"] > made["updated_at"]


def test_counters_come_unasked_where_nobody_can_ask_for_them(api: Api) -> None:
    for name in ("a", "b", "c"):
        api("POST", "/actions/actions", {"name": name})
    page = api("GET", "/actions/actions", per_page=2)[1]
    assert (page["total"], [action["name"] for action in page["actions"]]) == (3, ["a", "b"])
    assert api("GET", "/actions/actions", actionName="c")[1]["total"] == 1
    assert isinstance(api("GET", "/roles")[1], list)


def test_what_each_connection_has_is_listed_for_all(tenant: LocalTenant, api: Api) -> None:
    ids = [tenant.add_connection(name)["id"] for name in ("one", "two")]
    for identifier in ids:
        made = api("POST", f"/connections/{identifier}/scim-configuration", {"user_id_attribute": "a"})
        assert (made[0], made[1]["connection_id"]) == (201, identifier)
    assert api("POST", f"/connections/{ids[0]}/scim-configuration", {})[0] == 409
    tokens = f"/connections/{ids[0]}/scim-configuration/tokens"
    token = api("POST", tokens, {"scopes": ["get:users"]})[1]["token_id"]
    assert [each["token_id"] for each in api("GET", tokens)[1]] == [token]
    first = api("GET", "/connections-scim-configurations", take=1)[1]
    assert [each["connection_id"] for each in first["scim_configurations"]] == ids[:1]
    assert len(api("GET", "/connections-scim-configurations")[1]["scim_configurations"]) == 2
    assert api("GET", "/connections-directory-provisionings")[1] == {"directory_provisionings": []}
    assert api("DELETE", f"/connections/{ids[0]}/scim-configuration")[0] == 204
    assert api("GET", tokens)[1] == []
    api("DELETE", f"/connections/{ids[1]}")
    assert api("GET", "/connections-scim-configurations")[1] == {"scim_configurations": []}


# --- a user's program


@pytest.fixture(params=["blocking", "asyncio"])
def run(request: pytest.FixtureRequest, tenant: LocalTenant) -> Iterator[tuple[Any, Any, Any]]:
    """Return a client, a function that returns the data of a call, and one that goes through an iterator."""
    options: dict[str, Any] = {
        "domain": tenant.domain, "transport": "local", "client_id": tenant.client_id,
        "client_secret": tenant.client_secret, "strict": True,
    }  # fmt: skip
    if request.param == "blocking":
        with ManagementClient(**options) as management:
            yield management, lambda call: call.data, list
        return
    with asyncio.Runner() as runner:

        async def collected(iterator: Any) -> list[Any]:
            return [item async for item in iterator]

        async def awaited(call: Any) -> Any:
            return (await call).data

        management = AsyncManagementClient(**options)
        yield management, lambda call: runner.run(awaited(call)), lambda it: runner.run(collected(it))
        runner.run(management.close())


def test_a_program_reads_back_what_it_has_written(run: Any, tenant: LocalTenant) -> None:
    management, do, everything = run

    # Users, roles and what they allow.
    api = do(management.resource_servers.create(identifier="https://api", scopes=[{"value": "read"}]))
    assert do(management.resource_servers.get(api.id)).scopes[0].value == "read"
    users = [
        do(management.users.create(connection=CONNECTION, email=f"{name}@example.com", password=PASSWORD))
        for name in ("ada", "bob", "eve")
    ]
    role = do(management.roles.create(name="Editor", description="edits"))
    permission = {"permission_name": "read", "resource_server_identifier": "https://api"}
    do(management.roles.add_permissions(role.id, permissions=[permission]))
    do(management.users.assign_roles(users[0].user_id, roles=[role.id]))
    do(management.roles.assign_users(role.id, users=[users[1].user_id]))
    assert {user.email for user in everything(management.roles.get_users.iter(role.id))} == {
        "ada@example.com", "bob@example.com",
    }  # fmt: skip
    assert [each.name for each in everything(management.users.get_roles.iter(users[1].user_id))] == ["Editor"]
    of = {"resource_server_identifier": "https://api"}
    (effective,) = everything(management.users.get_effective_permissions.iter(users[0].user_id, **of))
    assert effective.permission_name == "read"
    found = do(management.users_by_email.get_by_email(email="ada@example.com"))
    assert found[0].user_id == users[0].user_id

    # An organization, whose members come page by page.
    organization = do(management.organizations.create(name="acme", display_name="Acme"))
    members = [user.user_id for user in users]
    do(management.organizations.add_members(organization.id, members=members))
    listed = everything(management.organizations.get_members.iter(organization.id, take=2))
    assert [member.user_id for member in listed] == members
    do(management.organizations.add_member_roles(organization.id, members[0], roles=[role.id]))
    roles = everything(management.organizations.get_member_roles.iter(organization.id, members[0]))
    assert [each.id for each in roles] == [role.id]
    assert do(management.organizations.get_by_name("acme")).id == organization.id
    connection = do(management.connections.create(name="hub", strategy="github"))
    do(management.organizations.add_enabled_connection(organization.id, connection_id=connection.id))
    (enabled,) = everything(management.organizations.get_enabled_connections.iter(organization.id))
    assert enabled.connection.name == "hub"

    # Applications and what they may do.
    application = do(management.clients.create(name="Worker"))
    grant = do(
        management.client_grants.create(
            client_id=application.client_id, audience="https://api", scope=["read"], subject_type="user"
        )
    )
    assert do(management.client_grants.get(grant.id)).scope == ["read"]
    mine = everything(management.client_grants.get_all.iter(client_id=application.client_id))
    assert grant.id in [each.id for each in mine]
    assert {each.client_id for each in mine} == {application.client_id}

    # An action is deployed, bound, changed, and rolled back.
    action = do(
        management.actions.create(
            name="greet", supported_triggers=[{"id": "post-login", "version": "v3"}], code="one"
        )
    )
    first = do(management.actions.deploy(action.id))
    do(management.actions.update(action.id, code="two"))
    second = do(management.actions.deploy(action.id))
    assert (first.number, second.number, second.code) == (1, 2, "two")
    versions = everything(management.actions.get_versions.iter(action.id))
    assert [(each.number, each.deployed) for each in versions] == [(1, False), (2, True)]
    do(management.actions.deploy_version(action.id, first.id))
    back = do(management.actions.get(action.id))
    assert (back.code, back.deployed_version.id) == ("one", first.id)
    ref = {"type": "action_name", "value": "greet"}
    do(management.actions.update_trigger_bindings("post-login", bindings=[{"ref": ref}]))
    (binding,) = everything(management.actions.get_trigger_bindings.iter("post-login"))
    assert (binding.display_name, binding.action.id) == ("greet", action.id)
    module = do(management.actions.create_module(name="m", code="one"))
    kept = do(management.actions.create_module_version(module.id))
    do(management.actions.update_module(module.id, code="two"))
    do(management.actions.rollback_module(module.id, module_version_id=kept.id))
    assert do(management.actions.get_module(module.id)).code == "one"

    # Settings of the tenant.
    do(management.tenants.update_settings(friendly_name="Acme"))
    assert do(management.tenants.get_settings()).friendly_name == "Acme"
    do(management.branding.update_settings(logo_url="https://a.example/l.png"))
    assert do(management.branding.get_settings()).logo_url == "https://a.example/l.png"
    do(management.prompts.update(identifier_first=True))
    assert do(management.prompts.get()).identifier_first is True
    do(management.attack_protection.update_brute_force_config(enabled=True, max_attempts=3))
    assert do(management.attack_protection.get_brute_force_config()).max_attempts == 3
    do(management.guardian.update_factor("otp", enabled=True))
    assert [each.name for each in do(management.guardian.get_factors())] == ["otp"]
    do(management.emails.configure(name="smtp", credentials={"smtp_host": "a"}, enabled=True))
    assert do(management.emails.get()).enabled is True
    template = {"from_": "a@example.com", "subject": "s", "syntax": "liquid", "enabled": True}
    do(management.email_templates.create(template="verify_email", body="b", **template))
    assert do(management.email_templates.get("verify_email")).from_ == "a@example.com"
    do(management.email_templates.update("verify_email", subject="t"))
    assert do(management.email_templates.get("verify_email")).subject == "t"

    # Whatever else is a list.
    domain = do(management.custom_domains.create(domain="login.acme.example", type="auth0_managed_certs"))
    assert do(management.custom_domains.verify(domain.custom_domain_id)).domain == "login.acme.example"
    sink = {"httpEndpoint": "https://a"}
    do(management.log_streams.create({"type": "http", "name": "s", "sink": sink}))
    (stream,) = do(management.log_streams.get_all())
    assert stream.name == "s"
    hook = do(management.hooks.create(name="h", script="x", triggerId="credentials-exchange"))
    assert [each.id for each in everything(management.hooks.get_all.iter())] == [hook.id]
    rule = do(management.rules.create(name="r", script="x", enabled=False))
    assert do(management.rules.update(rule.id, enabled=True)).enabled is True
    assert [each.id for each in everything(management.rules.get_all.iter(enabled=True))] == [rule.id]
    assert everything(management.rules.get_all.iter(enabled=False)) == []
    form = do(management.forms.create(name="f"))
    assert do(management.forms.get(form.id)).name == "f"
    ticket = do(management.tickets.change_password(user_id=users[0].user_id))
    assert ticket.ticket.startswith(f"https://{tenant.domain}/")

    # What is deleted takes along what was below it, and no more.
    do(management.roles.delete(role.id))
    assert everything(management.users.get_roles.iter(users[0].user_id)) == []
    do(management.users.delete(members[0]))
    left = everything(management.organizations.get_members.iter(organization.id))
    assert [member.user_id for member in left] == members[1:]
    do(management.organizations.delete(organization.id))
    assert everything(management.users.get_user_organizations.iter(members[1])) == []
    with pytest.raises(NotFound):
        do(management.organizations.get_members(organization.id))
    with pytest.raises(Conflict):
        do(management.rules.create(name="r", script="y"))
