"""Time limits: `timeout` for one attempt, `deadline` for a whole call with its retries and waits."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic

import msgspec

from anyauth0 import ClientOptions, Flow, Handler, Middleware, Request, Response, TransportTimeout, hookimpl
from anyauth0.flow import Effect, Sleep, translate

_LATEST = datetime.max.replace(tzinfo=UTC).timestamp() - 1


@hookimpl
def anyauth0_middleware(options: ClientOptions) -> list[Middleware]:
    """Bound the whole call by `deadline`."""
    return [] if options.deadline is None else [_deadline(options.deadline, options.clock)]


@hookimpl
def anyauth0_attempt_middleware(options: ClientOptions) -> list[Middleware]:
    """Bound each attempt by `timeout`."""
    timeout = options.timeout

    def limit(request: Request, inner: Handler) -> Flow[Response]:
        if request.timeout is None:
            request = msgspec.structs.replace(request, timeout=timeout)
        return inner(request)

    return [] if timeout is None else [limit]


def _deadline(seconds: float, clock: Callable[[], float]) -> Middleware:
    """Return middleware that gives each request only the time that is left.

    Nothing is begun that cannot be done in time: a wait that would outlast the deadline is refused at once.
    """

    def limit(request: Request, inner: Handler) -> Flow[Response]:
        end = monotonic() + seconds
        sent = False
        refusal: TransportTimeout | None = None

        def within(effect: Effect) -> Effect:
            nonlocal sent, refusal
            left = end - monotonic()
            if refusal is not None:
                # Whoever caught it and tries something else is not to succeed: the call has failed.
                raise refusal
            if left <= 0:
                refusal = TransportTimeout(
                    f"{request.endpoint} was not done within its deadline of {seconds:g} s; "
                    "give it more, or try again later",
                    request_sent=sent,
                )
                raise refusal
            if isinstance(effect, Sleep) and effect.seconds >= left:
                until = _time(clock() + effect.seconds)
                refusal = TransportTimeout(
                    f"{request.endpoint} must wait {effect.seconds:.1f} s, until {until}, which its deadline "
                    f"of {seconds:g} s does not allow; give it more, or try again then",
                    request_sent=sent,
                )
                raise refusal
            if isinstance(effect, Request):
                sent = True
                timeout = left if effect.timeout is None else min(effect.timeout, left)
                return msgspec.structs.replace(effect, timeout=timeout)
            return effect

        return translate(inner(request), within)

    return limit


def _time(epoch: float) -> str:
    return datetime.fromtimestamp(min(epoch, _LATEST), UTC).isoformat(timespec="seconds")
