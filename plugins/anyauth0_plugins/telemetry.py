"""Names this library to the server: `Auth0-Client` and `User-Agent`; nothing else is told."""

import sys

import msgspec

from anyauth0 import ClientOptions, Flow, Handler, Middleware, Request, Response, __version__, hookimpl

_PYTHON = ".".join(str(part) for part in sys.version_info[:3])
_ABOUT = {"name": "anyauth0", "version": __version__, "env": {"python": _PYTHON}}
# RFC 4648, section 5.
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
# As JSON, bytes are base64 between quotes.
_ENCODED = msgspec.json.encode(msgspec.json.encode(_ABOUT)).translate(_URL_SAFE, b'="')
_HEADERS = {
    "auth0-client": _ENCODED.decode(),
    "user-agent": f"anyauth0/{__version__} Python/{_PYTHON}",
}


@hookimpl
def anyauth0_middleware(options: ClientOptions) -> list[Middleware]:
    """Add the two headers, unless `telemetry=False` or the user set them."""
    return [_introduce] if options.telemetry else []


def _introduce(request: Request, inner: Handler) -> Flow[Response]:
    return inner(msgspec.structs.replace(request, headers={**_HEADERS, **request.headers}))
