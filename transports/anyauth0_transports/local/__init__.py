"""An Auth0 tenant in this process, for development and tests: `transport="local"`, or served over HTTP(S)."""

from typing import TYPE_CHECKING, Any

from anyauth0 import AsyncTransport, ClientOptions, Transport, hookimpl

try:
    from .in_process import AsyncLocalTransport, LocalTransport, read_certificate
    from .tenant import LocalTenant, Message, registered
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(f"{error}; pip install 'anyauth0[local]'", name=error.name) from error

if TYPE_CHECKING:
    from .server import serve

__all__ = ["LocalTenant", "Message", "serve"]


@hookimpl
def anyauth0_transport(options: ClientOptions) -> Transport | AsyncTransport | None:
    """Answer from the living `LocalTenant` of the client's domain."""
    if options.transport != "local":
        return None
    tenant, certificate = registered(options.domain), read_certificate(options.tls)
    if options.asynchronous:
        return AsyncLocalTransport(tenant, certificate)
    return LocalTransport(tenant, certificate)


def __getattr__(name: str) -> Any:
    # The server needs aiohttp, which answering in process does not.
    if name == "serve":
        try:
            from .server import serve
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError(f"{error}; pip install 'anyauth0[local]'", name=error.name) from error
        return serve
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
