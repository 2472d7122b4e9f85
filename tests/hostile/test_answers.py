"""Whatever a server answers becomes a result or an error of ours, and no request to another place."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from anyauth0 import ApiError, Auth0Error, InvalidArgumentError, Page, RateLimit, Response

from ..core.fakes import DOMAIN, KINDS, Kind
from .test_tokens_and_keys import ODD_JSON, mutations

USER = {
    "user_id": "auth0|1", "email": "a@example.com", "email_verified": True,
    "created_at": "2026-01-02T03:04:05Z",
    "identities": [{"connection": "c", "user_id": "1", "provider": "auth0", "isSocial": False}],
    "user_metadata": {"a": {"b": [1, 2.5, None]}}, "logins_count": 3,
}  # fmt: skip
PASSWORD_RULES = {"code": "invalid_password", "description": {"rules": [
    {"message": "At least %d characters %s", "format": [8, "x"], "verified": False}], "verified": False},
}  # fmt: skip
BODIES = [
    msgspec.json.encode(value)
    for value in (
        USER, [USER] * 3, {"users": [USER] * 2, "total": 2, "start": 0, "limit": 50, "length": 2},
        {"access_token": "at", "token_type": "Bearer", "expires_in": 86400, "scope": "a b"},
        {"error": "invalid_grant", "error_description": "Wrong email or password."}, PASSWORD_RULES,
        {"statusCode": 403, "error": "Forbidden", "message": "m", "errorCode": "insufficient_scope"},
        {"error": "mfa_required", "mfa_token": "t", "mfa_requirements": {"challenge": [{"type": "otp"}]}},
    )
]  # fmt: skip
CALLS: dict[str, Callable[[Any, Any], Any]] = {
    "a user": lambda management, _: management.users.get("a"),
    "a page": lambda management, _: management.users.get_all(include_totals=True),
    "a write": lambda management, _: management.users.update("a", name="b"),
    "tokens": lambda _, auth: auth.oauth.client_credentials_grant(audience="api"),
    "a profile": lambda _, auth: auth.user_info.get("t"),
    "a challenge": lambda _, auth: auth.mfa.challenge(mfa_token="t"),
}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*USER, "users", "total", "error", "rules", "code"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
bodies = (
    st.sampled_from(BODIES).flatmap(mutations)
    | st.sampled_from(ODD_JSON)
    | st.tuples(
        st.sampled_from([USER, PASSWORD_RULES]), st.sampled_from([*USER, *PASSWORD_RULES]), json_values
    ).map(lambda each: dumped({**each[0], each[1]: each[2]}))
)
names = st.sampled_from([
    "content-type", "retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset",
    "auth0-client-quota-limit", "set-cookie", "location", "x-auth0-requestid", "dpop-nonce",
])  # fmt: skip
NUMBERS = [
    "-1",
    "1e9",
    "NaN",
    "\u00b2",
    "\u0661",
    "9" * 5_000,
    " 1 ",
    "b=per_hour;q=1;r=;t",
    "=;,=",
    "Bearer x=",
]
headers = st.dictionaries(names, st.text() | st.sampled_from(NUMBERS), max_size=4)


def dumped(value: Any) -> bytes:
    import json

    # As careless servers write it: NaN, halves of surrogate pairs.
    return json.dumps(value).encode()


@settings(max_examples=100)
@given(
    st.sampled_from([200, 201, 202, 204, 301, 400, 401, 403, 404, 409, 418, 429, 500, 599]), bodies, headers
)
@example(200, b'{"email_verified": "\\ud800", "identities": "\\udfff"}', {})
@example(200, b"[" * 100_000 + b"]" * 100_000, {})
@example(400, dumped({"description": {"rules": [{"message": "%s" * 500, "format": ["%s"] * 500}]}}), {})
def test_whatever_a_server_answers_is_a_result_or_an_error_of_ours(
    status: int, body: bytes, named: dict[str, str]
) -> None:
    response = Response(status=status, headers=named, body=body)
    given: dict[str, Any] = {"domain": DOMAIN, "transport": lambda _: response, "retry": False}
    auth = KINDS[0].authentication(client_id="app", client_secret="s" * 40, **given)
    management = KINDS[0].management(token="t", **given)
    for call in CALLS.values():
        try:
            answer = call(management, auth)
            assert isinstance(answer.rate_limit, RateLimit)
            assert repr(answer.data) + repr(answer.anomalies)
            if isinstance(answer.data, Page):
                assert list(answer.data) == answer.data.items
        except Auth0Error as error:
            sound(error)


def sound(error: Auth0Error) -> None:
    """Assert that an error may be shown, and that what it knows of the answer can be read."""
    assert len(str(error)) <= 300
    assert str(error).isprintable()
    assert repr(error)
    if isinstance(error, ApiError):
        assert isinstance(error.rate_limit, RateLimit)
        assert repr(error.body()) + repr(getattr(error, "retry_after", None))


@pytest.mark.parametrize("kind", KINDS, ids=repr)
@pytest.mark.parametrize(
    "location", [f"https://{DOMAIN}@evil.example/", "//evil.example/", "/x", "\r\nX: y", "http://["]
)
def test_no_answer_sends_a_request_to_another_place(kind: Kind, location: str) -> None:
    for status in (301, 302, 303, 307, 308, 401, 429):
        transport = kind.transport(otherwise=Response(status=status, headers={"location": location}))
        for client in (
            kind.management_client(transport),
            kind.management(
                domain=DOMAIN, transport=transport, client_id="a", client_secret="s", retry=False
            ),
        ):
            with pytest.raises(ApiError):
                kind.do(lambda client=client: client.users.get("a"))
        assert {urlsplit(url).netloc for url in transport.urls} == {DOMAIN}


PLACES = (
    "http://[",
    "https://[",
    "file:///etc/passwd",
    "http://169.254.169.254/",
    "//x",
    "",
    "https://\u2100/",
)


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_a_file_is_fetched_over_tls_only_and_without_a_token(kind: Kind) -> None:
    def download(location: str, transport: Any) -> Any:
        return kind.collect(kind.management_client(transport).jobs.download(location))

    part = Response(status=206, headers={"content-range": "bytes 0-2/3"}, body=b"{}\n")
    for location in PLACES:
        transport = kind.transport(otherwise=part)
        with pytest.raises(InvalidArgumentError):
            download(location, transport)
        assert transport.requests == []
    transport = kind.transport(otherwise=part)
    assert download("https://files.example/x", transport) == [{}]
    assert {name for request in transport.requests for name in request.headers} == {
        "accept-encoding",
        "range",
    }


def test_a_range_of_five_thousand_digits_is_an_error_of_ours() -> None:
    part = Response(status=206, headers={"content-range": "bytes 0-2/" + "9" * 5_000}, body=b"{}\n")
    management = KINDS[0].management_client(KINDS[0].transport(otherwise=part))
    with pytest.raises(Auth0Error):
        list(management.jobs.download("https://files.example/x"))
