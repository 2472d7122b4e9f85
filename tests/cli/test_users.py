"""Users in and out by the file: whatever its format, with each row that was not taken, and after a break."""

import csv
import gzip
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import DATABASE, World

INTO = ("--connection", DATABASE)


@pytest.fixture(autouse=True)
def nobody_waits_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make pauses short: the tenant goes on with a job whenever it is asked for it."""
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(min(seconds, 0.01)))


def emails(world: World) -> list[str]:
    return sorted(json.loads(line)["email"] for line in world.said("export").splitlines())


@pytest.mark.parametrize("name", ["users.json", "users.jsonl", "users.csv", "USERS.CSV"])
def test_a_file_of_any_format_is_imported(world: World, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    rows = [
        {"email": f"a{n}@example.com", "email_verified": True, "app_metadata": {"n": n}} for n in range(3)
    ]
    if name.endswith("json"):
        file.write_text(json.dumps(rows))
    elif name.endswith("jsonl"):
        file.write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    else:
        lines = [f'a{n}@example.com,true,"{{""n"": {n}}}",' for n in range(3)]
        file.write_text("\ufeffemail,email_verified,app_metadata,name\n" + "\n".join(lines), encoding="utf-8")
    done = world.run("import", str(file), *INTO)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "anyauth0: 3 users are new, 0 changed, 0 not taken\n"
    found = json.loads(world.said("users", "get-all", "--sort", "email:1"))
    assert [(each["email_verified"], each["app_metadata"]) for each in found] == [
        (True, {"n": number}) for number in range(3)
    ]
    assert not any("name" in each and not each["name"] for each in found)


def test_dots_in_the_names_of_columns_make_objects(world: World, tmp_path: Path) -> None:
    file = tmp_path / "users.csv"
    file.write_text("email,app_metadata.plan.name,app_metadata.since\na@example.com,pro,2024\n")
    world.said("import", str(file), *INTO)
    (found,) = json.loads(world.said("users", "get-all"))
    assert found["app_metadata"] == {"plan": {"name": "pro"}, "since": "2024"}


def test_each_row_that_was_not_taken_is_told_by_its_place(world: World, tmp_path: Path) -> None:
    file = tmp_path / "users.jsonl"
    file.write_text('{"email": "a@example.com"}\n{"email": "hunter2"}\n{"email": "b@example.com"}\n')
    done = world.run("import", str(file), *INTO)
    assert done.exit_code == 1
    first, last = done.stderr.splitlines()
    assert first.startswith("anyauth0: row 1: ")
    assert last == "anyauth0: 2 users are new, 0 changed, 1 not taken"
    assert "hunter2" not in done.stderr
    done = world.run("import", str(file), *INTO, "--upsert", "--start", "2")
    assert done.stderr == "anyauth0: 0 users are new, 1 changed, 0 not taken\n"


def test_an_import_that_breaks_off_says_where_to_go_on(world: World, tmp_path: Path) -> None:
    file = tmp_path / "users.jsonl"
    rows = [{"email": f"a{n}@example.com", "app_metadata": {"x": "y" * 100_000}} for n in range(6)]
    broken = "".join(f"{json.dumps(row)}\n" for row in rows) + "{hunter2\n"
    file.write_text(broken + '{"email": "last@example.com"}\n')
    done = world.run("import", str(file), *INTO)
    assert done.exit_code == 1
    assert "line 7 of FILE is not JSON; go on by --start 4" in done.stderr
    assert "hunter2" not in done.output
    assert done.stderr.count("JOB_UNFINISHED") == 4
    (job,) = re.findall(r"jobs: (job_\w+);", done.stderr)
    # The embedded tenant goes on with a job whenever it is asked for it.
    asked = [json.loads(world.said("jobs", "get", job)) for _ in range(5)]
    assert asked[-1]["summary"]["inserted"] == 4
    file.write_text(broken.replace("{hunter2", '{"email": "b@example.com"}'))
    done = world.run("import", str(file), *INTO, "--start", "4")
    assert done.stderr == "anyauth0: 3 users are new, 0 changed, 0 not taken\n"
    assert len(emails(world)) == 7


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("users.xml", "<users/>", 'the name of "FILE" must end in one of .json, .jsonl, .ndjson, .csv'),
        ("users.json", "{}", '"FILE" must be a JSON array'),
        ("users.json", "[", "FILE is not JSON"),
        ("users.csv", "email,name\na@example.com\n", 'line 2 of "FILE" has not as many fields'),
        ("users.csv", "email,app_metadata\na@example.com,{a\n", 'column "app_metadata" of FILE is not JSON'),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    world: World, tmp_path: Path, name: str, content: str, sentence: str
) -> None:
    (tmp_path / name).write_text(content)
    done = world.run("import", str(tmp_path / name), *INTO)
    assert done.exit_code in (1, 2)
    assert sentence in done.stderr
    assert "users-imports" not in str([request.path for request in world.tenant.requests])


def test_a_connection_is_found_by_its_name_or_its_id(world: World, tmp_path: Path) -> None:
    (tmp_path / "users.jsonl").write_text('{"email": "a@example.com"}\n')
    (found,) = json.loads(world.said("connections", "get-all", "--name", DATABASE))
    world.said("import", str(tmp_path / "users.jsonl"), "--connection", found["id"])
    assert emails(world) == ["a@example.com"]
    done = world.run("import", str(tmp_path / "users.jsonl"), "--connection", "nowhere")
    assert (done.exit_code, done.stderr) == (2, 'anyauth0: there is no connection "nowhere"\n')


def test_users_are_exported_to_stdout_as_lines(world: World) -> None:
    world.users(3)
    done = world.run("export", "--fields", "email, user_id", *INTO, "--limit", "2")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(rows) == 2
    assert {frozenset(row) for row in rows} == {frozenset({"email", "user_id"})}
    assert done.stderr.startswith("anyauth0: the export is job_")


def test_users_are_exported_to_a_file_packed_or_not(world: World, tmp_path: Path) -> None:
    world.users(3)
    packed, plain = tmp_path / "users.csv.gz", tmp_path / "users.csv"
    for file in (packed, plain):
        world.said("export", "--out", str(file), "--format", "csv", "--fields", "email")
    with gzip.open(packed, "rt") as source:
        assert source.read() == plain.read_text()
    with plain.open() as source:
        assert sorted(row["email"] for row in csv.DictReader(source)) == [
            f"user{n}@example.com" for n in range(3)
        ]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".pem") == [
        plain.name,
        packed.name,
    ]


def test_an_export_that_was_begun_is_gone_on_with(world: World, tmp_path: Path) -> None:
    world.users(2)
    job = json.loads(world.said("jobs", "export-users", "--format", "json"))["id"]
    world.said("export", "--job", job, "--out", str(tmp_path / "users.jsonl"))
    assert len((tmp_path / "users.jsonl").read_text().splitlines()) == 2
    started = [each for each in world.tenant.requests if each.path.endswith("/users-exports")]
    assert len(started) == 1


def test_csv_needs_a_file(world: World) -> None:
    done = world.run("export", "--format", "csv")
    assert (done.exit_code, '"--format" is json' in done.stderr) == (2, True)


def test_a_bar_moves_on_a_terminal_and_is_not_there_elsewhere(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users.jsonl").write_text('{"email": "a@example.com"}\n')
    words = ("import", str(tmp_path / "users.jsonl"), *INTO, "--upsert")
    assert "Importing" not in world.run(*words).stderr
    monkeypatch.setattr("rich.console.Console.is_terminal", property(lambda self: True))
    assert "Importing 1 rows" in world.run(*words).stderr


def test_ctrl_c_in_an_import_says_where_to_go_on(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "users.jsonl").write_text('{"email": "a@example.com"}\n{"email": "b@example.com"}\n')

    def stop(*_: Any, **more: Any) -> None:
        from anyauth0.management import ImportProgress

        more["progress"](ImportProgress(read=2, sent=1))
        raise KeyboardInterrupt

    monkeypatch.setattr("anyauth0.management.extras.jobs.Jobs.import_all", stop)
    done = world.run("import", str(tmp_path / "users.jsonl"), *INTO)
    assert done.exit_code == 130
    assert done.stderr.splitlines() == [
        "anyauth0: 1 rows were sent; go on by --start 1", "anyauth0: stopped",
    ]  # fmt: skip
