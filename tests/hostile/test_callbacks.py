"""A login is completed by the answer to the request that began it, whatever else a browser brings back."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anyauth0 import AuthorizationError, InvalidArgumentError, Request, Response
from anyauth0.authentication.authorization import AuthorizationRequest

from ..core.fakes import DOMAIN, KINDS, Kind

BACK = "https://app.example/back"
STATE = "s" * 32
ASKED = AuthorizationRequest(url="https://x/y", state=STATE, code_verifier="v" * 43, redirect_uri=BACK)
TOKENS = Response(status=200, body=b'{"access_token": "at", "token_type": "Bearer"}')


def completed(kind: Kind, callback: Any) -> list[Request]:
    """Complete a login by a callback; return what was sent for it."""
    transport = kind.transport(otherwise=TOKENS)
    auth = kind.authentication(domain=DOMAIN, client_id="app", transport=transport, retry=False)
    try:
        kind.do(lambda: auth.complete(ASKED, callback))
    except (AuthorizationError, InvalidArgumentError):
        assert transport.requests == []
    sent: list[Request] = transport.requests
    return sent


REFUSED = {
    "no state": "?code=c",
    "another state": f"?code=c&state={STATE}x",
    "a shorter state": f"?code=c&state={STATE[1:]}",
    "the state in another case": f"?code=c&state={STATE.upper()}",
    "two states": f"?code=c&state={STATE}&state=x",
    "two codes": f"?code=c&code=d&state={STATE}",
    "a code in query and fragment": f"?code=c#state={STATE}",
    "an encoded name": f"?code=c&%73tate={STATE}&state={STATE}",
    "a semicolon": f"?code=c;state={STATE}",
    "another issuer": f"?code=c&state={STATE}&iss=https://evil.example/",
    "an issuer twice": f"?code=c&state={STATE}&iss=https://{DOMAIN}/&iss=https://evil.example/",
    "an error beside a code": f"?code=c&error=access_denied&state={STATE}",
    "a blank code": f"?code=&state={STATE}",
    "a state of NULs": "?code=c&state=" + "%00" * 32,
    "a megabyte of parameters": "?" + "&".join(f"p{n}={n}" for n in range(90_000)),
    "a megabyte of one parameter twice": "?a=1&" + "a=1&" * 250_000 + f"code=c&state={STATE}",
    "a megabyte of state": "?code=c&state=" + "s" * 1_000_000,
    "a megabyte of percent": "?code=c&state=" + "%" * 1_000_000,
    "a megabyte of separators": "?" + "&" * 1_000_000,
}


# Both worlds read a callback by the same function: a megabyte in one of them is enough.
@pytest.mark.parametrize(
    ("kind", "query"),
    [
        pytest.param(kind, query, id=f"{name}-{kind}")
        for name, query in REFUSED.items()
        for kind in (KINDS[:1] if "megabyte" in name else KINDS)
    ],
)
def test_a_callback_that_is_not_the_answer_sends_nothing(kind: Kind, query: str) -> None:
    assert completed(kind, BACK + query) == []


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_the_host_of_a_callback_and_what_else_is_in_it_decide_nothing(kind: Kind) -> None:
    for address in (
        f"{BACK}?code=c&state={STATE}",
        f"https://evil.example/?code=c&state={STATE}",
        f"code=c&state={STATE}",
        f"{BACK}?code=c&state={STATE}&x={'y' * 1_000_000}",
    ):
        (request,) = completed(kind, address)
        assert request.url == f"https://{DOMAIN}/oauth/token"
        assert b"redirect_uri=https%3A%2F%2Fapp.example%2Fback" in (request.body or b"")


@settings(max_examples=100)
@given(
    st.sampled_from([BACK, "", "//x", "x:", "?"]),
    st.lists(
        st.tuples(st.sampled_from(["code", "state", "iss", "error", "x"]), st.text() | st.just(STATE)),
        max_size=5,
    ),
    st.text(),
)
def test_only_the_state_that_was_sent_and_one_code_send_a_request(
    start: str, pairs: list[tuple[str, str]], rest: str
) -> None:
    query = "&".join(f"{name}={quote(value)}" for name, value in pairs)
    for request in completed(KINDS[0], f"{start}?{query}#{rest}"):
        found = dict(pairs)
        assert (found["state"], len(found)) == (STATE, len(pairs))
        assert f"code={quote(found['code'], safe='').replace('%20', '+')}" in (request.body or b"").decode()


UNREADABLE = {
    "an address that is none": f"https://[?code=c&state={STATE}",
    "a host of odd letters": f"https://\u2100/?code=c&state={STATE}",
    "half a surrogate pair as state": "?code=c&state=\ud800",
}


@pytest.mark.parametrize("callback", UNREADABLE.values(), ids=UNREADABLE)
def test_a_callback_that_is_no_address_is_refused_too(callback: str) -> None:
    assert completed(KINDS[0], callback) == []
