"""Arguments that do not fit are refused by name and with the mend, and nothing is sent."""

from typing import Any, TypedDict, Unpack

import msgspec
import pytest

from anyauth0 import Auth0Error, Call, InvalidArgumentError, Resource, endpoint, operation
from anyauth0.arguments import closest, require, require_address
from anyauth0.endpoint import Mode
from anyauth0.flow import Flow

from .fakes import Kind, Thing


class Body(TypedDict, total=False):
    name: str
    email: str | None
    verify_email: bool


class Needed(Body):
    connection: str


class Users(Resource[Mode]):
    @endpoint("GET", "/users/{id}")
    def get(self, id: str, /, *, fields: str | None = None) -> Call[Thing]:
        return Call(Thing, path=(id,), query={"fields": fields})

    @endpoint("PATCH", "/users/{id}")
    def update(self, id: str, /, **body: Unpack[Body]) -> Call[Thing]:
        return Call(Thing, path=(id,), json=body)

    @endpoint("POST", "/users")
    def create(self, **body: Unpack[Needed]) -> Call[Thing]:
        return Call(Thing, json=body)

    @endpoint("POST", "/x/{id}")
    def both(self, id: str, /, *, page: int, **body: Unpack[Body]) -> Call[Thing]:
        return Call(Thing, path=(id,), query={"page": page}, json=body)

    @endpoint("GET", "/none")
    def none(self) -> Call[Thing]:
        return Call(Thing)

    @endpoint("GET", "/bug")
    def bug(self, *, page: Any = None) -> Call[Thing]:
        raise TypeError("a bug of the author's own")

    @operation
    def work(self, id: str, /, *, timeout: float | None = None) -> Flow[str]:
        answer = yield from Users.get.flow(self, id)
        return str(answer.data.id)


WRONG: list[tuple[str, tuple[Any, ...], dict[str, Any], str, str]] = [
    ("get", (), {}, "id", 'users.get needs "id"'),
    ("get", ("a", "b"), {}, "", "too many positional arguments"),
    ("get", ("a",), {"field": "x"}, "field", 'did you mean "fields"'),
    ("get", ("a",), {"zzz": "x"}, "zzz", "it takes id, fields"),
    ("get", (), {"id": "a"}, "id", 'takes "id" by its position'),
    ("update", (), {"id": "a", "email": "x"}, "id", 'takes "id" by its position'),
    ("none", (), {"zzz": 1}, "zzz", "it takes none"),
    ("none", (1,), {}, "", "no argument"),
    ("update", ("a",), {"emial": "x"}, "emial", 'did you mean "email"'),
    ("update", ("a",), {"zzz": 1}, "zzz", "extra_body"),
    ("update", (), {"email": "x"}, "id", 'users.update needs "id"'),
    ("update", ("a", "b"), {}, "", "too many"),
    ("create", (), {}, "connection", 'users.create needs "connection"'),
    ("create", (), {"connection": "c", "conection": "x"}, "conection", 'did you mean "connection"'),
    ("create", ("a",), {"connection": "c"}, "", "too many"),
    ("both", ("a",), {}, "page", 'users.both needs "page"'),
    ("both", ("a",), {"page": 1, "pag": 2}, "pag", 'did you mean "page"'),
    ("work", (), {}, "id", 'users.work needs "id"'),
    ("work", ("a",), {"timout": 1}, "timout", 'did you mean "timeout"'),
]


@pytest.mark.parametrize(("method", "args", "kwargs", "name", "says"), WRONG)
def test_what_does_not_fit_is_refused_by_name_and_nothing_is_sent(
    kind: Kind, method: str, args: Any, kwargs: Any, name: str, says: str
) -> None:
    transport = kind.transport()
    users: Any = Users(kind.management_client(transport)._core)
    with pytest.raises(InvalidArgumentError) as caught:
        kind.do(lambda: getattr(users, method)(*args, **kwargs))
    assert caught.value.argument == name
    assert says in str(caught.value)
    assert str(caught.value).startswith("users.")
    assert len(str(caught.value)) < 300
    assert transport.requests == []


@pytest.mark.parametrize(("method", "args", "kwargs", "name", "says"), WRONG)
def test_no_value_of_the_caller_is_in_the_message(
    method: str, args: Any, kwargs: Any, name: str, says: str
) -> None:
    from .fakes import KINDS

    users: Any = Users(KINDS[0].management_client(KINDS[0].transport())._core)
    with pytest.raises(InvalidArgumentError) as caught:
        getattr(users, method)(*("canary" for _ in args), **dict.fromkeys(kwargs, "canary"))
    assert "canary" not in str(caught.value)


def sent(kind: Kind, call: Any) -> Any:
    transport = kind.transport()
    users: Any = Users(kind.management_client(transport)._core)
    kind.do(lambda: call(users))
    return transport.requests[0]


def test_fields_of_a_body_are_sent_as_given_none_as_null_and_absent_ones_not_at_all(kind: Kind) -> None:
    request = sent(kind, lambda users: users.update("a", email=None, verify_email=False))
    assert msgspec.json.decode(request.body) == {"email": None, "verify_email": False}
    assert msgspec.json.decode(sent(kind, lambda users: users.update("a")).body) == {}


def test_query_and_body_go_where_they_belong(kind: Kind) -> None:
    request = sent(kind, lambda users: users.both("a b", page=2, name="x"))
    assert request.url.endswith("/api/v2/x/a%20b?page=2")
    assert msgspec.json.decode(request.body) == {"name": "x"}


def test_a_type_error_of_the_method_itself_is_not_taken_for_one_of_the_caller(kind: Kind) -> None:
    with pytest.raises(TypeError, match="a bug of the author's own"):
        sent(kind, lambda users: users.bug())


def test_a_coroutine_that_was_refused_leaves_no_warning(kind: Kind) -> None:
    users: Any = Users(kind.management_client(kind.transport())._core)
    # Refused by the call itself, so that the place is in the traceback.
    with pytest.raises(InvalidArgumentError):
        users.get()


@pytest.mark.parametrize("value", [None, "", "  ", "\t"])
def test_what_is_required_and_blank_is_refused_by_name(value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r'x\.y needs "token": it is missing or blank'):
        require("x.y", fine="a", token=value)


@pytest.mark.parametrize("value", [0, 1, b"bytes", [], {}, object()])
def test_what_must_be_text_and_is_not_is_refused_by_name(value: Any) -> None:
    with pytest.raises(Auth0Error, match=f'"token" must be a string, not {type(value).__name__}'):
        require("x.y", token=value)
    require("x.y", token="a")


def test_the_closest_name_is_found_or_none() -> None:
    assert closest("emial", ("email", "name")) == "email"
    assert closest("zzz", ("email", "name")) is None
    assert closest("x", frozenset()) is None
    assert closest("connection_kind", ("connection",)) == "connection"
    assert closest("connection_kind", ("connection",), likeness=0.9) is None


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.com/callback?a=b#c", "http://localhost:3000/callback", "HTTPS://APP.EXAMPLE",
        "com.example.app:/callback", "myapp://callback", "urn:ietf:wg:oauth:2.0:oob", "https://[::1]:80/ü",
    ],
)  # fmt: skip
def test_an_address_is_one_of_a_page_or_of_an_application(address: str) -> None:
    require_address("x.y", "to", address)


@pytest.mark.parametrize(
    "address",
    [
        "not a url", "app.example.com/callback", "localhost:3000/callback", "/callback", "//host/path",
        "https://", "https:/app.example.com", "https:app", "https:///path", "https://a b/", "https://a/b\n",
        ":x", "1a:b", "a:", "", None, 5,
    ],
)  # fmt: skip
def test_what_is_no_whole_address_is_refused_by_name(address: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r'x\.y.*"to"') as caught:
        require_address("x.y", "to", address)
    assert caught.value.argument == "to"
