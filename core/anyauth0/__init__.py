"""Auth0's Authentication and Management APIs in one SDK: blocking and asyncio, over any HTTP transport.

    from anyauth0 import AuthenticationClient, ManagementClient

Nothing heavy is imported here: HTTP libraries, `ssl`, `asyncio` and `cryptography` wait for first use.

PYTEST_DONT_REWRITE: there is a plugin for pytest, which else warns of a package that is imported before it.
"""

from importlib import import_module
from typing import TYPE_CHECKING

# Now, for these modules have the names of what is in them: an import later would hide that.
from .endpoint import Async, Call, Resource, Sync, endpoint, operation
from .iteration import Steps, iteration

__version__ = "0.1.0"

if TYPE_CHECKING:
    from .authentication import AsyncAuthenticationClient, AuthenticationClient
    from .authentication.authorization import AuthorizationRequest
    from .client_authentication import Authenticated, ClientAuthentication
    from .dpop import DPoPAuth, DPoPKey
    from .errors import (
        ApiError,
        Auth0Error,
        AuthenticationApiError,
        AuthorizationError,
        BadRequest,
        ConfigurationError,
        Conflict,
        DecodingError,
        EventStreamError,
        Forbidden,
        IdTokenError,
        InvalidArgumentError,
        ManagementApiError,
        NotFound,
        PageLimitReached,
        RateLimited,
        ServerError,
        TransportError,
        TransportTimeout,
        Unauthorized,
    )
    from .flow import Exclusive, Flow, Handler, Middleware, Perform, Sleep
    from .hooks import hookimpl
    from .id_token import IdTokenChecks
    from .management import AsyncManagementClient, ManagementClient
    from .messages import Anomaly, ApiResponse, Event, Request, Response
    from .options import ClientOptions, Options, RetryPolicy, ViewOptions
    from .pages import Checkpoint, Offset, Page
    from .pagination import paged
    from .rate_limits import Quota, Quotas, RateLimit
    from .timestamps import parse_timestamp
    from .tokens import AccessToken, TokenStore
    from .transport import (
        TLS,
        AsyncStream,
        AsyncStreamingTransport,
        AsyncTransport,
        Stream,
        StreamingTransport,
        Transport,
    )

__all__ = [
    "AccessToken", "Anomaly", "ApiError", "ApiResponse", "Async", "AsyncAuthenticationClient",
    "AsyncManagementClient", "AsyncStream", "AsyncStreamingTransport", "AsyncTransport", "Auth0Error",
    "Authenticated", "AuthenticationApiError", "AuthenticationClient", "AuthorizationError",
    "AuthorizationRequest", "BadRequest", "Call", "Checkpoint", "ClientAuthentication", "ClientOptions",
    "ConfigurationError", "Conflict", "DPoPAuth", "DPoPKey", "DecodingError", "Event", "EventStreamError",
    "Exclusive", "Flow", "Forbidden", "Handler", "IdTokenChecks", "IdTokenError", "InvalidArgumentError",
    "ManagementApiError", "ManagementClient", "Middleware", "NotFound", "Offset", "Options", "Page",
    "PageLimitReached", "Perform", "Quota", "Quotas", "RateLimit", "RateLimited", "Request", "Resource",
    "Response", "RetryPolicy", "ServerError", "Sleep", "Steps", "Stream", "StreamingTransport", "Sync",
    "TLS", "TokenStore", "Transport", "TransportError", "TransportTimeout", "Unauthorized", "ViewOptions",
    "__version__", "endpoint", "hookimpl", "iteration", "operation", "paged", "parse_timestamp",
]  # fmt: skip

_NAMES = {
    "authentication": "AsyncAuthenticationClient AuthenticationClient",
    "authentication.authorization": "AuthorizationRequest",
    "client_authentication": "Authenticated ClientAuthentication",
    "dpop": "DPoPAuth DPoPKey",
    "errors": (
        "ApiError Auth0Error AuthenticationApiError AuthorizationError BadRequest "
        "ConfigurationError Conflict DecodingError EventStreamError Forbidden IdTokenError "
        "InvalidArgumentError ManagementApiError NotFound PageLimitReached RateLimited ServerError "
        "TransportError TransportTimeout Unauthorized"
    ),
    "flow": "Exclusive Flow Handler Middleware Perform Sleep",
    "hooks": "hookimpl",
    "id_token": "IdTokenChecks",
    "management": "AsyncManagementClient ManagementClient",
    "messages": "Anomaly ApiResponse Event Request Response",
    "options": "ClientOptions Options RetryPolicy ViewOptions",
    "pages": "Checkpoint Offset Page",
    "pagination": "paged",
    "rate_limits": "Quota Quotas RateLimit",
    "timestamps": "parse_timestamp",
    "tokens": "AccessToken TokenStore",
    "transport": "TLS AsyncStream AsyncStreamingTransport AsyncTransport Stream StreamingTransport Transport",
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    # A module is loaded when something of it is asked for: nobody needs all of them.
    if name in _NAMES:
        return import_module(f"{__name__}.{name}")
    if name not in _MODULES:
        from .arguments import closest

        near = None if name.startswith("_") else closest(name, _MODULES)
        mend = f"; did you mean {near!r}?" if near else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{mend}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
