"""The order of the pipeline, seen from outside: who runs within whom."""

import logging
from typing import Any

import pytest

from anyauth0 import (
    Call,
    Flow,
    Handler,
    ManagementClient,
    Request,
    Resource,
    Response,
    Sync,
    endpoint,
    hookimpl,
)


class Things(Resource[Sync]):
    @endpoint("GET", "/things")
    def get_all(self) -> Call[Any]:
        return Call(Any)


class Witness:
    """A plugin that notes what it sees, per call and per attempt, and what is logged meanwhile."""

    def __init__(self, notes: list[Any]) -> None:
        self.notes = notes

    @hookimpl
    def anyauth0_middleware(self, options: object) -> list[Any]:
        return [self._layer("call")]

    @hookimpl
    def anyauth0_attempt_middleware(self, options: object) -> list[Any]:
        return [self._layer("attempt")]

    def _layer(self, name: str) -> Any:
        def note(request: Request, inner: Handler) -> Flow[Response]:
            self.notes.append((name, request))
            response = yield from inner(request)
            self.notes.append((f"{name} ends", response.status))
            return response

        return note


class Lines(logging.Handler):
    def __init__(self, notes: list[Any]) -> None:
        super().__init__()
        self.notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        self.notes.append((record.getMessage().partition(" ")[0] + " logged", None))


@pytest.fixture
def notes() -> Any:
    found: list[Any] = []
    logger, handler = logging.getLogger("anyauth0"), Lines(found)
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


def test_user_middleware_is_the_outermost_of_a_call_and_the_innermost_of_an_attempt(
    world: Any, notes: list[Any]
) -> None:
    world.answers(Response(status=503, headers={"retry-after": "1"}), 200)
    management = ManagementClient(
        domain="tenant.eu.auth0.com",
        token="canary",
        transport=world,
        plugins=[Witness(notes)],
        headers={"x-mine": "1"},
        clock=world.clock,  # type: ignore[call-arg]
    )
    Things(management._core).get_all()
    assert [name for name, _ in notes] == [
        "call",
        "attempt", "attempt ends", "attempt logged",
        "attempt", "attempt ends", "attempt logged",
        "call logged",
        "call ends",
    ]  # fmt: skip
    before, *after = (seen for _, seen in notes if isinstance(seen, Request))
    assert not {"x-mine", "auth0-client", "authorization"} & set(before.headers)
    assert before.timeout is None
    for request in after:
        assert {"x-mine", "auth0-client", "authorization"} <= set(request.headers)
        assert request.timeout == 10
        assert request in world.requests


def test_the_token_is_asked_for_once_a_call_however_often_it_is_tried(world: Any) -> None:
    tokens = ["one", "two"]
    world.answers(503, 200)
    management = ManagementClient(domain="tenant.eu.auth0.com", token=lambda: tokens.pop(0), transport=world)
    Things(management._core).get_all()
    assert [request.headers["authorization"] for request in world.requests] == ["Bearer one"] * 2


def test_the_headers_of_the_user_come_before_those_of_the_library(world: Any, notes: list[Any]) -> None:
    client = world.client(plugins=[Witness(notes)], headers={"user-agent": "mine"})
    client.user_info.get("canary")
    assert world.requests[0].headers["user-agent"] == "mine"


def test_two_plugins_nest_in_the_order_of_the_list(world: Any) -> None:
    order: list[str] = []

    class Named:
        def __init__(self, name: str) -> None:
            self.name = name

        @hookimpl
        def anyauth0_middleware(self, options: object) -> list[Any]:
            return [self.note, self.again]

        @hookimpl
        def anyauth0_attempt_middleware(self, options: object) -> list[Any]:
            return [self.near]

        def note(self, request: Request, inner: Handler) -> Flow[Response]:
            order.append(self.name)
            return inner(request)

        def again(self, request: Request, inner: Handler) -> Flow[Response]:
            order.append(f"{self.name} again")
            return inner(request)

        def near(self, request: Request, inner: Handler) -> Flow[Response]:
            order.append(f"{self.name} near")
            return inner(request)

    world.client(plugins=[Named("a"), Named("b")]).user_info.get("canary")
    assert order == ["a", "a again", "b", "b again", "b near", "a near"]
