"""The details of an attempt in the log: what is needed to find a fault, without secrets, and in one line."""

import base64
import hashlib
import json
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import ConfigurationError, Request, Response, TransportError
from anyauth0.flow import compose, send
from anyauth0_plugins import logging as plugin
from anyauth0_plugins.logging import Details

from ..core.fakes import KINDS, Kind, things
from ..core.fakes import json as answer

WIRE = logging.getLogger("anyauth0.wire")

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json; charset=utf-8"}
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
CLIENT_ID = "iJQ0vBtmXVVsxeeSkVuYWSvCYmLN8yxR"
SECRET_64 = "tN5fXw-0Qf3sJ1kzY7bVd9_uHcR2mLpE8aGiO4xKqTjW6yZnB0vCsDrFhUeMgIlA"


class Lines(logging.Handler):
    """What is written to the log, from here on."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def log(request: Request, response: Response | Exception, **options: Any) -> list[str]:
    """Return the lines of one attempt."""
    handler, before = Lines(), WIRE.level
    WIRE.addHandler(handler)
    WIRE.setLevel(logging.DEBUG)
    try:
        flow = compose(Details(**options).anyauth0_attempt_middleware(None), send)(request)  # type: ignore[arg-type]
        next(flow)
        try:
            flow.throw(response) if isinstance(response, Exception) else flow.send(response)
        except StopIteration:
            pass
        except TransportError:
            assert isinstance(response, Exception)
    finally:
        WIRE.removeHandler(handler)
        WIRE.setLevel(before)
    return handler.lines


def got(body: bytes, headers: dict[str, str] = JSON, **options: Any) -> str:
    """Return what is shown of the body of an answer."""
    response = Response(status=200, headers=headers, body=body)
    return log(Request(method="GET", url="https://h.example/"), response, **options)[1].partition(" body ")[2]


def value(text: str, name: str = "description", **options: Any) -> Any:
    """Return what is shown of one text in JSON."""
    return json.loads(got(json.dumps({name: text}).encode(), **options))[name]


def sent(**fields: Any) -> str:
    return log(Request(method="POST", **{"url": "https://h.example/", **fields}), answer({}))[0]


@pytest.mark.parametrize("kind", KINDS, ids=repr)
def test_each_attempt_shows_what_it_sends_and_what_it_gets(
    kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "anyauth0.wire")
    script = [answer({}, 503, retry_after="0"), TransportError("x", request_sent=False), answer({"id": "1"})]
    client = kind.management_client(
        kind.transport(script), token="canary", retry=True, plugins=[Details()], telemetry=False
    )
    kind.do(lambda: things(client).get("auth0|1", fields="a,b"))
    found = [record.getMessage() for record in caplog.records]
    request = "> GET https://tenant.eu.auth0.com/api/v2/things/auth0%7C1?fields=a"
    assert [line.startswith(request) for line in found] == [True, False, True, False, True, False]
    assert found[1].startswith("< 503 in ")
    assert found[3].startswith("< TransportError after ")
    assert found[5].endswith(' s headers {"content-type": "application/json"} body {"id": "1"}')
    assert '"authorization": "***"' in found[0]
    assert "canary" not in caplog.text


def test_the_lines_of_the_documentation_are_written(world: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "anyauth0.wire")
    world.answers(Response(status=200, body=b'{"_id": "5f7c", "email": "joe@example.com"}'))
    client = world.client(client_secret=None, telemetry=False, plugins=[Details()])
    client.database.sign_up(email="joe@example.com", password="hunter2", connection="db")
    page = (Path(__file__).parents[2] / "docs" / "observability.md").read_text()
    written = page.partition("```text\n")[2].partition("```")[0].replace("\n  ", " ").splitlines()
    found = [record.getMessage() for record in caplog.records if record.name == "anyauth0.wire"]
    assert [re.sub(r"\d\.\d+ s", "0.000 s", line) for line in found] == written


def test_headers_and_bodies_can_be_left_out() -> None:
    request = Request(method="POST", url="https://h/", headers=JSON, body=b'{"a": 1}')
    assert log(request, answer({}), headers=False)[0] == '> POST https://h/ body {"a": 1}'
    assert log(request, answer({}), bodies=False)[0].endswith('"application/json; charset=utf-8"}')
    assert log(request, answer({}), bodies=False, headers=False)[0] == "> POST https://h/"


@pytest.mark.parametrize("name", [
    "authorization", "cookie", "dpop", "proxy-authorization", "x-api-key", "client_assertion", "code",
    "password", "newPassword", "refresh_token", "otp", "binding_code", "clientSecret", "user_code",
])  # fmt: skip
def test_what_a_name_says_is_secret_is_in_no_part_of_a_request(name: str) -> None:
    secret = "hunter 2"
    fields = urlencode({"a": "shown", name: secret})
    for line in (
        sent(url=f"https://h.example/?{fields}"),
        sent(headers={"a": "shown", name: secret}),
        sent(headers=FORM, body=fields.encode()),
        sent(headers=JSON, body=json.dumps({"a": "shown", "b": [{name: [secret]}]}).encode()),
        sent(headers=JSON, body=json.dumps({"a": "shown", "b": json.dumps({name: secret})}).encode()),
        sent(headers=FORM, body=urlencode({"a": "shown", "b": json.dumps({name: secret})}).encode()),
    ):
        assert "hunter" not in line
        assert "shown" in line
        assert "***" in line


@pytest.mark.parametrize("text", [
    JWT, f"Bearer {SECRET_64}", "Basic YXBwOnNlY3JldC0x", SECRET_64, "v1.MkX9fQ-abcdef123456",
    "https://joe:hunter2@h.example/", f"https://h.example/invite/{SECRET_64}", CLIENT_ID,
    "https://h.example/file?X-Amz-Signature=0011223344", "-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2",
    base64.b64encode(hashlib.sha512(b"1").digest()).decode(), hashlib.sha256(b"1").hexdigest(),
    '{"password": "hunter2"}', "client_secret=hunter2&x", 'said {"authorization": "Bearer hunter2"}',
    'said {"password": "hunter2 with \\"spaces\\" hunter2"}', "{'password': \"hunter2\", 'otp': 'hunter2'",
])  # fmt: skip
def test_what_looks_like_a_secret_is_shown_under_no_name(text: str) -> None:
    shown = value(text)
    assert shown != text
    assert not [part for part in (JWT, SECRET_64, "hunter2", "0011", "YXBw") if part in shown]


@pytest.mark.parametrize(("name", "text"), [
    ("user_id", "auth0|5f7c8ec7c33c6c004bbafe82"), ("sub", "google-oauth2|115015401343387192604"),
    ("user_id", "waad|mVjrW4bJ3gE_K9mVjrW4bJ3gE_K9mVjrW4bJ3gE_K91"), ("x", "auth0|5f7c8ec7c33c6c004bbafe82"),
    ("client_id", CLIENT_ID), ("enabled_clients", CLIENT_ID),
    ("kid", "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"),
    ("x", "org_9ybsU1dN2dKfDkBi"), ("x", "con_bk7UhGZqYd1yGpVn"),
    ("x", "https://tenant.eu.auth0.com/api/v2/users"),
    ("x", "https://h.example/users/5f7c8ec7c33c6c004bbafe82/things/550e8400-e29b-41d4-a716-446655440000"),
    ("x", "/api/v2/users/5f7c8ec7c33c6c004bbafe82"), ("x", "2026-01-02T03:04:05.123Z"),
    ("x", "550e8400-e29b-41d4-a716-446655440000"), ("x", "The 3rd user of 25 has no e-mail address, has he?"),
    ("x", "90020240101120000000000000000000000001223372061"), ("x", "[a draft] {of 1}"), ("x", "no token"),
    ("x", "my-very-long-organization-name-2024-staging-eu-1"), ("x", "read:users update:users_app_metadata"),
    ("x", "urn:ietf:params:oauth:grant-type:token-exchange"), ("x", "d41d8cd98f00b204e9800998ecf8427e"),
    ("x", "https_tenant_eu_auth0_com_read_Permission2_ofUsers"),
    ("token_type", "Bearer"), ("error", "invalid_grant"),
    ("x", "Grüße, 世界"), ("code", "invalid_body"), ("x", "123,456.78 at 10:30"), ("x", "a@b"),
])  # fmt: skip
def test_what_is_no_secret_is_shown(name: str, text: str) -> None:
    assert value(text, name) == text


@pytest.mark.parametrize(("name", "text", "short"), [
    ("email", "joe.doe@example.com", "j***@example.com"),
    ("x", "ask joe@example.com now", "ask j***@example.com now"),
    ("user_id", "email|joe@example.com", "email|j***@example.com"),
    ("phone_number", "(555) 123-4567", "***67"),
    ("x", "sent to +15551234567", "sent to +***67"), ("given_name", "Joe", "Joe"),
])  # fmt: skip
def test_addresses_and_numbers_are_shortened_unless_they_are_wanted(name: str, text: str, short: str) -> None:
    assert value(text, name) == short
    assert value(text, name, personal=True) == text


def test_addresses_in_a_url_are_shortened_too() -> None:
    line = sent(url="https://h.example/users/email%7Cjoe%40example.com?email=joe%40example.com&q=a%20b")
    assert line == "> POST https://h.example/users/email|j***@example.com?email=j***@example.com&q=a%20b"


def test_a_url_shows_neither_its_ticket_nor_its_signature_nor_its_user() -> None:
    line = sent(url="https://joe:pw@h.example/sso-ticket/abc/revoke?sig=x1&expires=5&who=y2")
    assert line == "> POST https://h.example/sso-ticket/***/revoke?sig=***&expires=***&who=***"


@pytest.mark.parametrize(("body", "kind", "shown"), [
    (b"\xff\xfe\x00", "application/json", "(3 bytes of application/json)"),
    (b'{"password": "hun', "application/json", "(17 bytes of application/json)"),
    (b"<p>hunter2", "text/html; charset=utf-8", "(10 bytes of text/html)"),
    (b"password=\xff", FORM["content-type"], "(10 bytes of application/x-www-form-urlencoded)"),
    (b'--x\r\n\r\n{"a": 1}', "multipart/form-data; boundary=x", "(15 bytes of multipart/form-data)"),
    (b'"hunter2"', "application/json", "(9 bytes of application/json)"),
    (b"x", "", "(1 bytes of no type)"),
    (b"[" * 100_000, "application/json", "(100000 bytes of application/json)"),
    (b'[true, null, 1.5, {}, [], {"token": null, "otp": 123456, "secret": false, "tokens": ["a"]}]', "x/json",
     '[true, null, 1.5, {}, [], {"token": null, "otp": "***", "secret": false, "tokens": "***"}]'),
    (b'[{"key": "a", "value": "hunter2"}, {"value": "b"}]', "",
     '[{"key": "a", "value": "***"}, {"value": "b"}]'),
])  # fmt: skip
def test_a_body_is_json_or_a_form_or_a_size(body: bytes, kind: str, shown: str) -> None:
    assert got(body, {"content-type": kind}) == shown


def test_a_body_of_any_depth_is_shown_to_a_depth() -> None:
    assert got(b"[" * 40 + b"5" + b"]" * 40) == "[" * 31 + '"***"' + "]" * 31


def test_what_was_sent_is_not_shown_when_the_server_quotes_it() -> None:
    request = Request(method="POST", url="https://h/", headers=JSON, body=b'{"password": "hunter2"}')
    lines = log(request, answer({"message": "hunter2 is too weak"}, 400))
    assert "hunter2" not in str(lines)
    assert "is too weak" in lines[1]


def test_the_head_of_what_is_long_is_cut_after_it_was_redacted() -> None:
    for longest in range(1, 60):
        shown = got(json.dumps({"a": f"x {JWT}", "b": "c"}).encode(), longest=longest)
        assert "eyJ" not in shown
        assert len(shown) <= longest + 3
    assert got(b'{"a": "x"}', longest=10) == '{"a": "x"}'
    assert got(b'{"a": "x"}', longest=9) == '{"a": "x"...'


def test_no_text_forges_a_line() -> None:
    evil = "a\r\nDEBUG forged \x1b[2J \u2028 \u202e \x85"
    request = Request(
        method="POST",
        url="https://h/a%0Aj@b.c?x=%0Ajoe@b.c",
        headers={"x": f"{evil}\ud800"},
        body=json.dumps({evil: evil}).encode(),
    )
    response = Response(status=200, headers={"content-type": evil, "y": evil}, body=b"x")
    lines = log(request, response)
    assert all(map(str.isprintable, lines))
    assert lines[0].count("forged") == 3


@pytest.mark.parametrize("level", [logging.INFO, logging.CRITICAL])
def test_nothing_is_put_together_when_nobody_listens(level: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(plugin, "_Redaction", lambda *args, **named: made.append(args))
    WIRE.setLevel(level)
    try:
        flow = compose(Details().anyauth0_attempt_middleware(None), send)(  # type: ignore[arg-type]
            Request(method="GET", url="https://h/")
        )
        next(flow)
        with pytest.raises(StopIteration):
            flow.send(answer({}))
    finally:
        WIRE.setLevel(logging.NOTSET)
    assert made == []


def test_a_large_body_costs_no_more_than_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[int] = []

    def counted(function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda text, *more: (looked_at.append(len(text)), function(text, *more))[1]

    monkeypatch.setattr(plugin, "redacted", counted(plugin.redacted))
    monkeypatch.setattr(plugin, "_parse", counted(plugin._parse))
    row = b'{"name": "somebody", "at": 5},'
    assert got(b"[" + row * 350_000 + b"1]") == "(10500003 bytes of application/json)"
    assert sum(looked_at) < 1000
    assert got(b"[" + row * 5_000 + b"1]", longest=100).startswith('[{"name": "somebody"')
    assert sum(looked_at) < 150_003 + 1000


@pytest.mark.parametrize("longest", [0, -1, True, 1.5, "9"])
def test_a_length_that_is_none_is_refused(longest: Any) -> None:
    with pytest.raises(ConfigurationError, match='"longest" must be a whole number above 0'):
        Details(longest=longest)


NAMES = [
    "password",
    "client_secret",
    "refreshToken",
    "Authorization",
    "mfa_token",
    "x-api-key",
    "otp",
    "signing_key",
]
ALPHABET = "abcXYZ019-_.~+/= "
TOKENS = st.text(ALPHABET, min_size=1, max_size=60).map(lambda text: f"canary7{text}")
RANDOM = (
    st.integers()
    .map(lambda seed: hashlib.sha512(str(seed).encode()).digest())
    .map(lambda digest: base64.urlsafe_b64encode(digest)[:64].decode())
)
NESTS = st.recursive(
    st.builds(lambda name, token: {name: token, "a": 1}, st.sampled_from(NAMES), TOKENS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    | inner.map(json.dumps).map(lambda text: {"text": text}),
)  # fmt: skip


@given(nest=NESTS, name=st.sampled_from(NAMES), token=TOKENS)
def test_no_secret_is_shown_wherever_it_is(nest: Any, name: str, token: str) -> None:
    request = Request(
        method="POST", url=f"https://h/?{urlencode({name: token, 'n': json.dumps(nest)})}",
        headers={name.lower(): token}, body=urlencode({name: token, "n": json.dumps(nest)}).encode(),
    )  # fmt: skip
    forms = log(request.with_headers(FORM), answer(nest, x=json.dumps(nest)), longest=100_000)
    assert "canary7" not in str(forms)
    assert "canary7" not in sent(headers=JSON, body=json.dumps({"n": nest}).encode())


@given(token=RANDOM, prefix=st.sampled_from(["", "see ", "('", "x: ", "token_", "é", "="]))
def test_no_random_text_is_shown_under_any_name(token: str, prefix: str) -> None:
    for name in ("description", "id"):
        assert token[:30] not in value(f"{prefix}{token}", name)
