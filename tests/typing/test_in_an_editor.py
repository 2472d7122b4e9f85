"""What an editor shows while a program is written: types, docstrings, parameters, and what may come next."""

import inspect
from typing import Any, get_type_hints

import pytest

from anyauth0 import AsyncManagementClient, AuthenticationClient, ManagementClient, Options
from anyauth0.management._tree import Tree
from anyauth0.management.users import UpdateUser, User, Users
from anyauth0.pages import Page

from .language_server import LanguageServer

CLIENTS = (ManagementClient, AsyncManagementClient, AuthenticationClient)
NAMES = ("management", "async_management", "authentication")
PARAMETERS = ", ".join(f"{name}: {kind.__name__}" for name, kind in zip(NAMES, CLIENTS, strict=True))
PROGRAM = f"""\
from anyauth0 import {", ".join(kind.__name__ for kind in CLIENTS)}, Options, RateLimited

async def program({PARAMETERS}) -> None:
    tokens = authentication.oauth.client_credentials_grant(audience="a")
    users = management.users.get_all()
    """


class Editor:
    """A program whose last line is being written; `|` in the line is where the cursor is."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server

    def ask(self, question: str, line: str) -> Any:
        before, _, after = line.partition("|")
        uri = self.server.open("program.py", f"{PROGRAM}{before}{after}\n")
        start, _, last = f"{PROGRAM}{before}".rpartition("\n")
        answer = self.server.ask(question, uri, start.count("\n") + 1, len(last))
        assert answer, f"nothing is shown at {line}"
        return answer

    def hover(self, line: str) -> tuple[str, str]:
        """Return the type that is shown, in one line, and the text below it."""
        shown, _, text = self.ask("hover", line)["contents"]["value"].partition("\n---\n")
        lines = [each.strip() for each in shown.removeprefix("```python\n").split("\n```")[0].splitlines()]
        return " ".join(lines).replace("( ", "(").replace(" )", ")"), text.replace("\\", "")

    def parameters(self, line: str) -> tuple[dict[str, str], str | None, str]:
        """Return the parameters of the call by name, the one that is being written, and the docstring."""
        (shown,) = self.ask("signatureHelp", line)["signatures"]
        spans = [shown["label"][slice(*each["label"])] for each in shown["parameters"]]
        active = shown.get("activeParameter")
        found = {name: rest for name, _, rest in (span.partition(": ") for span in spans) if rest}
        writing = None if active is None else spans[active].partition(":")[0]
        return found, writing, shown["documentation"]["value"].replace("\\", "")

    def completions(self, line: str) -> list[str]:
        """Return what may come next, in the order of an editor."""
        items = sorted(self.ask("completion", line)["items"], key=lambda item: item["sortText"])
        return [item["label"] for item in items]


@pytest.fixture(scope="module")
def written(editor: LanguageServer) -> Editor:
    return Editor(editor)


def public(kind: type[object]) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


# Hovering


def test_a_method_shows_its_parameters_its_answer_and_its_docstring(written: Editor) -> None:
    shown, text = written.hover("management.users.g|et")
    assert shown == (
        "(property) get: (id: str, /, *, fields: str | Sequence[str] | None = None, "
        "include_fields: bool | None = None) -> ApiResponse[User]"
    )
    assert text.strip() == inspect.getdoc(Users.get.function)


def test_a_method_of_an_asyncio_client_shows_that_it_is_to_be_awaited(written: Editor) -> None:
    shown, _ = written.hover("async_management.users.g|et")
    assert shown.endswith("-> Coroutine[Any, Any, ApiResponse[User]]")
    assert written.hover("us|er = await async_management.users.get('id')")[0].endswith(": ApiResponse[User]")
    assert written.hover("us|er = async_management.users.get('id')")[0].endswith(
        "[Any, Any, ApiResponse[User]]"
    )


def test_a_method_of_several_calls_shows_what_it_ends_with(written: Editor) -> None:
    assert written.hover("management.jobs.wa|it")[0].endswith("-> Job")
    shown, text = written.hover("async_management.jobs.wa|it")
    assert shown.endswith("-> Coroutine[Any, Any, Job]")
    assert "Wait until a job is done" in text


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("management.users.get_all.it|er", "Iterator[User]"),
        ("management.users.get_all.pa|ges", "Iterator[Page[User]]"),
        ("async_management.users.get_all.it|er", "AsyncIterator[User]"),
        ("async_management.users.get_all.pa|ges", "AsyncIterator[Page[User]]"),
    ],
)
def test_an_iterator_shows_the_parameters_of_its_list_and_what_it_goes_through(
    written: Editor, method: str, answer: str
) -> None:
    shown, text = written.hover(method)
    assert "(*, page: int | None = None, per_page: int | None = None," in shown
    assert shown.endswith(f") -> {answer}")
    assert text.startswith("Go through all ")


def test_a_list_shows_its_parameters_its_item_and_its_docstring(written: Editor) -> None:
    shown, text = written.hover("management.users.get_a|ll")
    assert "page: int | None = None" in shown
    assert shown.endswith(", User]")
    assert text.startswith("List the users.\n\nGET /users.")


def test_a_method_with_a_body_shows_the_type_of_its_fields(written: Editor) -> None:
    shown, text = written.hover("management.users.upd|ate")
    assert shown == "(property) update: (id: str, /, **body: **UpdateUser) -> ApiResponse[User]"
    assert text.startswith("Update a user.\n\nPATCH /users/{id}.")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("tokens.data.access_to|ken", "(variable) access_token: str"),
        ("users.data[0].ema|il", "(variable) email: str | None"),
        ("users.data.tot|al", "(variable) total: int | None"),
        ("us|er = users.data[0]", "(variable) user: User"),
        ("for ea|ch in management.roles.get_all.iter(): print(each)", "(variable) each: Role"),
        ("async with async_management as sa|me: print(same)", "(variable) same: AsyncManagementClient"),
    ],
)
def test_a_value_shows_its_type(written: Editor, line: str, shown: str) -> None:
    assert written.hover(line)[0] == shown


def test_a_client_an_error_and_a_resource_show_what_they_are(written: Editor) -> None:
    assert written.hover("Management|Client")[1].strip()
    assert written.hover("Rate|Limited")[1].startswith("429")
    shown, text = written.hover("management.use|rs")
    assert shown == "(property) users: Users[Sync]"
    assert text.startswith("Users, and what belongs to them")


def test_an_option_shows_its_type_and_what_it_does(written: Editor) -> None:
    shown, text = written.hover("ManagementClient(time|out=5)")
    assert shown == "(variable) timeout: float | None"
    assert text.startswith("Seconds for one attempt; 10 by default")


# Inside the parentheses of a call


def test_a_call_shows_its_parameters_the_one_being_written_and_its_docstring(written: Editor) -> None:
    parameters, writing, text = written.parameters("management.users.get(|)")
    assert list(parameters) == ["id", "fields", "include_fields"]
    assert writing == "id"
    assert text == inspect.getdoc(Users.get.function)
    assert written.parameters("management.users.get_all.iter(page=0, q=|)")[1] == "q"


def test_a_call_with_a_body_shows_each_field_with_its_type(written: Editor) -> None:
    parameters, writing, _ = written.parameters("management.users.update('id', blocked=|)")
    assert list(parameters) == ["id", *get_type_hints(UpdateUser)]
    assert parameters["blocked"] == "bool = ..."
    assert writing == "blocked"
    # What has to be there has no default.
    assert written.parameters("management.users.create(|)")[0]["connection"] == "str"


def test_a_client_being_built_shows_each_option_with_its_type(written: Editor) -> None:
    parameters, writing, _ = written.parameters("ManagementClient(domain='tenant.example', timeout=|)")
    assert parameters.keys() == get_type_hints(Options).keys()
    assert parameters["client_id"] == "str = ..."
    assert writing == "timeout"


# After a dot, and where a keyword may come


@pytest.mark.parametrize("client", ["management", "async_management"])
def test_after_a_client_come_the_fifty_resources(written: Editor, client: str) -> None:
    names = [name for name in written.completions(f"{client}.|") if not name.startswith("_")]
    assert len(public(Tree)) == 50
    assert set(names) == public(Tree) | {"close", "from_env", "map", "with_options"}


@pytest.mark.parametrize("client", ["management", "async_management"])
def test_after_a_resource_come_its_methods_and_nothing_private_before_them(
    written: Editor, client: str
) -> None:
    names = written.completions(f"{client}.users.|")
    assert set(names[: len(public(Users))]) == public(Users)
    assert all(name.startswith("_") for name in names[len(public(Users)) :])


def test_after_a_list_come_its_iterators(written: Editor) -> None:
    assert set(written.completions("management.users.get_all.|")[:2]) == {"iter", "pages"}


def test_after_an_answer_come_its_fields(written: Editor) -> None:
    fields = User.__struct_fields__
    assert set(written.completions("users.data[0].|")[: len(fields)]) == set(fields)
    assert set(written.completions("users.data.|")) >= public(Page)


@pytest.mark.parametrize(
    ("line", "keywords"),
    [
        ("management.users.update('id', |)", set(get_type_hints(UpdateUser))),
        ("management.users.get(|)", {"fields", "include_fields"}),
        ("management.users.get_all.iter(|)", {"q", "sort", "per_page"}),
        ("ManagementClient(|)", set(get_type_hints(Options))),
        ("authentication.oauth.password_grant(|)", {"username", "password", "id_token"}),
    ],
)
def test_in_a_call_the_names_of_its_keywords_are_offered(
    written: Editor, line: str, keywords: set[str]
) -> None:
    assert {f"{name}=" for name in keywords} <= set(written.completions(line))


def test_in_a_dict_the_keys_of_the_options_and_of_a_body_are_offered(written: Editor) -> None:
    assert set(written.completions("given: Options = {'|'}")) == {
        f"'{key}'" for key in get_type_hints(Options)
    }
    assert {"'type'", "'sink'"} <= set(written.completions("management.log_streams.create({'|'})"))


def test_in_a_text_the_values_that_the_api_knows_are_offered(written: Editor) -> None:
    assert {"'spa'", "'native'"} <= set(written.completions("management.clients.create(app_type='|')"))
