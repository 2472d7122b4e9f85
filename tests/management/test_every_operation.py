"""Every operation of the catalogue, over both clients: what a call sends, and what is read of its answer."""

import asyncio
import json
import keyword
import re
from collections.abc import Iterator
from email import policy
from email.parser import BytesParser
from types import MappingProxyType, SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from anyauth0 import (
    ApiResponse,
    AsyncManagementClient,
    ManagementClient,
    Page,
    Request,
    Resource,
    Response,
)  # fmt: skip

from .catalogue import (
    LISTED,
    OPERATIONS,
    Operation,
    Schema,
    fields,
    lost,
    lost_of_page,
    resolved,
    snake,
    success,
)
from .sampler import answers, bodies, queries, smallest

# An iterator of server-sent events, called by a test of its own.
ELSEWHERE = {"events.subscribe"}
# What our resources have beside the operations of the catalogue.
EXTRAS = {
    "connections.edit", "jobs.download", "jobs.download_to", "jobs.export_all", "jobs.import_all",
    "jobs.wait",
}  # fmt: skip
TITLES = [title for title in OPERATIONS if title not in ELSEWHERE]
MODES = ("blocking", "asyncio")
BASE = "https://tenant.example.com/api/v2"
NASTY = ("auth0|a/b c", "100%25 é", "~x?y#z&=+", "名:;@,$'()*!\\")


class Wire:
    """Both clients over a transport that keeps the request and gives the answer that it was told."""

    request: Request | None
    answer: Response

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner
        where = {"domain": "tenant.example.com", "token": "t"}
        self.blocking = ManagementClient(**where, transport=self.send)
        self.asyncio = AsyncManagementClient(**where, transport=self.send_in_loop)

    def send(self, request: Request) -> Response:
        self.request = request
        return self.answer

    async def send_in_loop(self, request: Request) -> Response:
        return self.send(request)

    def call(self, mode: str, title: str, path: list[str], keywords: dict[str, Any]) -> ApiResponse[Any]:
        """Call an operation and return what its user gets."""
        self.request = None
        resource, _, name = title.partition(".")
        outcome = getattr(getattr(getattr(self, mode), resource), name)(*path, **keywords)
        return self.runner.run(outcome) if mode == "asyncio" else outcome

    def ask(self, mode: str, title: str) -> ApiResponse[Any]:
        """Call an operation for the sake of its answer."""
        keywords = as_keywords(OPERATIONS[title], queries(title)[0], bodies(title)[0])
        return self.call(mode, title, ids(title), keywords)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with asyncio.Runner() as runner:
        wire = Wire(runner)
        with wire.blocking:
            yield wire
        runner.run(wire.asyncio.close())


def answered(title: str, value: Any = None) -> Response:
    """Return the first success that the catalogue has, with `value` where it has a body."""
    status, schema = success(OPERATIONS[title])
    if schema is None:
        return Response(status=status)
    body = json.dumps(value).encode()
    return Response(status=status, headers={"content-type": "application/json"}, body=body)


def ids(title: str, turn: int | None = None) -> list[str]:
    """Return values for the parameters of a path, nasty ones when it is the `turn` of some."""
    places = range(len(OPERATIONS[title]["path_params"]))
    return ["an id" if turn is None else NASTY[(turn + place) % len(NASTY)] for place in places]


def says_nothing(operation: Operation) -> bool:
    """Say whether nothing is known of the body of an operation."""
    return bool(operation["body"]) and resolved(operation["body"]["schema"]) == {}


def as_keywords(operation: Operation, query: dict[str, Any], body: Any) -> dict[str, Any]:
    """Return the arguments that are not of the path, named as Python has them."""
    keywords = {snake(name): value for name, value in query.items()}
    if not operation["body"]:
        return keywords
    if says_nothing(operation):
        return keywords
    if fields(operation) is None:
        return keywords | {"body": body}
    if operation.get("multipart"):
        body = {**body, "users": body["users"].encode()}
    return keywords | {f"{name}_" if keyword.iskeyword(name) else name: each for name, each in body.items()}


def written(value: Any) -> str:
    """Return a value as a query or a form writes it."""
    return json.dumps(value) if isinstance(value, bool | int | float) else str(value)


def parts(request: Request) -> dict[str, str]:
    """Return the fields of a multipart body, as a library reads it."""
    head = f"content-type: {request.headers['content-type']}\r\n\r\n".encode()
    form = BytesParser(policy=policy.HTTP).parsebytes(head + (request.body or b""))
    assert form.get_content_type() == "multipart/form-data"
    return {
        part.get_param("name", header="content-disposition"): part.get_payload(decode=True).decode()
        for part in form.iter_parts()
    }


def sent_body(title: str, body: Any) -> Any:
    """Return what a call sends of a body; of one that may be anything our methods take nothing."""
    return {} if says_nothing(OPERATIONS[title]) else body


def check_sent(title: str, request: Request, path: list[str], query: Any, body: Any) -> None:
    """Assert that a request says what was given, as the catalogue has it."""
    operation = OPERATIONS[title]
    where, _, asked = request.url.partition("?")
    expected = operation["path"]
    for parameter, value in zip(operation["path_params"], path, strict=True):
        expected = expected.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
    assert (request.method, where) == (operation["method"], BASE + expected)
    assert request.headers["authorization"] == "Bearer t"
    assert parse_qs(asked, keep_blank_values=True) == {
        name: [written(each) for each in value] if isinstance(value, list) else [written(value)]
        for name, value in query.items()
    }
    if not operation["body"]:
        assert request.body is None
        assert "content-type" not in request.headers
    elif operation.get("multipart"):
        assert parts(request) == {name: written(value) for name, value in body.items()}
    else:
        assert request.headers["content-type"] == "application/json"
        assert request.body is not None
        assert json.loads(request.body) == sent_body(title, body)


@pytest.mark.parametrize("title", TITLES)
def test_a_call_of_each_client_sends_what_it_is_given(title: str, wire: Wire) -> None:
    operation = OPERATIONS[title]
    wire.answer = answered(title, {})
    commas = [each["name"] for each in operation["query"] if each.get("comma_list")]
    for turn in range(max(len(queries(title)), len(bodies(title)), 2)):
        path = ids(title, turn)
        query = queries(title)[turn % len(queries(title))]
        body = bodies(title)[turn % len(bodies(title))]
        # A list of names is what most users have; a text that is joined already must do as well.
        lists = {name: ["a b", query[name]] for name in commas if turn % 2 == 0}
        joined = {name: ",".join(names) for name, names in lists.items()}
        for mode in MODES:
            wire.call(mode, title, path, as_keywords(operation, query | lists, body))
            check_sent(title, wire.request, path, query | joined, body)


class Opened:
    """An answer that says one event and ends, for both worlds."""

    status = 200
    headers = MappingProxyType({"content-type": "text/event-stream"})

    def __init__(self, data: bytes) -> None:
        self.data = [data, b""]

    def close(self) -> None:
        self.data = [b""]


class Line(Opened):
    def read(self, seconds: float | None) -> bytes:
        return self.data.pop(0)


class AsyncLine(Opened):
    async def read(self, seconds: float | None) -> bytes:
        return self.data.pop(0)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("title", sorted(ELSEWHERE))
def test_a_call_of_a_stream_sends_what_it_is_given_and_answers_events(title: str, mode: str) -> None:
    operation = OPERATIONS[title]
    sent: list[Request] = []
    body = b'data: {"type": "user.created", "offset": "7", "event": {"id": "evt_1", "new": [1]}}\n\n'

    class Streaming:
        def send(self, request: Request) -> Response:
            raise AssertionError("a stream is opened")

        def close(self) -> None: ...

        def open(self, request: Request) -> Line:
            sent.append(request)
            return Line(body)

    class AsyncStreaming:
        async def send(self, request: Request) -> Response:
            raise AssertionError("a stream is opened")

        async def close(self) -> None: ...

        async def open(self, request: Request) -> AsyncLine:
            sent.append(request)
            return AsyncLine(body)

    query = queries(title)[0]
    keywords = as_keywords(operation, query, None)
    where = {"domain": "tenant.example.com", "token": "t"}

    async def first() -> Any:
        events = AsyncManagementClient(**where, transport=AsyncStreaming()).events.subscribe(**keywords)
        try:
            return await anext(events)
        finally:
            await events.aclose()

    if mode == "asyncio":
        event = asyncio.run(first())
    else:
        events = ManagementClient(**where, transport=Streaming()).events.subscribe(**keywords)
        event = next(events)
        events.close()
    check_sent(title, sent[0], [], query, None)
    assert (event.type, event.offset, event.event) == ("user.created", "7", {"id": "evt_1", "new": [1]})


@pytest.mark.parametrize("title", TITLES)
def test_what_is_not_given_is_not_sent(title: str, wire: Wire) -> None:
    operation = OPERATIONS[title]
    wire.answer = answered(title, {})
    needed = {each["name"] for each in operation["query"] if each["required"]}
    query = {name: value for name, value in queries(title)[0].items() if name in needed}
    body = smallest(operation["body"]["schema"]) if operation["body"] else None
    for mode in MODES:
        wire.call(mode, title, ids(title), as_keywords(operation, query, body))
        check_sent(title, wire.request, ids(title), query, body)


FROM = [title for title in TITLES if "from" in (fields(OPERATIONS[title]) or {})]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("title", FROM)
def test_a_body_takes_from_as_an_argument_of_python(title: str, mode: str, wire: Wire) -> None:
    wire.answer = answered(title, {})
    body = bodies(title)[0]
    rest = {each: value for each, value in body.items() if each != "from"}
    wire.call(mode, title, ids(title), {**rest, "from_": body["from"]})
    check_sent(title, wire.request, ids(title), {}, body)


def check_read(title: str, mode: str, wire: Wire, values: list[Any]) -> None:
    """Assert that a client reads all of these answers, but for the places that are known."""
    operation, known = OPERATIONS[title], KNOWN.get(title, "nowhere")
    status, schema = success(operation)
    assert schema is not None
    for value in values:
        wire.answer = answered(title, value)
        response = wire.ask(mode, title)
        assert response.status == status
        assert response.json() == json.loads(wire.answer.body) == value
        assert response.anomalies == ()
        if operation["pagination"]:
            assert isinstance(response.data, Page)
            places = lost_of_page(response.data, value, operation, schema)
        else:
            places = lost(response.data, value, [schema])
        assert [place for place in places if not re.fullmatch(known, place)] == []


EMPTY = [title for title in TITLES if success(OPERATIONS[title])[1] is None]
ANSWERED = [title for title in TITLES if title not in EMPTY]
# What stays a dict, for it may be one of so many things that a class would help nobody.
_PLACES = (
    ("clients", "get_all create get update rotate_client_secret", r".*\.addons\..*"),
    ("flows", "create get update", r"\$\.actions\[\]\..*"),
    ("forms", "create get update", r"\$\.nodes\[\]\.config\.components\[\]\..*"),
)
KNOWN = {
    f"{resource}.{name}": f"{places} has no attribute"
    for resource, names, places in _PLACES
    for name in names.split()
}


def answer_of(title: str) -> str:
    """Return what is known of an answer, whatever its schema is called."""
    _, schema = success(OPERATIONS[title])
    return json.dumps([resolved(schema or {}), OPERATIONS[title]["pagination"]])


_FIRST = {answer_of(title): title for title in reversed(ANSWERED)}
# The first operation that is answered alike, maybe itself.
ALIKE = {title: _FIRST[answer_of(title)] for title in ANSWERED}


# Reading knows nothing of the kind of client: every other answer is read from one of each.
@pytest.mark.parametrize(
    ("title", "mode"), [(title, MODES[number % 2]) for number, title in enumerate(sorted(ANSWERED))]
)
def test_an_answer_is_read_to_its_last_field(title: str, mode: str, wire: Wire) -> None:
    first, values = ALIKE[title], answers(ALIKE[title])
    if first == title:
        check_read(title, mode, wire, values)
        return
    # One model reads both, and it is tried with everything elsewhere.
    check_read(title, mode, wire, [values[0], values[-1]])
    wire.answer = answered(title, values[0])
    assert type(wire.ask(mode, title).data) is type(wire.ask(mode, first).data)


@pytest.mark.parametrize("title", EMPTY)
def test_an_answer_without_a_body_has_no_data(title: str, wire: Wire) -> None:
    wire.answer = answered(title)
    for mode in MODES:
        response = wire.ask(mode, title)
        assert response.status == success(OPERATIONS[title])[0]
        assert response.data is response.json() is None
        assert response.anomalies == ()


def test_a_lost_field_is_found() -> None:
    schema: Schema = {"properties": {"aB": {"items": {"properties": {"c": {}}}}, "d": {}}}
    value = {"aB": [{"c": 1}], "d": True}
    assert list(lost(SimpleNamespace(a_b=[SimpleNamespace(c=1)], d=True), value, [schema])) == []
    found = list(lost(SimpleNamespace(a_b=[{"c": 1}]), value, [schema]))
    assert found == ["$.aB[].c has no attribute", "$.d is gone"]
    found = list(lost(SimpleNamespace(a_b=[], d=1), value, [schema]))
    assert found == ["$.aB is not the array", "$.d is another"]


def test_the_catalogue_has_496_operations_of_50_resources() -> None:
    assert len(LISTED) == len(OPERATIONS) == 496
    assert len({each["resource"] for each in LISTED}) == 50
    assert set(OPERATIONS) - set(TITLES) == {"events.subscribe"}


@pytest.mark.parametrize("mode", MODES)
def test_a_client_has_the_operations_of_the_catalogue_and_no_other(mode: str, wire: Wire) -> None:
    client = getattr(wire, mode)
    members = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
    resources = {name: each for name, each in members.items() if isinstance(each, Resource)}
    found = [f"{name}.{each}" for name, one in resources.items() for each in dir(one) if each[0] != "_"]
    assert set(resources) == {each["resource"] for each in LISTED}
    assert sorted(found) == sorted({*OPERATIONS, *EXTRAS})
