"""Promise 14: errors say why; the right class, code, sentence and request id, in one short line with one hint."""

# ruff: noqa: E501 - a table of bodies is read best with one in a line
import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import (
    ApiError,
    AuthenticationApiError,
    BadRequest,
    Conflict,
    DecodingError,
    Forbidden,
    ManagementApiError,
    NotFound,
    RateLimited,
    Response,
    ServerError,
    Unauthorized,
)
from anyauth0.errors import api_error

from ..core.fakes import DOMAIN, Kind, json, things

A, M = AuthenticationApiError, ManagementApiError
LONGEST = 300

# The hints, by what they are about.
CREDENTIALS = "check the credentials and the token's audience"
CLIENT = "check client_id, its secret or key, and how the application authenticates"
WAIT = "wait until the reset in rate_limit, or let the client retry"
LATER = "the server failed, try again later"
LOOK = "check the id and the domain"
ELSEWHERE = "a redirect is never followed, check the domain"
AGAIN = "it is good once and for a short time, start the login anew"
SCOPE = "grant the scope to the client under APIs > Auth0 Management API"
MFA = "go on with the MFA calls, mfa_token is on this error"
GRANT = "enable the grant in the application's settings under Advanced Settings > Grant Types"
API = "the audience must be an API here, and that of the Management API has no custom domain in it"
THERE = "there is one already, or it has changed meanwhile: get it first"
USER = "get it by users_by_email.get_by_email, or update it"

RULES = {
    "rules": [
        {"message": "At least %d characters in length", "format": [8], "code": "lengthAtLeast", "verified": False},
        {"message": "Contain at least %d of the following %d types of characters:", "format": [3, 4], "verified": False},
        {"message": "No more than %d identical characters in a row (e.g., \"%s\" not allowed)", "format": [2, "aaa"], "verified": True},
    ],
    "verified": False,
}  # fmt: skip
REASONS = "At least 8 characters in length, Contain at least 3 of the following 4 types of characters"


def oauth(error: object, sentence: object = None, **more: object) -> dict[str, object]:
    return {"error": error, **({} if sentence is None else {"error_description": sentence}), **more}


def hapi(status: int, error: str, message: str, code: str | None = None, **more: object) -> dict[str, object]:
    return {
        "statusCode": status,
        "error": error,
        "message": message,
        **({"errorCode": code} if code else {}),
        **more,
    }


def scopes(names: str) -> dict[str, object]:
    return hapi(403, "Forbidden", f"Insufficient scope, expected any of: {names}", "insufficient_scope")


def grant(kind: str) -> str:
    return f"Grant type '{kind}' not allowed for the client."


Row = tuple[type[ApiError], int, Any, type[ApiError], str | None, str | None, str]
# Family, status, body; class of the status, code, sentence, hint.
BODIES: list[Row] = [
    (A, 400, oauth("invalid_request", "Missing required parameter: code"), BadRequest, "invalid_request", "Missing required parameter: code", ""),
    (A, 400, oauth("invalid_request", "Validation", validation_errors=[{"x": 1}]), BadRequest, "invalid_request", "Validation", ""),
    (A, 403, oauth("invalid_grant", "Invalid authorization code"), Forbidden, "invalid_grant", "Invalid authorization code", AGAIN),
    (A, 403, oauth("invalid_grant", "Failed to verify code verifier"), Forbidden, "invalid_grant", "Failed to verify code verifier", "the verifier must be the one of the request that the code came by"),
    (A, 403, oauth("invalid_grant", "Unknown or invalid refresh token."), Forbidden, "invalid_grant", "Unknown or invalid refresh token.", "it is revoked, expired or was rotated, let the user log in again"),
    (A, 403, oauth("invalid_grant", "Wrong email or password."), Forbidden, "invalid_grant", "Wrong email or password.", ""),
    (A, 403, oauth("invalid_grant", "The redirect URI is wrong. You sent https://a, and we expected https://b"), Forbidden, "invalid_grant", "The redirect URI is wrong. You sent https://a, and we expected https://b", "redirect_uri must be the one of the authorization request"),
    (A, 403, oauth("access_denied", "Callback URL mismatch."), Forbidden, "access_denied", "Callback URL mismatch.", "add it to the application's Allowed Callback URLs"),
    (A, 401, oauth("invalid_client", "Unauthorized"), Unauthorized, "invalid_client", "Unauthorized", CLIENT),
    (A, 403, oauth("invalid_client", "Invalid client credentials."), Forbidden, "invalid_client", "Invalid client credentials.", CLIENT),
    (A, 401, oauth("access_denied", "Unauthorized"), Unauthorized, "access_denied", "Unauthorized", CREDENTIALS),
    (A, 401, oauth("access_denied"), Unauthorized, "access_denied", "access_denied", CREDENTIALS),
    (A, 403, oauth("access_denied", "Service not enabled within domain: https://x/api/v2/"), Forbidden, "access_denied", "Service not enabled within domain: https://x/api/v2/", API),
    (A, 403, oauth("access_denied", 'Client is not authorized to access "https://x". You need to create a "client-grant" associated to this API.'), Forbidden, "access_denied", 'Client is not authorized to access "https://x". You need to create a "client-grant" associated to this API.', "grant the application this API under Applications > APIs"),
    (A, 403, oauth("unauthorized_client", grant("client_credentials"), error_uri="https://auth0.com/docs"), Forbidden, "unauthorized_client", grant("client_credentials"), GRANT),
    (A, 403, oauth("unauthorized_client", grant("password")), Forbidden, "unauthorized_client", grant("password"), GRANT),
    (A, 403, oauth("unauthorized_client", "The user is not part of the organization"), Forbidden, "unauthorized_client", "The user is not part of the organization", ""),
    (A, 500, oauth("server_error", "Authorization server not configured with default connection."), ServerError, "server_error", "Authorization server not configured with default connection.", 'give "realm", the connection, or set a Default Directory for the tenant'),
    (A, 403, oauth("authorization_pending", "User has yet to authorize device code."), Forbidden, "authorization_pending", "User has yet to authorize device code.", "the user has not answered yet, ask again later"),
    (A, 429, oauth("slow_down", "You are polling faster than allowed"), RateLimited, "slow_down", "You are polling faster than allowed", "ask less often"),
    (A, 403, oauth("expired_token", "The device code has expired."), Forbidden, "expired_token", "The device code has expired.", AGAIN),
    (A, 403, oauth("login_required", "Login required"), Forbidden, "login_required", "Login required", "the user must log in, send them to the address of authorize"),
    (A, 403, oauth("consent_required", "Consent required"), Forbidden, "consent_required", "Consent required", "the user must consent, send them to the address of authorize"),
    (A, 403, oauth("interaction_required", "Multifactor"), Forbidden, "interaction_required", "Multifactor", "the user must act, send them to the address of authorize"),
    (A, 403, oauth("mfa_required", "Multifactor authentication required", mfa_token="canary-mfa"), Forbidden, "mfa_required", "Multifactor authentication required", MFA),
    (A, 429, oauth("too_many_attempts", "Your account has been blocked"), RateLimited, "too_many_attempts", "Your account has been blocked", "the user is blocked for a while, user_blocks.delete lifts it"),
    (A, 400, {"code": "invalid_signup", "description": "Invalid sign up", "name": "BadRequestError", "statusCode": 400}, BadRequest, "invalid_signup", "Invalid sign up", "there may be a user with this address or name already"),
    (A, 400, {"code": "user_exists", "description": "The user already exists."}, BadRequest, "user_exists", "The user already exists.", USER),
    (A, 400, {"code": "invalid_password", "message": "Password is too weak", "description": RULES, "policy": "* At least 8", "name": "PasswordStrengthError"}, BadRequest, "invalid_password", REASONS, ""),
    (A, 400, {"code": "password_dictionary_error", "message": "Password is too common", "description": "Password is not allowed"}, BadRequest, "password_dictionary_error", "Password is not allowed", ""),
    (A, 400, {"code": "x", "description": {"rules": []}, "message": "Readable"}, BadRequest, "x", "Readable", ""),
    (A, 400, {"code": "x", "description": {"rules": "odd"}, "message": "Readable"}, BadRequest, "x", "Readable", ""),
    (A, 400, {"code": "x", "description": {"rules": [5, None, {"format": [1]}]}}, BadRequest, "x", None, ""),
    (A, 400, oauth("bad.connection", "Connection does not exist"), BadRequest, "bad.connection", "Connection does not exist", ""),
    (A, 400, oauth("sms_provider_error", "The 'To' number is not valid"), BadRequest, "sms_provider_error", "The 'To' number is not valid", ""),
    (A, 429, hapi(429, "Too Many Requests", "Global limit has been reached"), RateLimited, "Too Many Requests", "Global limit has been reached", WAIT),
    (A, 404, hapi(404, "Not Found", "Not Found"), NotFound, "Not Found", "Not Found", LOOK),
    (A, 405, oauth("invalid_method"), A, "invalid_method", "invalid_method", ""),
    (A, 403, b"<html><title>Blocked by WAF</title></html>", Forbidden, None, None, ""),
    (A, 401, b"Unauthorized", Unauthorized, None, None, CREDENTIALS),
    (A, 401, b"", Unauthorized, None, None, CREDENTIALS),
    (A, 302, b"", A, None, None, ELSEWHERE),
    (A, 100, b"", A, None, None, ""),
    (A, 500, oauth("server_error", "oops"), ServerError, "server_error", "oops", LATER),
    (A, 502, b"<html>Bad Gateway</html>", ServerError, None, None, LATER),
    (A, 503, b"", ServerError, None, None, LATER),
    (A, 504, {"error": None, "error_description": None}, ServerError, None, None, LATER),
    (A, 599, b"null", ServerError, None, None, LATER),
    (M, 400, hapi(400, "Bad Request", "Payload validation error: 'Missing'", "invalid_body"), BadRequest, "invalid_body", "Payload validation error: 'Missing'", ""),
    (M, 400, hapi(400, "Bad Request", "Bad field", "invalid_query_string"), BadRequest, "invalid_query_string", "Bad field", ""),
    (M, 400, hapi(400, "Bad Request", "You can only page through the first 1000 records.", "invalid_paging"), BadRequest, "invalid_paging", "You can only page through the first 1000 records.", "no search goes beyond this, narrow it, or for users take jobs.export_all"),
    (M, 400, hapi(400, "Bad Request", "Bad id", "invalid_uri"), BadRequest, "invalid_uri", "Bad id", ""),
    (M, 401, hapi(401, "Unauthorized", "Expired token received for JSON Web Token validation", attributes={"error": "x"}), Unauthorized, "Unauthorized", "Expired token received for JSON Web Token validation", "get another token, with client_id and client_secret the client does so itself"),
    (M, 401, hapi(401, "Unauthorized", "Bad audience: https://x"), Unauthorized, "Unauthorized", "Bad audience: https://x", "the token must be for https://{domain}/api/v2/ of the tenant's own domain"),
    (M, 401, hapi(401, "Unauthorized", "Invalid token"), Unauthorized, "Unauthorized", "Invalid token", CREDENTIALS),
    (M, 403, scopes("read:users"), Forbidden, "insufficient_scope", "Insufficient scope, expected any of: read:users", SCOPE),
    (M, 403, scopes("a,b"), Forbidden, "insufficient_scope", "Insufficient scope, expected any of: a,b", SCOPE),
    (M, 403, hapi(403, "Forbidden", "Not in your plan", "feature_not_enabled"), Forbidden, "feature_not_enabled", "Not in your plan", ""),
    (M, 404, hapi(404, "Not Found", "The user does not exist.", "inexistent_user"), NotFound, "inexistent_user", "The user does not exist.", LOOK),
    (M, 404, hapi(404, "Not Found", ""), NotFound, "Not Found", "Not Found", LOOK),
    (M, 409, hapi(409, "Conflict", "The user already exists.", "auth0_idp_error"), Conflict, "auth0_idp_error", "The user already exists.", USER),
    (M, 409, hapi(409, "Conflict", "An organization with this name already exists", "organization_conflict"), Conflict, "organization_conflict", "An organization with this name already exists", THERE),
    (M, 409, {}, Conflict, None, None, THERE),
    (M, 412, hapi(412, "Precondition Failed", "Changed"), M, "Precondition Failed", "Changed", ""),
    (M, 413, b"Payload too large", M, None, None, ""),
    (M, 429, hapi(429, "Too Many Requests", "Global limit", "too_many_requests"), RateLimited, "too_many_requests", "Global limit", WAIT),
    (M, 429, b"<html>Too many</html>", RateLimited, None, None, WAIT),
    (M, 422, {"message": ["one", "two"]}, M, None, None, ""),
    (M, 418, [], M, None, None, ""),
    (M, 418, ["error"], M, None, None, ""),
    (M, 418, "error", M, None, None, ""),
    (M, 418, 5, M, None, None, ""),
    (M, 418, {"error": {"code": "x"}, "message": {"a": 1}}, M, None, None, ""),
    (M, 418, {"error": 5, "message": 5, "code": 5}, M, None, None, ""),
    (M, 418, {"error": "  ", "message": " "}, M, None, None, ""),
    (M, 304, b"", M, None, None, ELSEWHERE),
    (M, 500, hapi(500, "Internal Server Error", "An internal server error occurred"), ServerError, "Internal Server Error", "An internal server error occurred", LATER),
    (M, 500, b'{"error": "half', ServerError, None, None, LATER),
    (M, 500, b"\xff\xfe\x00", ServerError, None, None, LATER),
    (M, 500, b"[" * 50_000, ServerError, None, None, LATER),
]  # fmt: skip


def test_there_are_sixty_bodies_and_more() -> None:
    assert len(BODIES) >= 60
    assert {family for family, *_ in BODIES} == {A, M}


def answer(status: int, body: Any) -> Response:
    """Return the answer with a request id and a mark of the request budget."""
    content = body if isinstance(body, bytes) else json(body).body
    return Response(
        status=status, headers={"x-auth0-requestid": "req1", "x-ratelimit-limit": "10"}, body=content
    )


def error_of(family: type[ApiError], status: int, body: Any, call: str = "PATCH /things/{id}") -> ApiError:
    return api_error(family, answer(status, body), call=call)


def missing(error: ApiError) -> tuple[str, ...]:
    return error.missing_scopes if isinstance(error, M) else ()


@pytest.mark.parametrize(("family", "status", "body", "kind", "code", "sentence", "hint"), BODIES)
def test_every_error_body_gives_the_right_class_code_sentence_and_hint(
    family: Any, status: int, body: Any, kind: Any, code: str | None, sentence: str | None, hint: str
) -> None:
    error = error_of(family, status, body)
    assert isinstance(error, family)
    assert isinstance(error, kind)
    assert type(error).__name__ == kind.__name__
    assert (error.status, error.code, error.description) == (status, code, sentence)
    assert (error.request_id, error.rate_limit.limit) == ("req1", 10)
    if isinstance(error, A):
        assert (error.error, error.error_description) == (code, sentence)
        assert error.mfa_token == ("canary-mfa" if code == "mfa_required" else None)
    elif isinstance(error, M):
        assert error.error_code == code
    assert missing(error) == (tuple((sentence or "").rpartition(": ")[2].split(",")) if hint == SCOPE else ())


def test_every_error_is_one_short_line_with_its_hint_at_the_end() -> None:
    for family, status, body, _, code, sentence, hint in BODIES:
        text = str(error_of(family, status, body))
        # What the line is made of, and nothing else: so the hint is there once, or not at all.
        said = f": {sentence}" if sentence and sentence != code else ""
        start = f"PATCH /things/{{id}} answered {status}{f' {code}' if code else ''}{said}".rstrip(".")
        assert text == (f"{start}; {hint}" if hint else start)
        assert len(text) < LONGEST
        assert text.isprintable()
        assert "object Object" not in text
        assert "canary" not in text


def test_every_error_can_be_pickled_and_copied_without_body_and_mfa_token() -> None:
    for family, status, body, *_ in BODIES:
        error = error_of(family, status, body)
        pickled = pickle.dumps(error)
        for again in (pickle.loads(pickled), copy.copy(error), copy.deepcopy(error)):
            assert type(again) is type(error)
            assert str(again) == str(error)
            assert (again.status, again.code, again.description) == (status, error.code, error.description)
            assert (again.request_id, again.rate_limit.limit) == ("req1", 10)
            assert again.body() is None
            assert getattr(again, "mfa_token", None) is None
        assert b"canary" not in pickled


def management_call(kind: Kind, transport: Any) -> Callable[[], Any]:
    resource = things(kind.management_client(transport))
    return lambda: resource.get("1")


def authentication_call(kind: Kind, transport: Any) -> Callable[[], Any]:
    client = kind.authentication(domain=DOMAIN, client_id="app", transport=transport, retry=False)
    return lambda: client.database.change_password(email="e", connection="c")


CALLS: dict[type[ApiError], Any] = {A: authentication_call, M: management_call}


@pytest.mark.parametrize("family", [A, M])
def test_a_call_of_a_client_raises_the_same_error(kind: Kind, family: type[ApiError]) -> None:
    transport = kind.transport()
    call = CALLS[family](kind, transport)
    for own, status, body, status_class, code, _, hint in BODIES:
        if own is not family or status < 300:
            continue
        transport.otherwise = answer(status, body)
        with pytest.raises(family) as caught:
            kind.do(call)
        assert isinstance(caught.value, status_class)
        assert caught.value.code == code
        assert str(caught.value).endswith(hint)


UNREADABLE = [
    (b"<html>login</html>", "text/html"), (b'{"id": "half', "application/json"), (b"\xff", "text/plain"), (b"nul", ""),
]  # fmt: skip


@pytest.mark.parametrize(("body", "kind_of_body"), UNREADABLE)
def test_a_success_that_cannot_be_read_says_what_came_but_not_what_was_in_it(
    kind: Kind, body: bytes, kind_of_body: str
) -> None:
    response = Response(status=200, headers={"content-type": kind_of_body} if kind_of_body else {}, body=body)
    client = kind.management_client(kind.transport(otherwise=response))
    with pytest.raises(DecodingError) as caught:
        _ = kind.do(lambda: things(client).get("1")).data
    assert str(caught.value) == (
        f"GET /things/{{id}} answered 200 with a body that is not JSON ({kind_of_body or 'no content type'}); "
        "check the domain, and what stands between it and you"
    )


def test_an_error_body_that_only_the_tolerant_reader_reads_says_as_much_as_any_other() -> None:
    error = error_of(M, 400, b'{"errorCode": "x", "message": "cut \\ud83d here", "n": 1e999}')
    assert (error.code, error.description) == ("x", "cut \ud83d here")
    assert str(error) == "PATCH /things/{id} answered 400 x: cut here"


@given(st.dictionaries(st.sampled_from(["error", "code", "errorCode", "message", "description", "error_description",
                                        "mfa_token", "mfa_requirements"]),
                       st.recursive(st.none() | st.integers() | st.text(max_size=400),
                                    lambda inner: st.lists(inner, max_size=2)
                                    | st.dictionaries(st.sampled_from(["rules", "message", "format"]), inner))),
       st.sampled_from([A, M]), st.integers(300, 599))  # fmt: skip
def test_whatever_an_error_says_it_is_one_short_printable_line(body: Any, family: Any, status: int) -> None:
    error = error_of(family, status, body)
    assert len(str(error)) <= LONGEST
    assert str(error).isprintable()


@given(st.text(max_size=400))
def test_the_hint_survives_a_long_description(text: str) -> None:
    for call in ("GET /x", f"POST /{'long/' * 20}{{id}}"):
        for status, body, hint in (
            (404, {"message": f"{text} {'x ' * 250}"}, LOOK),
            (403, scopes("x" * 500), SCOPE),
        ):
            error = error_of(M, status, body, call)
            assert str(error).endswith(f"…; {hint}")
            assert len(str(error)) <= LONGEST


@pytest.mark.parametrize("hint", sorted({row[-1] for row in BODIES if row[-1]}))
def test_each_hint_is_one_short_thing_to_do(hint: str) -> None:
    assert ";" not in hint
    assert len(hint) < 100
    assert not hint.endswith(".")


def test_an_error_that_asks_for_a_second_factor_has_what_the_next_call_needs() -> None:
    requirements = {"challenge": [{"type": "otp"}]}
    body = {"error": "mfa_required", "mfa_token": "canary", "mfa_requirements": requirements}
    error = error_of(A, 403, body)
    assert isinstance(error, AuthenticationApiError)
    assert (error.mfa_token, error.mfa_requirements) == ("canary", requirements)
    assert (error.error, error.error_description) == ("mfa_required", "mfa_required")
    assert str(error).endswith(MFA)
    for odd in (None, "", 5, [], {}):
        again = error_of(A, 403, {"error": "mfa_required", "mfa_token": odd, "mfa_requirements": odd})
        assert isinstance(again, AuthenticationApiError)
        assert (again.mfa_token, again.mfa_requirements) == (None, None)


@pytest.mark.parametrize(
    ("names", "found"), [("a", ("a",)), ("a,b", ("a", "b")), (" a , b.", ("a", "b")), ("a, b", ("a", "b"))]
)
def test_missing_scopes_are_named(names: str, found: tuple[str, ...]) -> None:
    assert missing(error_of(M, 403, scopes(names))) == found
    assert missing(error_of(M, 403, {"message": "no"})) == ()
