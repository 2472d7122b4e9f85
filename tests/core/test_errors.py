"""Promises 14 and 5: errors say why, shortly, and never with a secret in them."""

# ruff: noqa: E501 - a table of bodies is read best with one in a line
import copy
import pickle
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anyauth0
from anyauth0 import (
    ApiError,
    Auth0Error,
    AuthenticationApiError,
    BadRequest,
    ConfigurationError,
    Conflict,
    DecodingError,
    Forbidden,
    IdTokenError,
    InvalidArgumentError,
    ManagementApiError,
    NotFound,
    PageLimitReached,
    RateLimited,
    Response,
    ServerError,
    TransportError,
    TransportTimeout,
    Unauthorized,
)
from anyauth0.errors import api_error

from .fakes import DOMAIN, Kind, json, things

A, M = AuthenticationApiError, ManagementApiError
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ"
RULES = {
    "rules": [
        {"message": "At least %d characters in length", "format": [8], "code": "lengthAtLeast", "verified": False},
        {"message": "Contain at least %d of the following %d types of characters:", "format": [3, 4],
         "verified": False},
        {"message": "No more than %d identical characters in a row (e.g., \"%s\" not allowed)",
         "format": [2, "aaa"], "verified": True},
    ],
    "verified": False,
}  # fmt: skip


def scope(*names: str) -> dict[str, Any]:
    message = f"Insufficient scope, expected any of: {','.join(names)}"
    return {"statusCode": 403, "error": "Forbidden", "message": message, "errorCode": "insufficient_scope"}


def waf(status: int, error: str, message: str) -> dict[str, Any]:
    return {"statusCode": status, "error": error, "message": message}


# family, status, body, class of the status, code, description
BODIES: list[tuple[type[ApiError], int, Any, type[ApiError], str | None, str | None]] = [
    (A, 400, {"error": "invalid_request", "error_description": "Missing required parameter: code"}, BadRequest, "invalid_request", "Missing required parameter: code"),
    (A, 403, {"error": "invalid_grant", "error_description": "Invalid authorization code"}, Forbidden, "invalid_grant", "Invalid authorization code"),
    (A, 403, {"error": "invalid_grant", "error_description": "Wrong email or password."}, Forbidden, "invalid_grant", "Wrong email or password."),
    (A, 401, {"error": "invalid_client", "error_description": "Unauthorized"}, Unauthorized, "invalid_client", "Unauthorized"),
    (A, 401, {"error": "access_denied"}, Unauthorized, "access_denied", "access_denied"),
    (A, 403, {"error": "unauthorized_client", "error_description": "Grant type 'x' not allowed", "error_uri": "https://auth0.com/docs"}, Forbidden, "unauthorized_client", "Grant type 'x' not allowed"),
    (A, 400, {"error": "authorization_pending", "error_description": "The end-user authorization is pending"}, BadRequest, "authorization_pending", "The end-user authorization is pending"),
    (A, 429, {"error": "slow_down", "error_description": "You are polling faster"}, RateLimited, "slow_down", "You are polling faster"),
    (A, 403, {"error": "mfa_required", "error_description": "Multifactor authentication required", "mfa_token": "canary-mfa"}, Forbidden, "mfa_required", "Multifactor authentication required"),
    (A, 429, {"error": "too_many_attempts", "error_description": "Your account has been blocked"}, RateLimited, "too_many_attempts", "Your account has been blocked"),
    (A, 400, {"code": "invalid_signup", "description": "Invalid sign up", "name": "BadRequestError", "statusCode": 400}, BadRequest, "invalid_signup", "Invalid sign up"),
    (A, 400, {"code": "invalid_password", "message": "Password is too weak", "description": RULES, "policy": "* At least 8", "name": "PasswordStrengthError"}, BadRequest, "invalid_password", "At least 8 characters in length, Contain at least 3 of the following 4 types of characters"),
    (A, 400, {"code": "password_dictionary_error", "message": "Password is too common", "name": "PasswordDictionaryError", "description": "Password is not allowed"}, BadRequest, "password_dictionary_error", "Password is not allowed"),
    (A, 400, {"code": "x", "description": {"rules": []}, "message": "Readable"}, BadRequest, "x", "Readable"),
    (A, 400, {"code": "x", "description": {"rules": "odd"}, "message": "Readable"}, BadRequest, "x", "Readable"),
    (A, 400, {"code": "x", "description": {"rules": [5, None, {"format": [1]}]}}, BadRequest, "x", None),
    (A, 400, {"code": "user_exists", "description": "The user already exists."}, BadRequest, "user_exists", "The user already exists."),
    (A, 400, {"error": "bad.connection", "error_description": "Connection does not exist"}, BadRequest, "bad.connection", "Connection does not exist"),
    (A, 400, {"error": "sms_provider_error", "error_description": "The 'To' number is not valid"}, BadRequest, "sms_provider_error", "The 'To' number is not valid"),
    (A, 400, {"error": "invalid_request", "error_description": "Validation", "validation_errors": [{"x": 1}]}, BadRequest, "invalid_request", "Validation"),
    (A, 429, waf(429, "Too Many Requests", "Global limit has been reached"), RateLimited, "Too Many Requests", "Global limit has been reached"),
    (A, 404, waf(404, "Not Found", "Not Found"), NotFound, "Not Found", "Not Found"),
    (A, 403, b"<html><title>Blocked by WAF</title></html>", Forbidden, None, None),
    (A, 401, b"Unauthorized", Unauthorized, None, None),
    (A, 401, b"", Unauthorized, None, None),
    (A, 500, {"error": "server_error", "error_description": "oops"}, ServerError, "server_error", "oops"),
    (A, 502, b"<html>Bad Gateway</html>", ServerError, None, None),
    (A, 503, b"", ServerError, None, None),
    (A, 504, {"error": None, "error_description": None}, ServerError, None, None),
    (A, 599, b"null", ServerError, None, None),
    (A, 302, b"", A, None, None),
    (A, 405, {"error": "invalid_method"}, A, "invalid_method", "invalid_method"),
    (A, 100, b"", A, None, None),
    (M, 400, {**waf(400, "Bad Request", "Payload validation error: 'Missing'"), "errorCode": "invalid_body"}, BadRequest, "invalid_body", "Payload validation error: 'Missing'"),
    (M, 400, {**waf(400, "Bad Request", "Page too far"), "errorCode": "invalid_query_string"}, BadRequest, "invalid_query_string", "Page too far"),
    (M, 400, {**waf(400, "Bad Request", "Bad id"), "errorCode": "invalid_uri"}, BadRequest, "invalid_uri", "Bad id"),
    (M, 401, {**waf(401, "Unauthorized", "Expired token received"), "attributes": {"error": "x"}}, Unauthorized, "Unauthorized", "Expired token received"),
    (M, 401, waf(401, "Unauthorized", "Bad audience: https://x"), Unauthorized, "Unauthorized", "Bad audience: https://x"),
    (M, 403, scope("read:users"), Forbidden, "insufficient_scope", "Insufficient scope, expected any of: read:users"),
    (M, 403, scope("a", "b"), Forbidden, "insufficient_scope", "Insufficient scope, expected any of: a,b"),
    (M, 403, {**waf(403, "Forbidden", "Not in your plan"), "errorCode": "feature_not_enabled"}, Forbidden, "feature_not_enabled", "Not in your plan"),
    (M, 404, {**waf(404, "Not Found", "The user does not exist."), "errorCode": "inexistent_user"}, NotFound, "inexistent_user", "The user does not exist."),
    (M, 404, waf(404, "Not Found", ""), NotFound, "Not Found", "Not Found"),
    (M, 409, {**waf(409, "Conflict", "The user already exists."), "errorCode": "auth0_idp_error"}, Conflict, "auth0_idp_error", "The user already exists."),
    (M, 409, {}, Conflict, None, None),
    (M, 429, {**waf(429, "Too Many Requests", "Global limit"), "errorCode": "too_many_requests"}, RateLimited, "too_many_requests", "Global limit"),
    (M, 429, b"<html>Too many</html>", RateLimited, None, None),
    (M, 412, waf(412, "Precondition Failed", "Changed"), M, "Precondition Failed", "Changed"),
    (M, 413, b"Payload too large", M, None, None),
    (M, 422, {"message": ["one", "two"]}, M, None, None),
    (M, 418, [], M, None, None),
    (M, 418, ["error"], M, None, None),
    (M, 418, "error", M, None, None),
    (M, 418, 5, M, None, None),
    (M, 418, {"error": {"code": "x"}, "message": {"a": 1}}, M, None, None),
    (M, 418, {"error": 5, "message": 5, "code": 5}, M, None, None),
    (M, 418, {"error": "  ", "message": " "}, M, None, None),
    (M, 500, waf(500, "Internal Server Error", "An internal server error occurred"), ServerError, "Internal Server Error", "An internal server error occurred"),
    (M, 500, b'{"error": "half', ServerError, None, None),
    (M, 500, b"\xff\xfe\x00", ServerError, None, None),
    (M, 500, b"[" * 50_000, ServerError, None, None),
    (M, 304, b"", M, None, None),
]  # fmt: skip


def error_of(family: type[ApiError], status: int, body: Any, **headers: str) -> ApiError:
    response = Response(status=status, body=body) if isinstance(body, bytes) else json(body, status)
    named = {**response.headers, "x-auth0-requestid": "req1", **headers}
    response = Response(status=status, headers=named, body=response.body)
    return api_error(family, response, call="PATCH /things/{id}")


@pytest.mark.parametrize(("family", "status", "body", "kind", "code", "description"), BODIES)
def test_every_error_body_gives_the_right_class_code_and_sentence(
    family: Any, status: int, body: Any, kind: Any, code: str | None, description: str | None
) -> None:
    error = error_of(family, status, body)
    assert isinstance(error, family)
    assert isinstance(error, kind)
    assert type(error).__name__ == kind.__name__
    assert (error.status, error.code, error.description, error.request_id) == (
        status,
        code,
        description,
        "req1",
    )
    text = str(error)
    assert text.startswith(f"PATCH /things/{{id}} answered {status}")
    assert (code or "") in text
    assert (description or "").rstrip(".") in text
    assert len(text) < 300
    assert text.count(";") <= 1, "one hint"
    assert "object Object" not in text
    assert "canary" not in text


@pytest.mark.parametrize(("family", "status", "body", "kind", "code", "description"), BODIES)
def test_every_error_can_be_pickled_and_copied_without_body_and_mfa_token(
    family: Any, status: int, body: Any, kind: Any, code: str | None, description: str | None
) -> None:
    error = error_of(family, status, body)
    pickled = pickle.dumps(error)
    for again in (pickle.loads(pickled), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert (again.status, again.code, again.description) == (status, code, description)
        assert again.request_id == "req1"
        assert again.body() is None
        assert getattr(again, "mfa_token", None) is None
    assert b"canary" not in pickled


@given(st.dictionaries(st.sampled_from(["error", "code", "errorCode", "message", "description", "error_description",
                                        "mfa_token", "mfa_requirements"]),
                       st.recursive(st.none() | st.integers() | st.text(max_size=400),
                                    lambda inner: st.lists(inner, max_size=2)
                                    | st.dictionaries(st.sampled_from(["rules", "message", "format"]), inner))),
       st.sampled_from([A, M]), st.integers(300, 599))  # fmt: skip
def test_whatever_an_error_says_it_is_one_short_printable_line(body: Any, family: Any, status: int) -> None:
    error = error_of(family, status, body)
    assert len(str(error)) <= 300
    assert str(error).isprintable()
    assert pickle.loads(pickle.dumps(error)).args == error.args


def test_an_error_body_that_only_the_tolerant_reader_reads_says_as_much_as_any_other() -> None:
    error = error_of(M, 400, b'{"errorCode": "x", "message": "cut \\ud83d here", "n": 1e999}')
    assert (error.code, error.description) == ("x", "cut \ud83d here")
    assert str(error) == "PATCH /things/{id} answered 400 x: cut here"


@given(st.text(max_size=400))
def test_the_hint_survives_a_long_description(text: str) -> None:
    for call in ("GET /x", f"POST /{'long/' * 20}{{id}}"):
        error = api_error(M, json({"message": text + "x" * 500}, 404), call=call)
        assert str(error).endswith("; check the id and the domain")
        assert len(str(error)) <= 300


def test_the_body_is_on_the_error_itself() -> None:
    assert error_of(M, 400, {"a": 1}).body() == {"a": 1}
    assert error_of(M, 400, b"<html>\xff").body() == "<html>\ufffd"
    assert error_of(M, 400, b"").body() is None


def test_an_error_that_asks_for_a_second_factor_has_what_the_next_call_needs() -> None:
    requirements = {"challenge": [{"type": "otp"}]}
    body = {"error": "mfa_required", "mfa_token": "canary", "mfa_requirements": requirements}
    error = error_of(A, 403, body)
    assert isinstance(error, AuthenticationApiError)
    assert (error.mfa_token, error.mfa_requirements) == ("canary", requirements)
    assert (error.error, error.error_description) == ("mfa_required", "mfa_required")
    assert "mfa_token is on this error" in str(error)
    for odd in (None, "", 5, [], {}):
        again = error_of(A, 403, {"error": "mfa_required", "mfa_token": odd, "mfa_requirements": odd})
        assert isinstance(again, AuthenticationApiError)
        assert (again.mfa_token, again.mfa_requirements) == (None, None)


@pytest.mark.parametrize(
    ("names", "found"), [(("a",), ("a",)), (("a", "b"), ("a", "b")), ((" a ", "b."), ("a", "b"))]
)
def test_missing_scopes_are_named(names: tuple[str, ...], found: tuple[str, ...]) -> None:
    error = error_of(M, 403, scope(*names))
    assert isinstance(error, ManagementApiError)
    assert error.missing_scopes == found
    assert "grant the scope" in str(error)
    other = error_of(M, 403, {"message": "no"})
    assert isinstance(other, ManagementApiError)
    assert other.missing_scopes == ()


@pytest.mark.parametrize(
    ("text", "seconds"), [("7", 7.0), (" 0 ", 0.0), ("", None), ("-1", None), ("x", None), ("9" * 50, None)]
)
def test_retry_after_is_read_where_it_is_a_number(text: str, seconds: float | None) -> None:
    error = error_of(M, 429, {}, **{"retry-after": text})
    assert isinstance(error, RateLimited)
    assert error.retry_after == seconds


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


@pytest.mark.parametrize(
    "said",
    [f"Invalid token {JWT}", f"Invalid token '{JWT}'.", f"token={JWT}&x", f'"{JWT}"', f"{'long ' * 50}{JWT}",
     "See https://t/lo/reset?ticket=canary", "at https://t/x?a=1&ticket=canary#", "https://t/#access_token=canary"],
)  # fmt: skip
def test_what_a_server_quotes_is_redacted(said: str) -> None:
    for name in ("message", "error", "code"):
        error = error_of(M, 400, {name: said})
        for shown in (str(error), repr(error), repr(vars(error)["description"]), repr(error.code)):
            assert "canary" not in shown
            assert "eyJzd" not in shown
            assert JWT[:12] not in shown


CANARIES = [
    "canary-bearer",
    "canary-secret",
    "canary-password",
    "canary-answer",
    "canary-ticket",
    "canary-query",
]


def shown(error: BaseException) -> str:
    """Return everything that a log or a crash reporter may show of an error, locals included."""
    lines: list[str] = []
    chain: BaseException | None = error
    while chain is not None:
        whole = traceback.TracebackException.from_exception(chain, capture_locals=True)
        for frame in whole.stack:
            if "/tests/" not in frame.filename:
                lines += [f"{frame.name} {name} = {text}" for name, text in (frame.locals or {}).items()]
        lines += [str(chain), repr(chain), repr(chain.args), *whole.format_exception_only()]
        chain = chain.__cause__ or chain.__context__
    return "\n".join(lines)


FAILURES: dict[str, Any] = {
    "an error answer": json({"message": "canary", "error": "x", "ticket": "canary-ticket"}, 400),
    "no answer": TransportError("down; try again", request_sent=True),
    "an odd answer": Response(
        status=200, body=b'{"count": "canary-answer"}', headers={"set-cookie": "canary"}
    ),
    "no JSON": Response(status=200, body=b"canary-answer\xff"),
    "a failure of the transport itself": RuntimeError("broken"),
}


def failing(kind: Kind, client: Any) -> BaseException:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        kind.do(lambda: things(client).create(name="canary-password", secret="canary-secret"))
    return caught.value


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
def test_no_failing_call_shows_a_secret_in_any_frame_of_ours(kind: Kind, failure: Any) -> None:
    transport = kind.transport(otherwise=failure)
    client = kind.management_client(
        transport, token="canary-bearer", strict=True, headers={"x-api-key": "canary-secret"}
    )
    error = failing(kind, client)
    text = shown(error)
    assert len(text) > 200
    for canary in CANARIES:
        assert canary not in text
        if isinstance(error, Auth0Error):
            assert canary.encode() not in pickle.dumps(error)


def test_a_failing_token_request_shows_no_secret_either(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"error": "access_denied"}, 401))
    client = kind.management(
        domain=DOMAIN, client_id="app", client_secret="canary-secret", transport=transport, retry=False
    )
    error = failing(kind, client)
    assert isinstance(error, AuthenticationApiError)
    text = shown(error)
    assert "canary" not in text


def test_a_failing_login_shows_no_password(kind: Kind) -> None:
    transport = kind.transport(otherwise=json({"error": "invalid_grant"}, 403))
    client = kind.authentication(
        domain=DOMAIN, client_id="app", client_secret="canary-secret", transport=transport, retry=False
    )
    with pytest.raises(Forbidden) as caught:
        kind.do(lambda: client.oauth.password_grant(username="jane", password="canary-password"))
    assert "canary" not in shown(caught.value)


def test_clients_resources_and_calls_show_no_secret(kind: Kind) -> None:
    client = kind.management_client(
        kind.transport(), token="canary", client_id="app", client_secret="canary", headers={"x": "canary"}
    )
    resource = things(client)
    call = type(resource).create.call(resource, (), {"name": "canary"})
    for value in (client, client._core.options, resource, resource.create, type(resource).create, call):
        assert "canary" not in f"{value!r} {value}"
