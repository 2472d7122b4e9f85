"""One line for each call and each attempt, to the standard `logging`, without secrets.

A line names host, method and path template, the outcome, the time taken, and Auth0's id of the request.
Headers, bodies, queries and the values in a path are in none.
"""

import logging
from time import monotonic

from anyauth0 import ClientOptions, Flow, Handler, Middleware, Request, Response, hookimpl

logger = logging.getLogger("anyauth0")


@hookimpl
def anyauth0_middleware(options: ClientOptions) -> list[Middleware]:
    """Log each call at INFO."""
    return [_lines(logging.INFO, "call")]


@hookimpl
def anyauth0_attempt_middleware(options: ClientOptions) -> list[Middleware]:
    """Log each attempt at DEBUG."""
    return [_lines(logging.DEBUG, "attempt")]


def _lines(level: int, what: str) -> Middleware:
    def log(request: Request, inner: Handler) -> Flow[Response]:
        if not logger.isEnabledFor(level):
            return (yield from inner(request))
        start = monotonic()
        try:
            response = yield from inner(request)
        except Exception as error:
            # The kind only: the message of an error that is not ours may hold anything.
            kind = type(error).__name__
            logger.log(level, "%s %s: %s after %.3f s", what, _target(request), kind, monotonic() - start)
            raise
        taken, id_ = monotonic() - start, response.headers.get("x-auth0-requestid", "-")
        logger.log(level, "%s %s: %d in %.3f s, id %s", what, _target(request), response.status, taken, id_)
        return response

    return log


def _target(request: Request) -> str:
    host = request.url.partition("://")[2].partition("/")[0]
    return f"{host} {request.endpoint or request.method}"
