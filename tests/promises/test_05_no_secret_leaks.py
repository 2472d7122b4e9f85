"""Promise 5: no secret leaks, whatever is called and however it fails."""

import collections.abc
import inspect
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Literal, Union, Unpack, get_args, get_origin, get_type_hints, is_typeddict

import msgspec
import pytest

import anyauth0.authentication
from anyauth0 import Request, Resource, Response, TransportError, TransportTimeout
from anyauth0.endpoint import Descriptor
from anyauth0.multipart import Upload
from anyauth0_plugins.logging import Details

from ..core.fakes import DOMAIN, KINDS, Kind
from .leaks import CANARY, leaks, shown_by_rich, told
from .leaks import canary as short_canary
from .test_05_models_mask_secrets import STREAM, structs, suspect

# Files, their jobs and what is said below of two calls: tests of their own.
ELSEWHERE = {
    STREAM, "connections.edit", "jobs.download", "jobs.download_to", "jobs.export_all", "jobs.import_all",
    "jobs.import_users", "jobs.wait",
}  # fmt: skip
SKIP = object()
# What says who and where, and so is no secret.
IDS = {
    "audience", "client_id", "connection", "domain", "email", "expected_subject", "id", "login_hint",
    "organization", "phone_number", "resource", "scope", "subject_token_type", "user_id", "username",
}  # fmt: skip


# With the details in the log, a secret under a name that is none has to look like one.
RANDOM = "9fQ2xLz7Kc4WbT1mYv8RsD3gHj6NpA5uE0iOqXw-4kVt2Bn"
ending = {"of a secret": ""}


def canary() -> str:
    """Return a secret that is no other's."""
    return short_canary() + ending["of a secret"]


def logging_plugins(monkeypatch: pytest.MonkeyPatch, *, details: bool) -> list[Any]:
    """Return the plugins that log: lines only, or all that they can."""
    if not details:
        return ["logging"]
    monkeypatch.setitem(ending, "of a secret", RANDOM)
    return ["logging", Details(longest=100_000)]


hints_of = cache(get_type_hints)


def made(hint: Any, name: str, depth: int = 0) -> Any:
    """Return an argument of a type, with a canary in each text; `SKIP` for what cannot hold one."""
    origin, args = get_origin(hint), get_args(hint)
    if hint == Upload:
        return f'[{{"password": "{canary()}"}}]'.encode()
    if origin in (Union, UnionType):
        return made(next(each for each in args if each is not type(None)), name, depth)
    if origin is Literal:
        return args[0]
    if hint in (bool, int, float):
        return hint(5)
    if is_typeddict(hint):
        return body_of(hint, depth + 1) if depth < 3 else SKIP
    if hint in (dict, Mapping) or origin in (dict, collections.abc.Mapping):
        return {"password": canary(), "x": canary()}
    if origin in (list, collections.abc.Sequence):
        one = made(args[0], name, depth)
        return SKIP if one is SKIP else [one]
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        return hint(**{each: made(kind, each, depth) for each, kind in hints_of(hint).items()})
    if name in IDS:
        return "an-id"
    if hint in (str, Any, object):
        return "https://h.example/cb" if name.endswith(("uri", "url", "return_to")) else canary()
    return SKIP


def body_of(kind: Any, depth: int = 0) -> dict[str, Any]:
    fields = {name: made(unwrapped(hint), name, depth) for name, hint in hints_of(kind).items()}
    return {name: value for name, value in fields.items() if value is not SKIP}


def unwrapped(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Unpack else hint


@cache
def parameters_of(function: Callable[..., Any]) -> list[tuple[str, inspect.Parameter]]:
    return list(inspect.signature(function).parameters.items())


def arguments(descriptor: Descriptor) -> tuple[list[Any], dict[str, Any]]:
    """Return arguments for all parameters of a method."""
    hints = hints_of(descriptor.function)
    path: list[Any] = []
    named: dict[str, Any] = {}
    for name, parameter in parameters_of(descriptor.function)[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            named |= body_of(unwrapped(hints[name])) if is_typeddict(unwrapped(hints[name])) else {}
            continue
        value = made(hints[name], name)
        # What is in a path is an id.
        if parameter.kind is parameter.POSITIONAL_ONLY and "{" in getattr(descriptor, "path", ""):
            value = "an-id"
        if value is not SKIP:
            path.append(value) if parameter.kind is parameter.POSITIONAL_ONLY else named.update({name: value})
    return path, named


def methods(client: type[Any]) -> dict[str, Descriptor]:
    """Return each method of each resource of a client by its title."""
    found: dict[str, Descriptor] = {}
    holder = client(domain=DOMAIN, client_id="app", client_secret="s")
    for name in dir(client):
        resource = getattr(holder, name) if isinstance(getattr(client, name), property) else None
        for each in dir(resource) if isinstance(resource, Resource) else ():
            descriptor = inspect.getattr_static(type(resource), each)
            if isinstance(descriptor, Descriptor) and f"{name}.{each}" not in ELSEWHERE:
                found[f"{name}.{each}"] = descriptor
    return found


AUTHENTICATION = methods(KINDS[0].authentication)
MANAGEMENT = methods(KINDS[0].management)


def echo(request: Request) -> dict[str, Any]:
    """Return all that was sent, as fields of an answer."""
    sent = (request.body or b"").decode(errors="replace")
    headers = {name: value for name, value in request.headers.items() if name != "accept"}
    return {"sent": sent, "headers": headers, "url": request.url, "password": canary(), "mfa_token": canary()}


def refusal(status: int, sentence: str) -> Callable[[Request], Response]:
    """Return a server that refuses, and says again what it was sent."""

    def answer(request: Request) -> Response:
        bearer = request.headers.get("authorization", "none")
        said = sentence.format(secret=canary(), authorization=bearer)
        body = {"error": "refused", "error_description": said, "message": said, **echo(request)}
        return Response(status=status, headers=headers_of(), body=json.dumps(body).encode())

    return answer


def headers_of() -> dict[str, str]:
    return {
        "set-cookie": f"auth0={canary()}; Secure",
        "location": f"https://h.example/?code={canary()}#access_token={canary()}",
        "content-type": "application/json",
    }


def success(content: Callable[[Request], Any]) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        body = content(request)
        return Response(
            status=200,
            headers=headers_of(),
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        )

    return answer


# What is secret, and what an answer cannot be read without.
NAMES = sorted(
    {
        field.name
        for kind in structs(anyauth0.authentication)
        for field in msgspec.structs.fields(kind)
        if field.required or suspect(field.name)
    }
)


def failure(error: type[Exception], *args: Any, **more: Any) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        raise error(*args, **more)

    return answer


def filled(secret: Callable[[], Any]) -> dict[str, Any]:
    """Return an answer with a secret under each name of one."""
    return {name: secret() if suspect(name) else "x" for name in NAMES}


FAILURES: dict[str, Callable[[Request], Response]] = {
    "400 that quotes a field": refusal(400, "Payload error: 'no format: {secret}' on property otp"),
    "400 that quotes a form": refusal(400, "wrong: client_secret={secret}&refresh_token={secret} x"),
    "400 that quotes JSON": refusal(400, 'wrong: {{"password": "{secret}", "otp":"{secret}"}}'),
    "401 that quotes the header": refusal(401, "wrong: Authorization: {authorization}, Bearer {secret}"),
    "403 that quotes an address": refusal(403, "see https://h/reset?ticket={secret}#token={secret}"),
    "429": refusal(429, "Global limit"),
    "500": refusal(500, "oops, password={secret}"),
    "302": refusal(302, ""),
    "502 in HTML": lambda request: Response(status=502, body=f"<p>{echo(request)}".encode()),
    "no connection": failure(TransportError, "refused; try again", request_sent=False),
    "no answer in time": failure(TransportTimeout, "no answer; wait longer", request_sent=True),
    "a broken transport": failure(RuntimeError, "broken"),
    "200 in HTML": success(lambda request: f"<p>{echo(request)}".encode()),
    "200 with half of its JSON": success(lambda request: json.dumps(echo(request)).encode()[:-1]),
    "200 with texts": success(lambda request: filled(canary) | echo(request)),
    "200 with wrong types": success(lambda request: filled(lambda: [{"x": canary()}]) | echo(request)),
    "200 with a list": success(lambda request: [canary(), echo(request)]),
}  # fmt: skip


def outcome(kind: Kind, client: Any, title: str, descriptor: Descriptor) -> str:
    """Return all that can be seen of one call."""
    resource, _, name = title.partition(".")
    path, named = arguments(descriptor)
    bound = getattr(getattr(client, resource), name)
    lines = [f"{bound!r} {bound}"]
    try:
        answer = kind.do(lambda: bound(*path, **named))
        if not isinstance(answer, Iterator | collections.abc.AsyncIterator):
            lines += [repr(answer), repr(getattr(answer, "anomalies", ()))]
            if isinstance(getattr(answer, "response", None), Response):
                lines += [repr(answer.response), *data_of(answer)]
        else:
            lines.append(repr(kind.collect(answer, 2)))
    except Exception as error:
        lines.append(told(error))
    return "\n".join(lines)


def data_of(answer: Any) -> list[str]:
    data = answer.data
    if not isinstance(data, msgspec.Struct | list):
        # Text, or a dict as it came: that is the user's.
        return []
    return [repr(data), shown_by_rich(data)] if isinstance(data, msgspec.Struct) else []


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """Return all that a handler sees of the records."""
    return "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)


def client_of(kind: Kind, make: Any, answer: Any, **options: Any) -> Any:
    return make(
        domain=DOMAIN, client_id="app", client_secret=canary(), retry=False,
        headers={"x-api-key": canary(), "cookie": canary()}, extra_body={"more": canary()},
        transport=kind.transport(otherwise=answer), **{"plugins": ["logging"], **options},
    )  # fmt: skip


# What these answer is read by the model of each method, and so nothing proves it of another.
READ_BY_MODELS = {"200 with texts", "200 with wrong types", "200 with a list"}


@pytest.mark.parametrize("number", range(len(FAILURES)), ids=FAILURES)
def test_no_call_of_the_authentication_api_leaks(
    kind: Kind, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = log(kind, number, monkeypatch, caplog)
    failing = list(FAILURES.values())[number]
    strict, lenient = (
        client_of(kind, kind.authentication, failing, strict=each, plugins=plugins) for each in (True, False)
    )
    found: dict[str, list[str]] = {}
    # A method is strict in one world and lenient in the other.
    for place, (title, descriptor) in enumerate(AUTHENTICATION.items()):
        client = strict if (place + number + kind.asynchronous) % 2 else lenient
        found[title] = leaks(outcome(kind, client, title, descriptor))
    assert not {title: lines for title, lines in found.items() if lines}
    assert not leaks(repr(strict))
    assert len(caplog.records) > 50
    assert not leaks(logged(caplog))


@pytest.mark.parametrize("number", range(len(FAILURES)), ids=FAILURES)
def test_no_call_of_the_management_api_leaks(
    kind: Kind, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = log(kind, number, monkeypatch, caplog)
    name, failing = list(FAILURES.items())[number]
    strict = client_of(kind, kind.management, failing, token=canary(), strict=True, plugins=plugins)
    lenient = client_of(kind, kind.management, failing, token=canary(), plugins=plugins)
    # Half of the methods in one world, half in the other; of failures that no model reads each has a third.
    step = 2 if name in READ_BY_MODELS else 6
    found: dict[str, list[str]] = {}
    for place, (title, descriptor) in enumerate(MANAGEMENT.items()):
        if (place + number + kind.asynchronous * step // 2) % step == 0:
            client = strict if (place // step) % 2 else lenient
            found[title] = leaks(outcome(kind, client, title, descriptor))
    assert len(found) >= len(MANAGEMENT) // step
    assert not {title: lines for title, lines in found.items() if lines}
    assert len(caplog.records) > 50
    assert not leaks(logged(caplog))


def log(
    kind: Kind, number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> list[Any]:
    """Log lines in one world and details in the other, the other way round at the next failure."""
    caplog.set_level(logging.DEBUG)
    return logging_plugins(monkeypatch, details=kind.asynchronous == bool(number % 2))


def test_all_methods_are_called() -> None:
    assert len(AUTHENTICATION) > 40
    assert len(MANAGEMENT) > 480
    with_secrets = [
        title for title, each in {**AUTHENTICATION, **MANAGEMENT}.items() if CANARY in str(arguments(each))
    ]
    assert len(with_secrets) > 300


def failed(kind: Kind, call: Callable[[], Any]) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        kind.do(call)
    return told(caught.value)


def test_the_token_of_a_function_is_in_no_frame(kind: Kind) -> None:
    token = canary()

    async def fetch() -> str:
        return token

    client = client_of(
        kind, kind.management, FAILURES["no connection"], token=fetch if kind.asynchronous else lambda: token
    )
    assert not leaks(failed(kind, lambda: client.users.get("1")))


def test_the_file_of_an_import_is_in_no_frame(kind: Kind) -> None:
    client = client_of(kind, kind.management, FAILURES["no connection"], token=canary())
    rows = f'[{{"password": "{canary()}"}}]'.encode()
    assert not leaks(failed(kind, lambda: client.jobs.import_users(users=rows, connection_id="con_1")))


def test_a_refused_import_of_many_rows_says_why_and_nothing_of_them(kind: Kind) -> None:
    client = client_of(kind, kind.management, FAILURES["400 that quotes a form"], token=canary())
    rows = f'[{{"picture": "https://h/?{"&a=b" * 2000}", "password": "{canary()}"}}]'.encode()
    said = failed(kind, lambda: client.jobs.import_users(users=rows, connection_id="con_1"))
    assert "POST /jobs/users-imports answered 400" in said
    assert not leaks(said)


EDITED = {"client_secret": "x", "password": canary()}


@pytest.mark.parametrize("failing", ["400 that quotes a form", "500", "no connection", "no answer in time"])
def test_the_options_that_an_edit_changes_are_in_no_frame(kind: Kind, failing: str) -> None:
    client = client_of(kind, kind.management, FAILURES[failing], token=canary())
    assert not leaks(failed(kind, lambda: client.connections.edit("con_1", EDITED)))


@pytest.mark.parametrize("failing", ["a broken transport", "200 with half of its JSON"])
def test_the_options_are_in_no_frame_of_a_failure_that_is_not_ours(kind: Kind, failing: str) -> None:
    client = client_of(kind, kind.management, FAILURES[failing], token=canary())
    assert not leaks(failed(kind, lambda: client.connections.edit("con_1", EDITED)))
