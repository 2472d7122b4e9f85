"""Polling the token endpoint until a user has decided (RFC 8628, section 3.5; CIBA Core, section 11)."""

from collections.abc import Callable

from msgspec import structs

from ..client import Core
from ..errors import AuthenticationApiError, AuthorizationError, TransportError, TransportTimeout
from ..flow import Flow, sleep
from ..messages import ApiResponse
from .models import TokenSet

__all__ = ["poll"]

_INTERVAL = 5.0
_SLOWER = 5.0
_LONGEST = 60.0


def poll(
    core: Core,
    attempt: Callable[[Core], Flow[ApiResponse[TokenSet]]],
    *,
    title: str,
    interval: float | None,
    expires_in: float | None,
) -> Flow[ApiResponse[TokenSet]]:
    """Ask every `interval` seconds until there are tokens; slower when the server says so.

    `attempt` asks once, over a pipeline without retries: here each attempt has its time.

    Raises `AuthorizationError` (`access_denied`, `expired_token`), and `TransportTimeout` when the client's
    `deadline` comes first.
    """
    clock, deadline = core.options.clock, core.options.deadline
    quiet = core.view(structs.replace(core.options, retry=False))
    start = clock()
    expires_at = start + expires_in if expires_in else None
    pause = interval if interval and interval > 0 else _INTERVAL
    wait = pause
    while True:
        now = clock()
        if deadline is not None and now + wait > start + deadline:
            raise TransportTimeout(
                f"{title}: the user has not decided within the deadline of {deadline:g} s; ask again later",
                request_sent=False,
            )
        # From then on Auth0 answers to CIBA that the user said no, who did not.
        if expires_at is not None and now + wait >= expires_at:
            raise AuthorizationError(
                "expired_token", f"{title}: the user has not decided in time; start again"
            )
        yield from sleep(wait)
        wait = pause
        try:
            return (yield from attempt(quiet))
        except TransportError as error:
            if error.request_sent and not isinstance(error, TransportTimeout):
                raise
            # A server that is too busy to answer is asked less and less often.
            pause = wait = min(pause * 2, _LONGEST)
        except AuthenticationApiError as error:
            if error.code == "slow_down":
                pause = pause + _SLOWER
            elif error.code in ("access_denied", "expired_token"):
                raise AuthorizationError(
                    error.code, f"{title}: {error.description or error.code}", description=error.description
                ) from error
            elif error.code != "authorization_pending" and error.status not in (429, _UNAVAILABLE):
                raise
            wait = max(pause, getattr(error, "retry_after", None) or 0.0)


_UNAVAILABLE = 503
