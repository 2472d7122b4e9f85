"""Both transports go through the proxy that the option or the environment names, and keep its password."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from anyauth0 import TLS, AsyncManagementClient, ConfigurationError, ManagementClient, TransportTimeout
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.http_client import HttpClientTransport
from anyauth0_transports.urllib3 import Urllib3Transport

from .certificates import Certificates
from .proxies import proxying
from .senders import Sender, failing, get, shown_by
from .servers import Peer, answer, answering, reset, serve, unused_port

SECRET = "canary-secret"
PASSWORD = "canary:p@ss/word"
ENCODED = "canary%3Ap%40ss%2Fword"
Make = Callable[..., Any]


@pytest.fixture(params=[Urllib3Transport, AiohttpTransport, HttpClientTransport])
def make(request: pytest.FixtureRequest) -> Make:
    found: Make = request.param
    return found


def at(url: str, credentials: str) -> str:
    return url.replace("://", f"://{credentials}@")


# What goes through


def test_tls_goes_through_a_tunnel_that_is_kept(make: Make, certificates: Certificates) -> None:
    with (
        serve(answering(), certificates.server) as server,
        proxying() as proxy,
        Sender(make(tls=certificates.tls, proxy=proxy.url)) as sender,
    ):
        request = get(f"{server.url}/a%2Fb?{SECRET}", headers={"authorization": SECRET})
        assert [sender.send(request).status for _ in range(3)] == [200] * 3
    (tunnel,) = proxy.requests
    assert (tunnel.method, tunnel.target) == ("CONNECT", f"localhost:{server.port}")
    assert SECRET not in repr(tunnel)
    assert [received.target for received in server.requests] == [f"/a%2Fb?{SECRET}"] * 3


def test_plain_http_is_forwarded(make: Make) -> None:
    with (
        serve(answering(answer(200, b"hello"))) as server,
        proxying(credentials="user:pass") as proxy,
        Sender(make(proxy=at(proxy.url, "user:pass"))) as sender,
    ):
        assert sender.send(get(f"{server.url}/a%2Fb")).body == b"hello"
    assert proxy.requests[0].target == f"{server.url}/a%2Fb"


def test_the_client_certificate_is_shown_to_the_server_behind(make: Make, certificates: Certificates) -> None:
    tls = TLS(ca=certificates.ca, cert=certificates.cert, key=certificates.key)
    with (
        serve(answering(), certificates.server_that_wants_certificates) as server,
        proxying() as proxy,
        Sender(make(tls=tls, proxy=proxy.url)) as sender,
    ):
        assert sender.send(get(server.url)).status == 200
    assert "the client" in str(server.certificates)


def test_a_password_is_for_the_proxy_alone(make: Make, certificates: Certificates) -> None:
    with (
        serve(answering(), certificates.server) as server,
        proxying(credentials=f"user:{PASSWORD}") as proxy,
        Sender(make(tls=certificates.tls, proxy=at(proxy.url, f"user:{ENCODED}"))) as sender,
    ):
        assert sender.send(get(server.url)).status == 200
        assert "canary" not in repr(sender.transport)
    assert not [name for name in server.requests[0].headers if name.startswith("proxy")]


# What does not


def assert_quiet(error: BaseException) -> None:
    shown = shown_by(error)
    for secret in (SECRET, PASSWORD, ENCODED, "Basic "):
        assert secret not in shown


def test_a_wrong_password_is_refused_before_anything_is_sent(make: Make, certificates: Certificates) -> None:
    with (
        serve(answering(), certificates.server) as server,
        proxying(credentials="user:other") as proxy,
        Sender(make(tls=certificates.tls, proxy=at(proxy.url, f"user:{ENCODED}"))) as sender,
    ):
        request = get(f"{server.url}?{SECRET}", headers={"authorization": SECRET}, body=SECRET.encode())
        error = failing(sender, request, sent=False)
    assert '"proxy"' in str(error)
    assert_quiet(error)
    assert server.accepted == 0


@pytest.mark.parametrize("status", [400, 403, 502, 503])
def test_a_tunnel_that_is_refused_sent_nothing(make: Make, status: int) -> None:
    with (
        serve(answering(answer(status, b"no"))) as proxy,
        Sender(make(proxy=at(proxy.url, f"user:{ENCODED}"))) as sender,
    ):
        error = failing(sender, get(f"https://tenant.example.com/?{SECRET}"), sent=False)
    assert '"proxy"' in str(error)
    assert_quiet(error)


def test_a_proxy_that_is_not_there_sent_nothing(make: Make) -> None:
    with Sender(make(proxy=f"http://user:{ENCODED}@localhost:{unused_port()}")) as sender:
        for scheme in ("http", "https"):
            error = failing(sender, get(f"{scheme}://tenant.example.com/"), sent=False)
            assert not isinstance(error, TransportTimeout)
            assert '"proxy"' in str(error)
            assert_quiet(error)


def test_a_proxy_whose_name_is_unknown_sent_nothing(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **more: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with Sender(make(proxy="http://proxy.example.com:3128")) as sender:
        error = failing(sender, get("https://tenant.example.com/"), sent=False)
    assert '"proxy"' in str(error)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 20", b"HTTP/1.1 200 OK\r\nx: ", b"SSH-2.0\r\n"])
@pytest.mark.parametrize("how", ["closed", "reset"])
def test_a_proxy_that_breaks_off_sent_nothing(make: Make, said: bytes, how: str) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(said)
        if how == "reset":
            reset(peer.sock)

    with serve(handler) as proxy, Sender(make(proxy=at(proxy.url, f"user:{ENCODED}"))) as sender:
        error = failing(sender, get("https://tenant.example.com/"), sent=False)
    assert_quiet(error)


@pytest.mark.parametrize("drips", [False, True])
def test_a_proxy_that_takes_too_long_is_a_timeout_before_anything_is_sent(make: Make, drips: bool) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nx: ")
        while not peer.server.over.wait(0.02):
            peer.send(b"x" * drips)

    with serve(handler) as proxy, Sender(make(proxy=proxy.url)) as sender:
        error = failing(sender, get("https://tenant.example.com/", timeout=0.3), sent=False, within=0.8)
    assert isinstance(error, TransportTimeout)


def test_a_server_that_breaks_off_behind_a_proxy_may_have_acted(
    make: Make, certificates: Certificates
) -> None:
    def handler(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")

    with (
        serve(handler, certificates.server) as server,
        proxying(credentials=f"user:{PASSWORD}") as proxy,
        Sender(make(tls=certificates.tls, proxy=at(proxy.url, f"user:{ENCODED}"))) as sender,
    ):
        assert_quiet(failing(sender, get(server.url, headers={"authorization": SECRET}), sent=True))
    assert len(server.requests) == 1


def test_the_certificate_of_the_server_behind_is_checked(make: Make, certificates: Certificates) -> None:
    with (
        serve(answering(), certificates.server_of_another_name) as server,
        proxying(credentials=f"user:{PASSWORD}") as proxy,
        Sender(make(tls=certificates.tls, proxy=at(proxy.url, f"user:{ENCODED}"))) as sender,
    ):
        error = failing(sender, get(server.url, headers={"authorization": SECRET}), sent=False)
    assert "certificate verify failed" in str(error)
    assert_quiet(error)
    assert server.requests == []


# The environment


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
def test_the_environment_names_the_proxy_when_the_first_request_is_sent(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with (
        serve(answering(), certificates.server) as server,
        proxying(credentials="user:pass") as proxy,
        Sender(make(tls=certificates.tls)) as sender,
    ):
        monkeypatch.setenv(name, at(proxy.url, "user:pass"))
        assert sender.send(get(server.url)).status == 200
    assert [tunnel.method for tunnel in proxy.requests] == ["CONNECT"]


def test_the_environment_may_name_a_proxy_without_a_scheme(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(answering(), certificates.server) as server, proxying() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"localhost:{proxy.port}")
        with Sender(make(tls=certificates.tls)) as sender:
            assert sender.send(get(server.url)).status == 200
    assert len(proxy.requests) == 1


@pytest.mark.parametrize("bypass", ["localhost", "example.com, localhost", "*", ".localhost,localhost"])
def test_no_proxy_names_hosts_that_are_reached_directly(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch, bypass: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", bypass)
    with serve(answering(), certificates.server) as server, Sender(make(tls=certificates.tls)) as sender:
        assert sender.send(get(server.url)).status == 200


def test_the_proxy_of_plain_http_is_not_that_of_tls(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://localhost:{unused_port()}")
    with serve(answering(), certificates.server) as server, Sender(make(tls=certificates.tls)) as sender:
        assert sender.send(get(server.url)).status == 200


def test_false_is_no_proxy_whatever_the_environment_says(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{unused_port()}")
    with (
        serve(answering(), certificates.server) as server,
        Sender(make(tls=certificates.tls, proxy=False)) as sender,
    ):
        assert sender.send(get(server.url)).status == 200


def test_the_option_comes_before_the_environment(
    make: Make, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", "*")
    with (
        serve(answering(), certificates.server) as server,
        proxying() as proxy,
        Sender(make(tls=certificates.tls, proxy=proxy.url)) as sender,
    ):
        assert sender.send(get(server.url)).status == 200
    assert len(proxy.requests) == 1


# What is no proxy

SCHEMELESS = ["proxy", "proxy:3128", "user:canary-secret@proxy.example.com:3128"]
WRONG = [
    "https://user:canary-secret@proxy.example.com",
    "ftp://user:canary-secret@proxy.example.com",
    "socks5://user:canary-secret@proxy.example.com:1080",
    "http://",
    "http://user:canary-secret@",
    "http://user:canary-secret@proxy.example.com:port",
    "http://user:canary-secret@proxy.example.com:99999",
    "http://user:canary-secret@proxy.example.com/path",
    "http://user:canary-secret@[::1",
    "http://user:canary-secret@proxy example.com",
    "http://user:canary-secret@proxy.example.com\r\nx: y",
]


@pytest.mark.parametrize("url", [*WRONG, *SCHEMELESS])
@pytest.mark.parametrize(
    ("client", "transport"),
    [(ManagementClient, "urllib3"), (ManagementClient, "http_client"), (AsyncManagementClient, "aiohttp")],
)
def test_an_option_that_is_no_proxy_is_refused_when_the_client_is_built(
    client: Any, transport: str, url: str
) -> None:
    with pytest.raises(ConfigurationError, match=r'option "proxy".*"http://proxy') as caught:
        client(domain="tenant.example.com", token="t", proxy=url, transport=transport)
    assert caught.value.option == "proxy"
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", WRONG)
def test_an_environment_that_names_no_proxy_is_refused(
    make: Make, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", url)
    with Sender(make()) as sender, pytest.raises(ConfigurationError, match="https_proxy") as caught:
        sender.send(get("https://tenant.example.com/"))
    assert caught.value.option == "proxy"
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None
