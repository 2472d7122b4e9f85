"""The transports that hand a request to the tenant in the same process: no port, no network."""

import os
from typing import TYPE_CHECKING

import msgspec

from anyauth0 import TLS, ConfigurationError, Request, Response, TransportError, TransportTimeout

from .incoming import Incoming

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["AsyncLocalTransport", "LocalTransport", "first_certificate", "read_certificate"]


class LocalTransport:
    """Answers a blocking client from the tenant."""

    def __init__(self, tenant: "LocalTenant", certificate: bytes | None = None) -> None:
        self._tenant = tenant
        self._certificate = certificate

    def send(self, request: Request, /) -> Response:
        """Return the tenant's answer. Raises `TransportError` as its faults say, and for another host."""
        return _send(self._tenant, self._certificate, request)

    def open(self, request: Request, /) -> "LocalStream":
        """Return the tenant's answer, to be read by and by (see `send`)."""
        return LocalStream(self.send(request))

    def close(self) -> None:
        """Do nothing: the tenant is closed by whoever made it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self._tenant.domain}>"


class AsyncLocalTransport:
    """Answers an asyncio client from the tenant."""

    def __init__(self, tenant: "LocalTenant", certificate: bytes | None = None) -> None:
        self._tenant = tenant
        self._certificate = certificate

    async def send(self, request: Request, /) -> Response:
        """Return the tenant's answer (see `LocalTransport.send`)."""
        # The event loop gets its turn, as it would with a network.
        from asyncio import sleep

        await sleep(0)
        return _send(self._tenant, self._certificate, request)

    async def open(self, request: Request, /) -> "AsyncLocalStream":
        """Return the tenant's answer, to be read by and by (see `LocalTransport.send`)."""
        return AsyncLocalStream(await self.send(request))

    async def close(self) -> None:
        """Do nothing: the tenant is closed by whoever made it."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} to {self._tenant.domain}>"


class _Stream:
    """An answer of the tenant: the body in one piece, then the end."""

    def __init__(self, response: Response) -> None:
        self.status = response.status
        self.headers = response.headers
        self._body: bytes | None = response.body

    def _rest(self) -> bytes:
        if self._body is None:
            raise TransportError("the stream was closed; open another", request_sent=True)
        body, self._body = self._body, b""
        return body

    def close(self) -> None:
        """Forget what was not read."""
        self._body = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.status}>"


class LocalStream(_Stream):
    """An answer of the tenant that is read by and by (see `anyauth0.Stream`)."""

    def read(self, seconds: float | None, /) -> bytes:
        """Return the body, and nothing the next time."""
        return self._rest()


class AsyncLocalStream(_Stream):
    """An answer of the tenant that is read by and by, for asyncio (see `LocalStream`)."""

    async def read(self, seconds: float | None, /) -> bytes:
        """Return the body, and nothing the next time."""
        return self._rest()


def _send(tenant: "LocalTenant", certificate: bytes | None, request: Request) -> Response:
    incoming = Incoming.from_url(request.method, request.url, headers=request.headers, body=request.body)
    if incoming.host == tenant.mtls_host:
        # Only this host asks for a certificate.
        incoming = msgspec.structs.replace(incoming, client_certificate=certificate)
    elif incoming.host != tenant.domain:
        raise TransportError(
            f'the local tenant is "{tenant.domain}", not "{incoming.host[:100]}"; '
            'give the client the "domain" of the tenant',
            request_sent=False,
        )
    disturbance = tenant.faults.disturbance(incoming)
    if disturbance.reset_before:
        raise _reset(tenant, sent=False)
    response = tenant.handle(incoming)
    if request.timeout is not None and disturbance.delay > request.timeout:
        raise TransportTimeout(
            f"no answer from {tenant.domain} within {request.timeout:g} seconds; "
            'the tenant was told to delay it, raise "timeout"',
            request_sent=True,
        )
    if disturbance.reset_after:
        raise _reset(tenant, sent=True)
    return response


def _reset(tenant: "LocalTenant", *, sent: bool) -> TransportError:
    when = "after" if sent else "before"
    return TransportError(
        f"the connection to {tenant.domain} was reset {when} the request arrived, "
        "as the tenant was told to; send it again",
        request_sent=sent,
    )


def read_certificate(tls: TLS | None) -> bytes | None:
    """Return the client certificate of `tls` in DER, or `None` where it names none.

    Raises `ConfigurationError` when it cannot be read.
    """
    if tls is None or tls.cert is None:
        return None
    import ssl

    try:
        pem = tls.cert if isinstance(tls.cert, bytes) else _read(tls.cert)
        return ssl.PEM_cert_to_DER_cert(first_certificate(pem.decode("ascii")))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "tls",
            f'the "cert" of option "tls" cannot be read ({type(error).__name__}); '
            "give a PEM file or its bytes",
        ) from None


def first_certificate(pem: str) -> str:
    """Return the first certificate in a PEM file, which may hold a chain and a key as well."""
    head, tail = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    start = pem.index(head)
    return pem[start : pem.index(tail, start) + len(tail)]


def _read(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read()
