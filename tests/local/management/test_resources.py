"""Applications, connections and plain documents in the tenant's Management API."""

import json
from collections.abc import Callable
from types import NoneType
from typing import Any
from urllib.parse import quote

import pytest
from msgspec import Struct

from anyauth0 import Call, ManagementClient, Resource, endpoint, parse_timestamp
from anyauth0.endpoint import EndpointFacts
from anyauth0.pages import Checkpoint, Offset, Page
from anyauth0.pagination import paged
from anyauth0_transports.local import LocalTenant
from anyauth0_transports.local.incoming import Incoming, Refusal
from anyauth0_transports.local.management import HANDLERS
from anyauth0_transports.local.management.documents import answer
from anyauth0_transports.local.routing import find

Api = Any
At = Callable[[Any], str]


# --- routes


def test_each_rule_is_about_an_endpoint_of_the_sdk() -> None:
    known: set[tuple[str, str]] = set()
    with ManagementClient(domain="a.example", token="t") as management:
        for name in dir(management):
            kind = type(getattr(management, name))
            for found in [getattr(kind, method) for method in dir(kind) if issubclass(kind, Resource)]:
                if isinstance(found, EndpointFacts):
                    known.add((found.method, found.path))
    assert set(HANDLERS) <= known


def test_a_literal_segment_goes_before_a_parameter() -> None:
    found = find("GET", "/api/v2/clients/search")
    assert found is not None
    assert found[1] == ()
    assert find("GET", "/api/v2/clients/searching") is not None
    assert find("GET", "/api/v2/clients/") is None
    assert find("GET", "/oauth/token") is None


def test_a_parameter_is_decoded_once() -> None:
    found = find("GET", "/api/v2/users/auth0%7Ca%252Fb%2Fc")
    assert found is not None
    assert found[1] == ("auth0|a%2Fb/c",)


# --- applications


def test_an_application_is_created_and_gets_tokens(api: Api, wire: Any) -> None:
    status, client = api("POST", "/clients", {"name": "Worker", "client_secret": "chosen", "logo_uri": "x"})
    assert status == 201
    assert client["client_secret"] != "chosen"
    assert client["logo_uri"] == "x"
    ask = {"grant_type": "client_credentials", "audience": wire.tenant.management_audience}
    named = {**ask, "client_id": client["client_id"]}
    assert wire.token(**named, client_secret=client["client_secret"]).status == 200

    status, rotated = api("POST", f"/clients/{client['client_id']}/rotate-secret")
    assert rotated["client_secret"] != client["client_secret"]
    assert wire.token(**named, client_secret=client["client_secret"]).status == 401
    assert wire.token(**named, client_secret=rotated["client_secret"]).status == 200

    assert api("DELETE", f"/clients/{client['client_id']}") == (204, None)
    assert api("GET", f"/clients/{client['client_id']}")[0] == 404
    assert wire.token(**named, client_secret=rotated["client_secret"]).status in (401, 403)


def test_a_secret_is_shown_only_to_the_scope_for_it(
    tenant: LocalTenant, api: Api, api_with: Callable[[str], Api]
) -> None:
    path = f"/clients/{tenant.client_id}"
    assert api("GET", path)[1]["client_secret"] == tenant.client_secret
    assert api("GET", "/clients")[1][0]["client_secret"] == tenant.client_secret
    few = api_with("read:clients update:clients")
    assert "client_secret" not in few("GET", path)[1]
    assert "client_secret" not in few("GET", "/clients")[1][0]
    assert "client_secret" not in few("GET", "/clients/search")[1]["clients"][0]
    changed = few("PATCH", path, {"name": "Renamed", "client_id": "other"})[1]
    assert (changed["name"], changed["client_id"]) == ("Renamed", tenant.client_id)
    assert "client_secret" not in changed
    assert api("GET", path)[1]["client_secret"] == tenant.client_secret


def test_an_application_needs_a_name(api: Api) -> None:
    assert api("POST", "/clients", {})[0] == 400
    assert api("POST", "/clients", {"name": 5})[0] == 400


def test_applications_page_by_number_and_by_cursor(tenant: LocalTenant, api: Api) -> None:
    for number in range(4):
        tenant.add_client(f"App {number}")
    _, page = api("GET", "/clients", page=1, per_page=2, include_totals="true", fields="name")
    assert page == {
        "start": 2, "limit": 2, "length": 2, "total": 5, "clients": [{"name": "App 1"}, {"name": "App 2"}],
    }  # fmt: skip
    _, first = api("GET", "/clients", take=3)
    _, second = api("GET", "/clients", **{"take": 3, "from": first["next"]})
    assert [len(part["clients"]) for part in (first, second)] == [3, 2]
    assert "next" not in second
    _, found = api("GET", "/clients/search", q='name:"App 3"')
    assert [client["name"] for client in found["clients"]] == ["App 3"]


# --- connections


def test_connections_are_told_apart_by_name(api: Api) -> None:
    status, made = api("POST", "/connections", {"name": "hub", "strategy": "github"})
    assert status == 201
    assert made["id"].startswith("con_")
    assert api("POST", "/connections", {"name": "hub", "strategy": "auth0"})[0] == 409
    assert api("POST", "/connections", {"name": "x"})[0] == 400
    assert [found["id"] for found in api("GET", "/connections", name="hub")[1]] == [made["id"]]
    _, found = api("GET", "/connections", strategy="github", take=1)
    assert [connection["name"] for connection in found["connections"]] == ["hub"]
    _, changed = api("PATCH", f"/connections/{made['id']}", {"display_name": "Hub"})
    assert (changed["display_name"], changed["name"]) == ("Hub", "hub")
    assert api("DELETE", f"/connections/{made['id']}") == (204, None)
    assert api("GET", f"/connections/{made['id']}")[0] == 404


def test_applications_are_let_in_and_out_of_a_connection(tenant: LocalTenant, api: Api) -> None:
    one = tenant.add_connection("one", enabled_clients=[])
    path = f"/connections/{one['id']}/clients"
    assert api("GET", path)[1] == {"clients": []}
    switch = {"client_id": tenant.client_id, "status": True}
    assert api("PATCH", path, [switch]) == (204, None)
    assert api("GET", path)[1] == {"clients": [{"client_id": tenant.client_id}]}
    _, enabled = api("GET", f"/clients/{tenant.client_id}/connections", take=100)
    assert "one" in [connection["name"] for connection in enabled["connections"]]
    assert api("PATCH", path, [{**switch, "status": False}]) == (204, None)
    assert api("GET", path)[1] == {"clients": []}
    assert api("PATCH", path, [{"client_id": 5}])[0] == 400
    assert api("GET", "/connections/con_none/clients")[0] == 404


def test_a_user_of_a_connection_is_deleted_by_address(tenant: LocalTenant, api: Api, at: At) -> None:
    ada = tenant.add_user(email="ada@example.com")
    other = tenant.add_connection("other")
    assert api("DELETE", f"/connections/{other['id']}/users", email="ada@example.com")[0] == 204
    assert api("GET", at(ada))[0] == 200
    connection = api("GET", "/connections", name=ada["identities"][0]["connection"])[1][0]
    assert api("DELETE", f"/connections/{connection['id']}/users", email="ada@example.com")[0] == 204
    assert api("GET", at(ada))[0] == 404


# --- plain documents


def test_roles_are_given_and_taken(tenant: LocalTenant, api: Api, at: At) -> None:
    ada = tenant.add_user(email="ada@example.com")
    tenant.store.add("roles", "rol_1", {"id": "rol_1", "name": "Editor"})
    path = f"{at(ada)}/roles"
    assert api("POST", path, {"roles": ["rol_1", "rol_2"]}) == (204, None)
    assert api("POST", path, {"roles": ["rol_1"]}) == (204, None)
    assert api("GET", path)[1] == [{"id": "rol_1", "name": "Editor"}, {"id": "rol_2"}]
    assert api("DELETE", path, {"roles": ["rol_2"]}) == (204, None)
    _, page = api("GET", path, include_totals="true")
    assert (page["total"], page["roles"]) == (1, [{"id": "rol_1", "name": "Editor"}])
    assert api("GET", "/users/auth0%7Cnobody/roles")[0] == 404


def test_permissions_without_an_id_are_given_and_taken(tenant: LocalTenant, api: Api, at: At) -> None:
    path = f"{at(tenant.add_user(email='ada@example.com'))}/permissions"
    read = {"permission_name": "read", "resource_server_identifier": "api"}
    write = {**read, "permission_name": "write"}
    assert api("POST", path, {"permissions": [read, write]})[0] == 204
    assert api("GET", path)[1] == [read, write]
    assert api("DELETE", path, {"permissions": [dict(reversed(read.items()))]})[0] == 204
    assert api("GET", path)[1] == [write]


def test_methods_are_added_replaced_and_cleared(tenant: LocalTenant, api: Api, at: At) -> None:
    path = f"{at(tenant.add_user(email='ada@example.com'))}/authentication-methods"
    status, made = api("POST", path, {"type": "phone", "name": "mine"})
    assert status == 201
    one = f"{path}/{quote(made['id'])}"
    assert api("PATCH", one, {"name": "work", "id": "other"})[1] == {**made, "name": "work"}
    assert api("GET", one)[1]["name"] == "work"
    assert api("PUT", path, [{"type": "totp"}, {"type": "email"}])[0] == 200
    assert [method["type"] for method in api("GET", path)[1]] == ["totp", "email"]
    assert api("GET", one)[0] == 404
    assert api("DELETE", path) == (204, None)
    assert api("GET", path)[1] == []
    assert api("PATCH", f"{path}/none", {"name": "x"})[0] == 404


def test_what_there_is_only_one_of_is_kept(tenant: LocalTenant, api: Api) -> None:
    path = f"/connections/{tenant.add_connection('one')['id']}/scim-configuration"
    assert api("GET", path) == (200, {})
    status, made = api("POST", path, {"user_id_attribute": "a"})
    assert status == 201
    assert api("PATCH", path, {"user_id_attribute": "b"})[1]["user_id_attribute"] == "b"
    assert api("GET", path)[1] == {**made, "user_id_attribute": "b"}
    assert api("DELETE", path)[0] == 204
    assert api("GET", path) == (200, {})


class Thing(Struct):
    id: str = ""


class Things(Resource[Any]):
    """Endpoints of shapes that the SDK may come to have."""

    @paged(
        "GET", "/resource-servers", items="resource_servers", offset=Offset(), checkpoint=Checkpoint(most=2)
    )
    def get_all(self) -> Call[Page[Thing]]:
        return Call(Page[Thing])

    @endpoint("POST", "/organizations")
    def create(self) -> Call[Thing]:
        return Call(Thing)

    @endpoint("PUT", "/factors/{name}")
    def put(self, name: str, /) -> Call[Thing]:
        return Call(Thing, path=(name,))

    @endpoint("PATCH", "/settings")
    def update_settings(self) -> Call[Thing]:
        return Call(Thing)

    @endpoint("DELETE", "/settings")
    def delete_settings(self) -> Call[None]:
        return Call(NoneType)

    @endpoint("GET", "/settings")
    def settings(self) -> Call[Thing]:
        return Call(Thing)


@pytest.fixture
def ask(tenant: LocalTenant) -> Callable[..., Any]:
    """Return a function that asks an endpoint for an answer."""

    def asked(facts: Any, *path: str, body: Any = None, query: str = "") -> tuple[int, Any]:
        content = None if body is None else json.dumps(body).encode()
        incoming = Incoming.from_url(facts.method, f"https://a.example/x?{query}", body=content)
        response = answer(tenant, incoming, path, facts)
        return response.status, json.loads(response.body or b"null")

    return asked


def test_the_apis_of_the_tenant_are_listed(tenant: LocalTenant, ask: Callable[..., Any]) -> None:
    tenant.add_api("https://api.example", ["read"])
    _, found = ask(Things.get_all)
    assert [api["identifier"] for api in found] == [tenant.management_audience, "https://api.example"]
    with pytest.raises(Refusal):
        ask(Things.get_all, query="take=3")


def test_an_id_has_the_prefix_of_its_kind_and_is_there_once(ask: Callable[..., Any]) -> None:
    status, made = ask(Things.create, body={"name": "acme"})
    assert status == 201
    assert made["id"].startswith("org_")
    with pytest.raises(Refusal) as caught:
        ask(Things.create, body=made)
    assert caught.value.status == 409


def test_put_replaces_all_but_the_id(ask: Callable[..., Any]) -> None:
    assert ask(Things.put, "sms", body={"enabled": True, "a": 1})[1]["a"] == 1
    assert ask(Things.put, "sms", body={"enabled": False}) == (200, {"enabled": False, "id": "sms"})


def test_settings_are_changed_field_by_field(ask: Callable[..., Any]) -> None:
    assert ask(Things.settings) == (200, {})
    ask(Things.update_settings, body={"a": 1, "b": 2})
    assert ask(Things.update_settings, body={"a": None, "c": 3}) == (200, {"b": 2, "c": 3})
    assert ask(Things.settings) == (200, {"b": 2, "c": 3})
    assert ask(Things.delete_settings) == (204, None)
    assert ask(Things.settings) == (200, {})


# --- what nobody sends


def test_a_new_action_can_be_deployed(api: Api) -> None:
    made = api("POST", "/actions/actions", {"name": "greet", "supported_triggers": [], "code": "one"})[1]
    assert (made["status"], made["all_changes_deployed"]) == ("built", False)
    api("POST", f"/actions/actions/{made['id']}/deploy")
    assert api("GET", f"/actions/actions/{made['id']}")[1]["all_changes_deployed"] is True


def test_bindings_are_named_by_themselves_or_by_their_action(tenant: LocalTenant, api: Api) -> None:
    there = "/actions/triggers/post-login/bindings"

    def bind(*bindings: Any) -> list[Any]:
        status, answer = api("PATCH", there, {"bindings": bindings})
        assert status == 200
        assert answer == {"bindings": api("GET", there)[1]["bindings"]}
        return [(each["id"], each["display_name"], each["action"]["name"]) for each in answer["bindings"]]

    for name in ("one", "two"):
        api("POST", "/actions/actions", {"name": name, "supported_triggers": []})
    ((first, *_),) = bind({"ref": {"value": "one"}})
    again = {"ref": {"type": "binding_id", "value": first}}
    two = {"ref": {"type": "action_name", "value": "two"}}
    assert [shown[1:] for shown in bind(two, again)] == [("two", "two"), ("one", "one")]
    assert bind({**again, "display_name": "first"}) == [(first, "first", "one")]
    wrong = {"ref": {"type": "binding_id", "value": "none"}}
    assert api("PATCH", there, {"bindings": [two, wrong]})[0] == 404
    assert [each["id"] for each in api("GET", there)[1]["bindings"]] == [first]


@pytest.mark.parametrize(
    ("page", "start"),
    [
        ("https://app.example/login", "https://app.example/login?"),
        ("https://app.example/?a=1", "https://app.example/?a=1&"),
        (None, "https://tenant.local.example/?"),
    ],
)
def test_an_invitation_leads_to_the_login_page_of_its_application(
    page: str | None, start: str, tenant: LocalTenant, api: Api
) -> None:
    organization = tenant.add_organization("acme")["id"]
    client = tenant.add_client(initiate_login_uri=page)["client_id"]
    body = {
        "inviter": {"name": "A"},
        "invitee": {"email": "a@example.com"},
        "client_id": client,
        "ttl_sec": 60,
    }
    made = api("POST", f"/organizations/{organization}/invitations", body)[1]
    assert made["invitation_url"] == (
        f"{start}invitation={made['ticket_id']}&organization={organization}&organization_name=acme"
    )
    lifetime = parse_timestamp(made["expires_at"]) - parse_timestamp(made["created_at"])
    assert 59 < lifetime.total_seconds() < 61
