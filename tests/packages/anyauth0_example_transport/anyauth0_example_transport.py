"""Sends requests over the `http.client` of the standard library, each on a connection of its own."""

import ssl
from http.client import HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead
from urllib.parse import urlsplit

from anyauth0 import (
    TLS,
    ClientOptions,
    ConfigurationError,
    Request,
    Response,
    TransportError,
    TransportTimeout,
    hookimpl,
)

__all__ = ["HttpClientTransport"]


class HttpClientTransport:
    """A blocking transport. `request.timeout` bounds each wait for the socket, not the whole attempt."""

    def __init__(self, tls: TLS, *, max_response_bytes: int | None) -> None:
        self._context = _context(tls)
        self._most = max_response_bytes

    def send(self, request: Request, /) -> Response:
        """Send `request` and read its answer to the end."""
        url = urlsplit(request.url)
        connection = HTTPSConnection(url.netloc, timeout=request.timeout, context=self._context)
        sent = False
        try:
            connection.connect()
            sent = True
            target = f"{url.path}?{url.query}" if url.query else url.path
            connection.request(request.method, target, request.body, dict(request.headers))
            return self._read(connection.getresponse())
        except TimeoutError as error:
            raise TransportTimeout(f"{url.netloc} did not answer in time", request_sent=sent) from error
        except (OSError, HTTPException) as error:
            kind = type(error).__name__
            raise TransportError(f"no answer from {url.netloc}: {kind}", request_sent=sent) from error
        finally:
            connection.close()

    def _read(self, answer: HTTPResponse) -> Response:
        body = answer.read() if self._most is None else answer.read(self._most + 1)
        if self._most is not None and len(body) > self._most:
            raise TransportError(
                f'the answer is longer than "max_response_bytes" ({self._most}); raise it', request_sent=True
            )
        if answer.length:
            # A bounded read says nothing of a connection that was cut.
            raise IncompleteRead(body, answer.length)
        headers: dict[str, str] = {}
        for name, value in answer.getheaders():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return Response(status=answer.status, headers=headers, body=body)

    def close(self) -> None:
        """Do nothing: no connection outlives its request."""


def _context(tls: TLS) -> ssl.SSLContext:
    if tls.context is not None:
        return tls.context
    if isinstance(tls.cert, bytes) or isinstance(tls.key, bytes):
        raise ConfigurationError(
            "tls", 'transport "plain_http" takes "cert" and "key" of TLS(...) as paths only'
        )
    if isinstance(tls.ca, bytes):
        context = ssl.create_default_context(cadata=tls.ca.decode())
    else:
        context = ssl.create_default_context(cafile=tls.ca)
    if tls.cert is not None:
        context.load_cert_chain(tls.cert, tls.key, tls.key_password)
    return context


@hookimpl
def anyauth0_transport(options: ClientOptions) -> HttpClientTransport | None:
    """Offer this transport to whoever asks for it by name."""
    if options.transport != "plain_http":
        return None
    return HttpClientTransport(options.tls or TLS(), max_response_bytes=options.max_response_bytes)
