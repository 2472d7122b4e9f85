"""Promise 8, over real sockets: clients go by your proxy, trust your authorities, show your certificate."""

import os
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp
import pytest
import trustme
import urllib3
from cryptography import x509

from anyauth0 import TLS, TransportError, Unauthorized
from anyauth0.verification import AccessTokenVerifier, AsyncAccessTokenVerifier
from anyauth0_transports.aiohttp import AiohttpTransport
from anyauth0_transports.local import LocalTenant, serve
from anyauth0_transports.local.server import Server
from anyauth0_transports.urllib3 import Urllib3Transport

from ..core.fakes import Kind
from ..transports.proxies import proxying
from ..transports.servers import unused_port
from .conversations import PASSWORD, Conversations, Steps

API = "https://api.example.com"
ACCESS = (AccessTokenVerifier, AsyncAccessTokenVerifier)
LOGIN = {"password": PASSWORD, "scope": "openid email offline_access read:things"}
TOKEN, KEYS = "/oauth/token", "/.well-known/jwks.json"
WHOLE = [
    "/.well-known/openid-configuration", TOKEN, KEYS, TOKEN, "/api/v2/users", "/api/v2/jobs/users-exports",
    "/api/v2/jobs/ID", "/exports/ID", KEYS, TOKEN, "/api/v2/events",
]  # fmt: skip


def whole(world: Conversations) -> Steps:
    """Make each kind of request once: discovery, tokens, keys, calls of both APIs, a file, events."""
    user, auth, management = world.user(), world.auth(), world.management()
    assert (yield auth.discovery.openid_configuration()).status == 200
    tokens = (yield auth.oauth.password_grant(username=user["email"], audience=API, **LOGIN)).data
    assert (yield management.users.get_all(per_page=1)).status == 200
    rows = yield world.listed(management.jobs.export_all(fields=["email"]))
    assert {"email": user["email"]} in rows
    assert (yield world.verifier(ACCESS, audience=API).verify(tokens.access_token)).subject
    assert (yield auth.tokens.for_refresh_token(tokens.refresh_token, audience=API)).value
    events = management.events.subscribe(from_timestamp="2020-01-01T00:00:00Z")
    assert [event.type for event in (yield world.listed(events, 1))] == ["user.created"]


def asked(tenant: LocalTenant) -> list[str]:
    """Return the paths that the tenant was asked for, in order."""
    return [re.sub(r"job_\w+(\.gz)?", "ID", request.path) for request in tenant.requests]


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[LocalTenant, Server]]:
    with LocalTenant() as tenant:
        tenant.add_api(API, ["read:things"])
        with serve(tenant) as server:
            yield tenant, server


@pytest.fixture
def tenant(served: tuple[LocalTenant, Server]) -> LocalTenant:
    served[0].requests.clear()
    return served[0]


@pytest.fixture
def server(served: tuple[LocalTenant, Server]) -> Server:
    return served[1]


@pytest.fixture(scope="module")
def stranger() -> bytes:
    return trustme.CA().cert_pem.bytes()


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stranger: bytes) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    (tmp_path / "stranger.pem").write_bytes(stranger)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "stranger.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "nothing"))


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Return the ports that the clients have connected to; a proxy of the tests is another thread."""
    found: set[int] = set()
    here = threading.get_ident()
    real = socket.socket.connect

    def connect(self: socket.socket, address: Any) -> None:
        if threading.get_ident() == here:
            found.add(address[1])
        real(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    return found


@pytest.fixture(params=["by default", "by name"])
def named(request: pytest.FixtureRequest, kind: Kind) -> dict[str, Any]:
    """Return the options of clients over the built-in transport of their kind."""
    name = "aiohttp" if kind.asynchronous else "urllib3"
    return {"transport": name} if request.param == "by name" else {}


# Proxies


@pytest.mark.parametrize("said", ["environment", "option"])
def test_all_goes_through_the_tunnels_of_the_proxy(
    kind: Kind, tenant: LocalTenant, server: Server, named: Any, said: str, connected: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with proxying() as proxy:
        if said == "environment":
            monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        else:
            named = {**named, "proxy": proxy.url}
        world = Conversations(kind, tenant, tls=server.tls, **named)
        world.play(whole(world))
    assert asked(tenant) == WHOLE
    assert {(each.method, each.target) for each in proxy.requests} == {("CONNECT", server.domain)}
    # One for each client: the verifier's, and the two that have a connection to keep.
    assert len(proxy.requests) == len(world.clients) == 3
    assert connected == {proxy.port}


@pytest.mark.parametrize("said", ["NO_PROXY", "option"])
def test_nothing_goes_through_a_proxy_that_is_not_wanted(
    kind: Kind, tenant: LocalTenant, server: Server, said: str, connected: set[int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with proxying() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        more = {"proxy": False} if said == "option" else {}
        if said == "NO_PROXY":
            monkeypatch.setenv("NO_PROXY", "example.com,localhost")
        world = Conversations(kind, tenant, tls=server.tls, **more)
        world.play(whole(world))
    assert asked(tenant) == WHOLE
    assert proxy.accepted == 0
    assert connected == {urlsplit(server.url).port}


def test_a_proxy_that_is_gone_stops_all_of_them_before_anything_is_sent(
    kind: Kind, tenant: LocalTenant, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://localhost:{unused_port()}")
    refuses_everything(Conversations(kind, tenant, tls=server.tls, retry=False), '"proxy"')


def refuses_everything(world: Conversations, said: str) -> None:
    """See that no call of any client reaches the tenant, and what each of them says."""

    def tries() -> Steps:
        auth, management = world.auth(), world.management()
        verifier = world.verifier(ACCESS, audience=API)
        token = world.tenant.tokens.access_token(
            {"client_id": "app"}, subject="u", audience=[API], scope="", gty=None, lifetime=60
        )
        for call in (
            lambda: auth.oauth.password_grant(username="ada@example.com", **LOGIN),
            lambda: auth.tokens.get(audience=API),
            lambda: auth.discovery.openid_configuration(),
            lambda: management.users.get_all(),
            lambda: management.jobs.export_users(format="json"),
            lambda: verifier.verify(token),
        ):
            error = yield world.refused(call, TransportError)
            assert error.request_sent is False
            assert said in str(error)

    world.play(tries())
    assert asked(world.tenant) == []


# Authorities


@pytest.mark.parametrize("given", ["bytes", "file", "SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_an_authority_of_ones_own_is_trusted_by_all(
    kind: Kind, tenant: LocalTenant, server: Server, given: str, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    file = tmp_path / "ca.pem"
    file.write_bytes(server.ca_pem)
    more = {"bytes": {"tls": TLS(ca=server.ca_pem)}, "file": {"tls": TLS(ca=file)}}.get(given, {})
    if given == "SSL_CERT_FILE":
        monkeypatch.setenv(given, str(file))
    if given == "SSL_CERT_DIR":
        (tmp_path / name_by_which_openssl_looks(server.ca_pem)).write_bytes(server.ca_pem)
        monkeypatch.setenv(given, str(tmp_path))
    world = Conversations(kind, tenant, **more)
    world.play(whole(world))
    assert asked(tenant) == WHOLE


def name_by_which_openssl_looks(pem: bytes) -> str:
    """Return the file name of an authority in a directory: a hash of its subject in canonical form."""
    subject = x509.load_pem_x509_certificate(pem).subject
    canonical = [x509.NameAttribute(each.oid, " ".join(str(each.value).lower().split())) for each in subject]
    parts = b"".join(x509.Name([each]).public_bytes()[2:] for each in canonical)
    return f"{int.from_bytes(sha1(parts).digest()[:4], 'little'):08x}.0"


@pytest.mark.parametrize("given", ["none", "another", "another, whatever the environment says"])
def test_an_unknown_authority_stops_all_of_them_before_anything_is_sent(
    kind: Kind, tenant: LocalTenant, server: Server, given: str, stranger: bytes, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if given.endswith("says"):
        (tmp_path / "ca.pem").write_bytes(server.ca_pem)
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    more = {} if given == "none" else {"tls": TLS(ca=stranger)}
    refuses_everything(Conversations(kind, tenant, retry=False, **more), "certificate verify failed")


# A certificate of the client


@pytest.mark.parametrize("way", ["directly", "through a proxy"])
def test_the_certificate_is_shown_for_the_token_and_where_the_token_is_used(
    kind: Kind, tenant: LocalTenant, server: Server, way: str
) -> None:
    cert, key = server.client_certificate("service")
    bound, plain = (
        tenant.add_client(certificate=cert, require_proof_of_possession=required)["client_id"]
        for required in (True, False)
    )
    with proxying() as proxy:
        world = Conversations(
            kind, tenant, use_mtls=True, mtls_endpoint_aliases=server.mtls_endpoint_aliases,
            tls=TLS(ca=server.ca_pem, cert=cert, key=key), proxy=proxy.url if way != "directly" else False,
        )  # fmt: skip
        world.credentials, user = {}, world.user()

        def converse() -> Steps:
            auth = world.auth(client_id=bound)
            tokens = (yield auth.oauth.password_grant(username=user["email"], **LOGIN)).data
            assert (yield auth.user_info.get(tokens.access_token)).data.sub == user["user_id"]
            assert (yield world.management(client_id=plain).users.get(user["user_id"])).status == 200
            # Who has the token without the certificate has nothing.
            thief = world.auth(client_id="thief", use_mtls=False, mtls_endpoint_aliases={}, tls=server.tls)
            yield world.refused(lambda: thief.user_info.get(tokens.access_token), Unauthorized)

        world.play(converse())
    der = ssl.PEM_cert_to_DER_cert(cert.decode())
    assert [(each.path, each.client_certificate == der) for each in tenant.requests] == [
        (TOKEN, True), (KEYS, False), ("/userinfo", True), (TOKEN, True),
        (f"/api/v2/users/{quote(user['user_id'])}", False), ("/userinfo", False),
    ]  # fmt: skip
    assert bool(proxy.accepted) is (way != "directly")


# A pool and a session of one's own


def test_a_pool_of_ones_own_is_the_only_one(tenant: LocalTenant, server: Server) -> None:
    context = ssl.create_default_context(cadata=server.ca_pem.decode())
    with urllib3.PoolManager(ssl_context=context) as pool:
        world = Conversations(Kind(asynchronous=False), tenant, transport=Urllib3Transport(pool=pool))
        world.play(whole(world))
        connections: Any = pool.connection_from_url(server.url)
        assert connections.num_requests == len(WHOLE)
    assert asked(tenant) == WHOLE


def test_a_session_of_ones_own_is_the_only_one(tenant: LocalTenant, server: Server) -> None:
    context = ssl.create_default_context(cadata=server.ca_pem.decode())
    begun: list[str] = []
    trace = aiohttp.TraceConfig()

    async def begin(session: object, about: object, parameters: Any) -> None:
        begun.append(parameters.url.path)

    trace.on_request_start.append(begin)
    world = Conversations(Kind(asynchronous=True), tenant)

    def converse() -> Steps:
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), trace_configs=[trace])
        world.options["transport"] = AiohttpTransport(session=session)
        yield from whole(world)
        assert not session.closed
        yield session.close()

    world.play(converse())
    assert asked(tenant) == WHOLE
    assert begun == [request.path for request in tenant.requests]
