"""Any operation by its name: read, written, listed, deleted, with the values that its parameters take."""

import json
from pathlib import Path
from typing import Any

import pytest

from anyauth0.endpoint import Resource
from anyauth0_plugins.cli import operations
from anyauth0_plugins.cli.calls import run
from anyauth0_plugins.cli.parameters import parameters
from anyauth0_plugins.cli.words import own_options, read_words

from .conftest import DATABASE, World

EVERY = [(resource, name) for resource in operations.resources() for name in operations.operations(resource)]


def test_every_operation_has_a_help_with_all_that_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    for resource, name in EVERY:
        facts = operations.find(resource, name)
        run(operations.shell_name(resource), [operations.shell_name(name), "--help"])
        said = capsys.readouterr().out
        assert said.startswith(f"Usage: anyauth0 {operations.shell_name(resource)} ")
        assert operations.first_line(facts.function).replace("`", '"') in said
        for each in parameters(facts):
            assert (each.name.upper() if each.positional else each.option) in said, (resource, name, each)
    assert len(EVERY) == 496


SAMPLES = {"TEXT": "a, b", "TEXT...": "7", "true|false": "true", "NUMBER": "7", "JSON": '{"a": [null]}'}


def test_every_operation_takes_all_that_it_can_be_given(tmp_path: Path) -> None:
    sample = tmp_path / "sample"
    sample.write_text("a, b\n")
    for resource, name in EVERY:
        facts = operations.find(resource, name)
        words: list[str] = []
        for each in parameters(facts):
            if each.positional:
                words.append("x|1")
            elif each.name == "body":
                sample.write_text('["a, b"]')
                words += ["--body", f"@{sample}"]
            elif each.is_secret:
                words += [f"{each.option}:file", str(sample)]
            else:
                words += [each.option, SAMPLES[each.shown]] if not each.is_flag else [each.option]
        given = read_words(facts, words)
        call = facts.call(Resource[Any](None), tuple(given.args), given.kwargs)
        assert set(call.path) <= {"x|1"}
        assert len(call.path) == facts.path.count("{")
        assert set(given.kwargs) == {each.name for each in parameters(facts) if not each.positional}
        sample.write_text("a, b\n")


def test_no_option_of_the_command_hides_one_of_an_operation() -> None:
    for resource, name in EVERY:
        facts = operations.find(resource, name)
        both = {each.option for each in own_options(facts)} & {each.option for each in parameters(facts)}
        assert not both, (resource, name)


def test_every_resource_lists_its_operations(world: World) -> None:
    for resource in operations.resources():
        said = world.said(operations.shell_name(resource), "--help")
        if resource != "logs":
            assert all(operations.shell_name(name) in said for name in operations.operations(resource))
    assert "logs get-all --help" in world.said("logs", "--help").replace("\n ", "")


def test_a_user_is_created_read_changed_and_deleted(world: World, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("correct-Horse-9\n")
    made = json.loads(
        world.said(
            "users", "create", "--connection", DATABASE, "--email=ada@example.com", "--email-verified",
            "--password:file", str(password), "--user-metadata", '{"plan": "pro"}',
        )
    )  # fmt: skip
    assert made["email_verified"] is True
    who = made["user_id"]
    world.said("users", "update", who, "--no-email-verified", "--nickname:json", "null", "--name", "Ada")
    read = json.loads(world.said("users", "get", who))
    assert (read["email_verified"], read["name"], read["user_metadata"]) == (False, "Ada", {"plan": "pro"})
    assert world.said("users", "delete", who) == ""
    done = world.run("users", "get", who)
    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("anyauth0: GET /users/{id} answered 404")
    assert "Traceback" not in done.stderr


def test_the_verbs_choose_the_operation_by_what_is_given(world: World) -> None:
    made = json.loads(world.said("create", "roles", "--name", "editor"))
    assert json.loads(world.said("get", "roles", made["id"]))["name"] == "editor"
    assert [each["id"] for each in json.loads(world.said("get", "roles"))] == [made["id"]]
    assert json.loads(world.said("get", "roles", "--name-filter", "edit"))[0]["id"] == made["id"]
    world.said("update", "roles", made["id"], "--description", "edits")
    assert json.loads(world.said("roles", "get", made["id"]))["description"] == "edits"
    world.said("delete", "roles", made["id"])
    assert json.loads(world.said("get", "roles")) == []
    world.said("update", "tenants", "--friendly-name", "Ours")
    assert json.loads(world.said("get", "tenants"))["friendly_name"] == "Ours"


def test_a_list_is_one_page_or_all_or_as_many_as_one_likes(world: World) -> None:
    world.users(7)
    page = world.run("users", "get-all", "--per-page", "3", "--include-totals")
    assert len(json.loads(page.stdout)) == 3
    assert page.stderr == "anyauth0: 3 of 7; --all gets the rest\n"
    assert len(json.loads(world.said("users", "get-all", "--all", "--per-page", "3"))) == 7
    assert len(json.loads(world.said("users", "get-all", "--limit", "5", "--per-page", "2"))) == 5
    found = json.loads(world.said("get", "users", "--q", 'email:"user4@example.com"', "--all"))
    assert [each["email"] for each in found] == ["user4@example.com"]
    few = json.loads(world.said("users", "get-all", "--fields", "email,user_id"))
    assert {frozenset(each) for each in few} == {frozenset({"email", "user_id"})}


def test_an_item_of_a_list_has_what_no_model_knows(world: World) -> None:
    world.tenant.add_user(email="ada@example.com", quirk={"newer": True})
    for more in ([], ["--all"]):
        (found,) = json.loads(world.said("users", "get-all", *more))
        assert found["quirk"] == {"newer": True}


def test_a_search_goes_on_beyond_the_first_thousand(world: World) -> None:
    world.users(1003)
    lines = world.said("users", "get-all", "--all", "--output", "jsonl").splitlines()
    assert len({json.loads(line)["email"] for line in lines}) == len(lines) == 1003


def test_a_body_comes_from_a_file_or_from_stdin_and_options_win(world: World, tmp_path: Path) -> None:
    body = {"name": "app", "app_type": "spa", "callbacks": ["https://a.example"]}
    file = tmp_path / "client.json"
    file.write_text(json.dumps(body))
    made = json.loads(world.said("clients", "create", "--body", f"@{file}", "--name", "other"))
    assert (made["name"], made["callbacks"]) == ("other", ["https://a.example"])
    made = json.loads(world.said("create", "clients", "--body", "-", input=json.dumps(body)))
    assert made["name"] == "app"
    made = json.loads(
        world.said("clients", "create", "--name", "c", "--callbacks", "https://b.example",
                   "--callbacks", "https://c.example")
    )  # fmt: skip
    assert made["callbacks"] == ["https://b.example", "https://c.example"]


def test_a_body_that_is_a_list_is_taken_as_it_is(world: World) -> None:
    world.said("guardian", "update-policies", "--body", "-", input='["all-applications"]')
    assert json.loads(world.said("guardian", "get-policies")) == ["all-applications"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["users", "get-al"], 'users has no operation "get-al", did you mean "get-all"?'),
        (["users", "get-all", "--serch-engine", "v3"], 'did you mean "--search-engine"?'),
        (["users", "create", "--bodi", "-"], 'did you mean "--body"?'),
        (["get", "user"], 'there is no resource "user", did you mean "users"?'),
        (["create", "stats"], '"create" is not among the operations of stats'),
        (["get"], "which resource?"),
        (["users", "get"], 'users.get needs "id"'),
        (["users", "get", ""], '"id" of /users/{id} is empty'),
        (["users", "get-all", "--per-page", "many"], '"--per-page" must be a whole number'),
        (["users", "get-all", "--include-totals=perhaps"], '"--include-totals" is true or false'),
        (["users", "get-all", "--q", "a", "--q", "b"], '"--q" is given twice'),
        (["users", "get-all", "--q"], '"--q" needs a value'),
        (["users", "get-all", "--q:yaml", "a"], 'is none of ":json", ":file", ":ask"'),
        (["users", "create", "--connection", "c", "--user-metadata", "{"], '"--user-metadata" must be JSON'),
        (["users", "create"], 'users.create needs "connection"'),
        (["users", "create", "--body", "{}"], '"--body" is "@" and the name of a file'),
        (["users", "get-all", "-o", "yaml"], '"--output" is one of json, jsonl, table'),
        (["users", "get", "x", "--all"], 'there is no option "--all"'),
        (["users", "get-all", "--help:json"], "needs a value"),
    ],
)
def test_a_wrong_command_is_one_line_and_the_mend(world: World, words: list[str], sentence: str) -> None:
    done = world.run(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not world.tenant.requests


def test_an_id_may_begin_with_a_dash(world: World) -> None:
    done = world.run("users", "get", "--", "-x")
    assert "404" in done.stderr


def test_a_file_that_is_not_there_is_an_error_of_one_line(world: World) -> None:
    done = world.run("users", "create", "--body", "@/no/such/file")
    assert (done.exit_code, done.stderr) == (1, "anyauth0: /no/such/file: No such file or directory\n")


def test_debug_shows_where_an_error_comes_from(world: World) -> None:
    done = world.run("users", "get", "nobody", "--debug")
    assert done.exit_code == 1
    assert type(done.exception).__name__ == "NotFound"
