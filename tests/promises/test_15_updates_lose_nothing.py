"""Promise 15: None is null, absent is absent, and what was read can be sent back without a loss."""

from typing import Any

import msgspec
import pytest

from anyauth0 import InvalidArgumentError, NotFound
from anyauth0_transports.local import LocalTenant

from ..core.fakes import Kind, json

OPTIONS = {
    "brute_force_protection": False,
    "password_policy": "good",
    "configuration": {"nested": {"deep": [1, None, "x"]}},
    "nobody_knows_this": {"new": True},
    "icon_url": None,
}


def sent(transport: Any, number: int = -1) -> Any:
    return msgspec.json.decode(transport.requests[number].body)


def test_none_is_null_and_what_is_absent_is_not_sent(kind: Kind) -> None:
    transport = kind.transport()
    management = kind.management_client(transport)
    kind.do(lambda: management.users.update("auth0|1", nickname=None, user_metadata={"a": None}))
    assert sent(transport) == {"nickname": None, "user_metadata": {"a": None}}
    kind.do(lambda: management.clients.update("c", name="x"))
    assert sent(transport) == {"name": "x"}
    kind.do(lambda: management.users.get("auth0|1", fields=None))
    assert "?" not in transport.urls[-1]


def test_one_option_of_a_connection_is_changed_and_the_others_stay(kind: Kind) -> None:
    transport = kind.transport([json({"id": "con_1", "options": OPTIONS}), json({"id": "con_1"})])
    management = kind.management_client(transport)
    answer = kind.do(lambda: management.connections.edit("con_1", {"brute_force_protection": True}))
    assert answer.data.id == "con_1"
    assert [request.method for request in transport.requests] == ["GET", "PATCH"]
    assert sent(transport) == {"options": {**OPTIONS, "brute_force_protection": True}}


def test_a_function_may_change_them_as_it_likes(kind: Kind) -> None:
    def change(options: dict[str, Any]) -> str:
        del options["icon_url"]
        options["configuration"]["nested"]["deep"].append(2)
        return "is not looked at"

    transport = kind.transport([json({"id": "con_1", "options": OPTIONS}), json({"id": "con_1"})])
    management = kind.management_client(transport)
    kind.do(lambda: management.connections.edit("con_1", change))
    expected = msgspec.json.decode(msgspec.json.encode(OPTIONS))
    change(expected)
    assert sent(transport) == {"options": expected}


@pytest.mark.parametrize("change", [{}, {"password_policy": "good"}, lambda options: None])
def test_where_nothing_changes_nothing_is_sent(kind: Kind, change: Any) -> None:
    transport = kind.transport([json({"id": "con_1", "options": OPTIONS})])
    management = kind.management_client(transport)
    answer = kind.do(lambda: management.connections.edit("con_1", change))
    assert answer.json()["options"] == OPTIONS
    assert len(transport.requests) == 1


def test_a_connection_without_options_gets_those_of_the_change(kind: Kind) -> None:
    transport = kind.transport([json({"id": "con_1"}), json({"id": "con_1"})])
    management = kind.management_client(transport)
    kind.do(lambda: management.connections.edit("con_1", {"a": None}))
    assert sent(transport) == {"options": {"a": None}}


async def asynchronous(options: dict[str, Any]) -> None:
    """Change nothing."""


@pytest.mark.parametrize("change", [None, "x", 1, [("a", 1)]])
def test_a_change_that_is_none_is_refused_before_anything_is_sent(kind: Kind, change: Any) -> None:
    transport = kind.transport()
    management = kind.management_client(transport)
    with pytest.raises(InvalidArgumentError, match='"change" must be a mapping') as caught:
        kind.do(lambda: management.connections.edit("con_1", change))
    assert caught.value.argument == "change"
    assert transport.requests == []


def test_an_async_change_is_refused_before_anything_is_written(kind: Kind) -> None:
    transport = kind.transport([json({"id": "con_1", "options": OPTIONS})])
    management = kind.management_client(transport)
    with pytest.raises(InvalidArgumentError, match="async"):
        kind.do(lambda: management.connections.edit("con_1", asynchronous))
    assert [request.method for request in transport.requests] == ["GET"]


def test_a_connection_that_is_not_there_is_not_written(kind: Kind) -> None:
    transport = kind.transport([json({"statusCode": 404, "message": "no"}, 404)])
    management = kind.management_client(transport)
    with pytest.raises(NotFound):
        kind.do(lambda: management.connections.edit("con_1", {"a": 1}))
    assert len(transport.requests) == 1


def test_what_was_read_is_accepted_when_it_is_sent_back(kind: Kind) -> None:
    with LocalTenant() as tenant:
        transport = tenant.async_transport() if kind.asynchronous else tenant.transport()
        options = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        management = kind.management(domain=tenant.domain, transport=transport, **options)
        make = {"name": "more-users", "strategy": "auth0", "options": OPTIONS}
        created = kind.do(lambda: management.connections.create(**make)).data
        kind.do(lambda: management.connections.update(created.id, options=created.options))
        kind.do(lambda: management.connections.edit(created.id, {"password_policy": "excellent"}))
        after = kind.do(lambda: management.connections.get(created.id)).data
        assert after.options == {**OPTIONS, "password_policy": "excellent"}
