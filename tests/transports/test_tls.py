"""Both transports trust whom they are told to, and show the certificate that they are given."""

import ssl
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anyauth0 import TLS, AsyncManagementClient, ConfigurationError, ManagementClient, TransportTimeout
from anyauth0_transports._tls import ssl_context
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.http_client import HttpClientTransport
from anyauth0_transports.urllib3 import Urllib3Transport

from .certificates import PASSWORD, Certificates
from .senders import Sender, failing, get, shown_by
from .servers import Peer, answer, answering, serve

SECRET = "canary-secret"
Make = Callable[..., Any]


@pytest.fixture(params=[Urllib3Transport, AiohttpTransport, HttpClientTransport])
def make(request: pytest.FixtureRequest) -> Make:
    found: Make = request.param
    return found


@pytest.fixture
def trusted_context(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=certificates.ca_file)
    context.load_cert_chain(certificates.cert_file, certificates.key_file)
    return context


# The server's certificate


@pytest.mark.parametrize("given", ["ca", "ca_file"])
def test_an_authority_of_ones_own_is_trusted(make: Make, certificates: Certificates, given: str) -> None:
    tls = TLS(ca=getattr(certificates, given))
    with serve(answering(), certificates.server) as server, Sender(make(tls=tls)) as sender:
        assert [sender.send(get(server.url)).status for _ in range(2)] == [200, 200]
    assert server.accepted == 1


def test_the_authorities_of_the_environment_are_trusted(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    with serve(answering(), certificates.server) as server, Sender(make()) as sender:
        assert sender.send(get(server.url)).status == 200


def test_own_authorities_replace_those_of_the_system(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca_file))
    tls = TLS(ca=certificates.other_ca)
    with serve(answering(), certificates.server) as server, Sender(make(tls=tls)) as sender:
        failing(sender, get(server.url), sent=False)


def test_an_unknown_authority_is_refused_before_anything_is_sent(
    make: Make, certificates: Certificates
) -> None:
    with serve(answering(), certificates.server) as server, Sender(make()) as sender:
        request = get(f"{server.url}?{SECRET}", headers={"authorization": SECRET}, body=SECRET.encode())
        error = failing(sender, request, sent=False)
    assert "certificate verify failed" in str(error)
    assert "tls=TLS(" in str(error)
    assert SECRET not in shown_by(error)
    assert server.requests == []


def test_a_certificate_of_another_host_is_refused_before_anything_is_sent(
    make: Make, certificates: Certificates
) -> None:
    context = certificates.server_of_another_name
    with serve(answering(), context) as server, Sender(make(tls=certificates.tls)) as sender:
        failing(sender, get(server.url), sent=False)
    assert server.requests == []


def test_a_server_that_speaks_no_tls_gets_nothing(make: Make, certificates: Certificates) -> None:
    def handler(peer: Peer) -> None:
        peer.sock.recv(100)
        peer.send(answer(400))

    with serve(handler) as server, Sender(make(tls=certificates.tls)) as sender:
        failing(sender, get(server.url.replace("http:", "https:")), sent=False)


def test_a_server_that_goes_away_in_the_handshake_gets_nothing(
    make: Make, certificates: Certificates
) -> None:
    def handler(peer: Peer) -> None:
        peer.sock.recv(100)

    with serve(handler) as server, Sender(make(tls=certificates.tls)) as sender:
        failing(sender, get(server.url.replace("http:", "https:")), sent=False)


def test_a_handshake_that_never_ends_is_a_timeout_before_anything_is_sent(
    make: Make, certificates: Certificates
) -> None:
    def handler(peer: Peer) -> None:
        peer.wait_until_gone()

    with serve(handler) as server, Sender(make(tls=certificates.tls)) as sender:
        request = get(server.url.replace("http:", "https:"), timeout=0.3)
        error = failing(sender, request, sent=False, within=0.8)
    assert isinstance(error, TransportTimeout)


def test_an_answer_that_drips_over_tls_is_a_timeout(make: Make, certificates: Certificates) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(answer())
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n")
        while not peer.server.over.wait(0.02):
            peer.send(b"x")

    with serve(handler, certificates.server) as server, Sender(make(tls=certificates.tls)) as sender:
        # The handshake is over by then, however slow the machine is.
        sender.send(get(server.url))
        error = failing(sender, get(server.url, timeout=0.3), sent=True, within=0.8)
    assert isinstance(error, TransportTimeout)


def test_a_server_that_reads_slowly_over_tls_is_a_timeout(make: Make, certificates: Certificates) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(answer())
        while not peer.server.over.wait(0.02):
            peer.sock.recv(16384)

    with serve(handler, certificates.server) as server, Sender(make(tls=certificates.tls)) as sender:
        # The handshake is over by then, however slow the machine is.
        sender.send(get(server.url))
        request = get(server.url, method="POST", body=bytes(30_000_000), timeout=0.3)
        error = failing(sender, request, sent=True, within=1.0)
    assert isinstance(error, TransportTimeout)


def test_a_connection_that_the_server_has_closed_meanwhile_costs_nothing(
    make: Make, certificates: Certificates
) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(answer())

    with serve(handler, certificates.server) as server, Sender(make(tls=certificates.tls)) as sender:
        for _ in range(3):
            server.done.clear()
            assert sender.send(get(server.url, method="POST", body=b"x")).status == 200
            assert server.done.wait(5)
    assert server.accepted == 3


# The client's certificate


@pytest.mark.parametrize(
    "parts",
    [
        ("cert", "key"), ("cert_file", "key_file"), ("cert", "key_file"), ("cert_file", "key"),
        ("cert_and_key",), ("cert", "encrypted_key"),
    ],
    ids=" and ".join,
)  # fmt: skip
def test_a_certificate_is_shown_to_the_server(
    make: Make, certificates: Certificates, parts: tuple[str, ...]
) -> None:
    cert, key = (*(getattr(certificates, part) for part in parts), None)[:2]
    password = PASSWORD if "encrypted_key" in parts else None
    tls = TLS(ca=certificates.ca, cert=cert, key=key, key_password=password)
    context = certificates.server_that_wants_certificates
    with serve(answering(), context) as server, Sender(make(tls=tls)) as sender:
        assert sender.send(get(server.url)).status == 200
    assert "the client" in str(server.certificates)


def test_a_ready_context_is_used_as_it_is(
    make: Make, trusted_context: ssl.SSLContext, certificates: Any
) -> None:
    context = certificates.server_that_wants_certificates
    with serve(answering(), context) as server, Sender(make(tls=TLS(context=trusted_context))) as sender:
        assert sender.send(get(server.url)).status == 200
    assert "the client" in str(server.certificates)


def test_a_server_that_wants_a_certificate_and_gets_none_refuses(
    make: Make, certificates: Certificates
) -> None:
    context = certificates.server_that_wants_certificates
    with serve(answering(), context) as server, Sender(make(tls=certificates.tls)) as sender:
        # In TLS 1.3 the client has sent its request by the time that it is told.
        failing(sender, get(server.url), sent=True)
    assert server.requests == []


def test_bytes_leave_no_file_behind(
    certificates: Certificates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    load = ssl.SSLContext.load_cert_chain

    def watch(context: ssl.SSLContext, cert: Any, key: Any, password: Any) -> None:
        modes.extend(Path(path).stat().st_mode & 0o777 for path in (cert, key))
        load(context, cert, key, password)

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    ssl_context(TLS(cert=certificates.cert, key=certificates.key))
    with pytest.raises(ConfigurationError):
        ssl_context(TLS(cert=certificates.cert, key=certificates.other_key))
    assert modes == [0o600] * 4
    assert list(tmp_path.iterdir()) == []


def test_tls_is_at_least_1_2_and_checks_names(certificates: Certificates) -> None:
    for tls in (None, certificates.tls):
        context = ssl_context(tls)
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
        assert context.check_hostname
        assert context.verify_mode is ssl.CERT_REQUIRED


# What cannot be used is refused when the client is built

CLIENTS = [
    (ManagementClient, "urllib3"), (ManagementClient, "http_client"), (AsyncManagementClient, "aiohttp"),
]  # fmt: skip


@pytest.mark.parametrize(("client", "transport"), CLIENTS)
@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"ca": "folder/nowhere.pem"}, ['"ca"', "nowhere.pem", "No such file"]),
        ({"ca": b"no pem"}, ['"ca"', "the given bytes"]),
        ({"ca": b"\xff\xfe"}, ['"ca"', "the given bytes"]),
        ({"ca": "key_file"}, ['"ca"', "key.pem"]),
        ({"key": "key"}, ['"key"', '"cert"']),
        ({"key_password": PASSWORD}, ['"key_password"', '"cert"']),
        ({"cert": "folder/nowhere.pem"}, ['"cert"', "nowhere.pem", "No such file"]),
        ({"cert": "cert", "key": "folder/nowhere.pem"}, ['"key"', "nowhere.pem", "No such file"]),
        ({"cert": b"no pem", "key": "key"}, ['"cert"']),
        ({"cert": "cert", "key": b"no pem"}, ['"key"']),
        ({"cert": "cert"}, ['"key"']),
        ({"cert": "cert", "key": "other_key"}, ['"key"', "key values mismatch"]),
        ({"cert": "cert", "key": "encrypted_key"}, ['"key_password"']),
        ({"cert": "cert", "key": "encrypted_key", "key_password": "wrong"}, ['"key_password"']),
        ({"cert": "cert", "key": "encrypted_key", "key_password": PASSWORD * 50}, ['"key_password"']),
        ({"context": "trusted", "ca": "ca"}, ['"context"']),
        ({"context": "trusted", "key_password": PASSWORD}, ['"context"']),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_settings_that_cannot_be_used_are_refused(
    client: Any,
    transport: str,
    parts: dict[str, Any],
    named: list[str],
    certificates: Certificates,
    trusted_context: ssl.SSLContext,
) -> None:
    def value(part: Any) -> Any:
        if part == "trusted":
            return trusted_context
        if isinstance(part, str) and part.startswith("folder/"):
            return str(certificates.folder / part.removeprefix("folder/"))
        return getattr(certificates, part) if isinstance(part, str) and hasattr(certificates, part) else part

    tls = TLS(**{name: value(part) for name, part in parts.items()})
    with pytest.raises(ConfigurationError) as caught:
        client(domain="tenant.example.com", token="t", tls=tls, transport=transport)
    error = caught.value
    assert error.option == "tls"
    assert 'option "tls"' in str(error)
    assert all(name in str(error) for name in named), str(error)
    assert len(str(error)) < 300
    shown = shown_by(error)
    assert PASSWORD not in shown
    assert "PRIVATE KEY" not in shown
