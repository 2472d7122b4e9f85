"""Server-sent events are the same messages wherever the bytes are cut, and never more than memory holds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0.sse import _LONGEST, Message, Parser

ENDS = ["\n", "\r", "\r\n"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=12)
FIELDS = st.sampled_from(["data", "data", "data", "event", "id", "retry", "", "other", "data ", "Data"])
LINES = st.one_of(
    st.just(""), TEXTS, st.builds(lambda field, space, text: f"{field}:{space}{text}", FIELDS,
                                  st.sampled_from(["", " ", "  "]), TEXTS),
)  # fmt: skip
STREAMS = st.lists(st.tuples(LINES, st.sampled_from(ENDS)), max_size=12)


def parse(*pieces: bytes) -> list[Message]:
    parser = Parser()
    return [message for piece in pieces for message in parser.feed(piece)]


def cut(data: bytes, places: list[int]) -> list[bytes]:
    ends = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in pairwise(ends)]


def by_the_book(lines: list[str]) -> tuple[list[Message], float | None]:
    """Read lines as the standard tells it, without any thought of pieces."""
    found: list[Message] = []
    data, event, last_id, retry = "", "", None, None
    for line in lines:
        if line == "":
            if data:
                found.append(Message(data[:-1], event or "message", last_id))
            data, event = "", ""
            continue
        if line.startswith(":"):
            continue
        field, colon, value = line.partition(":")
        value = value[1:] if colon and value.startswith(" ") else value
        if field == "data":
            data += value + "\n"
        elif field == "event":
            event = value
        elif field == "id" and "\0" not in value:
            last_id = value
        elif field == "retry" and value and all(letter in "0123456789" for letter in value):
            retry = int(value) / 1000
    return found, retry


# Where the pieces end


@given(stream=STREAMS, places=st.lists(st.integers(0, 1000), max_size=8), bom=st.booleans())
def test_any_cut_of_any_stream_gives_what_the_standard_says(
    stream: list[tuple[str, str]], places: list[int], bom: bool
) -> None:
    text = "".join(line + end for line, end in stream)
    # A carriage return and a line feed that meet are one end of a line.
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    if not bom and lines:
        lines[0] = lines[0].removeprefix("\ufeff")
    data = b"\xef\xbb\xbf" * bom + text.encode()
    expected, retry = by_the_book(lines)
    parser = Parser()
    assert [message for piece in cut(data, places) for message in parser.feed(piece)] == expected
    assert parser.retry == retry
    assert not parser.refused


@given(data=st.binary(max_size=60), places=st.lists(st.integers(0, 60), max_size=6))
def test_any_cut_of_any_bytes_gives_the_same(data: bytes, places: list[int]) -> None:
    data = b"data:" + data + b"\n\n"
    assert parse(*cut(data, places)) == parse(data) == parse(*(bytes([byte]) for byte in data))


@pytest.mark.parametrize("end", ENDS)
def test_a_line_may_end_in_three_ways(end: str) -> None:
    text = end.join(["event: user.created", "id: 7", "data: a", "data: b", "", "data: c", "", ""])
    expected = [Message("a\nb", "user.created", "7"), Message("c", "message", "7")]
    assert parse(text.encode()) == expected
    assert parse(*(bytes([byte]) for byte in text.encode())) == expected


def test_a_message_that_ends_in_carriage_returns_does_not_wait_for_more() -> None:
    parser = Parser()
    assert parser.feed(b"data: a\r\r") == [Message("a")]
    # The line feed belongs to the last return.
    assert parser.feed(b"\n") == []
    assert parser.feed(b"data: b\r\n") == []
    assert parser.feed(b"\r") == [Message("b")]
    assert parser.feed(b"") == []
    assert parser.feed(b"\ndata: c\n\n") == [Message("c")]
    assert parse(b"data: a\r", b"", b"\ndata: b\n\n") == [Message("a\nb")]


def test_letters_of_many_bytes_may_be_cut() -> None:
    data = "data: Zoë 😀\n\n".encode()
    assert parse(*(bytes([byte]) for byte in data)) == [Message("Zoë 😀")]


def test_bytes_that_are_no_letters_are_replaced() -> None:
    assert parse(b"data: a\xffb\xe2\x82\n\n") == [Message("a\ufffdb\ufffd")]


def test_a_mark_of_byte_order_counts_at_the_beginning_only() -> None:
    assert parse(b"\xef\xbb", b"\xbfdata: a\n\n") == [Message("a")]
    assert parse(b"data: \xef\xbb\xbfa\n\n\xef\xbb\xbfdata: b\n\n") == [Message("\ufeffa")]


# What the lines say


def test_comments_and_unknown_fields_say_nothing() -> None:
    assert parse(b": hello\n\n:\n\nother: 1\n\ndata\n:x\ndata: a\nignored\n\n") == [Message("\na")]


def test_a_message_without_data_is_none_and_its_event_is_forgotten() -> None:
    assert parse(b"event: a\nid: 1\n\ndata: x\n\n") == [Message("x", "message", "1")]


def test_what_has_no_end_is_no_message() -> None:
    assert parse(b"data: a\n\ndata: b\n", b"") == [Message("a")]


def test_one_space_is_taken_away() -> None:
    assert parse(b"data:  a \n\ndata:a\n\ndata: a:b: c\n\n") == [
        Message(" a "), Message("a"), Message("a:b: c"),
    ]  # fmt: skip


def test_an_id_holds_until_another_comes() -> None:
    stream = b"id: 1\ndata: a\n\ndata: b\n\nid: 2\0\ndata: c\n\nid\ndata: d\n\n"
    assert [message.id for message in parse(stream)] == ["1", "1", "1", ""]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1500", 1.5), ("0", 0.0), ("", None), ("1.5", None), ("-1", None), ("1e3", None), ("soon", None),
        ("\u0661", None), ("9" * 5000, None),
    ],
)  # fmt: skip
def test_the_time_to_wait_is_a_whole_number_of_milliseconds(text: str, seconds: float | None) -> None:
    parser = Parser()
    parser.feed(f"retry: {text}\n".encode())
    assert parser.retry == seconds


# How much


def message_of(size: int) -> bytes:
    """Return a message whose lines take so many bytes."""
    return b"data:" + b"x" * (size - 6) + b"\n\n"


@pytest.mark.parametrize("size", [1000, _LONGEST])
def test_a_message_may_be_long(size: int) -> None:
    data = message_of(size) * 2
    for step in (len(data), 65536):
        parser = Parser()
        pieces = [data[start : start + step] for start in range(0, len(data), step)]
        found = [message for piece in pieces for message in parser.feed(piece)]
        assert [len(message.data) for message in found] == [size - 6] * 2
        assert not parser.refused


@pytest.mark.parametrize("step", [65536, _LONGEST, 10 * _LONGEST])
@pytest.mark.parametrize(
    "long",
    [
        message_of(_LONGEST + 1), b"data:xxxxxxxxxx\n" * (_LONGEST // 16 + 1) + b"\n",
        b":" + bytes(_LONGEST) + b"\n\n", b"event:" + bytes(_LONGEST), b"data\n" * _LONGEST,
    ],
    ids=["one line", "many lines", "a comment", "a name", "empty lines"],
)  # fmt: skip
def test_a_message_that_is_too_long_is_refused_with_all_after_it(long: bytes, step: int) -> None:
    data = b"data: before\n\n" + long + b"data: after\n\n"
    parser = Parser()
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    found = [message for piece in pieces for message in parser.feed(piece)]
    assert found == [Message("before")]
    assert parser.refused
    assert parser.feed(b"\n\ndata: again\n\n") == []


def test_comments_that_keep_a_line_open_are_no_message_that_grows() -> None:
    parser = Parser()
    for _ in range(_LONGEST // 65536 + 1):
        parser.feed(b":" + bytes(65534) + b"\n")
    assert not parser.refused
    assert parser.feed(b"data: a\n\n") == [Message("a")]


def test_a_message_in_tiny_pieces_costs_no_more_for_each_of_them() -> None:
    class Counting(bytearray):
        """Counts the bytes that are copied into it."""

        copied = 0

        def __iadd__(self, more: bytes) -> "Counting":
            type(self).copied += len(more)
            return super().__iadd__(more)

    parser = Parser()
    parser._rest = Counting()
    piece = b"x" * 64
    while not parser.refused:
        parser.feed(piece)
        # It is added to, never made anew from all that came.
        assert type(parser._rest) is Counting
    assert Counting.copied == _LONGEST + len(piece)
