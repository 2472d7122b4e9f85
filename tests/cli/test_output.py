"""What is shown: JSON for programs, tables for people, and no secret in a table."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from anyauth0_plugins.cli.output import masked

from .conftest import World

TABLE = ("--output", "table")


def test_lines_are_one_item_each(world: World) -> None:
    world.users(3)
    lines = world.said("users", "get-all", "-o", "jsonl").splitlines()
    assert sorted(json.loads(line)["email"] for line in lines) == [f"user{n}@example.com" for n in range(3)]
    (line,) = world.said("roles", "create", "--name", "one", "-o", "jsonl").splitlines()
    assert json.loads(line)["name"] == "one"


def test_a_table_has_the_columns_that_are_asked_for(world: World) -> None:
    world.tenant.add_user(email="ada@example.com", app_metadata={"plan": {"name": "pro"}})
    said = world.said("users", "get-all", *TABLE, "--columns", "email,app_metadata.plan.name,nothing.at.all")
    head, row = said.splitlines()
    assert head.split() == ["email", "app_metadata.plan.name", "nothing.at.all"]
    assert row.split() == ["ada@example.com", "pro"]


def test_columns_alone_ask_for_a_table(world: World) -> None:
    world.users(1)
    assert world.said("users", "get-all", "--columns", "email").split() == ["email", "user0@example.com"]


def test_a_table_of_one_thing_has_a_line_for_each_field(world: World) -> None:
    made = json.loads(world.said("roles", "create", "--name", "editor"))
    said = world.said("roles", "get", made["id"], *TABLE)
    assert [line.split() for line in said.splitlines()][:2] == [["field", "value"], ["id", made["id"]]]


def test_a_terminal_gets_a_table_and_a_pipe_json(world: World, on_a_terminal: Callable[[], None]) -> None:
    world.users(1)
    assert world.said("users", "get-all", "--fields", "email,user_id").startswith("[\n")
    on_a_terminal()
    assert "email" in world.said("users", "get-all", "--fields", "email").split()[0]
    assert world.said("users", "get-all", "-o", "json", "--fields", "email").startswith("[\n")


def test_a_table_masks_secrets_unless_they_are_asked_for(world: World) -> None:
    made = json.loads(world.said("clients", "create", "--name", "app", "--app-type", "non_interactive"))
    secret = made["client_secret"]
    assert secret
    for words in (
        ["clients", "get", made["client_id"]],
        ["clients", "get-all", "--columns", "client_secret"],
    ):
        said = world.said(*words, *TABLE).replace("\n", "")
        assert secret not in said
        assert "***" in said
    shown = world.said("clients", "get", made["client_id"], *TABLE, "--show-secrets")
    assert secret in "".join(shown.split())


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ({"password": "hunter2", "name": "ada"}, {"password": "***", "name": "ada"}),
        ({"options": {"client_secret": "s", "on": True}}, {"options": {"client_secret": "***", "on": True}}),
        ({"tokens": ["a", "b"], "refresh_token": {"leeway": 1}},
         {"tokens": ["***", "***"], "refresh_token": {"leeway": 1}}),
        ({"key": "x", "value": "y"}, {"key": "x", "value": "***"}),
        ({"secret": ""}, {"secret": ""}),
        ([{"note": "eyJhbGciOi.eyJzdWIi.sig"}], [{"note": "[redacted]"}]),
    ],
)  # fmt: skip
def test_what_is_masked_is_what_its_name_or_its_look_gives_away(value: Any, shown: Any) -> None:
    assert masked(value) == shown


def test_what_a_stranger_called_himself_cannot_command_a_terminal(world: World) -> None:
    name = "Eve\x1b]0;mine\x07\x9b31m\u202e[bold]"
    world.tenant.add_user(email="eve@example.com", name=name)
    for words in (TABLE, ("-o", "json"), ("-o", "jsonl")):
        said = world.said("users", "get-all", *words)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said)
        assert "[bold]" in said
    assert json.loads(said)["name"] == name


def test_an_empty_list_is_an_empty_list(world: World) -> None:
    assert json.loads(world.said("roles", "get-all")) == []
    assert world.said("roles", "get-all", "-o", "jsonl") == ""
    assert world.said("roles", "get-all", *TABLE) == ""


def test_what_came_before_an_error_is_shown(world: World) -> None:
    world.users(1001)
    words = ["users", "get-all", "--all", "--sort", "email:1"]
    for output, count in (("json", 1), ("jsonl", 1000), ("table", 1001)):
        done = world.run(*words, "-o", output, "--columns", "email")
        assert done.exit_code == 1
        assert "users.get_all serves 1000 items of 1001 this way" in done.stderr
        if output == "json":
            assert len(json.loads(done.stdout)) == 1000
        else:
            assert len(done.stdout.splitlines()) == count
