"""Hostile domains and headers are refused when a client is built, or before anything is sent."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from anyauth0 import (
    AsyncAuthenticationClient,
    AuthenticationClient,
    ConfigurationError,
    InvalidArgumentError,
)

from ..core.fakes import DOMAIN, KINDS, Kind

GOOD = (
    "xn--a",
    "a:65535",
    f"{'a.' * 125}com:1",
    "a_b.example",
    "localhost:3000",
    "tenant.auth0.com",
    "127.0.0.1",
    "a-b.example",
)
"""Hosts alone, some with a port."""
REFUSED = (
    "user@evil.example", "tenant.auth0.com@evil.example", "a:b@c", "evil.example/", "evil.example/path",
    "https://a.b", "//evil.example", "evil.example?x", "evil.example#x", "evil.example\\x", "a..b", ".a",
    "a.", "tenant.auth0.com.", "a b", "a\tb", "a\r\nb", "a\nb", "a\n", "\x00", "a\x00.b", "[::1]", "::1",
    "[::1]:443", "a:b", "a:", "a:123456", "a:65536", "tenant\u3002auth0\u3002com", "tenant.auth0.com\u2044x",
    "\u0430uth0.com", "\u24d0uth0.com", "\ufb00.com", "\u0130.com", "\u212a.com", "\u017f.com", "xn--",
    "-a.com", "a-.com", "a" * 64 + ".com", "a." * 127 + "com", "a" * 1_000_000, "a." * 500_000, "%2e",
    "a%00b", "*.auth0.com", "a,b", "a;b", "", " ", ".", "\ud800",
)  # fmt: skip


# Both worlds read their options by the same function: what is refused takes turns.
@pytest.mark.parametrize(
    ("kind", "domain"),
    [
        *[(kind, domain) for kind in KINDS for domain in (*GOOD, "TENANT.auth0.com", *REFUSED[:20])],
        *[(KINDS[turn % 2], domain) for turn, domain in enumerate(REFUSED[20:])],
    ],
    ids=lambda given: repr(given) if isinstance(given, Kind) else ascii(given[:24]),
)
def test_a_hostile_domain_is_a_host_alone_or_is_refused(kind: Kind, domain: str) -> None:
    for option in ("domain", "custom_domain"):
        transport = kind.transport()
        given = {"domain": DOMAIN, option: domain, "token": "t", "transport": transport}
        if domain.lower() not in GOOD:
            with pytest.raises(ConfigurationError) as caught:
                kind.management(**given)
            assert caught.value.option == option
            assert len(str(caught.value)) <= 300
            continue
        client = kind.management(**given)
        kind.do(lambda client=client: client.users.get("a"))
        (request,) = transport.requests
        if option == "domain":
            assert request.url == f"https://{domain.lower()}/api/v2/users/a"
        else:
            assert urlsplit(request.url).netloc == DOMAIN
            assert request.headers["auth0-custom-domain"] == domain.lower()


HEADERS = ("a\r\nX: y", "a\nb", "a\rb", "\x00", "a\x7fb", "\x1b[31m", "名", "\u2028", "\ud800", "a\x0bb")


@pytest.mark.parametrize("value", HEADERS, ids=ascii)
@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_hostile_header_of_the_options_is_refused_when_the_client_is_built(kind: Kind, value: str) -> None:
    transport = kind.transport()
    for options in ({"headers": {"X-Fine": value}}, {"headers": {value: "fine"}}, {"correlation_id": value}):
        with pytest.raises(ConfigurationError) as caught:
            kind.management_client(transport, **options)
        assert caught.value.option in options
    client = kind.management_client(transport, correlation_id=lambda: value)
    with pytest.raises(ConfigurationError):
        kind.do(lambda: client.users.get("a"))
    with pytest.raises(ConfigurationError):
        kind.management_client(transport).with_options(headers={"X-Fine": value})
    assert transport.requests == []


@pytest.mark.parametrize("value", [*HEADERS, "é"], ids=ascii)
@pytest.mark.parametrize("client", [AuthenticationClient, AsyncAuthenticationClient])
def test_a_hostile_header_of_a_call_goes_to_no_server(client: Any, value: str) -> None:
    async def awaited(auth: Any, call: Callable[[Any], Any]) -> None:
        async with auth:
            await call(auth)

    def make(call: Callable[[Any], Any]) -> None:
        # Nobody listens there: what would be sent ends in another error than the one that is due.
        where: dict[str, Any] = {"domain": "localhost:1", "client_id": "app", "client_secret": "s"}
        auth = client(**where, retry=False)
        if client is AsyncAuthenticationClient:
            asyncio.run(awaited(auth, call))
            return
        with auth:
            call(auth)

    code: dict[str, Any] = {"email": "a@example.com", "send": "code"}
    for call in (
        lambda auth: auth.user_info.get(f"t{value}t"),
        lambda auth: auth.passwordless.send_email(**code, forwarded_for=f"1{value}1"),
        lambda auth: auth.passwordless.send_email(**code, language=f"e{value}n"),
    ):
        with pytest.raises(InvalidArgumentError) as caught:
            make(call)
        # The pipeline names the header; what it lets through, the transport may still refuse.
        named = {"authorization", "auth0-forwarded-for", "x-request-language"}
        assert caught.value.argument in (named if value in HEADERS else {"headers"})
        assert value not in str(caught.value)
