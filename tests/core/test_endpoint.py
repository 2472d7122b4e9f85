"""Endpoints: facts on the class, functions on a blocking resource, coroutines on an asyncio one."""

import asyncio
import inspect
import pydoc
from typing import Any

import pytest

from anyauth0 import ApiResponse, Page, operation
from anyauth0.endpoint import Async, Endpoint, Mode, Operation, Resource, Sync, comma
from anyauth0.flow import Flow, sleep
from anyauth0.pagination import PagedEndpoint

from .fakes import DOMAIN, Kind, Thing, Things, json, things


class Work(Resource[Mode]):
    """A resource with an operation of several calls."""

    @operation
    def names(self, *ids: str) -> Flow[list[str | None]]:
        """Get the ids of several things."""
        found: list[str | None] = []
        for id in ids:
            answer = yield from Things.get.flow(Things(self._core), id)
            found.append(answer.data.id)
            yield from sleep(0)
        return found


def test_on_the_class_an_endpoint_tells_its_facts() -> None:
    get: Any = Things.get
    assert isinstance(get, Endpoint)
    assert (get.method, get.path, get.scopes, get.lifecycle) == ("GET", "/things/{id}", (), "GA")
    assert (get.name, get.title) == ("get", "things.get")
    assert repr(get) == "<endpoint GET /things/{id}>"
    assert isinstance(Things.get_all, PagedEndpoint)
    assert Things.get_all.items == "things"
    assert isinstance(Work.names, Operation)


@pytest.mark.parametrize(
    ("name", "idempotent"), [("get", True), ("create", False), ("delete", True), ("get_all", True)]
)
def test_whether_a_call_may_be_sent_twice_is_read_off_its_method(name: str, idempotent: bool) -> None:
    assert getattr(Things, name).idempotent is idempotent


def test_on_a_resource_it_is_a_function_or_a_coroutine(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"id": "1"}))
    resource = things(kind.management_client(transport))
    result = resource.get("1")
    assert inspect.iscoroutine(result) is kind.asynchronous
    answer = asyncio.run(result) if kind.asynchronous else result
    assert isinstance(answer, ApiResponse)
    assert answer.data == Thing(id="1")


def test_a_coroutine_can_be_made_a_task() -> None:
    kind = Kind(asynchronous=True)
    resource = things(kind.management_client(kind.transport()))

    async def main() -> int:
        answers = await asyncio.gather(*(asyncio.create_task(resource.get(str(n))) for n in range(5)))
        return sum(answer.status for answer in answers)

    assert asyncio.run(main()) == 1000


def test_a_request_says_what_the_endpoint_says(kind: Kind) -> None:
    transport = kind.transport()
    resource = things(kind.management_client(transport))
    kind.do(lambda: resource.get("a/b", fields="x,y"))
    kind.do(lambda: resource.create(name="n"))
    kind.do(lambda: resource.delete("a"))
    first, second, third = transport.requests
    assert (first.method, first.url) == ("GET", f"https://{DOMAIN}/api/v2/things/a%2Fb?fields=x%2Cy")
    assert (first.endpoint, first.idempotent, first.body) == ("GET /things/{id}", True, None)
    assert "content-type" not in first.headers
    assert (second.method, second.headers["content-type"]) == ("POST", "application/json")
    assert second.body == b'{"name":"n","secret":null}'
    assert (third.method, third.body) == ("DELETE", None)


def test_an_operation_runs_its_calls_one_after_another(kind: Kind) -> None:
    transport = kind.transport([json({"id": "a"}), json({"id": "b"})])
    work: Any = Work(kind.management_client(transport)._core)
    assert kind.do(lambda: work.names("1", "2")) == ["a", "b"]
    assert [url.rpartition("/")[2] for url in transport.urls] == ["1", "2"]


def test_signature_docstring_and_help_are_those_of_the_method(kind: Kind) -> None:
    resource = things(kind.management_client(kind.transport()))
    assert list(inspect.signature(resource.get).parameters) == ["id", "fields"]
    assert resource.get.__doc__ == "Get a thing."
    assert (resource.get.__name__, resource.get.__qualname__) == ("get", "Things.get")
    assert "Get a thing." in pydoc.render_doc(resource.get, renderer=pydoc.plaintext)
    with pytest.raises(AttributeError, match=r"things\.get has no attribute 'got'"):
        resource.get.got  # noqa: B018


def test_what_is_shown_of_resources_and_methods_names_the_tenant(kind: Kind) -> None:
    resource = things(kind.management_client(kind.transport()))
    assert repr(resource) == f"<Things of {DOMAIN}>"
    assert repr(resource.get) == f"<things.get of {DOMAIN}>"


def test_a_list_endpoint_called_once_answers_one_page(kind: Kind) -> None:
    transport = kind.transport(otherwise=json([{"id": "1"}]))
    answer = kind.do(lambda: things(kind.management_client(transport)).get_all(page=3))
    assert isinstance(answer.data, Page)
    assert list(answer.data) == [Thing(id="1")]
    assert transport.urls == [f"https://{DOMAIN}/api/v2/things?page=3"]


def test_modes_can_be_written_in_types() -> None:
    assert Things[Sync] is not Things[Async]


def test_names_are_joined_by_commas() -> None:
    assert comma(None) is None
    assert comma("a,b") == "a,b"
    assert comma(["a", "b"]) == "a,b"
    assert comma([]) == ""
