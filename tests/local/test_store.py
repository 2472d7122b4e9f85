"""The store keeps documents in order, alone for each writer, and in a file beyond its own life."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0_transports.local.store import Duplicate, Store

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=10)


@given(document=st.dictionaries(TEXT, JSON, max_size=4), id=TEXT)
def test_what_was_put_is_what_one_gets(document: dict[str, object], id: str) -> None:
    store = Store()
    store.put("things", id, document)
    assert store.get("things", id) == document
    assert store.list("things") == [document]
    store.close()


@given(ids=st.lists(TEXT, unique=True, max_size=12), offset=st.integers(0, 12), limit=st.integers(0, 12))
def test_lists_are_slices_in_the_order_of_insertion(ids: list[str], offset: int, limit: int) -> None:
    store = Store()
    for id in ids:
        store.add("things", id, {"id": id})
        store.add("others", id, {})
    found = [document["id"] for document in store.list("things", offset=offset, limit=limit)]
    assert found == ids[offset : offset + limit]
    for position, id in enumerate(ids):
        after = [document["id"] for document in store.list("things", after=id, limit=3)]
        assert after == ids[position + 1 : position + 4]
    assert store.count("things") == len(ids)
    store.close()


def test_replacing_keeps_the_place_and_removing_makes_a_gap() -> None:
    store = Store()
    for id in "abc":
        store.add("things", id, {"id": id})
    store.put("things", "a", {"id": "a", "new": True})
    assert store.remove("things", "b")
    assert not store.remove("things", "b")
    assert store.list("things") == [{"id": "a", "new": True}, {"id": "c"}]
    assert store.last("things") == {"id": "c"}
    assert store.list("things", after="b") == []
    assert store.last("nothing") is None
    store.close()


def test_an_id_is_unique_within_its_kind() -> None:
    store = Store()
    store.add("things", "a", {"n": 1})
    store.add("others", "a", {"n": 2})
    with pytest.raises(Duplicate):
        store.add("things", "a", {"n": 3})
    assert store.get("things", "a") == {"n": 1}
    store.close()


def test_what_is_good_once_is_refused_until_its_time_is_over_and_does_not_pile_up() -> None:
    store = Store()
    for now in range(100):
        store.use_once("jtis", str(now), now=now, until=now + 10)
        with pytest.raises(Duplicate):
            store.use_once("jtis", str(now), now=now, until=now + 10)
    assert len(store.list("jtis")) <= 11
    # The time of the newest is over, but nobody has swept it out.
    store.use_once("jtis", "99", now=200, until=210)
    store.use_once("other", "99", now=200, until=210)


def test_documents_are_found_by_their_fields() -> None:
    store = Store()
    store.add("users", "1", {"email": "a@x.example", "city": "Turin"})
    store.add("users", "2", {"email": "a@x.example", "city": "Rome"})
    store.add("people", "3", {"email": "a@x.example"})
    assert len(store.find("users", email="a@x.example")) == 2
    assert store.find("users", email="a@x.example", city="Rome") == [{"email": "a@x.example", "city": "Rome"}]
    assert store.find("users", email="' OR 1=1 --") == []
    with pytest.raises(ValueError, match="identifier"):
        store.find("users", **{"email') OR ('": "x"})
    store.close()


def test_finding_a_user_by_address_uses_the_index() -> None:
    store = Store()
    plan = store._connection.execute(
        "EXPLAIN QUERY PLAN SELECT json FROM documents "
        "WHERE kind = ? AND kind = 'users' AND json_extract(json, '$.email') = ? ORDER BY position",
        ("users", "x"),
    ).fetchall()
    assert any("by_email" in row[3] for row in plan)
    store.close()


def test_a_transaction_that_fails_leaves_nothing_behind() -> None:
    store = Store()
    store.add("things", "a", {"n": 1})

    def fail() -> None:
        with store.transaction():
            store.put("things", "a", {"n": 2})
            with store.transaction():
                store.add("things", "b", {})
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert store.list("things") == [{"n": 1}]
    with store.transaction():
        store.add("things", "c", {"n": 3})
    assert store.count("things") == 2
    store.close()


def test_an_inner_failure_that_is_caught_does_not_undo_the_outer_block() -> None:
    store = Store()
    with store.transaction():
        store.add("things", "a", {})
        with pytest.raises(Duplicate), store.transaction():
            store.add("things", "a", {})
        store.add("things", "b", {})
    assert store.count("things") == 2
    store.close()


def test_sixteen_threads_count_without_losing_a_step() -> None:
    store = Store()
    store.add("counters", "c", {"n": 0})

    def count() -> None:
        for _ in range(50):
            with store.transaction():
                document = store.get("counters", "c")
                assert document is not None
                store.put("counters", "c", {"n": document["n"] + 1})

    threads = [threading.Thread(target=count) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get("counters", "c") == {"n": 16 * 50}
    store.close()


def test_a_file_keeps_the_documents_and_their_order(tmp_path: Path) -> None:
    path = tmp_path / "tenant.db"
    first = Store(path)
    for id in "cab":
        first.add("things", id, {"id": id})
    first.close()
    first.close()
    second = Store(path)
    second.add("things", "d", {"id": "d"})
    assert [document["id"] for document in second.list("things")] == ["c", "a", "b", "d"]
    second.close()
