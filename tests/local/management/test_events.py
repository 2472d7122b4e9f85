"""The tenant notes what happens to users, organizations and connections, and tells it to who listens."""

import asyncio
import http.client
import json
import re
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from anyauth0 import (
    AsyncManagementClient,
    Event,
    Forbidden,
    ManagementApiError,
    ManagementClient,
    RetryPolicy,
    TransportTimeout,
)
from anyauth0_transports.local import LocalTenant, serve

Api = Any
PASSWORD = "correct-Horse-7"
FIRST = f"{0:012d}"


def told(api: Api, **query: Any) -> list[dict[str, Any]]:
    """Return the messages of one answer, by a reader that knows nothing of the SDK."""
    response = api.send("GET", "/events", **query)
    assert response.status == 200
    assert response.headers["content-type"].startswith("text/event-stream")
    messages = []
    for block in response.body.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        message = json.loads(fields["data"])
        assert (fields["id"], fields["event"]) == (message["offset"], message["type"])
        messages.append(message)
    return messages


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    return [message["type"] for message in messages]


def subject(message: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = message["event"]["data"]["object"]
    return found


def new_user(email: str = "ada@example.com") -> dict[str, Any]:
    return {"connection": "Username-Password-Authentication", "email": email, "password": PASSWORD}


# What is noted


def test_an_event_is_of_the_shape_of_the_catalogue(api: Api) -> None:
    _, user = api("POST", "/users", new_user())
    (message, last) = told(api, **{"from": FIRST})
    assert set(message) == {"type", "offset", "event"}
    event = message["event"]
    assert set(event) == {"specversion", "type", "source", "id", "time", "data", "a0tenant", "a0stream"}
    assert (event["specversion"], event["type"]) == ("1.0", "user.created")
    assert event["data"] == {"object": user}
    assert re.fullmatch(r"evt_[a-zA-Z0-9]{16}", event["id"])
    assert re.fullmatch(r"est_[a-zA-Z0-9]{16}", event["a0stream"])
    assert re.fullmatch(r"[a-z0-9][-a-z0-9]{1,62}[a-z0-9]", event["a0tenant"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    assert last == {"type": "offset-only", "offset": message["offset"]}
    assert PASSWORD not in json.dumps(message)


def test_a_new_tenant_has_nothing_to_tell(api: Api) -> None:
    assert told(api, **{"from": FIRST}) == [{"type": "offset-only", "offset": FIRST}]


def test_a_user_is_created_updated_and_deleted(api: Api, at: Callable[[Any], str]) -> None:
    _, user = api("POST", "/users", new_user())
    api("PATCH", at(user), {"nickname": "countess"})
    api("DELETE", at(user))
    api("DELETE", at(user))
    messages = told(api, **{"from": FIRST})
    assert kinds(messages) == ["user.created", "user.updated", "user.deleted", "offset-only"]
    assert subject(messages[1])["nickname"] == subject(messages[2])["nickname"] == "countess"
    assert "deleted_at" in subject(messages[2])
    offsets = [message["offset"] for message in messages[:-1]]
    assert offsets == sorted(set(offsets))


def test_an_organization_and_what_belongs_to_it(api: Api, tenant: LocalTenant) -> None:
    user = tenant.add_user(email="ada@example.com", password=PASSWORD)["user_id"]
    connection = tenant.store.find("connections", name="email")[0]["id"]
    role = api("POST", "/roles", {"name": "admin"})[1]["id"]
    begin = told(api)[-1]["offset"]
    path = f"/organizations/{(org := api('POST', '/organizations', {'name': 'acme'})[1]['id'])}"
    members, roles = f"{path}/members", f"{path}/members/{quote(user, safe='')}/roles"
    for method, below, body in (
        ("PATCH", path, {"display_name": "Acme"}),
        ("POST", f"{path}/enabled_connections", {"connection_id": connection}),
        # What changes nothing is no event.
        ("POST", f"{path}/enabled_connections", {"connection_id": connection}),
        ("PATCH", f"{path}/enabled_connections/{connection}", {"show_as_button": True}),
        ("DELETE", f"{path}/enabled_connections/{connection}", None),
        ("POST", members, {"members": [user]}), ("POST", members, {"members": [user]}),
        ("POST", roles, {"roles": [role]}), ("DELETE", roles, {"roles": [role]}),
        ("DELETE", members, {"members": [user]}), ("DELETE", path, None),
    ):  # fmt: skip
        assert api(method, below, body)[0] < 300
    messages = told(api, **{"from": begin})
    assert kinds(messages) == [
        "organization.created", "organization.updated", "organization.connection.added",
        "organization.connection.updated", "organization.connection.removed", "organization.member.added",
        "organization.member.role.assigned", "organization.member.role.deleted",
        "organization.member.deleted", "organization.deleted", "offset-only",
    ]  # fmt: skip
    acme = {"id": org, "name": "acme"}
    assert subject(messages[1]) == {**acme, "display_name": "Acme"}
    assert subject(messages[3]) == {
        "organization": acme, "connection": {"id": connection}, "show_as_button": True,
    }  # fmt: skip
    assert subject(messages[5]) == {"organization": acme, "user": {"user_id": user}}
    assert subject(messages[6])["role"] == {"id": role, "name": "admin"}


def test_the_roles_of_a_group_in_an_organization(api: Api, tenant: LocalTenant) -> None:
    org = tenant.add_organization("acme")["id"]
    role = api("POST", "/roles", {"name": "admin"})[1]["id"]
    begin = told(api)[-1]["offset"]
    for method in ("POST", "DELETE"):
        assert api(method, f"/organizations/{org}/groups/grp_1/roles", {"roles": [role]})[0] < 300
    messages = told(api, **{"from": begin})
    assert kinds(messages)[:-1] == ["organization.group.role.assigned", "organization.group.role.deleted"]
    assert subject(messages[0]) == {
        "organization": {"id": org, "name": "acme"}, "group": {"id": "grp_1"},
        "role": {"id": role, "name": "admin"}, "created_at": messages[0]["event"]["time"],
    }  # fmt: skip


def test_a_connection_tells_no_secret(api: Api) -> None:
    options = {"client_id": "c", "client_secret": "canary-secret"}
    body = {"name": "google", "strategy": "google-oauth2", "options": options}
    _, connection = api("POST", "/connections", body)
    api("PATCH", f"/connections/{connection['id']}", {"display_name": "Google"})
    api("DELETE", f"/connections/{connection['id']}")
    messages = told(api, **{"from": FIRST})
    assert kinds(messages)[:-1] == ["connection.created", "connection.updated", "connection.deleted"]
    assert subject(messages[1])["display_name"] == "Google"
    assert "canary-secret" not in json.dumps(messages)


def test_what_is_done_without_the_management_api_is_noted_too(
    api: Api, tenant: LocalTenant, wire: Any
) -> None:
    signed_up = {"connection": "Username-Password-Authentication", "client_id": tenant.client_id}
    wire.json("/dbconnections/signup", email="eve@example.com", password=PASSWORD, **signed_up)
    tenant.add_organization("acme")
    assert kinds(told(api, **{"from": FIRST}))[:-1] == ["user.created", "organization.created"]


def test_a_login_is_no_event(api: Api, tenant: LocalTenant, wire: Any) -> None:
    user = tenant.add_user(email="ada@example.com", password=PASSWORD)
    answer = wire.token(grant_type="password", username="ada@example.com", password=PASSWORD)
    assert answer.status == 200
    assert tenant.store.get("users", user["user_id"])["logins_count"] == 1
    assert kinds(told(api, **{"from": FIRST})) == ["user.created", "offset-only"]


def test_what_is_refused_is_no_event(api: Api) -> None:
    api("POST", "/users", new_user())
    assert api("POST", "/users", new_user())[0] == 409
    assert api("PATCH", "/users/auth0%7Cnobody", {"name": "x"})[0] == 404
    assert kinds(told(api, **{"from": FIRST})) == ["user.created", "offset-only"]


# What is told


def test_it_tells_what_came_after_an_offset(api: Api) -> None:
    for number in range(3):
        api("POST", "/users", new_user(f"u{number}@example.com"))
    first, second, third, last = told(api, **{"from": FIRST})
    assert told(api, **{"from": first["offset"]}) == [second, third, last]
    assert told(api, **{"from": third["offset"]}) == [last]
    assert told(api) == [last]


def test_it_tells_what_came_since_a_time(tenant: LocalTenant, api: Api) -> None:
    api("POST", "/users", new_user("u1@example.com"))
    tenant.advance(60)
    api("POST", "/users", new_user("u2@example.com"))
    first, second, last = told(api, from_timestamp="2020-01-01T00:00:00Z")
    assert told(api, from_timestamp=second["event"]["time"]) == [second, last]
    assert told(api, from_timestamp="2999-01-01T00:00:00Z") == [last]
    assert first["event"]["time"] < second["event"]["time"]


def test_it_tells_the_kinds_that_were_asked_for(api: Api, tenant: LocalTenant) -> None:
    api("POST", "/users", new_user())
    tenant.add_organization("acme")
    tenant.add_connection("another")
    found = told(api, **{"from": FIRST, "event_type": "organization.created"})
    assert kinds(found) == ["organization.created", "offset-only"]
    # What was left out need not be asked for again.
    assert found[-1]["offset"] > found[0]["offset"]


@pytest.mark.parametrize(
    "query",
    [
        {"from": "nonsense"}, {"from": "1"}, {"from": "000000000007"}, {"from_timestamp": "yesterday"},
        {"from": FIRST, "from_timestamp": "2026-01-01T00:00:00Z"},
    ],
)  # fmt: skip
def test_where_nobody_could_begin_is_refused(api: Api, query: dict[str, str]) -> None:
    status, body = api("GET", "/events", **query)
    assert (status, body["errorCode"]) == (400, "invalid_query_string")


def test_what_is_older_than_a_day_is_told_no_more(api: Api, tenant: LocalTenant) -> None:
    api("POST", "/users", new_user("u1@example.com"))
    tenant.advance(12 * 3600)
    tenant.add_user(email="u2@example.com", password=PASSWORD)
    fresh = type(api)(tenant)
    first, second, last = told(fresh, **{"from": FIRST})
    tenant.advance(13 * 3600)
    fresh = type(api)(tenant)
    assert fresh("GET", "/events", **{"from": FIRST})[0] == 410
    assert told(fresh, **{"from": first["offset"]}) == [second, last]
    tenant.advance(13 * 3600)
    fresh = type(api)(tenant)
    assert fresh("GET", "/events", **{"from": first["offset"]})[0] == 410
    # Whoever has heard everything misses nothing.
    assert told(fresh, **{"from": last["offset"]}) == [last]


def test_it_takes_the_scope(api_with: Callable[[str], Api], api: Api) -> None:
    assert api_with("read:users")("GET", "/events")[0] == 403
    assert told(api_with("read:events")) == told(api)


def test_a_file_keeps_the_events(tmp_path: Any) -> None:
    path = tmp_path / "tenant.db"
    with LocalTenant(database=path) as tenant:
        tenant.add_organization("acme")
    with LocalTenant(database=path) as tenant:
        tenant.add_organization("other")
        offsets = [event["offset"] for event in tenant.store.list("events")]
    assert offsets == sorted(set(offsets))
    assert len(offsets) == 2


# Through the SDK


class World:
    """One kind of client over one way to the tenant."""

    def __init__(self, tenant: LocalTenant, asynchronous: bool, options: dict[str, Any]) -> None:
        self.tenant = tenant
        self.asynchronous = asynchronous
        self.options = {
            "domain": tenant.domain, "client_id": tenant.client_id, "client_secret": tenant.client_secret,
            **options,
        }  # fmt: skip

    def listen(
        self, most: int, during: Callable[[Event], None] = lambda _: None, **query: Any
    ) -> list[Event]:
        """Return the first events; `during` is called with each of them before the next is asked for."""
        if self.asynchronous:
            return asyncio.run(self._listen(most, during, query))
        found: list[Event] = []
        with ManagementClient(**self.options) as management:
            events = management.events.subscribe(**query)
            for event in events:
                found.append(event)
                during(event)
                if len(found) == most:
                    break
            events.close()
        return found

    async def _listen(self, most: int, during: Callable[[Event], None], query: Any) -> list[Event]:
        found: list[Event] = []
        async with AsyncManagementClient(**self.options) as management:
            events = management.events.subscribe(**query)
            async for event in events:
                found.append(event)
                during(event)
                if len(found) == most:
                    break
            await events.aclose()
        return found


class Hasty:
    """A module in which sleeping is something else."""

    def __init__(self, module: Any, sleep: Callable[[float], Any]) -> None:
        self._module = module
        self.sleep = sleep

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


@pytest.fixture(
    params=[(False, "local"), (True, "local"), (False, "urllib3"), (True, "aiohttp")],
    ids=["blocking", "asyncio", "urllib3", "aiohttp"],
)
def world(
    request: pytest.FixtureRequest, tenant: LocalTenant, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    asynchronous, transport = request.param
    # The clients do not wait; the server, which runs on asyncio too, does.
    monkeypatch.setattr("anyauth0.blocking.time", Hasty(time, sleep=lambda _: None))
    monkeypatch.setattr("anyauth0.aio.asyncio", Hasty(asyncio, sleep=lambda _: asyncio.sleep(0)))
    if transport == "local":
        yield World(tenant, asynchronous, {"transport": "local"})
        return
    with serve(tenant) as server:
        yield World(tenant, asynchronous, {"transport": transport, "tls": server.tls, "proxy": False})


def test_events_come_through_the_sdk_each_once(world: World) -> None:
    def more(event: Event) -> None:
        # Told on another line than the events before: the answer of the tenant is over by then.
        world.tenant.add_organization(f"org-{event.offset}")

    user = world.tenant.add_user(email="ada@example.com", password=PASSWORD)
    events = world.listen(4, more, from_=FIRST)
    assert [event.type for event in events] == ["user.created", *["organization.created"] * 3]
    assert events[0].event["data"]["object"]["user_id"] == user["user_id"]
    names = [event.event["data"]["object"]["name"] for event in events[1:]]
    assert names == [f"org-{event.offset}" for event in events[:-1]]


def test_it_listens_from_now_on(world: World) -> None:
    """Told by an event that happens when the first answer is over: the next one begins after it."""
    tenant = world.tenant
    tenant.add_organization("before")
    answered: list[str] = []

    def happens(incoming: Any) -> Any:
        answer = handle(incoming)
        if incoming.path == "/api/v2/events":
            answered.append(incoming.one("from"))
            if len(answered) == 2:
                tenant.add_organization("now")
        return answer

    handle = tenant.handle
    tenant.handle = happens
    (event,) = world.listen(1)
    assert event.event["data"]["object"]["name"] == "now"
    # An empty answer says where to go on.
    assert answered[0] is None
    assert None not in answered[1:]


def test_it_passes_on_what_is_asked_for(world: World) -> None:
    tenant = world.tenant
    tenant.add_user(email="ada@example.com", password=PASSWORD)
    tenant.add_organization("acme")
    tenant.add_connection("another")
    wanted = ["organization.created", "connection.created"]
    found = world.listen(2, from_timestamp="2020-01-01T00:00:00Z", event_type=wanted)
    assert [event.type for event in found] == wanted


def test_refusals_are_errors(world: World) -> None:
    tenant = world.tenant
    with pytest.raises(ManagementApiError) as caught:
        world.listen(1, from_="nonsense")
    assert caught.value.status == 400
    tenant.add_organization("acme")
    tenant.advance(2 * 86400)
    world.options["clock"] = tenant.clock
    with pytest.raises(ManagementApiError) as caught:
        world.listen(1, from_=FIRST)
    assert caught.value.status == 410
    assert "kept no longer" in str(caught.value)
    weak = tenant.add_client("weak", apis={tenant.management_audience: ["read:users"]})
    world.options |= {"client_id": weak["client_id"], "client_secret": weak["client_secret"]}
    with pytest.raises(Forbidden):
        world.listen(1)


def test_faults_are_lived_through(world: World) -> None:
    tenant = world.tenant
    tenant.add_organization("acme")
    world.options["retry"] = RetryPolicy(retries=5, first_delay=0.0)
    tenant.faults.add(429, path="/api/v2/events", headers={"retry-after": "0"})
    tenant.faults.add(401, path="/api/v2/events")
    tenant.faults.reset(path="/api/v2/events")
    tenant.faults.reset(path="/api/v2/events", after=True)
    assert [event.type for event in world.listen(1, from_=FIRST)] == ["organization.created"]


def test_a_tenant_that_answers_late_is_a_timeout(world: World) -> None:
    world.tenant.faults.delay(5, path="/api/v2/events", times=None)
    world.options |= {"timeout": 0.3, "retry": False}
    # The token must not be late.
    with pytest.raises(TransportTimeout):
        world.listen(1)


def test_a_served_tenant_sends_events_piece_by_piece(api: Api, tenant: LocalTenant) -> None:
    tenant.add_organization("acme")
    with serve(tenant) as server:
        context = ssl.create_default_context(cadata=server.ca_pem.decode())
        connection = http.client.HTTPSConnection(server.domain, context=context, timeout=20)
        try:
            bearer = f"Bearer {type(api)(tenant).token}"
            connection.request("GET", f"/api/v2/events?from={FIRST}", headers={"authorization": bearer})
            response = connection.getresponse()
            assert response.getheader("transfer-encoding") == "chunked"
            assert response.getheader("content-length") is None
            assert response.read() == type(api)(tenant).send("GET", "/events", **{"from": FIRST}).body
        finally:
            connection.close()
