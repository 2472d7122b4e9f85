"""Tries again what can be tried again, after the delay that the server asks for."""

from collections.abc import Callable

from anyauth0 import (
    ClientOptions,
    Flow,
    Handler,
    Middleware,
    RateLimit,
    Request,
    Response,
    RetryPolicy,
    TransportError,
    hookimpl,
)
from anyauth0.flow import sleep
from anyauth0.rate_limits import retry_after

# The server did nothing: whatever the method, the request may be sent again.
_UNDONE = frozenset({429, 502, 503, 504})
_MAYBE_DONE = frozenset({408, 500})


@hookimpl
def anyauth0_attempt_middleware(options: ClientOptions) -> list[Middleware]:
    """Retry by the policy of the client, as the outermost of what runs for each attempt.

    Authorization stands outside: fetching a token has retries of its own, which must not multiply.
    """
    policy = options.retry
    if not isinstance(policy, RetryPolicy) or policy.retries == 0:
        return []
    return [_retry(policy, options.clock, options.random)]


def _retry(policy: RetryPolicy, clock: Callable[[], float], random: Callable[[], float]) -> Middleware:
    def backoff(attempt: int) -> float:
        # The exponent has a bound, for a float has one.
        return random() * min(policy.max_delay, policy.first_delay * 2.0 ** min(attempt, 64))

    def retry(request: Request, inner: Handler) -> Flow[Response]:
        for attempt in range(policy.retries):
            try:
                response = yield from inner(request)
            except TransportError as error:
                if error.request_sent and not request.idempotent:
                    raise
                # Here, so that a deadline which forbids the wait keeps this failure as its context.
                yield from sleep(backoff(attempt))
            else:
                if not _worth_another_try(request, response):
                    return response
                asked = _asked_delay(response, clock())
                if asked is not None and asked > policy.max_delay:
                    return response
                yield from sleep(backoff(attempt) if asked is None else asked)
        return (yield from inner(request))

    return retry


def _worth_another_try(request: Request, response: Response) -> bool:
    if response.status in _UNDONE:
        return True
    return request.idempotent and response.status in _MAYBE_DONE


def _asked_delay(response: Response, now: float) -> float | None:
    """Return the seconds that the server asks to wait, or `None` where it does not.

    Source: `Retry-After` (RFC 9110, section 10.2.3), else for 429 the reset of the budget.
    """
    asked = retry_after(response.headers, now)
    if asked is not None:
        return asked
    reset = RateLimit.from_headers(response.headers).reset if response.status == 429 else None
    # A reset that is past by our clock says nothing of when to come back.
    return None if reset is None or reset <= now else reset - now
