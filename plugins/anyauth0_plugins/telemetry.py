"""Names this library to the server: `Auth0-Client` and `User-Agent`; nothing else is told."""

import sys
from base64 import urlsafe_b64encode

import msgspec

from anyauth0 import ClientOptions, Flow, Handler, Middleware, Request, Response, __version__, hookimpl

_PYTHON = ".".join(str(part) for part in sys.version_info[:3])
_ABOUT = {"name": "anyauth0", "version": __version__, "env": {"python": _PYTHON}}
_HEADERS = {
    "auth0-client": urlsafe_b64encode(msgspec.json.encode(_ABOUT)).decode().rstrip("="),
    "user-agent": f"anyauth0/{__version__} Python/{_PYTHON}",
}


@hookimpl
def anyauth0_middleware(options: ClientOptions) -> list[Middleware]:
    """Add the two headers, unless `telemetry=False` or the user set them."""
    return [_introduce] if options.telemetry else []


def _introduce(request: Request, inner: Handler) -> Flow[Response]:
    return inner(request.with_headers({**_HEADERS, **request.headers}))
