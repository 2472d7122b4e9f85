"""What `help()` and `inspect.signature` tell of each method of each resource, blocking and asyncio."""

import inspect
import pydoc
import re
from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, get_args, get_origin, is_typeddict

import msgspec
import pytest

from anyauth0 import (
    ApiResponse,
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    Call,
    ManagementClient,
    Options,
    Request,
    Resource,
    Response,
)

PLAIN = (str, int, float, bool, dict, type(None))
# First words of sentences that are no commands.
NO_VERBS = re.compile(r"(The|A|An|This|It|[A-Z][a-z]*[^s]s|[A-Z][a-z]+ing)\b")


class Method(NamedTuple):
    """A method of a resource as a user of a client meets it, and the function that was written for it."""

    title: str
    bound: Callable[..., Any]
    written: inspect.Signature
    endpoint: str | None

    @property
    def signature(self) -> inspect.Signature:
        return inspect.signature(self.bound)

    @property
    def help(self) -> str:
        """What `help()` shows below its heading."""
        return pydoc.plain(pydoc.render_doc(self.bound)).partition("\n\n")[2]

    @property
    def answer(self) -> Any:
        """What the call gives, or `await` where the client is asyncio."""
        told = self.signature.return_annotation
        return get_args(told)[2] if get_origin(told) is Coroutine else told


def methods(client: object) -> list[Method]:
    found: list[Method] = []
    for name, member in inspect.getmembers_static(type(client), lambda each: isinstance(each, property)):
        resource: object = member.fget(client)
        kind = type(resource)
        for public in [each for each in dir(kind) if Resource in kind.__mro__ and not each.startswith("_")]:
            facts: Any = inspect.getattr_static(kind, public)
            endpoint = f"{facts.method} {facts.path}" if hasattr(facts, "path") else None
            # What sends nothing, such as the making of an address, is a function like any other.
            written = inspect.signature(getattr(facts, "function", facts))
            found.append(Method(f"{name}.{public}", getattr(resource, public), written, endpoint))
    return found


def blocking(request: Request) -> Response:
    raise AssertionError(request)


async def asynchronous(request: Request) -> Response:
    raise AssertionError(request)


def of_blocking_clients() -> list[Method]:
    options: Options = {
        "domain": "tenant.example",
        "client_id": "c",
        "client_secret": "s",
        "transport": blocking,
    }
    return methods(ManagementClient(**options)) + methods(AuthenticationClient(**options))


def of_asyncio_clients() -> list[Method]:
    options: Options = {"domain": "tenant.example", "client_id": "c", "client_secret": "s"}
    options["transport"] = asynchronous
    return methods(AsyncManagementClient(**options)) + methods(AsyncAuthenticationClient(**options))


@pytest.fixture(scope="module", params=[of_blocking_clients, of_asyncio_clients])
def found(request: pytest.FixtureRequest) -> list[Method]:
    every: Callable[[], list[Method]] = request.param
    return every()


def test_both_kinds_of_client_have_the_same_five_hundred_methods() -> None:
    titles = [[method.title for method in each()] for each in (of_blocking_clients, of_asyncio_clients)]
    assert titles[0] == titles[1]
    assert len(titles[0]) >= 500
    assert len({title.partition(".")[0] for title in titles[0]}) >= 54


def test_the_signature_has_the_parameters_as_written_with_their_defaults(found: list[Method]) -> None:
    def told(signature: inspect.Signature) -> list[tuple[str, object, object]]:
        return [(each.name, each.kind, each.default) for each in signature.parameters.values()]

    assert [each.title for each in found if told(each.signature) != told(each.written)[1:]] == []


def test_no_signature_hides_its_parameters_behind_stars(found: list[Method]) -> None:
    """Keywords without a name of their own are shown as the `TypedDict` that names them."""
    for method in found:
        for name, each in method.signature.parameters.items():
            assert each.kind is not each.VAR_POSITIONAL, method.title
            if each.kind is each.VAR_KEYWORD:
                body = get_args(method.written.parameters[name].annotation)[0]
                assert is_typeddict(body), method.title
                assert each.annotation == f"Unpack[{body.__name__}]", method.title
                assert re.search(rf"\*\*{name}: '?Unpack\[{body.__name__}]", method.help), method.title


def test_the_help_of_a_method_starts_with_its_name_and_its_parameters(found: list[Method]) -> None:
    # Some versions of Python write one line, some a line for each parameter.
    for method in found:
        names = ".*".join(rf"\b{name}\b" for name in method.signature.parameters)
        start = rf"{method.title.partition('.')[2]}\(.*{names}.*\) -> "
        assert re.match(start, method.help, re.DOTALL), method.title


def test_the_help_of_a_method_names_its_endpoint(found: list[Method]) -> None:
    for method in [each for each in found if each.endpoint]:
        assert re.search(rf"^ +{re.escape(str(method.endpoint))}(?=[ .,]|$)", method.help, re.MULTILINE), (
            method.title
        )


def test_the_help_of_a_method_of_several_calls_names_the_endpoints_that_it_calls(found: list[Method]) -> None:
    several = {each.title: each.help for each in found}
    for title in ("connections.edit", "jobs.wait"):
        assert re.search(r"^ +GET( and PATCH)? /(jobs|connections)/{id}\.", several[title], re.MULTILINE)


def test_help_shows_a_first_line_that_is_a_short_command_and_ends_with_a_period(
    found: list[Method],
) -> None:
    firsts = {each.title: str(inspect.getdoc(each.bound)).partition("\n")[0] for each in found}
    assert [each.title for each in found if f"    {firsts[each.title]}\n" not in each.help] == []
    assert {title: first for title, first in firsts.items() if len(first) > 100} == {}
    assert {title: first for title, first in firsts.items() if not first.endswith(".")} == {}
    assert {title: first for title, first in firsts.items() if NO_VERBS.match(first)} == {}
    assert {title: first for title, first in firsts.items() if not first[0].isupper()} == {}


def models(annotation: Any) -> list[Any]:
    """Return the types that an annotation is made of, those inside pages, lists and unions included."""
    if get_origin(annotation) is dict:
        return [dict]
    inner = [found for each in get_args(annotation) for found in models(each)]
    return inner or [annotation]


def test_the_signature_tells_the_model_of_the_answer(found: list[Method]) -> None:
    for method in found:
        answer = method.answer
        if method.endpoint and method.title != "events.subscribe":
            assert get_origin(answer) is ApiResponse, method.title
        kinds = models(answer)
        assert [each for each in kinds if each not in PLAIN and not issubclass(each, msgspec.Struct)] == [], (
            method.title
        )


def test_only_the_signatures_of_asyncio_clients_say_that_the_answer_is_to_be_awaited() -> None:
    pairs = list(zip(of_blocking_clients(), of_asyncio_clients(), strict=True))
    for direct, later in [pair for pair in pairs if get_origin(pair[0].answer) is ApiResponse]:
        assert direct.signature.return_annotation == direct.answer, direct.title
        assert get_origin(later.signature.return_annotation) is Coroutine, later.title
        assert later.answer == direct.answer, later.title


def test_the_model_of_the_answer_is_the_one_that_the_method_is_written_with(found: list[Method]) -> None:
    single = [each for each in found if get_origin(each.written.return_annotation) is Call]
    assert len(single) >= 500
    for method in single:
        told = get_args(method.answer)
        assert told == get_args(method.written.return_annotation), method.title
