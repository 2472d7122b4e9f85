"""The tenant over real sockets: TLS, client certificates, faults, and the command that serves it."""

import gc
import http.client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server


@pytest.fixture
def server(tenant: LocalTenant) -> Iterator[Server]:
    with serve(tenant) as server:
        yield server


def ask(server: Server, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    """Send a bare request, as any other client would."""
    context = ssl.create_default_context(cadata=server.ca_pem.decode())
    connection = http.client.HTTPSConnection(server.domain, context=context, timeout=20)
    try:
        if isinstance(body, dict):
            headers["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(body)
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read() or b"null")
    finally:
        connection.close()


def credentials(tenant: LocalTenant) -> dict[str, str]:
    return {
        "grant_type": "client_credentials", "audience": tenant.management_audience,
        "client_id": tenant.client_id, "client_secret": tenant.client_secret,
    }  # fmt: skip


def test_its_domain_is_that_of_the_tenant_while_it_is_served(tenant: LocalTenant) -> None:
    before = tenant.domain
    with serve(tenant) as server:
        assert tenant.domain == server.domain
        assert re.fullmatch(r"localhost:\d+", server.domain)
        status, document = ask(server, "GET", "/.well-known/openid-configuration")
        assert status == 200
        assert document["issuer"] == f"https://{server.domain}/"
        assert document["mtls_endpoint_aliases"] == server.mtls_endpoint_aliases
    assert tenant.domain == before
    with pytest.raises(OSError, match="refused"):
        ask(server, "GET", "/")


def test_its_tokens_open_its_management_api(tenant: LocalTenant, server: Server) -> None:
    status, answer = ask(server, "POST", "/oauth/token", credentials(tenant))
    assert status == 200
    bearer = f"Bearer {answer['access_token']}"
    tenant.add_user(email="ada@example.com", password="correct-Horse-7")
    status, users = ask(
        server, "GET", "/api/v2/users?q=email%3A%22ada%40example.com%22", authorization=bearer
    )
    assert (status, [user["email"] for user in users]) == (200, ["ada@example.com"])
    assert ask(server, "GET", "/api/v2/users")[0] == 401
    assert ask(server, "GET", "/nowhere")[0] == 404


def test_many_may_ask_at_once(tenant: LocalTenant, server: Server) -> None:
    statuses: list[int] = []

    def work() -> None:
        for _ in range(2):
            statuses.append(ask(server, "POST", "/oauth/token", credentials(tenant))[0])  # noqa: PERF401

    threads = [threading.Thread(target=work) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 32


def test_without_tls_it_speaks_plain_http(tenant: LocalTenant) -> None:
    with serve(tenant, tls=False) as server:
        connection = http.client.HTTPConnection(server.domain, timeout=20)
        connection.request("GET", "/.well-known/jwks.json")
        assert connection.getresponse().status == 200
        connection.close()
        assert server.mtls_endpoint_aliases == {}


@pytest.mark.parametrize(("fault", "acted"), [("reset_before", False), ("reset_after", True)])
def test_a_reset_breaks_the_connection(tenant: LocalTenant, server: Server, fault: str, acted: bool) -> None:
    tenant.faults.reset(path="/oauth/token", after=acted)
    tenant.requests.clear()
    with pytest.raises((http.client.HTTPException, OSError)):
        ask(server, "POST", "/oauth/token", credentials(tenant))
    assert bool(tenant.requests) is acted
    assert ask(server, "POST", "/oauth/token", credentials(tenant))[0] == 200


def test_a_mistake_in_a_handler_is_an_answer(
    tenant: LocalTenant, server: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(tenant, "handle", broken)
    status, answer = ask(server, "GET", "/userinfo")
    assert status == 500
    assert answer["statusCode"] == 500
    assert "the local tenant failed" in caplog.text


def test_a_client_certificate_is_read_from_the_connection(
    tenant: LocalTenant, server: Server, tmp_path: Path
) -> None:
    certificate, key = server.client_certificate("worker")
    client = tenant.add_client("worker", certificate=certificate)
    body = {**credentials(tenant), "client_id": client["client_id"]}
    del body["client_secret"]
    (tmp_path / "client.pem").write_bytes(certificate + key)
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(b"".join(server.client_certificate("stranger")))
    alias = urlsplit(server.mtls_endpoint_aliases["token_endpoint"])

    def status_with(file: Path | None, host: str = alias.netloc) -> int:
        context = ssl.create_default_context(cadata=server.ca_pem.decode())
        if file is not None:
            context.load_cert_chain(file)
        connection = http.client.HTTPSConnection(host, context=context, timeout=20)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        connection.request("POST", alias.path, urlencode(body), kind)
        try:
            return connection.getresponse().status
        finally:
            connection.close()

    assert status_with(tmp_path / "client.pem") == 200
    assert status_with(stranger) == 401
    assert status_with(None) == 401
    # The first port asks for none, so there is none to see.
    assert status_with(tmp_path / "client.pem", server.domain) == 401


def test_a_delay_keeps_one_answer_back_and_not_the_others(tenant: LocalTenant, server: Server) -> None:
    tenant.faults.delay(3600, path="/userinfo")
    context = ssl.create_default_context(cadata=server.ca_pem.decode())
    slow = http.client.HTTPSConnection(server.domain, context=context, timeout=20)
    slow.request("GET", "/userinfo")
    assert ask(server, "GET", "/.well-known/jwks.json")[0] == 200
    slow.close()


def test_a_delayed_answer_comes_late(tenant: LocalTenant, server: Server) -> None:
    tenant.faults.delay(0.1, path="/.well-known/jwks.json")
    start = time.monotonic()
    assert ask(server, "GET", "/.well-known/jwks.json")[0] == 200
    assert time.monotonic() - start >= 0.1


def test_a_body_beyond_20_megabytes_is_refused(server: Server) -> None:
    context = ssl.create_default_context(cadata=server.ca_pem.decode())
    connection = http.client.HTTPSConnection(server.domain, context=context, timeout=20)
    try:
        connection.request("POST", "/api/v2/jobs/users-imports", bytes(20 * 1024 * 1024 + 1))
        assert connection.getresponse().status == 413
    finally:
        connection.close()


@pytest.mark.parametrize("state", ["connected", "idle", "in the middle of a request", "waiting"])
def test_a_client_that_stays_does_not_keep_it_from_stopping(tenant: LocalTenant, state: str) -> None:
    with serve(tenant) as server:
        context = ssl.create_default_context(cadata=server.ca_pem.decode())
        connection = http.client.HTTPSConnection(server.domain, context=context, timeout=20)
        connection.connect()
        if state == "idle":
            connection.request("GET", "/.well-known/jwks.json")
            connection.getresponse().read()
        elif state == "in the middle of a request":
            connection.request("POST", "/oauth/token", b"", {"content-length": "10"})
        elif state == "waiting":
            tenant.faults.delay(3600)
            connection.request("GET", "/.well-known/jwks.json")
    # A socket left open would be a warning here, and so an error.
    gc.collect()
    connection.close()


def test_another_name_is_in_the_certificate_and_in_the_domain(tenant: LocalTenant) -> None:
    with serve(tenant, name="tenant.test") as server:
        host, _, port = server.domain.rpartition(":")
        assert (host, tenant.domain) == ("tenant.test", server.domain)
        context = ssl.create_default_context(cadata=server.ca_pem.decode())
        with (
            socket.create_connection(("127.0.0.1", int(port)), timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="tenant.test") as secure,
        ):
            assert secure.getpeercert()


def test_a_port_that_is_taken_is_an_error(tenant: LocalTenant) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use"),
        serve(tenant, port=taken.getsockname()[1]),
    ):
        pass


class Command:
    """`python -m anyauth0_transports.local`, running."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "anyauth0_transports.local", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        self.said: dict[str, str] = {}
        assert self.process.stdout is not None
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            self.said[name] = value.strip()
            if line.startswith("Ctrl-C"):
                break

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        self.process.send_signal(number)
        out, error = self.process.communicate(timeout=60)
        return self.process.returncode, out + error


def test_the_command_serves_until_ctrl_c() -> None:
    command = Command("--port", "0")
    connection = http.client.HTTPConnection(command.said["domain"], timeout=20)
    body = urlencode({
        "grant_type": "client_credentials", "audience": f"https://{command.said['domain']}/api/v2/",
        "client_id": command.said["client_id"], "client_secret": command.said["client_secret"],
    })  # fmt: skip
    connection.request("POST", "/oauth/token", body, {"content-type": "application/x-www-form-urlencoded"})
    assert connection.getresponse().status == 200
    connection.close()
    assert command.stop(signal.SIGINT) == (0, "\nStopped.\n")


def test_the_command_keeps_its_data_in_a_file(tmp_path: Path) -> None:
    database = tmp_path / "tenant.sqlite"
    first = Command("--tls", "--database", str(database))
    authority = Path(first.said["authority"])
    assert authority.parent == tmp_path
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection(first.said["domain"], context=context, timeout=20)
    body = {"client_id": first.said["client_id"], "email": "ada@example.com", "password": "correct-Horse-7"}
    connection.request(
        "POST", "/dbconnections/signup",
        json.dumps({**body, "connection": "Username-Password-Authentication"}),
        {"content-type": "application/json"},
    )  # fmt: skip
    assert connection.getresponse().status == 200
    connection.close()
    assert first.stop()[0] == 0

    second = Command("--tls", "--database", str(database))
    assert second.said["client_id"] == first.said["client_id"]
    assert second.said["client_secret"] == first.said["client_secret"]
    assert second.stop()[0] == 0
    with LocalTenant(database=database) as tenant:
        assert [user["email"] for user in tenant.store.list("users")] == ["ada@example.com"]


def test_the_command_takes_the_name_that_clients_use_and_ends_by_sigterm_too() -> None:
    command = Command("--domain", "tenant.test")
    assert re.fullmatch(r"tenant\.test:\d+", command.said["domain"])
    assert command.said["url"] == f"http://{command.said['domain']}"
    assert command.stop(signal.SIGTERM) == (0, "\nStopped.\n")


def test_the_command_says_when_the_port_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "anyauth0_transports.local", "--port", str(port)],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "try another --port" in done.stderr
