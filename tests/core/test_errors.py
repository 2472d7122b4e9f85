"""What errors know beside what promises 5 and 14 prove: the body, the headers, and how they are pickled."""

import pickle
from typing import Any

import pytest

import anyauth0
from anyauth0 import (
    ApiError,
    Auth0Error,
    ConfigurationError,
    DecodingError,
    IdTokenError,
    InvalidArgumentError,
    ManagementApiError,
    PageLimitReached,
    RateLimited,
    Response,
    TransportError,
    TransportTimeout,
)
from anyauth0.errors import api_error

from .fakes import json

M = ManagementApiError


def error_of(family: type[ApiError], status: int, body: Any, **headers: str) -> ApiError:
    response = Response(status=status, body=body) if isinstance(body, bytes) else json(body, status)
    named = {**response.headers, "x-auth0-requestid": "req1", **headers}
    response = Response(status=status, headers=named, body=response.body)
    return api_error(family, response, call="PATCH /things/{id}")


def test_the_body_is_on_the_error_itself() -> None:
    assert error_of(M, 400, {"a": 1}).body() == {"a": 1}
    assert error_of(M, 400, b"<html>\xff").body() == "<html>\ufffd"
    assert error_of(M, 400, b"").body() is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), (" 0 ", 0.0), ("", None), ("-1", None), ("x", None), ("9" * 50, None)]
)
def test_retry_after_is_read_where_it_is_a_number(text: str, seconds: float | None) -> None:
    error = error_of(M, 429, {}, **{"retry-after": text})
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


def test_retry_after_is_read_where_it_is_a_date_by_the_clock_of_the_server() -> None:
    dates = {"retry-after": "Tue, 24 Nov 2026 12:00:30 GMT", "date": "Tue, 24 Nov 2026 12:00:00 GMT"}
    error = error_of(M, 429, {}, **dates)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 30.0
    past = error_of(M, 429, {}, **{**dates, "date": "Tue, 24 Nov 2026 13:00:00 GMT"})
    assert isinstance(past, RateLimited)
    assert past.retry_after == 0.0
    alone = error_of(M, 429, {}, **{"retry-after": dates["retry-after"]})
    assert isinstance(alone, RateLimited)
    assert alone.retry_after is None


def test_an_error_knows_its_headers_but_not_the_cookies() -> None:
    error = error_of(M, 429, {}, **{"x-ratelimit-remaining": "0", "set-cookie": "canary"})
    assert error.rate_limit.remaining == 0
    assert "set-cookie" not in error.headers


def test_other_errors_can_be_pickled_with_what_they_know() -> None:
    errors: list[Auth0Error] = [
        Auth0Error("x"),
        ConfigurationError("domain", "x"),
        InvalidArgumentError("id", "x"),
        TransportError("x", request_sent=True),
        TransportTimeout("x", request_sent=False),
        DecodingError("x"),
        IdTokenError("nonce", "x", expected="a", found="b"),
        PageLimitReached("x", received=1, total=None),
    ]
    for error in errors:
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (again.args, vars(again)) == (error.args, vars(error))


def test_every_exception_is_an_auth0_error_and_cuts_its_message() -> None:
    for name in anyauth0.__all__:
        found = getattr(anyauth0, name)
        if isinstance(found, type) and issubclass(found, Exception):
            assert issubclass(found, Auth0Error)
    assert len(str(Auth0Error("word " * 500))) == 300
    assert str(Auth0Error("a\n b\t\x1b[31mc")) == "a b [31mc"
