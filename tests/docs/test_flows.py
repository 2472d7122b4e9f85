"""The code of each page on a flow runs as it stands, and sends what the page draws, in that order."""

import ast
import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

import anyauth0
import anyauth0.verification

from .pages import FLOWS, NAMES, Answered, Asked, Message, Page
from .preparations import PREPARATIONS
from .recorded import RecordedTenant
from .stage import Stage


@pytest.fixture(params=[False, True], ids=["blocking", "asyncio"])
def stage(
    signing_key: dict[str, Any], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Stage]:
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        if seconds:
            found.pause(seconds)
        await real(0)

    with RecordedTenant() as tenant:
        tenant.store.add("keys", signing_key["kid"], signing_key)
        found = Stage(tenant, asynchronous=request.param)
        monkeypatch.setattr(time, "sleep", found.pause)
        monkeypatch.setattr(asyncio, "sleep", sleep)
        yield found


class Awaited(ast.NodeTransformer):
    """Turns the code of a page into that for asyncio: its clients, and an `await` for each of their calls."""

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        for alias in node.names:
            if alias.name.endswith(("Client", "Verifier")):
                alias.name, alias.asname = f"Async{alias.name}", alias.name
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        if re.match(r"(auth|management|verifier)\.(?!urls\.)", ast.unparse(node.func)):
            return ast.Call(ast.Name("wait", ast.Load()), [node], [])
        return node


def run(page: Page, stage: Stage, name: str) -> list[Message]:
    """Run the blocks of a page, one after another, and return what was sent meanwhile."""
    prepare, check = PREPARATIONS[name]
    stage.names.update(prepare(stage))
    stage.tenant.seen.clear()
    with asyncio.Runner() as runner:
        for number, code in enumerate(page.python, 1):
            tree = ast.parse(code)
            if stage.asynchronous:
                # It takes coroutines and nothing else.
                stage.names["wait"] = runner.run
                tree = ast.fix_missing_locations(Awaited().visit(tree))
            exec(compile(tree, f"block {number} of {name}.md", "exec"), stage.names)
    check(stage.names)
    return stage.tenant.seen


def differs(drawn: Message, seen: Message) -> bool:
    """Say whether a message is not what the page draws, where `{name}` is any part of a path."""
    if isinstance(drawn, Asked) and isinstance(seen, Asked):
        path = re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(drawn.path))
        if re.fullmatch(path, seen.path):
            return drawn.fields != seen.fields or (
                (drawn.sender, drawn.receiver, drawn.method, drawn.headers)
                != (seen.sender, seen.receiver, seen.method, seen.headers)
            )
    if isinstance(drawn, Answered) and isinstance(seen, Answered) and "..." in drawn.fields:
        named = [name for name in seen.fields if name in drawn.fields]
        seen = Answered(seen.sender, seen.receiver, seen.status, sorted([*named, "..."]))
    return drawn != seen


def test_every_page_has_a_preparation_and_every_preparation_a_page() -> None:
    assert sorted(PREPARATIONS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_runs_and_sends_what_it_draws(stage: Stage, name: str) -> None:
    page = Page(name)
    drawn = page.messages()
    seen = run(page, stage, name)
    assert any(isinstance(message, Asked) for message in drawn), "a page draws what is sent"
    for number, (wanted, found) in enumerate(zip(drawn, seen, strict=False), 1):
        assert not differs(wanted, found), f"message {number}: drawn {wanted}, sent {found}"
    assert len(drawn) == len(seen), f"not drawn or not sent: {[*seen[len(drawn) :], *drawn[len(seen) :]]}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_which_names_it_needs(stage: Stage, name: str) -> None:
    page = Page(name)
    prepare, _ = PREPARATIONS[name]
    code = "\n".join(page.python)
    needed = {given for given in prepare(stage) if re.search(rf"(?<![\w.]){given}\b", code)}
    needed -= {"print", "input"}
    assert needed <= page.given, f"not in the first paragraph: {needed - page.given}"


@pytest.mark.parametrize("name", NAMES)
def test_a_page_tells_when_how_and_what_can_go_wrong_and_no_more(name: str) -> None:
    page = Page(name)
    sections = re.findall(r"^## (.*)$", page.text, re.MULTILINE)
    assert sections[-2:] == ["What can go wrong", "On the wire"]
    assert 30 <= len(page.text.splitlines()) <= 80
    assert page.python
    known = {*anyauth0.__all__, *vars(anyauth0.verification)}
    assert page.errors()
    assert page.errors() <= known


def test_the_index_names_every_page() -> None:
    text = (FLOWS / "index.md").read_text()
    assert set(re.findall(r"\]\(([\w-]+)\.md\)", text)) == set(NAMES)


def test_a_line_that_is_no_message_is_an_error() -> None:
    for line in (
        "App->>Auth0: asks for a token",
        "App->Auth0: GET /x",
        "Auth0-->>App: fine",
        "Note over App: a; b",
    ):
        page = Page("x", f"# X\n\nIt is.\n\n```mermaid\nsequenceDiagram\n    {line}\n```\n")
        with pytest.raises(ValueError, match=re.escape(line)):
            page.messages()


def test_a_drawn_message_is_compared_in_all_its_parts() -> None:
    seen = Asked("App", "Auth0", "POST", "/users/a%7Cb/x", ["code", "grant_type=x"], ["dpop"])
    assert not differs(Asked("App", "Auth0", "POST", "/users/{id}/x", seen.fields, ["dpop"]), seen)
    for wrong in (
        Asked("Browser", "Auth0", "POST", "/users/{id}/x", seen.fields, ["dpop"]),
        Asked("App", "mTLS", "POST", "/users/{id}/x", seen.fields, ["dpop"]),
        Asked("App", "Auth0", "GET", "/users/{id}/x", seen.fields, ["dpop"]),
        Asked("App", "Auth0", "POST", "/users/{id}", seen.fields, ["dpop"]),
        Asked("App", "Auth0", "POST", "/users/{id}/x", ["code", "grant_type=y"], ["dpop"]),
        Asked("App", "Auth0", "POST", "/users/{id}/x", seen.fields, []),
        Answered("App", "Auth0", 200, []),
    ):
        assert differs(wrong, seen)
    assert differs(Answered("Auth0", "App", 200, ["a"]), Answered("Auth0", "App", 200, ["b"]))
    assert differs(Answered("Auth0", "App", 200, ["a"]), Answered("Auth0", "App", 201, ["a"]))
