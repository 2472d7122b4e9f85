"""Hostile text in arguments stays what it is, or is refused by name: it adds nothing to a request."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from hypothesis import assume, settings
from hypothesis import given as for_all
from hypothesis import strategies as st

from anyauth0 import (
    AuthenticationClient,
    AuthorizationRequest,
    InvalidArgumentError,
    ManagementClient,
    Request,
)
from anyauth0.endpoint import EndpointFacts
from anyauth0.management._tree import Tree

from ..core.fakes import DOMAIN, KINDS, Kind, json

SHORT = (
    "", " ", "\t", "\u3000", ".", "..", "../../oauth/token", "a/../b", "a/b", "/", "//evil.example",
    "\\..\\x", "%2f", "%2F..%2f", "%00", "%0d%0aX: y", "a?admin=true", "?", "a#b", "#", "a;b=c", "a&b=c",
    "a=b", "a\r\nX-Injected: yes", "a\nb", "a\rb", "\x00", "a\x00b", "\x7f", "\x85", "\u2028", "\u202e",
    "\ud800", "\udfff", "a\ud83d", "{id}", "{", "name}", "@evil.example", "http://evil.example/", "é",
    "\uff0f", "\uff0e\uff0e", "\u2100", "\U0010ffff", "+", "a b", '"', "'", "<script>",
)  # fmt: skip
"""Ways out of a segment, a query, a header or a line, and text that is merely odd."""
HOSTILE = (*SHORT, "a" * 10_000, "/" * 10_000, "../" * 3_000, "auth0|" + "é" * 2_000)
"""The same, and text that is long."""


class World:
    """A management client of one kind, what it has sent, and what came of many calls in one go."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.transport = kind.transport()
        self.client = kind.management_client(self.transport)

    def method(self, endpoint: EndpointFacts[..., Any]) -> Callable[..., Any]:
        resource, _, name = endpoint.title.partition(".")
        return getattr(getattr(self.client, resource), name)  # type: ignore[no-any-return]

    def outcomes(self, calls: list[Callable[[], Any]]) -> list[Request | InvalidArgumentError]:
        """Make each call; return the one request that it sent, or how it was refused."""

        async def main() -> None:
            for call in calls:
                self.transport.requests.clear()
                try:
                    outcome = call()
                    if inspect.isawaitable(outcome):
                        await outcome
                except InvalidArgumentError as error:
                    assert self.transport.requests == []
                    found.append(error)
                else:
                    (request,) = self.transport.requests
                    found.append(request)

        found: list[Request | InvalidArgumentError] = []
        if self.kind.asynchronous:
            asyncio.run(main())
        else:
            with pytest.raises(StopIteration):
                main().send(None)
        return found


def endpoints() -> Iterator[EndpointFacts[..., Any]]:
    with ManagementClient(domain=DOMAIN, token="t", transport=lambda _: json({})) as client:
        for name, each in vars(Tree).items():
            if isinstance(each, property):
                resource = type(getattr(client, name))
                found = (getattr(resource, method) for method in dir(resource) if method[0] != "_")
                yield from (facts for facts in found if isinstance(facts, EndpointFacts))


ENDPOINTS = {f"{each.method} {each.path}": each for each in endpoints()}
WITH_PATH = [title for title in ENDPOINTS if "{" in title]
WORLDS = [World(kind) for kind in KINDS]


def turns(titles: list[str]) -> list[Any]:
    """Return cases: each endpoint in one of the worlds, which are alike, and every 15th with long texts."""
    return [
        pytest.param(
            WORLDS[turn % 2], title, HOSTILE if turn % 15 == 0 else SHORT, id=f"{title}-{KINDS[turn % 2]}"
        )
        for turn, title in enumerate(titles)
    ]


def needed(endpoint: EndpointFacts[..., Any]) -> dict[str, Any]:
    """Return harmless keywords for what a call cannot do without."""
    signature = inspect.signature(endpoint.function)
    by_name = ("KEYWORD_ONLY", "POSITIONAL_OR_KEYWORD")
    given = [each for each in signature.parameters.values() if each.kind.name in by_name]
    names = [each.name for each in given if each.default is each.empty and each.name != "self"]
    names += [name.removesuffix(" (needed)") for name in endpoint.arguments.fields if " " in name]
    return dict.fromkeys(names, "x")


def squeezed(name: str) -> str:
    """Return a name without what differs between Python and the API."""
    return name.replace("_", "").lower()


def places(endpoint: EndpointFacts[..., Any]) -> list[tuple[int, str]]:
    """Return where the parameters of a path are among its segments, and their names."""
    segments = f"/api/v2{endpoint.path}".split("/")
    return [(place, text.strip("{}")) for place, text in enumerate(segments) if text.startswith("{")]


def test_every_operation_is_among_the_endpoints_that_are_tried() -> None:
    assert len(ENDPOINTS) > 480
    assert len(WITH_PATH) > 250
    for world in WORLDS:
        assert all(callable(world.method(endpoint)) for endpoint in ENDPOINTS.values())


@pytest.mark.parametrize(("world", "title", "texts"), turns(WITH_PATH))
def test_a_hostile_id_stays_in_its_segment_or_is_refused_by_name(
    world: World, title: str, texts: tuple[str, ...]
) -> None:
    endpoint = ENDPOINTS[title]
    method, keywords, where = world.method(endpoint), needed(endpoint), places(endpoint)
    (usual,) = world.outcomes([lambda: method(*["plain"] * len(where), **keywords)])
    assert isinstance(usual, Request)
    address = urlsplit(usual.url)
    for turn, (place, name) in enumerate(where):
        given = [["plain"] * turn + [text] + ["plain"] * (len(where) - turn - 1) for text in texts]
        calls = [lambda values=values: method(*values, **keywords) for values in given]
        for text, outcome in zip(texts, world.outcomes(calls), strict=True):
            if isinstance(outcome, InvalidArgumentError):
                assert outcome.argument == name
                assert len(str(outcome)) <= 300
                continue
            found = urlsplit(outcome.url)
            segments = found.path.split("/")
            assert unquote(segments.pop(place)) == text
            assert text.strip() not in ("", ".", "..")
            expected = address.path.split("/")
            del expected[place]
            assert segments == expected
            assert found._replace(path="") == address._replace(path="")
            assert outcome.url.isascii()
            assert (outcome.headers, outcome.body) == (usual.headers, usual.body)


@pytest.mark.parametrize(
    ("world", "title", "texts"),
    turns([title for title in ENDPOINTS if title.startswith("GET ") and title != "GET /events"]),
)
def test_a_hostile_query_value_comes_out_as_it_went_in_or_is_refused_by_name(
    world: World, title: str, texts: tuple[str, ...]
) -> None:
    endpoint = ENDPOINTS[title]
    method, path = world.method(endpoint), ["plain"] * len(places(endpoint))
    signature = inspect.signature(endpoint.function)
    names = [each.name for each in signature.parameters.values() if each.kind is each.KEYWORD_ONLY]
    calls = [lambda text=text: method(*path, **dict.fromkeys(names, text)) for text in texts]
    (usual,) = world.outcomes([lambda: method(*path, **needed(endpoint))])
    assert isinstance(usual, Request)
    for text, outcome in zip(texts, world.outcomes(calls), strict=True):
        if isinstance(outcome, InvalidArgumentError):
            # Some are named as the API has them (`triggerId`).
            assert squeezed(outcome.argument) in map(squeezed, names)
            assert "\ud800" <= max(text) <= "\udfff"
            continue
        found = parse_qsl(urlsplit(outcome.url).query, keep_blank_values=True)
        assert [value for _, value in found] == [text] * len(names)
        assert outcome.url.partition("?")[0] == usual.url.partition("?")[0]
        assert outcome.url.isascii()
        assert not set(outcome.url) & set(" \r\n\0")
        assert outcome.headers == usual.headers


any_text = st.text(st.characters()) | st.sampled_from(HOSTILE)
keywords = st.dictionaries(any_text, any_text | st.integers() | st.just(10**5000), max_size=3)


def sendable(name: str, value: object) -> bool:
    """Say whether a query has a word for it: no half of a surrogate pair, no number of 5000 digits."""
    texts = f"{name}{value if isinstance(value, str) else ''}"
    return not any("\ud800" <= letter <= "\udfff" for letter in texts) and value != 10**5000


def asked(
    auth: AuthenticationClient, parameters: dict[str, Any]
) -> AuthorizationRequest | InvalidArgumentError:
    try:
        return auth.authorize(redirect_uri="https://app.example/back", **parameters)
    except InvalidArgumentError as error:
        return error


@settings(max_examples=100)
@for_all(keywords)
def test_a_hostile_parameter_of_an_authorization_request_adds_nothing(parameters: dict[str, Any]) -> None:
    with AuthenticationClient(domain=DOMAIN, client_id="app", transport=lambda _: json({})) as auth:
        ours = ("state", "nonce", "scope", "redirect_uri")
        assume(not parameters.keys() & {*ours, *inspect.signature(auth.authorize).parameters})
        refused = [name for name, value in parameters.items() if not sendable(name, value)]
        request = asked(auth, parameters)
    if isinstance(request, InvalidArgumentError):
        # A name may be nearly that of a known one, too.
        assert request.argument in (parameters if "did you mean" in str(request) else refused)
        return
    assert not refused
    address = urlsplit(request.url)
    assert (address.netloc, address.path, address.fragment) == (DOMAIN, "/authorize", "")
    found = dict(parse_qsl(address.query, keep_blank_values=True))
    assert {name: found[name] for name in parameters} == {
        name: str(text) for name, text in parameters.items()
    }
    assert found.keys() - parameters.keys() == {
        *ours, "client_id", "response_type", "code_challenge", "code_challenge_method",
    }  # fmt: skip
