"""The page of all operations is as committed, and says of each what the catalogue says."""

import re

import pytest

from codegen.reference import PAGE, page

from .catalogue import OPERATIONS

ROW = re.compile(
    r"\| `(?P<title>\w+\.\w+)\((?P<arguments>[^)]*)\)`(?P<kind>[^|]*) \| (?P<request>[^|]*) "
    r"\| (?P<scopes>[^|]*) \| (?P<what>[^|]+) \|"
)
ROWS = {row["title"]: row for line in page().splitlines() if (row := ROW.fullmatch(line))}


def test_what_is_committed_is_what_is_written() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make generate"


@pytest.mark.parametrize("title", OPERATIONS)
def test_each_operation_is_there_with_its_facts(title: str) -> None:
    operation, row = OPERATIONS[title], ROWS[title]
    assert row["request"].startswith(f"`{operation['method']} {operation['path']}`")
    assert ("early access" in row["request"]) is (operation["lifecycle"] == "EA")
    assert re.findall(r"`([^`]+)`", row["scopes"]) == (operation["scopes"] or [])
    assert ("paged" in row["kind"]) is (operation["pagination"] is not None)
    assert len(row["arguments"].split(", ")) >= len(operation["path_params"])
    assert row["what"].rstrip().endswith(".")


def test_the_counts_are_right() -> None:
    assert "496 operations of 50 resources" in page()
    assert len(ROWS.keys() & OPERATIONS.keys()) == 496
