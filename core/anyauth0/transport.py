"""What a transport is: the protocols that it fulfils and the TLS settings that it is given."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .messages import Request, Response
from .redaction import Model

if TYPE_CHECKING:
    import ssl

__all__ = [
    "TLS", "AsyncStream", "AsyncStreamingTransport", "AsyncTransport", "Stream",
    "StreamingTransport", "Transport",
]  # fmt: skip


class Transport(Protocol):
    """Sends one request and returns its answer, blocking."""

    def send(self, request: Request, /) -> Response:
        """Send `request` as it is: follow no redirect, retry nothing.

        Raise `TransportTimeout` when `request.timeout` seconds were not enough, `TransportError` when there
        is no answer for another reason, and say in `request_sent` whether the server may have acted.
        """
        ...

    def close(self) -> None:
        """Let go of every connection. Called only on a transport that the client itself opened."""
        ...


class AsyncTransport(Protocol):
    """Sends one request and returns its answer, asynchronously; otherwise as `Transport`."""

    async def send(self, request: Request, /) -> Response:
        """Send `request` as it is (see `Transport.send`)."""
        ...

    async def close(self) -> None:
        """Let go of every connection. Called only on a transport that the client itself opened."""
        ...


class Stream(Protocol):
    """An answer whose body comes by and by. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]

    def read(self, seconds: float | None, /) -> bytes:
        """Return what has come, at least one byte, or `b""` at the end.

        Raise `TransportTimeout` when nothing came for so many `seconds`, `TransportError` when the connection
        broke.
        """
        ...

    def close(self) -> None:
        """Let go of the connection, whatever is still to come. Never fails."""
        ...


class AsyncStream(Protocol):
    """An answer whose body comes by and by, for asyncio (see `Stream`)."""

    status: int
    headers: Mapping[str, str]

    async def read(self, seconds: float | None, /) -> bytes:
        """Return what has come (see `Stream.read`)."""
        ...

    def close(self) -> None:
        """Let go of the connection, whatever is still to come. Never fails."""
        ...


@runtime_checkable
class StreamingTransport(Protocol):
    """A transport that can open an answer without waiting for its end."""

    def open(self, request: Request, /) -> Stream:
        """Send `request` and return its answer as soon as the headers are there (see `Transport.send`).

        The body is handed out as it comes: a content encoding is an error, for none was asked for.
        """
        ...


@runtime_checkable
class AsyncStreamingTransport(Protocol):
    """A transport that can open an answer without waiting for its end, for asyncio."""

    async def open(self, request: Request, /) -> AsyncStream:
        """Send `request` (see `StreamingTransport.open`)."""
        ...


class TLS(Model, frozen=True, kw_only=True):
    """How a built-in transport speaks TLS.

    `ca`, `cert` and `key` are each a path (`str` or `os.PathLike`) or the PEM itself (`bytes`).

    - `ca`: the certificate authorities to trust, instead of those of the system
    - `cert`: the client certificate for mutual TLS, with its chain; may hold the key too
    - `key`, `key_password`: its private key
    - `context`: a ready `ssl.SSLContext`, used as it is; then nothing else may be given
    """

    ca: str | bytes | os.PathLike[str] | None = None
    cert: str | bytes | os.PathLike[str] | None = None
    key: str | bytes | os.PathLike[str] | None = None
    key_password: str | None = None
    context: "ssl.SSLContext | None" = None

    def __repr__(self) -> str:
        given = [name for name in self.__struct_fields__ if getattr(self, name) is not None]
        return f"<TLS {', '.join(given) or 'defaults'}>"
