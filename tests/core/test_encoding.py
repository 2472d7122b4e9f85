"""Values into URLs and bodies: each comes out at the other end as it went in, or is refused with its name."""

import enum
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import InvalidArgumentError
from anyauth0.encoding import encode_form, encode_json, encode_path, encode_query

ID = "/users/{id}"
TWO = "/users/{id}/identities/{provider}/x"
well_formed = st.text(st.characters(codec="utf-8"))
names = st.text(st.characters(codec="utf-8"), min_size=1)


def may_be_a_segment(value: str) -> bool:
    parts = value.replace("\\", "/").split("/")
    return bool(value.strip()) and value.isprintable() and not {".", ".."} & set(parts)


segments = well_formed.filter(may_be_a_segment)


@given(segments, segments)
def test_every_value_stays_in_its_segment_and_can_be_read_back(first: str, second: str) -> None:
    path = encode_path(TWO, (first, second))
    url = urlsplit("https://t.auth0.com/api/v2" + path)
    assert (url.netloc, url.query, url.fragment) == ("t.auth0.com", "", "")
    found = url.path.split("/")
    assert [*found[:4], found[5], found[7]] == ["", "api", "v2", "users", "identities", "x"]
    assert (unquote(found[4]), unquote(found[6])) == (first, second)
    assert path.isascii()


@given(st.text())
def test_what_is_let_through_is_one_segment_and_everything_else_is_refused_by_name(value: str) -> None:
    if may_be_a_segment(value):
        path = encode_path(ID, (value,))
        assert path.count("/") == 2
        assert unquote(path.rpartition("/")[2]) == value
    else:
        with pytest.raises(InvalidArgumentError) as caught:
            encode_path(ID, (value,))
        assert caught.value.argument == "id"


@pytest.mark.parametrize(
    "value",
    ["auth0|123", "a/b", "a b", "a?b#c", "..a", "a..", "%2e%2e", "%2F", "waad|ä@x.org", "{id}", "{provider}",
     "\\1", "a\\b", "samlp|x|y", "+", "😀"],
)  # fmt: skip
def test_ids_as_they_occur_are_let_through(value: str) -> None:
    segment = encode_path(ID, (value,)).removeprefix("/users/")
    assert unquote(segment) == value
    assert not set(segment) & set("/?#\\ {}")


@pytest.mark.parametrize(
    "value",
    ["", " ", "\t\n", ".", "..", "../x", "a/../b", "a/..", "./a", "a\\..\\b", "..\\", "a\nb", "a\x00",
     "a\x7f", "\x85", "a\r\nhost: b", "\ud800", "a\u2028b", "\u202eabc"],
)  # fmt: skip
def test_what_is_empty_or_climbs_out_or_has_control_characters_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        encode_path(ID, (value,))
    assert caught.value.argument == "id"
    assert str(caught.value).startswith('"id" of /users/{id} ')
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [None, 1, 0, True, b"auth0|1", ["a"], {"id": "a"}, object()])
def test_what_is_not_a_string_is_refused(value: Any) -> None:
    with pytest.raises(
        InvalidArgumentError, match=f'"id" of .* must be a string, not {type(value).__name__}'
    ):
        encode_path(ID, (value,))


def test_the_second_parameter_is_named_when_it_is_the_second_that_is_wrong() -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        encode_path(TWO, ("auth0|1", ""))
    assert caught.value.argument == "provider"


def test_a_template_without_parameters_is_left_as_it_is() -> None:
    assert encode_path("/users", ()) == "/users"


texts_and_numbers = well_formed | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.booleans()
fields = st.dictionaries(names, st.none() | texts_and_numbers | st.lists(texts_and_numbers, max_size=3))


def as_pairs(values: dict[str, Any]) -> list[tuple[str, str]]:
    def text(value: Any) -> str:
        return str(value).lower() if isinstance(value, bool) else str(value)

    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if value is not None:
            pairs += [(name, text(item)) for item in (value if isinstance(value, list) else [value])]
    return pairs


@given(fields)
def test_a_query_comes_back_as_it_was_with_none_left_out_and_lists_repeated(values: dict[str, Any]) -> None:
    query = encode_query(values)
    assert parse_qsl(query, keep_blank_values=True) == as_pairs(values)
    assert urlsplit(f"https://t/x?{query}").query == query


@given(fields)
def test_a_form_comes_back_as_it_was_with_none_left_out_and_lists_repeated(values: dict[str, Any]) -> None:
    assert parse_qsl(encode_form(values).decode("ascii"), keep_blank_values=True) == as_pairs(values)


class Color(enum.StrEnum):
    RED = "red one"


def test_tuples_sets_and_enumerations_of_text_are_taken_too() -> None:
    assert encode_query({"a": ("x", "y"), "b": {"z"}, "c": Color.RED, "d": []}) == "a=x&a=y&b=z&c=red%20one"
    assert encode_form({"c": Color.RED}) == b"c=red+one"


@pytest.mark.parametrize("encode", [encode_query, encode_form])
@pytest.mark.parametrize("value", [b"bytes", {"a": 1}, object(), [None], [["a"]], "\ud800", ["a", "b\udfff"]])
def test_what_a_query_or_form_has_no_word_for_is_refused_by_name(encode: Any, value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        encode({"fine": "x", "password": value})
    assert caught.value.argument == "password"


def test_half_a_surrogate_pair_is_refused_without_the_text_around_it() -> None:
    for encode in (encode_query, encode_form, encode_json):
        with pytest.raises(InvalidArgumentError) as caught:
            encode({"password": "canary\ud800"})
        error: BaseException | None = caught.value
        while error is not None:
            assert "canary" not in f"{error!r} {error} {error.args}"
            error = error.__cause__ or error.__context__


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | well_formed
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(well_formed, inner, max_size=4),
)  # fmt: skip


@given(plain)
def test_json_comes_back_as_it_was_none_as_null(value: Any) -> None:
    assert msgspec.json.decode(encode_json(value)) == value


def nested(depth: int) -> Any:
    inside: Any = []
    for _ in range(depth):
        inside = [inside]
    return inside


def circle() -> Any:
    inside: list[Any] = []
    inside.append(inside)
    return inside


@pytest.mark.parametrize("value", [object(), {"a": object()}, {(1, 2): 3}, 1j, nested(100_000), circle()])
def test_what_json_has_no_word_for_is_refused(value: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        encode_json(value)
    assert caught.value.argument == "body"
    assert len(str(caught.value)) < 300
