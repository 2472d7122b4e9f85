"""Files of rows, however they are handed over, and the multipart body that carries them."""

import email
import io
from email.message import Message
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import InvalidArgumentError
from anyauth0.multipart import encode, read

from .fakes import Kind, json

ROWS = [{"email": "a@example.org"}, {"email": "ä@example.org"}]
WIRE = msgspec.json.encode(ROWS)


@pytest.mark.parametrize(
    "source",
    [WIRE, bytearray(WIRE), io.BytesIO(WIRE), io.StringIO(WIRE.decode()), ROWS, tuple(ROWS), iter(ROWS),
     (row for row in ROWS)],
    ids=["bytes", "bytearray", "binary file", "text file", "list", "tuple", "iterator", "generator"],
)  # fmt: skip
def test_a_file_may_be_handed_over_in_many_ways(source: Any) -> None:
    assert read("users", source) == WIRE


def test_a_file_may_be_named_by_a_string_or_a_path(tmp_path: Path) -> None:
    file = tmp_path / "users.json"
    file.write_bytes(WIRE)
    assert read("users", file) == WIRE
    assert read("users", str(file)) == WIRE
    with file.open("rb") as opened:
        assert read("users", opened) == WIRE


def test_no_rows_are_an_empty_list() -> None:
    assert read("users", []) == b"[]"


def breaks() -> Any:
    yield ROWS[0]
    raise ValueError("canary row 2")


@pytest.mark.parametrize(
    "source",
    [None, 5, object(), {"email": "a@example.org"}, [object()], "no such file", "", "a\x00b", breaks(),
     [{"password": "canary\ud800"}]],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name_and_without_its_content(source: Any) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        read("users", source)
    assert caught.value.argument == "users"
    assert "a path, bytes, an open file or rows" in str(caught.value)
    assert "canary" not in str(caught.value)
    assert not isinstance(caught.value.__context__, UnicodeError)
    assert len(str(caught.value)) < 300


def parts(body: bytes, content_type: str) -> dict[str, tuple[Message, bytes]]:
    """Read a multipart body by the parser of the standard library."""
    whole = email.message_from_bytes(b"content-type: " + content_type.encode() + b"\r\n\r\n" + body)
    assert not whole.defects
    found: dict[str, tuple[Message, bytes]] = {}
    for part in whole.get_payload():
        assert isinstance(part, Message)
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        assert isinstance(name, str)
        assert isinstance(content, bytes)
        found[name] = (part, content)
    return found


no_newlines = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]))


@given(no_newlines, st.lists(st.dictionaries(no_newlines, no_newlines, max_size=3), max_size=3))
def test_every_part_comes_back_as_it_was(value: str, rows: list[Any]) -> None:
    content = msgspec.json.encode(rows)
    found = parts(*encode({"connection_id": value, "upsert": "true"}, {"users": content}))
    assert found["connection_id"][1] == value.encode()
    assert found["upsert"][1] == b"true"
    part, got = found["users"]
    assert (part.get_filename(), part.get_content_type(), got) == ("users.json", "application/json", content)


def test_the_boundary_is_another_each_time_so_that_no_content_can_hold_it() -> None:
    types = {encode({"a": "b"}, {})[1] for _ in range(20)}
    assert len(types) == 20
    assert all(kind.startswith("multipart/form-data; boundary=") for kind in types)


def test_an_import_sends_its_rows_as_a_file_and_its_options_as_fields(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"id": "job_1"}, 202))
    client = kind.management_client(transport)
    kind.do(lambda: client.jobs.import_users(users=ROWS, connection_id="con_1", upsert=False))
    request = transport.requests[0]
    found = parts(request.body, request.headers["content-type"])
    assert {name: content for name, (_, content) in found.items()} == {
        "users": WIRE,
        "connection_id": b"con_1",
        "upsert": b"false",
    }


def test_an_import_that_cannot_be_read_sends_nothing(kind: Kind) -> None:
    transport = kind.transport()
    client = kind.management_client(transport)
    with pytest.raises(InvalidArgumentError, match='"users"'):
        kind.do(lambda: client.jobs.import_users(users="no such file", connection_id="con_1"))
    assert transport.requests == []
