"""Two packages of strangers, installed for real, are found by name and do all that ours do."""

import importlib.metadata
import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from anyauth0 import TLS, AuthenticationClient, ConfigurationError, TransportError, TransportTimeout

PACKAGES = Path(__file__).parents[1] / "packages"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Install both packages into a folder of their own, without network, and make it importable."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "--quiet", "install"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--no-compile", "--target", str(target)]
    done = subprocess.run(
        [*pip, *offline, *map(str, sorted(PACKAGES.iterdir()))], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    sys.path.append(str(target))
    yield target
    sys.path.remove(str(target))
    for name in ("anyauth0_example_plugin", "anyauth0_example_transport"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def authority() -> Any:
    import trustme

    return trustme.CA()


class Server(BaseHTTPRequestHandler):
    """Answers what it was asked, as JSON; `/slow` never answers, `/cut` stops in the middle."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[list[dict[str, Any]]] = []

    def do_GET(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        certificate = self.connection.getpeercert()  # type: ignore[attr-defined]
        self.seen.append(
            {
                "line": self.requestline,
                "headers": dict(self.headers.items()),
                "body": self.rfile.read(length),
                "certificate": certificate,
            }
        )
        if self.headers.get("x-do") == "hang":
            self.connection.settimeout(20)
            self.rfile.read(1)
            return
        body = b'{"sub": "auth0|1"}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) + (100 if self.headers.get("x-do") == "cut" else 0)))
        self.send_header("X-Twice", "a")
        self.send_header("x-twice", "b")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    do_POST = do_GET

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def server(authority: Any) -> Any:
    """A TLS server on the loopback that asks for a client certificate; its domain."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "mtls.localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_OPTIONAL
    running = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    running.daemon_threads = True
    running.socket = context.wrap_socket(running.socket, server_side=True)
    thread = Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"localhost:{running.server_port}"
    running.shutdown()
    thread.join()
    running.server_close()


@pytest.fixture
def seen() -> list[dict[str, Any]]:
    Server.seen.clear()
    return Server.seen


def client(domain: str, **options: Any) -> AuthenticationClient:
    return AuthenticationClient(
        **{"domain": domain, "client_id": "app", "retry": False, "transport": "plain_http", **options}
    )


def test_a_plugin_is_found_by_the_name_of_its_entry_point(installed: Path, world: Any) -> None:
    ours = world.client(plugins=["correlation"])
    world.answers(503, 200)
    ours.user_info.get("token")
    ours.user_info.get("token")
    first, again, second = (request.headers["x-correlation-id"] for request in world.requests)
    assert first == again
    assert len(first) == 36
    assert second != first


def test_the_plugin_takes_a_source_of_the_users(installed: Path, world: Any) -> None:
    from anyauth0_example_plugin import Correlation

    assert Path(sys.modules["anyauth0_example_plugin"].__file__ or "").is_relative_to(installed)
    ids = iter(["one", "two"])
    ours = world.client(plugins=[Correlation(lambda: next(ids))])
    ours.user_info.get("token")
    ours.user_info.get("token")
    assert [request.headers["x-correlation-id"] for request in world.requests] == ["one", "two"]


def test_a_transport_is_found_by_the_name_of_its_entry_point_and_speaks_tls(
    installed: Path, server: str, authority: Any, seen: list[dict[str, Any]]
) -> None:
    with client(server, tls=TLS(ca=authority.cert_pem.bytes()), plugins=["correlation"]) as auth:
        answer = auth.user_info.get("the-token")
        assert answer.data.sub == "auth0|1"
        assert answer.headers["x-twice"] == "a, b"
        auth.database.change_password(email="a@b.c", connection="db")
    read, write = seen
    assert read["line"] == "GET /userinfo HTTP/1.1"
    assert read["headers"]["authorization"] == "Bearer the-token"
    assert len(read["headers"]["x-correlation-id"]) == 36
    assert b'"email":"a@b.c"' in write["body"]


def test_the_transport_trusts_nobody_unasked(
    installed: Path, server: str, seen: list[dict[str, Any]]
) -> None:
    with pytest.raises(TransportError, match="SSLCertVerificationError") as caught:
        client(server).user_info.get("the-token")
    assert not caught.value.request_sent
    assert seen == []


def test_the_transport_shows_the_certificate_of_the_client(
    installed: Path, server: str, authority: Any, seen: list[dict[str, Any]], tmp_path: Path
) -> None:
    certificate = authority.issue_cert("app.example.com")
    path, trusted = tmp_path / "client.pem", tmp_path / "ca.pem"
    certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
    authority.cert_pem.write_to_path(str(trusted))
    client(server, tls=TLS(ca=trusted, cert=path)).user_info.get("the-token")
    assert seen[0]["certificate"]["subjectAltName"] == (("DNS", "app.example.com"),)
    with pytest.raises(ConfigurationError, match="as paths only"):
        client(server, tls=TLS(cert=path.read_bytes()))


def test_the_transport_takes_a_ready_context(
    installed: Path, server: str, authority: Any, seen: list[dict[str, Any]]
) -> None:
    import ssl

    context = ssl.create_default_context(cadata=authority.cert_pem.bytes().decode())
    assert client(server, tls=TLS(context=context)).user_info.get("the-token").status == 200


def test_the_transport_says_whether_the_request_was_sent(
    installed: Path, server: str, authority: Any, seen: list[dict[str, Any]]
) -> None:
    tls = TLS(ca=authority.cert_pem.bytes())
    with pytest.raises(TransportTimeout) as late:
        client(server, tls=tls, timeout=0.2, headers={"x-do": "hang"}).user_info.get("canary")
    assert late.value.request_sent
    with pytest.raises(TransportError, match="IncompleteRead") as cut:
        client(server, tls=tls, headers={"x-do": "cut"}).user_info.get("canary")
    assert cut.value.request_sent
    with pytest.raises(TransportError, match="max_response_bytes"):
        client(server, tls=tls, max_response_bytes=4).user_info.get("canary")
    with pytest.raises(TransportError, match="ConnectionRefusedError") as refused:
        client("localhost:1", tls=tls).user_info.get("canary")
    assert not refused.value.request_sent


def test_an_asyncio_client_refuses_the_blocking_transport(installed: Path) -> None:
    from anyauth0 import AsyncAuthenticationClient

    with pytest.raises(ConfigurationError, match="plain_http"):
        AsyncAuthenticationClient(domain="t.auth0.com", client_id="app", transport="plain_http")


@pytest.mark.parametrize("option", ["plugins", "transport"])
def test_a_name_that_nobody_offers_is_refused_with_the_names_on_offer(
    installed: Path, world: Any, option: str
) -> None:
    with pytest.raises(ConfigurationError, match='"nobody"') as caught:
        world.client(**{option: ["nobody"] if option == "plugins" else "nobody"})
    assert caught.value.option == option
    ours = {"transport": ("urllib3", "aiohttp"), "plugins": ("retries", "client_secret_basic")}
    for kind, names in ours.items():
        for name in names:
            assert (name in str(caught.value)) is (kind == option), name
    # What a package of somebody else's is, is not known before it is loaded.
    for name in ("correlation", "plain_http"):
        assert name in str(caught.value)


def test_what_is_installed_is_looked_up_only_for_a_name_that_is_not_ours(
    world: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def fail(*, group: str) -> Any:
        asked.append(group)
        raise RuntimeError("scanned")

    monkeypatch.setattr(importlib.metadata, "entry_points", fail)
    ours = world.client(plugins=["client_secret_basic", "retries"])
    assert ours.user_info.get("token").status == 200
    assert asked == []
    with pytest.raises(RuntimeError, match="scanned"):
        world.client(plugins=["correlation"])
    assert asked == ["anyauth0"]


def test_an_installed_package_is_not_run_unless_it_is_named(installed: Path, world: Any) -> None:
    script = (
        "import sys\n"
        "from anyauth0 import AuthenticationClient, Response\n"
        "class Here:\n"
        "    def send(self, request): return Response(status=200, body=b'{}')\n"
        "    def close(self): ...\n"
        "given = dict(domain='t.auth0.com', client_id='app', transport=Here())\n"
        "AuthenticationClient(**given).user_info.get('t')\n"
        "assert 'anyauth0_example_plugin' not in sys.modules\n"
        "AuthenticationClient(**given, plugins=['correlation'])\n"
        "assert 'anyauth0_example_plugin' in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
