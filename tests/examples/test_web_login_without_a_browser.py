"""The web application of the examples as a program: how it begins and ends, and its cookie under TLS."""

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from anyauth0_transports.local import LocalTenant

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
web_app = import_module("web_login.app").web_app


def start(**environment: str) -> subprocess.Popen[str]:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("AUTH0_")}
    return subprocess.Popen(
        [sys.executable, "-W", "error", EXAMPLES / "web_login" / "app.py"],
        env={**usual, **environment}, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("home", "secure"), [("https://app.example.com", True), ("http://localhost:3000", False)]
)
def test_the_cookie_is_for_tls_only_where_there_is_tls(home: str, secure: bool) -> None:
    async def set_cookie() -> str:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=home) as client,
        ):
            answer = await client.get("/login")
            return answer.headers["set-cookie"]

    with LocalTenant() as tenant:
        options = {"domain": tenant.domain, "client_id": tenant.client_id, "transport": "local"}
        app = web_app(options, home=f"{home}/", key=Fernet.generate_key())
        attributes = asyncio.run(set_cookie()).split("; ")
    assert {"httponly", "samesite=lax"} < set(attributes)
    assert ("secure" in attributes) is secure


def test_ctrl_c_ends_it_though_a_browser_is_connected() -> None:
    # Below the ports that the system gives to whoever asks for any.
    port = random.randrange(20_000, 32_000)
    with start(PORT=str(port)) as process, connected(process, port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200 OK")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert f"Open http://localhost:{port}/;" in out
    assert out.endswith("Stopped.\n")


def connected(process: subprocess.Popen[str], port: int) -> socket.socket:
    while process.poll() is None:
        with suppress(ConnectionRefusedError):
            return socket.create_connection(("127.0.0.1", port))
    raise AssertionError(process.communicate())


def test_half_of_your_tenant_is_asked_for_the_rest() -> None:
    with start(AUTH0_DOMAIN="tenant.example.com", AUTH0_CLIENT_ID="id") as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err.startswith("Set AUTH0_CLIENT_SECRET too")
