"""Promise 1: one odd value never costs an answer, whatever it is and wherever it stands."""

from types import NoneType
from typing import Any, Literal, get_type_hints

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyauth0 import DecodingError, Page, Response
from anyauth0.decoding import Shape, decode

from .fakes import Kind, Thing, json, things

SHAPE = Shape(endpoint="GET /users/{id}", items="users")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    city: str | None = None
    zip: int | None = None


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A model with a field of each kind that models have."""

    user_id: str | None = None
    logins: int | None = None
    score: float | None = None
    blocked: bool | None = None
    status: Literal["on", "off"] | str | None = None
    address: Address | None = None
    former: list[Address] | None = None
    roles: list[str] | None = None
    metadata: dict[str, Any] | None = None
    by_name: dict[str, Address] | None = None
    updated_at: int | str | None = None
    from_: str | None = msgspec.field(default=None, name="from")
    anything: Any = None
    plain: str = ""


GOOD: dict[str, Any] = {
    "user_id": "auth0|1",
    "logins": 3,
    "score": 0.5,
    "blocked": False,
    "status": "new since this release",
    "address": {"city": "Oslo", "zip": 150},
    "former": [{"city": "Rome"}, {"zip": 1}],
    "roles": ["a", "b"],
    "metadata": {"deep": [{"er": 1}]},
    "by_name": {"home": {"city": "Bern"}},
    "updated_at": "2026-01-01",
    "from": "here",
    "anything": [1],
    "plain": "text",
}
MODEL = msgspec.convert(GOOD, User)
HUGE = 10**30
DROPPED = object()
ODD = [None, "", 0, "x", [], {}, "true", HUGE, True, 1.5, [None], [[]], {"a": 0}, {"city": 5}, DROPPED]


def body(data: Any, content_type: str = "application/json", status: int = 200) -> Response:
    """Return an answer with this body: bytes as they are, everything else as JSON."""
    # The encoder of the standard library, since that of msgspec refuses huge numbers.
    import json as standard

    content = data if isinstance(data, bytes) else standard.dumps(data).encode()
    return Response(status=status, headers={"content-type": content_type}, body=content)


def attribute(wire: str) -> str:
    return "from_" if wire == "from" else wire


@pytest.mark.parametrize("wire", GOOD)
@pytest.mark.parametrize("odd", ODD, ids=lambda odd: "dropped" if odd is DROPPED else repr(odd))
def test_an_odd_value_leaves_every_other_field_intact_and_is_noted_where_it_is(wire: str, odd: Any) -> None:
    data = {name: value for name, value in GOOD.items() if name != wire}
    if odd is not DROPPED:
        data[wire] = odd
    user, anomalies = decode(User, body(data), SHAPE)
    for other in GOOD.keys() - {wire}:
        assert getattr(user, attribute(other)) == getattr(MODEL, attribute(other))
    found = getattr(user, attribute(wire))
    try:
        fitting = (
            getattr(User(), attribute(wire))
            if odd is DROPPED
            else msgspec.convert(odd, HINTS[attribute(wire)])
        )
    except msgspec.ValidationError:
        (place,) = anomalies
        assert place.endpoint == "GET /users/{id}"
        assert place.path.startswith(f"$.{wire}")
        assert place.expected != place.found
        assert msgspec.to_builtins(found) in (odd, {"city": odd and as_dict(odd).get("city"), "zip": None})
    else:
        assert (found, anomalies) == (fitting, ())


HINTS = get_type_hints(User)


def as_dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@pytest.mark.parametrize(
    ("wire", "odd", "kept", "path", "expected", "found"),
    [
        ("user_id", 0, 0, "$.user_id", "string or null", "integer"),
        ("logins", "3", "3", "$.logins", "integer or null", "string"),
        ("logins", True, True, "$.logins", "integer or null", "boolean"),
        ("score", [], [], "$.score", "number or null", "array"),
        ("blocked", "true", "true", "$.blocked", "boolean or null", "string"),
        ("address", "Oslo", "Oslo", "$.address", "Address or null", "string"),
        (
            "address",
            {"city": "Oslo", "zip": "0150"},
            Address(city="Oslo", zip="0150"),
            "$.address.zip",
            "integer or null",
            "string",
        ),
        (
            "former",
            [{"city": 1}, {"zip": 1}],
            [Address(city=1), Address(zip=1)],
            "$.former[0].city",
            "string or null",
            "integer",
        ),
        ("former", {"city": "Rome"}, {"city": "Rome"}, "$.former", "array or null", "object"),
        ("roles", ["a", None], ["a", None], "$.roles[1]", "string", "null"),
        (
            "by_name",
            {"home": {"zip": "x"}},
            {"home": Address(zip="x")},
            "$.by_name.home.zip",
            "integer or null",
            "string",
        ),
        ("updated_at", {}, {}, "$.updated_at", "integer or string or null", "object"),
        ("from", 5, 5, "$.from", "string or null", "integer"),
        ("plain", None, None, "$.plain", "string", "null"),
    ],
)
def test_an_anomaly_names_the_place_and_both_kinds_and_the_value_stays_as_it_came(
    wire: str, odd: Any, kept: Any, path: str, expected: str, found: str
) -> None:
    user, (place,) = decode(User, body({**GOOD, wire: odd}), SHAPE)
    assert (place.path, place.expected, place.found) == (path, expected, found)
    assert (
        msgspec.to_builtins(getattr(user, attribute(wire)), str_keys=True) == msgspec.to_builtins(odd)
        or path.count(".") + path.count("[") > 1
    )


def test_within_an_odd_value_what_fits_is_typed_and_what_does_not_is_as_it_came() -> None:
    user, _ = decode(User, body({**GOOD, "former": [{"city": 1, "zip": 2}, "odd", {"city": "Rome"}]}), SHAPE)
    assert user.former is not None
    assert user.former == [Address(city=1, zip=2), "odd", Address(city="Rome")]  # type: ignore[arg-type,comparison-overlap]


def test_each_odd_place_is_noted_once() -> None:
    _, anomalies = decode(User, body({**GOOD, "logins": "3", "roles": [1, "b", 2]}), SHAPE)
    assert [place.path for place in anomalies] == ["$.logins", "$.roles[0]", "$.roles[2]"]


def records(odd: Any, place: int) -> list[Any]:
    found: list[Any] = [{**GOOD, "user_id": f"auth0|{number}"} for number in range(50)]
    found[place] = odd
    return found


@pytest.mark.parametrize("place", [0, 20, 49])
@pytest.mark.parametrize("odd", [{**GOOD, "logins": "three"}, "odd", None, 7, [], {"unknown": 1}], ids=repr)
@pytest.mark.parametrize("wrap", [list, lambda items: {"users": items, "total": 50}], ids=["array", "object"])
def test_forty_nine_good_records_and_an_odd_one_are_fifty(wrap: Any, odd: Any, place: int) -> None:
    page, anomalies = decode(Page[User], body(wrap(records(odd, place))), SHAPE)
    assert len(page) == 50
    for number, user in enumerate(page):
        if number != place:
            assert user == msgspec.structs.replace(MODEL, user_id=f"auth0|{number}")
    if odd == {"unknown": 1}:
        assert (page[place], anomalies) == (User(), ())
    else:
        (anomaly,) = anomalies
        prefix = f"$[{place}]" if wrap is list else f"$.users[{place}]"
        assert anomaly.path in (prefix, f"{prefix}.logins")


def test_a_page_knows_what_the_server_said_of_the_whole() -> None:
    data = {"users": [GOOD], "total": 9, "start": 2, "limit": 1, "length": 1, "next": "cursor"}
    page, anomalies = decode(Page[User], body(data), SHAPE)
    assert (page.total, page.start, page.limit, page.length, page.next) == (9, 2, 1, 1, "cursor")
    assert (list(page), page[0], page[-1], page[:1], len(page)) == ([MODEL], MODEL, MODEL, [MODEL], 1)
    assert MODEL in page
    assert anomalies == ()


def test_a_page_that_counts_in_pages_says_at_which_item_it_starts() -> None:
    page, _ = decode(Page[User], body({"users": [GOOD], "total": 9, "page": 2, "per_page": 3}), SHAPE)
    assert (page.total, page.start, page.limit) == (9, 6, 3)


def test_odd_counters_of_a_page_are_noted_and_none() -> None:
    data = {"users": [GOOD], "total": "9", "start": True, "limit": None, "length": {}, "next": 5}
    page, anomalies = decode(Page[User], body(data), SHAPE)
    assert (page.total, page.start, page.limit, page.length, page.next) == (None,) * 5
    assert list(page) == [MODEL]
    assert [place.path for place in anomalies] == ["$.next", "$.total", "$.start", "$.length"]


@pytest.mark.parametrize("data", [{}, {"users": None}, {"users": "odd"}, {"users": {}}, None, "odd", 5, True])
def test_a_page_without_items_is_empty(data: Any) -> None:
    page, anomalies = decode(Page[User], body(data), SHAPE)
    assert list(page) == []
    assert len(anomalies) == (0 if data in ({}, {"users": None}) else 1)


def test_the_fields_of_a_page_may_have_other_names() -> None:
    shape = Shape(endpoint="GET /logs", items="logs", total="count", next="after")
    page, _ = decode(Page[User], body({"logs": [GOOD], "count": 5, "after": "x"}), shape)
    assert (list(page), page.total, page.next) == ([MODEL], 5, "x")


def test_a_list_of_a_bare_array_does_not_need_a_name() -> None:
    page, _ = decode(Page[User], body([GOOD, "odd"]), Shape(endpoint="GET /logs"))
    assert list(page) == [MODEL, "odd"]


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*GOOD, "city", "zip", "users", "total", "x"]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(values)
def test_whatever_a_server_answers_in_json_is_read_and_noted_at_most_once_in_each_place(data: Any) -> None:
    for model in (User, Page[User], list[User], dict[str, User], User | list[Address], str, NoneType):
        _, anomalies = decode(model, body(data), SHAPE)  # type: ignore[arg-type]
        paths = [place.path for place in anomalies]
        assert len(paths) == len(set(paths))


@settings(max_examples=300)
@given(st.binary(max_size=40))
def test_whatever_bytes_a_server_answers_they_are_read_or_refused_by_one_error(content: bytes) -> None:
    for lenient in (True, False):
        try:
            decode(User, Response(status=200, body=content), msgspec.structs.replace(SHAPE, lenient=lenient))
        except DecodingError as error:
            assert not lenient
            assert len(str(error)) < 300  # noqa: PT017


NOT_JSON = {
    "html": b"<html><body>canary</body></html>",
    "half": b'{"user_id": "canary',
    "latin": b"\xff\xfe canary",
    "blank": b" \n",
    "two": b"{}{}",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "word": b"undefined",
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
@pytest.mark.parametrize("model", [User, Page[User], list[User], dict[str, Any]])
def test_what_is_not_json_is_an_error_when_something_was_asked_for(model: Any, content: bytes) -> None:
    with pytest.raises(DecodingError) as caught:
        decode(model, body(content, "text/html; charset=utf-8"), SHAPE)
    assert "GET /users/{id} answered 200" in str(caught.value)
    assert "text/html" in str(caught.value)
    assert "canary" not in str(caught.value) + repr(caught.value.__cause__) + repr(caught.value.__context__)
    assert len(str(caught.value)) < 300


ODDLY_WRITTEN = {
    "half an emoji": (b'"plain": "cut \\ud83d"', "plain", "cut \ud83d", "$"),
    "a byte that is not UTF-8": (b'"plain": "\xff"', "plain", "\ufffd", "$"),
    "a number beyond a double": (b'"score": 1e999', "score", float("inf"), "$"),
    "an integer of many digits": (b'"logins": ' + b"1" * 5000, "logins", float("inf"), "$[7].logins"),
}


@pytest.mark.parametrize(("odd", "field", "value", "path"), ODDLY_WRITTEN.values(), ids=ODDLY_WRITTEN)
def test_one_value_that_the_fast_reader_refuses_does_not_cost_the_page(
    odd: bytes, field: str, value: Any, path: str
) -> None:
    good = msgspec.json.encode(GOOD)
    content = b"[" + b",".join([good] * 7 + [b'{"user_id": "odd", ' + odd + b"}"] + [good] * 42) + b"]"
    page, (place,) = decode(Page[User], body(content), SHAPE)
    assert [user == MODEL for user in page] == [number != 7 for number in range(50)]
    assert page[7] == User(user_id="odd", **{field: value})
    assert place.path == path


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON)
def test_what_is_not_json_after_a_write_is_an_anomaly_since_the_write_was_done(content: bytes) -> None:
    shape = Shape(endpoint="PATCH /users/{id}", lenient=True)
    user, (place,) = decode(User, body(content), shape)
    assert user == User()
    assert (place.endpoint, place.path) == ("PATCH /users/{id}", "$")
    with pytest.raises(DecodingError):
        decode(User, body(content), msgspec.structs.replace(shape, strict=True))


@pytest.mark.parametrize(
    ("model", "empty"),
    [
        (User, User()),
        (list[User], []),
        (dict[str, Any], {}),
        (User | None, User()),
        (str, None),
        (NoneType, None),
    ],
)
def test_an_empty_body_is_an_empty_model(model: Any, empty: Any) -> None:
    assert decode(model, Response(status=204), SHAPE) == (empty, ())


def test_an_empty_body_is_an_empty_page() -> None:
    page, anomalies = decode(Page[User], Response(status=204), SHAPE)
    assert (list(page), page.total, anomalies) == ([], None, ())


@pytest.mark.parametrize("content", [b"OK", b"<html>", b'{"a": 1}', b"\xff"])
def test_an_answer_without_a_body_does_not_look_at_the_one_that_came(content: bytes) -> None:
    assert decode(NoneType, body(content), Shape(endpoint="DELETE /x", strict=True)) == (None, ())


def test_text_is_text_and_json_text_is_what_it_says() -> None:
    assert decode(str, body("We sent a mail ä".encode(), "text/plain"), SHAPE) == ("We sent a mail ä", ())
    assert decode(str, body(b"broken \xff", "text/html"), SHAPE) == ("broken \ufffd", ())
    assert decode(str, body("quoted"), SHAPE) == ("quoted", ())
    assert decode(str, body({"a": 1}), SHAPE)[0] == {"a": 1}  # type: ignore[comparison-overlap]


@pytest.mark.parametrize(
    ("data", "expected"),
    [([{"city": "Oslo"}], [Address(city="Oslo")]), ({"user_id": "a"}, User(user_id="a")), ([], [])],
)
def test_of_a_union_the_member_that_fits_is_taken(data: Any, expected: Any) -> None:
    assert decode(list[Address] | User, body(data), SHAPE) == (expected, ())  # type: ignore[arg-type]


def test_of_a_union_the_member_of_the_right_kind_is_fitted() -> None:
    union: Any = list[Address] | User
    assert decode(union, body([{"city": 5}]), SHAPE)[0] == [Address(city=5)]  # type: ignore[arg-type]
    assert decode(union, body({"user_id": 5}), SHAPE)[0] == User(user_id=5)  # type: ignore[arg-type]


def test_strict_turns_what_does_not_fit_into_an_error_that_names_the_first_place() -> None:
    strict = msgspec.structs.replace(SHAPE, strict=True)
    assert decode(User, body(GOOD), strict) == (MODEL, ())
    with pytest.raises(
        DecodingError, match=r"2 places, first \$\.logins: expected integer or null, found string"
    ):
        decode(User, body({**GOOD, "logins": "canary", "plain": None}), strict)


def test_the_value_that_does_not_fit_is_in_no_log_and_no_anomaly(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "anyauth0")
    _, anomalies = decode(User, body({**GOOD, "logins": "canary"}), SHAPE)
    assert "$.logins" in caplog.text
    assert "canary" not in caplog.text + repr(anomalies)


def test_a_call_returns_whatever_comes_and_the_raw_value_is_readable(kind: Kind) -> None:
    transport = kind.transport([json({"id": "1", "count": "odd", "new": [1]})])
    client = kind.management_client(transport)
    answer = kind.do(lambda: things(client).get("1"))
    assert answer.data == Thing(id="1", count="odd")  # type: ignore[arg-type]
    assert answer.json() == {"id": "1", "count": "odd", "new": [1]}
    assert [(place.endpoint, place.path) for place in answer.anomalies] == [("GET /things/{id}", "$.count")]


def test_a_strict_client_raises_from_the_call_itself(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"count": "odd"}))
    client = kind.management_client(transport, strict=True)
    with pytest.raises(DecodingError, match=r"\$\.count"):
        kind.do(lambda: things(client).get("1"))
    view = client.with_options(strict=False)
    assert kind.do(lambda: things(view).get("1")).data.count == "odd"


def test_a_write_never_fails_because_of_its_body(kind: Kind) -> None:
    transport = kind.transport(otherwise=body(b"<html>done</html>", "text/html", 201))
    client = kind.management_client(transport)
    answer = kind.do(lambda: things(client).create(name="a"))
    assert (answer.status, answer.data) == (201, Thing())
    assert [place.path for place in answer.anomalies] == ["$"]
    assert kind.do(lambda: things(client).delete("1")).data is None


def test_a_read_that_is_not_json_says_so_when_the_model_is_asked_for(kind: Kind) -> None:
    client = kind.management_client(kind.transport(otherwise=body(b"<html>", "text/html")))
    answer = kind.do(lambda: things(client).get("1"))
    assert answer.status == 200
    with pytest.raises(DecodingError, match="not JSON"):
        answer.data  # noqa: B018
