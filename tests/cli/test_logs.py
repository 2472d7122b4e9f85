"""The log: its latest entries, what came after a position, and what comes while one looks on."""

import json
import signal
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from anyauth0 import ManagementClient
from anyauth0_plugins.cli.logs import entries

from .conftest import World


def happens(world: World, count: int = 1) -> list[str]:
    """Let something be logged, and return the ids of all entries, the oldest first."""
    for _ in range(count):
        world.said("token")
    return ids(world.said("logs", "get-all", "--all"))


def ids(text: str) -> list[str]:
    return [each["log_id"] for each in json.loads(text)]


def test_the_latest_entries_come_last(world: World) -> None:
    before = happens(world, 5)
    said = ids(world.said("logs", "--limit", "3"))
    assert said[:2] == before[-2:]
    assert len(said) == 3


def test_the_log_is_a_resource_as_any_other(world: World) -> None:
    first = happens(world)[0]
    assert json.loads(world.said("logs", "get", first))["log_id"] == first
    assert json.loads(world.said("get", "logs", first))["log_id"] == first
    done = world.run("logs", "get-al")
    assert (done.exit_code, 'did you mean "get-all"?' in done.stderr) == (2, True)


def test_it_goes_on_after_a_position(world: World) -> None:
    before = happens(world, 3)
    assert ids(world.said("logs", "--from", before[1]))[: len(before) - 2] == before[2:]
    assert ids(world.said("logs", "--from", ""))[: len(before)] == before


def test_a_file_keeps_the_position(world: World, tmp_path: Path) -> None:
    file = tmp_path / "position"
    happens(world, 2)
    first = ids(world.said("logs", "--position", str(file)))
    assert file.read_text().strip() == first[-1]
    happens(world, 2)
    second = ids(world.said("logs", "--position", str(file)))
    assert second
    assert not set(first) & set(second)
    third = ids(world.said("logs", "--position", str(file), "--from", first[0]))
    assert third[: len(first) - 1] == first[1:]
    assert list(tmp_path.glob("*.part")) == []


def test_an_entry_that_was_not_shown_is_not_behind_the_position(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happens(world, 3)
    shown: list[str] = []

    def broken(row: dict[str, str], *, indent: int) -> str:
        if len(shown) == 2:
            raise RuntimeError
        shown.append(row["log_id"])
        return ""

    monkeypatch.setattr("anyauth0_plugins.cli.output._json", broken)
    done = world.run("logs", "--position", str(tmp_path / "position"))
    assert done.exit_code == 1
    assert (tmp_path / "position").read_text().strip() == shown[1]


def test_following_begins_now_and_misses_nothing(world: World) -> None:
    before = happens(world, 2)
    logged: list[str] = []

    def pause() -> None:
        logged.extend(happens(world)[len(before) + len(logged) :])

    with ManagementClient.from_env() as client:
        found = [each["log_id"] for each in islice(entries(client, None, pause), 4)]
        # The first one is the token of the one who looks on.
        assert found == logged[1:5]
        assert [each["log_id"] for each in islice(entries(client, before[0], pause), 1)] == [before[1]]


def test_following_has_no_end_and_so_is_no_document(world: World) -> None:
    for output in ("json", "table"):
        done = world.run("logs", "--follow", "-o", output)
        assert (done.exit_code, "can only be jsonl" in done.stderr) == (2, True)


def test_a_terminal_gets_a_line_for_each_entry(
    world: World, on_a_terminal: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = happens(world)[0]
    on_a_terminal()

    def stop(seconds: float) -> None:
        assert seconds == 7
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", stop)
    done = world.run("logs", "-f", "--from", "", "--every", "7", "--columns", "type,log_id")
    assert done.exit_code == 130
    assert done.stdout.splitlines()[0].split() == ["seccft", first]


def test_ctrl_c_ends_following_with_130_and_a_short_line(world: World) -> None:
    first = happens(world)[0]
    process = world.start("logs", "--follow", "--from", "", "--every", "0")
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["log_id"] == first
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "anyauth0: stopped\n")
