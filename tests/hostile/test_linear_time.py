"""Four times the text is four times the work, which is counted: calls, and the length that each goes over."""

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec
import pytest

from anyauth0 import (
    ApiError,
    Auth0Error,
    ManagementApiError,
    RateLimit,
    Response,
    TransportError,
    parse_timestamp,
)
from anyauth0.decoding import Shape, decode
from anyauth0.errors import RateLimited, api_error
from anyauth0.jose import base64url_decode, load_private_key, parse_token
from anyauth0.management.users import User
from anyauth0.options import check_domain
from anyauth0.redaction import redacted, without
from anyauth0.sse import Parser
from anyauth0.verification import TokenError

from .test_callbacks import ASKED, KINDS, completed
from .test_tokens_and_keys import DOMAIN, KEY_SET, token, verifier


def work(call: Callable[[], Any]) -> int:
    """Return how much a call did: each call within it, and the length of what a built-in method went over."""
    done = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal done
        if event == "call":
            done += 1
        elif event == "c_call":
            owner = getattr(argument, "__self__", None)
            # Adding at the end goes over nothing; since 3.12 `urllib.parse.unquote` does so.
            if isinstance(owner, bytearray) and argument.__name__ in ("append", "extend"):
                owner = None
            done += 1 + (len(owner) if isinstance(owner, str | bytes | bytearray) else 0)

    before, started = sys.getprofile(), time.perf_counter()
    sys.setprofile(count)
    try:
        call()
    except Auth0Error:
        pass
    finally:
        sys.setprofile(before)
    if (seconds := time.perf_counter() - started) > 2:
        print(f"this took {seconds:.1f} s; look whether that is the machine")
    return done


def feed(data: bytes, size: int) -> None:
    parser = Parser()
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])


def request(value: str, name: str = "Authorization") -> None:
    verifier(KINDS[0], lambda _: KEY_SET, [DOMAIN]).verify_request(
        "GET", "https://a.example/", [(name, value)]
    )


def keys(body: bytes, cache: str = "") -> None:
    answer = Response(status=200, headers={"cache-control": cache}, body=body)
    verifier(KINDS[0], lambda _: answer, [DOMAIN]).verify(token())


def refusal(body: Any, **headers: str) -> ApiError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(status=429, headers=named, body=msgspec.json.encode(body))
    return api_error(ManagementApiError, response, call="GET /x")


def retry_after(text: str) -> Any:
    error = refusal({}, retry_after=text)
    assert isinstance(error, RateLimited)
    return error.retry_after


SHAPE = Shape(endpoint="GET /users", items="users")


def answer(text: bytes) -> Any:
    return decode(list[User], Response(status=200, body=text), SHAPE)


PARSERS: dict[str, Callable[[int], Any]] = {
    "base64url": lambda n: base64url_decode("-_" * n),
    "base64url that ends badly": lambda n: base64url_decode("A" * n + "="),
    "the dots of a token": lambda n: parse_token("." * n, ["RS256"]),
    "the parts of a token": lambda n: parse_token("eyJh." * 5 + "e" * n, ["RS256"]),
    "a key file": lambda n: load_private_key("-----BEGIN PRIVATE KEY-----\n" + "A\n" * n),
    "a domain of dots": lambda n: check_domain("domain", "a." * n),
    "a domain of dashes": lambda n: check_domain("domain", "a-" * n),
    "rate limits": lambda n: RateLimit.from_headers(dict.fromkeys(["x-ratelimit-limit"], "9" * n)),
    "quotas": lambda n: RateLimit.from_headers({"auth0-client-quota-limit": "b=per_hour;q=1," * n}),
    "retry-after": lambda n: retry_after("9" * n),
    "cache-control": lambda n: keys(KEY_SET.body, "max-age  " * n + "max-age" + " " * n),
    "a key set of many": lambda n: keys(b'{"keys": [' + b'{"kty": "RSA"},' * n + b"{}]}"),
    "schemes": lambda n: request("Bearer " * n),
    "spaces": lambda n: request("Bearer" + " " * n + "\t"),
    "the equals signs of a token": lambda n: request("Bearer a" + "=" * n + "."),
    "a URL of dots": lambda n: request("DPoP a" + "/../" * n),
    "events at once": lambda n: feed(b"id: 1\ndata: {}\n\n" * n, 1 << 20),
    "events byte by byte": lambda n: feed(b"id: 1\ndata: {}\n\n" * (n // 10), 1),
    "one long line byte by byte": lambda n: feed(b"data: " + b"x" * n, 1),
    "line ends": lambda n: feed(b"\r" * n + b"\r\n" * n, 7),
    "comments": lambda n: feed(b":" + b"x:" * n + b"\n" + b":\n" * n, 64),
    "a fraction": lambda n: parse_timestamp("2026-01-02T03:04:05." + "1" * n),
    "fractions": lambda n: parse_timestamp(".1" * n),
    "parameters": lambda n: completed(KINDS[0], "&".join(f"p{i}=1" for i in range(n))),
    "percent": lambda n: completed(KINDS[0], f"code={'%41' * n}&state={ASKED.state}"),
    "odd records": lambda n: answer(b"[" + b'{"user_id": 5},' * n + b"1]"),
    "odd numbers": lambda n: answer(b'[{"logins_count": ' + b"9" * n + b"}]"),
    "half a list": lambda n: answer(b"[" * n),
    "an error description": lambda n: str(refusal({"error_description": "key: 'a' Bearer x=" * n})),
    "an error header": lambda n: refusal({}, x_said='a":"b eyJ.' * n),
    "what was sent": lambda n: without("a" * n, b"&".join(b"token=abcd%d" % i for i in range(n // 100))),
    "what is redacted": lambda n: redacted("Basic abc1 ?a=b eyJ-.- -----BEGIN PRIVATE KEY-----" * n),
}


@pytest.mark.parametrize("parse", PARSERS.values(), ids=PARSERS)
def test_four_times_the_text_is_four_times_the_work(parse: Callable[[int], Any]) -> None:
    parse_quietly(parse)
    small, large = work(lambda: parse(1_000)), work(lambda: parse(4_000))
    assert large <= 5 * small + 2_000


def parse_quietly(parse: Callable[[int], Any]) -> None:
    # What is imported or kept at the first time is no work of a parser.
    try:
        parse(10)
    except (Auth0Error, TokenError, TransportError):
        return


def test_the_password_rules_of_an_error_are_linear_work_too() -> None:
    def parse(n: int) -> Any:
        return refusal({"description": {"rules": [{"message": "%s" * n, "format": ["x"] * n}]}})

    small, large = work(lambda: parse(1_000)), work(lambda: parse(4_000))
    assert large <= 5 * small + 2_000


def test_work_that_grows_by_the_square_is_found() -> None:
    def square(n: int) -> None:
        text = "%s" * n
        for _ in range(n):
            text = text.replace("%s", "x", 1)

    assert work(lambda: square(4_000)) > 5 * work(lambda: square(1_000)) + 2_000
