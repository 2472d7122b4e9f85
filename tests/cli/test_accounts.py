"""Whose tenant it is: the environment, a profile in the keyring, a token for a pipe; no secret is shown."""

import json
import sys
from collections.abc import Callable
from typing import Any

import pytest

from anyauth0_plugins.cli.credentials import Stored

from .conftest import Keyring, World

LOGIN = ("AUTH0_DOMAIN", "AUTH0_CLIENT_ID", "AUTH0_CLIENT_SECRET")


@pytest.fixture
def answers(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what is typed at the prompts, and leave nothing of it in the environment."""
    for name in LOGIN:
        monkeypatch.delenv(name)
    return "".join(f"{world.environment[name]}\n" for name in LOGIN)


def test_a_token_goes_into_a_pipe(world: World) -> None:
    done = world.run("token")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.count(".") == 2
    assert done.stdout.endswith("\n")
    assert world.tenant.requests[-1].path == "/oauth/token"


def test_a_token_is_for_the_audience_that_is_named(world: World) -> None:
    world.tenant.add_api("https://api.example.com")
    done = world.run("token", "--audience", "https://api.example.com")
    assert done.exit_code == 0, done.stderr
    done = world.run("token", "--audience", "https://nobody.example.com")
    assert done.exit_code == 1
    assert "https://nobody.example.com" in done.stderr


def test_a_token_is_not_printed_to_a_terminal_by_mistake(
    world: World, on_a_terminal: Callable[[], None]
) -> None:
    on_a_terminal()
    done = world.run("token")
    assert (done.exit_code, done.stdout) == (2, "")
    assert '"--show"' in done.stderr
    assert world.said("token", "--show").count(".") == 2


def test_a_login_is_kept_and_used_and_removed(world: World, keyring: Keyring, answers: str) -> None:
    done = world.run("login", input=answers)
    assert done.exit_code == 0, done.stderr
    assert world.environment["AUTH0_CLIENT_SECRET"] not in done.output
    (((service, profile), text),) = keyring.kept.items()
    assert (service, profile) == ("anyauth0", "default")
    assert json.loads(text)["client_secret"] == world.environment["AUTH0_CLIENT_SECRET"]
    assert json.loads(world.said("users", "get-all")) == []
    assert world.run("logout").exit_code == 0
    assert not keyring.kept
    assert world.run("users", "get-all").exit_code == 2


def test_profiles_are_kept_apart_and_win_over_the_environment(
    world: World, keyring: Keyring, answers: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.run("login", "--profile", "staging", input=answers)
    monkeypatch.setenv("AUTH0_DOMAIN", "elsewhere.invalid")
    monkeypatch.setenv("AUTH0_TOKEN", "elsewhere")
    assert json.loads(world.said("users", "get-all", "--profile", "staging")) == []
    assert world.said("token", "--profile", "staging").count(".") == 2
    done = world.run("users", "get-all", "--profile", "production")
    assert done.exit_code == 2
    assert 'the profile "production" is not in the keyring' in done.stderr


def test_credentials_that_are_not_good_are_not_kept(world: World, keyring: Keyring, answers: str) -> None:
    done = world.run("login", input=answers.rstrip("\n") + "wrong\n")
    assert done.exit_code == 1
    assert "401" in done.stderr
    assert world.environment["AUTH0_CLIENT_SECRET"] not in done.output
    assert not keyring.kept


def test_a_login_that_is_broken_off_keeps_nothing(world: World, keyring: Keyring, answers: str) -> None:
    done = world.run("login", input="")
    assert done.exit_code == 130
    assert done.stderr.endswith("anyauth0: stopped\n")
    assert not keyring.kept


def test_a_keyring_that_fails_says_so_and_no_more(world: World, keyring: Keyring, answers: str) -> None:
    keyring.failure = RuntimeError("the secret is hunter2")
    for words, code in ((["logout"], 1), (["users", "get-all"], 2), (["login"], 1)):
        done = world.run(*words, input=answers)
        assert done.exit_code == code
        assert "the keyring failed (RuntimeError)" in done.stderr
        assert "hunter2" not in done.output


def test_something_else_in_the_keyring_is_not_ours(world: World, keyring: Keyring, answers: str) -> None:
    keyring.kept["anyauth0", "default"] = '{"secret": "hunter2"}'
    done = world.run("users", "get-all")
    assert done.exit_code == 2
    assert "is not ours" in done.stderr
    assert "hunter2" not in done.stderr


def test_without_the_package_the_environment_does(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert json.loads(world.said("users", "get-all")) == []
    done = world.run("users", "get-all", "--profile", "default")
    assert done.exit_code == 2
    assert "pip install keyring" in done.stderr
    monkeypatch.delenv("AUTH0_DOMAIN")
    done = world.run("users", "get-all")
    assert "set AUTH0_DOMAIN, AUTH0_CLIENT_ID and AUTH0_CLIENT_SECRET" in done.stderr


def test_what_is_kept_does_not_show_the_secret() -> None:
    assert repr(Stored("tenant.example", "id", "hunter2")) == "<Stored for tenant.example>"


@pytest.mark.parametrize(
    "words",
    [
        ["users", "create", "--connection", "c", "--password", "hunter2"],
        ["users", "create", "--connection", "c", "--password=hunter2"],
        ["users", "create", "--connection", "c", "--password:json", '"hunter2"'],
        ["users", "update", "x", "--app-metadata", '{"api_key": "hunter2"}'],
        ["connections", "update", "x", "--options", '{"a": [{"client_secret": "hunter2"}]}'],
        ["guardian", "update-duo-factor-settings", "--skey", "hunter2"],
    ],
)
def test_no_secret_is_taken_from_the_command_line(world: World, words: list[str]) -> None:
    done = world.run(*words)
    assert done.exit_code == 2
    assert ":file FILE" in done.stderr
    assert "hunter2" not in done.output
    assert not world.tenant.requests


def test_no_command_has_an_option_for_credentials(world: World) -> None:
    for words in (["token"], ["login"], ["logout"], ["import"], ["export"], ["logs"], ["users", "get-all"]):
        said = world.said(*words, "--help")
        assert "--profile" in said
        assert not [name for name in ("--client-secret", "--secret", "--token", "--domain") if name in said]


def test_a_secret_is_asked_for_without_showing_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def prompt(text: str, **more: Any) -> str:
        asked.append((text, more["hide_input"]))
        return "correct-Horse-9"

    monkeypatch.setattr("typer.prompt", prompt)
    words = ["--connection", "Username-Password-Authentication", "--email", "ada@example.com"]
    world.said("users", "create", *words, "--password:ask")
    assert asked == [("password", True)]
