"""The values that travel: they show nothing, and read what servers say without trusting it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import ApiResponse, Quota, Quotas, RateLimit, Request, Response

from .fakes import json


def test_a_request_shows_neither_query_nor_headers_nor_body() -> None:
    request = Request(
        method="POST",
        url="https://t.auth0.com/a?code=canary",
        headers={"authorization": "Bearer canary"},
        body=b"canary",
    )
    assert repr(request) == "<Request POST https://t.auth0.com/a (6 bytes)>"
    assert "canary" not in str(request)


def test_a_response_shows_neither_headers_nor_body() -> None:
    response = Response(status=200, headers={"set-cookie": "canary"}, body=b"canary")
    assert repr(response) == "<Response 200 (6 bytes)>"
    assert repr(ApiResponse(response, lambda r: (r, ()))) == "<ApiResponse 200 (6 bytes)>"


def test_added_headers_are_lower_cased_and_replace_and_leave_the_first_request_alone() -> None:
    request = Request(method="GET", url="https://t/", headers={"accept": "text/html", "foo": "1"})
    changed = request.with_headers({"Accept": "application/json", "Bar": "2"})
    assert changed.headers == {"accept": "application/json", "foo": "1", "bar": "2"}
    assert request.headers == {"accept": "text/html", "foo": "1"}


def test_requests_and_responses_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Request(method="GET", url="https://t/").method = "POST"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        Response(status=200).status = 500  # type: ignore[misc]


@given(st.integers(0, 10**18))
def test_every_sane_number_of_a_rate_limit_is_read(number: int) -> None:
    headers = {f"x-ratelimit-{name}": str(number) for name in ("limit", "remaining", "reset")}
    assert RateLimit.from_headers(headers) == RateLimit(limit=number, remaining=number, reset=number)


@given(st.text())
def test_whatever_a_rate_limit_says_it_is_read_without_an_error(text: str) -> None:
    found = RateLimit.from_headers({"x-ratelimit-limit": text}).limit
    assert found is None or int(text.strip()) == found


@pytest.mark.parametrize("text", ["", " ", "-1", "1.5", "\u0663", "\u00b2", "1e3", "9" * 5000, "none"])
def test_what_is_no_whole_number_is_none(text: str) -> None:
    assert RateLimit.from_headers({"x-ratelimit-remaining": text}) == RateLimit()


def test_an_answer_is_decoded_when_first_asked_for_and_once() -> None:
    decoded: list[Response] = []

    def decode(response: Response) -> tuple[str, tuple[()]]:
        decoded.append(response)
        return "model", ()

    answer = ApiResponse(json({"a": 1}, x_ratelimit_limit="10"), decode)
    assert (answer.status, answer.rate_limit.limit, answer.json()) == (200, 10, {"a": 1})
    assert not decoded
    assert (answer.data, answer.data, answer.anomalies) == ("model", "model", ())
    assert len(decoded) == 1


def test_the_body_as_it_came_is_none_when_empty_and_an_error_when_it_is_not_json() -> None:
    assert ApiResponse(Response(status=204), lambda r: (None, ())).json() is None
    with pytest.raises(ValueError, match="JSON"):
        ApiResponse(Response(status=200, body=b"<html>"), lambda r: (None, ())).json()


def test_the_token_quotas_are_read() -> None:
    headers = {
        "auth0-client-quota-limit": "b=per_hour;q=100;r=99;t=1,b=per_day;q=300;r=299;t=86400",
        "auth0-organization-quota-limit": "b=per_day;q=10;r=0;t=2",
    }
    found = RateLimit.from_headers(headers)
    assert found.client_quota == Quotas(
        per_hour=Quota(quota=100, remaining=99, reset_after=1),
        per_day=Quota(quota=300, remaining=299, reset_after=86400),
    )
    assert found.organization_quota == Quotas(per_day=Quota(quota=10, remaining=0, reset_after=2))
    assert (found.limit, RateLimit.from_headers({}).client_quota) == (None, None)


@given(st.text())
def test_whatever_a_quota_says_it_is_read_without_an_error(text: str) -> None:
    found = RateLimit.from_headers({"auth0-client-quota-limit": text}).client_quota
    assert (found is None) is not bool(text)


@pytest.mark.parametrize("text", ["b=per_hour", "b=per_hour;q=x;r=;t", "b=per_hour;;=;q", "b=per_week;q=1"])
def test_a_quota_that_says_little_is_empty(text: str) -> None:
    found = Quotas.from_header(text)
    assert found is not None
    assert found.per_hour in (None, Quota())
    assert found.per_day is None
