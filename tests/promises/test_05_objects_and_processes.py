"""Promise 5: nothing that a user holds, logs, warns of or leaves behind at the end shows a secret."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import (
    TLS,
    AccessToken,
    Authenticated,
    AuthenticationApiError,
    AuthenticationClient,
    Call,
    ClientOptions,
    DPoPAuth,
    DPoPKey,
    IdTokenChecks,
    ManagementApiError,
    Request,
    Response,
)
from anyauth0.errors import api_error
from anyauth0.jose import load_private_key
from anyauth0.keys import SigningKey
from anyauth0.redaction import redacted
from anyauth0.tokens import MemoryTokenStore
from anyauth0_plugins.client_assertion import AssertionKeys, private_key
from anyauth0_plugins.file_store import FileTokenStore
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.urllib3 import Urllib3Transport

from ..core.fakes import DOMAIN, Kind, things
from .leaks import CANARY, leaks, told

SECRET = f"{CANARY}-secret-1"


@pytest.fixture(scope="module")
def key() -> DPoPKey:
    return DPoPKey.generate()


def material(key: DPoPKey) -> str:
    """Return the part of a private key that nobody may see."""
    return "".join(key.to_pem().decode().splitlines()[1:-1])[20:60]


def test_keys_show_their_thumbprint_or_id_alone(key: DPoPKey) -> None:
    pem = key.to_pem()
    one = private_key(pem, key_id="key-1", algorithm="ES256")
    two = private_key(pem, key_id="key-2", algorithm="ES256")
    loaded = load_private_key(pem, algorithm="ES256")
    auth = DPoPAuth(key, SECRET)
    client = AuthenticationClient(
        domain=DOMAIN, client_id="app", dpop=key, client_assertion_signing_key=pem,
        client_assertion_signing_alg="ES256",
    )  # fmt: skip
    for value in (key, one, AssertionKeys([one, two]), loaded, auth, client, client._core.options):
        assert not leaks(f"{value!r} {value}")
        assert material(key) not in repr(value)
        assert "PRIVATE" not in repr(value)
    assert "key-1" in repr(AssertionKeys([one, two]))
    assert isinstance(loaded, SigningKey)
    client.close()


def test_options_requests_answers_tokens_and_stores_show_no_secret(tmp_path: Path) -> None:
    token = AccessToken.issued(SECRET, lifetime=60, now=0, refresh_token=SECRET)
    store = MemoryTokenStore()
    list(store.save(SECRET, token))
    file_store = FileTokenStore(tmp_path / "store")
    values: list[Any] = [
        token,
        store,
        file_store,
        Request(method="GET", url=f"https://h/x?t={SECRET}", headers={"x": SECRET}, body=SECRET.encode()),
        Response(status=200, headers={"set-cookie": SECRET}, body=SECRET.encode()),
        Call(str, query={"x": SECRET}, json={"password": SECRET}, headers={"x": SECRET}),
        Authenticated(form={"client_secret": SECRET}, headers={"authorization": SECRET}),
        ClientOptions(domain=DOMAIN, asynchronous=False, client_secret=SECRET, headers={"x": SECRET}),
        IdTokenChecks(nonce=SECRET),
        TLS(cert=SECRET.encode(), key=SECRET.encode(), key_password=SECRET),
    ]  # fmt: skip
    for value in values:
        assert not leaks(f"{value!r} {value}")


def test_clients_resources_methods_and_calls_show_no_secret(kind: Kind) -> None:
    options = {
        "client_id": "app",
        "client_secret": SECRET,
        "headers": {"x": SECRET},
        "extra_body": {"x": SECRET},
    }
    management = kind.management_client(kind.transport(), **{**options, "token": SECRET})
    authentication = kind.authentication(domain=DOMAIN, transport=kind.transport(), **options)
    resource = things(management)
    call = type(resource).create.call(resource, (), {"name": SECRET})
    view = management.with_options(headers={"y": SECRET})
    for value in (
        management, authentication, view, management.users, management.users.get, management.users.get_all,
        management.jobs.export_all, authentication.oauth, authentication.oauth.password_grant,
        authentication.tokens.get, resource, resource.create, type(resource).create, call,
        management._core.options,
    ):  # fmt: skip
        assert not leaks(f"{value!r} {value}")


JWT = f"eyJhbGciOiJSUzI1NiJ9.{CANARY}.c2lnbmF0dXJl"
QUOTES = [
    f"Invalid token {JWT}",
    f"Invalid token '{JWT}'.",
    f"token={JWT}&x",
    f'"{JWT}"',
    f"{'long ' * 50}{JWT}",
    f"See https://t/lo/reset?ticket={SECRET}",
    f"at https://t/x?a=1&ticket={SECRET}#",
    f"https://t/#access_token={SECRET}",
    f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}",
    f"Authorization: Bearer {SECRET}",
    f"'no format: {SECRET}' on property password",
    f'{{"client_secret": "{SECRET}"}}',
    f"{{'otp':'{SECRET}'}}",
    f"Unknown refresh token v1.{SECRET}-of-old",
    f"no way to http://ada:{SECRET}@proxy.example.com",
    f'{{\\"password\\": \\"{SECRET}\\"}}',
]


@pytest.mark.parametrize("said", QUOTES)
@pytest.mark.parametrize("name", ["message", "error", "code", "error_description"])
def test_what_a_server_quotes_is_redacted(said: str, name: str) -> None:
    body = json.dumps({name: said}).encode()
    for family in (AuthenticationApiError, ManagementApiError):
        error = api_error(family, Response(status=400, body=body), call="GET /x")
        assert not leaks(f"{error} {error!r} {error.description} {error.code}")
        assert "[redacted]" in f"{error.description} {error.code}"


@pytest.mark.parametrize(
    "said",
    [
        "Bearer authentication failed",
        "max-age=0",
        "Grant type 'password' not allowed",
        "'too short' on property password",
        'Bearer realm="x"',
        "token expired",
    ],
)
def test_what_is_no_secret_is_left_as_it_is(said: str) -> None:
    assert redacted(said) == said


def test_an_error_keeps_no_cookie_and_no_query_of_an_address() -> None:
    headers = {
        "set-cookie": SECRET,
        "location": f"https://h/cb?code={SECRET}",
        "link": f"<https://h/?t={SECRET}>",
    }
    error = api_error(ManagementApiError, Response(status=302, headers=headers), call="GET /x")
    assert not leaks(told(error))
    assert error.headers["location"].startswith("https://h/cb?")


class Quiet(BaseHTTPRequestHandler):
    """Answers each request with an error that says again what it was sent."""

    def do_GET(self) -> None:
        body = b'{"message": "no", "sent": "%s"}' % str(self.headers).encode().hex().encode()
        self.send_response(403)
        self.send_header("set-cookie", SECRET)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def silence() -> Iterator[str]:
    """Yield a port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def through_a_transport(url: str, *, asynchronous: bool, timeout: float = 10) -> str:
    """Send a request with secrets through a real transport, and return all that is told of it."""
    request = Request(
        method="POST", url=f"http://{url}/oauth/token?sig={SECRET}", body=f"password={SECRET}".encode(),
        headers={"authorization": f"Bearer {SECRET}", "content-type": "x/y"}, timeout=timeout,
    )  # fmt: skip

    async def whole() -> Any:
        transport = AiohttpTransport(proxy=False)
        try:
            return await transport.send(request)
        finally:
            await transport.close()

    try:
        if asynchronous:
            return repr(asyncio.run(whole()))
        with contextlib.closing(Urllib3Transport(proxy=False)) as transport:
            return repr(transport.send(request))
    except Exception as error:
        return told(error)


@pytest.mark.parametrize("asynchronous", [False, True], ids=["urllib3", "aiohttp"])
@pytest.mark.parametrize("where", ["nobody", "silence"])
def test_a_real_transport_that_fails_shows_no_secret(
    asynchronous: bool, where: str, silence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = silence if where == "silence" else "127.0.0.1:1"
    text = through_a_transport(url, asynchronous=asynchronous, timeout=0.05)
    assert "Transport" in text
    assert not leaks(text)
    assert not leaks("\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records))


@pytest.mark.parametrize("asynchronous", [False, True], ids=["urllib3", "aiohttp"])
def test_a_real_transport_that_is_answered_shows_no_secret(asynchronous: bool, server: str) -> None:
    assert not leaks(through_a_transport(server, asynchronous=asynchronous))


@pytest.mark.parametrize("asynchronous", [False, True], ids=["urllib3", "aiohttp"])
def test_no_logger_at_all_writes_the_query_of_an_address(
    asynchronous: bool, server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    through_a_transport(server, asynchronous=asynchronous)
    assert not leaks("\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records))


PROGRAM = """
import asyncio, sys, traceback
from anyauth0 import Auth0Error, AsyncAuthenticationClient, AuthenticationClient, ManagementClient
secret = sys.argv[1]
options = dict(
    domain="localhost:1", client_id="app", client_secret=secret, headers={"x": secret}, retry=False,
    proxy=False,
)
def calls(auth):
    grant = lambda: auth.oauth.password_grant(username="a", password=secret)
    return [grant, lambda: auth.user_info.get(secret)]
def show(error):
    # As a crash reporter does.
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    while whole.stack and whole.stack[0].filename == "<string>":
        whole.stack.pop(0)
    print("".join(whole.format()), file=sys.stderr)
def failing(call):
    try:
        call()
    except Auth0Error as error:
        show(error)
    else:
        raise SystemExit("no error")
blocking = AuthenticationClient(**options)
for call in calls(blocking):
    failing(call)
failing(lambda: ManagementClient(domain="localhost:1", token=secret, retry=False, proxy=False).users.get("1"))
async def main():
    auth = AsyncAuthenticationClient(**options)
    for call in calls(auth):
        try:
            await call()
        except Auth0Error as error:
            show(error)
    if "close" in sys.argv:
        await auth.close()
asyncio.run(main())
if "close" not in sys.argv:
    # Left open, both of them: what the interpreter says of it must not show what they held.
    del blocking
blocking = None
ManagementClient(domain="localhost", token=secret, client_secrets=secret)
"""


@pytest.mark.parametrize("closing", ["close", "leave open"])
def test_a_process_in_development_mode_prints_no_secret(closing: str) -> None:
    outcome = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM, SECRET, *closing.split()],
        capture_output=True, text=True, check=False, timeout=60,
        env={**os.environ, "PYTHONASYNCIODEBUG": "1"},
    )  # fmt: skip
    assert outcome.returncode == 1, "the last line is a mistake on purpose"
    assert 'did you mean "client_secret"' in outcome.stderr
    assert outcome.stderr.count("TransportError") >= 5
    assert not leaks(outcome.stderr)
    assert not leaks(outcome.stdout)
