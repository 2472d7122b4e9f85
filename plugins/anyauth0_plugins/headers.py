"""The headers that the user adds, checked when the client is built.

They go to every request, those for a token included. What a call sets itself wins (its content type, the
token that it is about); an `Authorization` of the user's wins over the access token that the client would
add. `custom_domain` is such a header too, for the few endpoints that take it, and so is `correlation_id`.
"""

import re
from collections.abc import Callable, Mapping

from anyauth0 import ClientOptions, ConfigurationError, Flow, Handler, Middleware, Request, Response, hookimpl
from anyauth0.encoding import is_header_value

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
# Two lengths for one body is how one request is smuggled into another (RFC 9112, section 11.2).
_FRAMING = frozenset({"content-length", "transfer-encoding"})

_CUSTOM_DOMAIN = (
    r"/api/v2/(?:jobs/verification-email|tickets/email-verification|tickets/password-change"
    r"|organizations/[^/]+/invitations|users|users/[^/]+|guardian/enrollments/ticket"
    r"|self-service-profiles/[^/]+/sso-ticket|branding/phone/templates/[^/]+/try)"
)
"""The paths that take the header `Auth0-Custom-Domain`."""
_CORRELATION = "x-correlation-id"


@hookimpl
def anyauth0_middleware(options: ClientOptions) -> list[Middleware]:
    """Add `headers` and `correlation_id` to every request, and `custom_domain` to those that take it.

    Raises `ConfigurationError` for a header that cannot be sent as it is.
    """
    layers: list[Middleware] = []
    if options.custom_domain:
        layers.append(_CustomDomain(options.custom_domain))
    if options.headers:
        layers.append(_Headers(_checked("headers", options.headers)))
    if callable(options.correlation_id):
        layers.append(_Correlation(options.correlation_id))
    elif options.correlation_id is not None:
        layers.append(_Headers(_checked("correlation_id", {_CORRELATION: options.correlation_id})))
    return layers


def _checked(option: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return `headers` with names in lower case; of names that differ in case only, the last one stays."""
    for name, value in headers.items():
        if not re.fullmatch(_NAME, name) or name.lower() in _FRAMING:
            raise ConfigurationError(
                option, f'option "{option}" cannot set a header called {name[:60]!a}; leave it out'
            )
        if not is_header_value(value):
            raise ConfigurationError(
                option,
                f'the value of "{name[:60]}" in option "{option}" holds a line break, another control '
                "character, or a character outside latin-1; take it out or encode it",
            )
    return {name.lower(): value for name, value in headers.items()}


# Classes, not closures: a traceback that shows local variables would show what a closure holds.
class _Headers:
    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        return inner(request.with_headers({**self._headers, **request.headers}))


class _Correlation:
    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        made = self._make()
        if not isinstance(made, str):
            raise ConfigurationError(
                "correlation_id",
                f'the function of option "correlation_id" must return a string, not {type(made).__name__}',
            )
        header = _checked("correlation_id", {_CORRELATION: made})
        return inner(request.with_headers({**header, **request.headers}))


class _CustomDomain:
    def __init__(self, domain: str) -> None:
        self._header = {"auth0-custom-domain": domain}

    def __call__(self, request: Request, inner: Handler) -> Flow[Response]:
        path = "/" + request.url.partition("://")[2].partition("/")[2].partition("?")[0]
        return inner(request.with_headers(self._header) if re.fullmatch(_CUSTOM_DOMAIN, path) else request)
