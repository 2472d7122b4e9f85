"""Serves a tenant over real HTTP or TLS on this machine, in a thread of its own, until told to stop."""

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager

import trustme
from aiohttp import web

from anyauth0 import TLS, Response

from .authentication.discovery import ENDPOINTS
from .incoming import Incoming, management_refusal
from .tenant import LocalTenant

__all__ = ["Server", "serve"]

_logger = logging.getLogger("anyauth0_transports.local")
_LONGEST_BODY = 20 * 1024 * 1024
# Seconds for answers that are under way when it stops. Only those that were told to wait take so long.
_GRACE = 0.2
# A token with every scope of the Management API is longer than what aiohttp takes by default.
_LONGEST_HEADER = 64 * 1024


class Server:
    """A tenant that is being served.

    - `domain`: what clients are given as `domain`, with the port; the tenant's own domain meanwhile
    - `url`: the base URL
    - `ca_pem`: the certificate authority to trust; `tls` is that as the option of a client
    - `mtls_endpoint_aliases`: where clients that show a certificate go, on a second port (none without TLS)
    """

    def __init__(self, name: str, port: int, mtls_port: int | None, ca: trustme.CA) -> None:
        self.domain = f"{name}:{port}"
        self.url = f"{'http' if mtls_port is None else 'https'}://{self.domain}"
        self.ca_pem: bytes = ca.cert_pem.bytes()
        self.tls = TLS(ca=self.ca_pem)
        self.mtls_host = None if mtls_port is None else f"{name}:{mtls_port}"
        self.mtls_endpoint_aliases: Mapping[str, str] = {
            endpoint: f"https://{self.mtls_host}/{path}" for endpoint, path in ENDPOINTS.items() if mtls_port
        }
        self._ca = ca

    def client_certificate(self, name: str) -> tuple[bytes, bytes]:
        """Issue a client certificate; return it and its private key, both as PEM."""
        issued = self._ca.issue_cert(f"{name.replace(' ', '-')}.client.example", common_name=name)
        return issued.cert_chain_pems[0].bytes(), issued.private_key_pem.bytes()

    def __repr__(self) -> str:
        return f"<Server {self.url}>"


_NAME = "localhost"
_LOOPBACK = ("127.0.0.1", "::1", _NAME)


@contextmanager
def serve(
    tenant: LocalTenant, *, host: str = "127.0.0.1", port: int = 0, tls: bool = True, name: str | None = None
) -> Generator[Server, None, None]:
    """Serve `tenant` for the length of a `with`; port 0 takes any that is free.

    `name` is the host name by which clients reach it, `localhost` or `host` by default. The clients of this
    library speak TLS only: `tls=False` is for others. Raises `OSError` where the port is taken.
    """
    sockets = [_listen(host, port)]
    if tls:
        sockets.append(_listen(host, 0))
    ports = [found.getsockname()[1] for found in sockets]
    authority = trustme.CA()
    name = name or (_NAME if host in _LOOPBACK else host)
    server = Server(name, ports[0], ports[1] if tls else None, authority)
    contexts = [_context(authority, name, mutual=mutual) if tls else None for mutual in (False, True)]
    before = tenant.domain, tenant.mtls_host
    tenant.domain = server.domain
    tenant.mtls_host = server.mtls_host or tenant.mtls_host
    service = _Service(tenant, list(zip(sockets, contexts, strict=False)))
    service.start()
    try:
        service.ready.result()
        yield server
    finally:
        service.stop()
        tenant.domain, tenant.mtls_host = before


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=512)


def _context(authority: trustme.CA, name: str, *, mutual: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(_NAME, "127.0.0.1", "::1", name).configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    if mutual:
        # Optional, so that the tenant can say what is missing.
        context.verify_mode = ssl.CERT_OPTIONAL
        authority.configure_trust(context)  # pyright: ignore[reportUnknownMemberType]
    return context


class _Service:
    """Serves in a thread that it has, rather than is: the private names of `Thread` differ by version."""

    def __init__(
        self, tenant: LocalTenant, listening: list[tuple[socket.socket, ssl.SSLContext | None]]
    ) -> None:
        self._thread = threading.Thread(target=self._run, name="anyauth0 local tenant", daemon=True)
        self.ready: Future[None] = Future()
        self._tenant = tenant
        self._listening = listening
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:
            if self.ready.done():
                raise
            self.ready.set_exception(error)

    def stop(self) -> None:
        if self._loop is not None and self._stopping is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=_LONGEST_BODY)
        app.router.add_route("*", "/{anything:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE, max_field_size=_LONGEST_HEADER)
        await runner.setup()
        try:
            for listening, context in self._listening:
                await web.SockSite(runner, listening, ssl_context=context, backlog=512).start()
            self.ready.set_result(None)
            await self._stopping.wait()
        finally:
            server = runner.server
            open_connections = [handler.transport for handler in server.connections] if server else []
            await runner.cleanup()
            for transport in open_connections:
                # A TLS connection that was closed politely waits for the client, who may keep it for long.
                if transport is not None:
                    transport.abort()
            await asyncio.sleep(0)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        incoming = await _incoming(request)
        disturbance = self._tenant.faults.disturbance(incoming)
        if disturbance.delay:
            await asyncio.sleep(disturbance.delay)
        if disturbance.reset_before:
            return _cut(request)
        response = await asyncio.to_thread(self._handle, incoming)
        if disturbance.reset_after:
            return _cut(request)
        if response.headers.get("content-type", "").startswith("text/event-stream"):
            return await _events(request, response)
        return web.Response(status=response.status, headers=response.headers, body=response.body)

    def _handle(self, incoming: Incoming) -> Response:
        try:
            return self._tenant.handle(incoming)
        except Exception:
            _logger.exception("the local tenant failed at %s %s", incoming.method, incoming.path)
            return management_refusal(
                500, None, "The local tenant failed; this is a mistake in it"
            ).response()


async def _events(request: web.Request, response: Response) -> web.StreamResponse:
    """Send each line in a piece of its own: they would come by and by. aiohttp makes a chunk of each."""
    answer = web.StreamResponse(status=response.status, headers=response.headers)
    await answer.prepare(request)
    for line in response.body.splitlines(keepends=True):
        await answer.write(line)
    await answer.write_eof()
    return answer


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _incoming(request: web.Request) -> Incoming:
    secure = request.transport.get_extra_info("ssl_object") if request.transport else None
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Incoming.from_url(
        request.method,
        f"{'http' if secure is None else 'https'}://{request.host}{request.raw_path}",
        headers=headers,
        body=await request.read(),
        client_certificate=secure.getpeercert(True) if isinstance(secure, ssl.SSLObject) else None,
    )
