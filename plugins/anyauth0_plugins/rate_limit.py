"""Keeps calls under a rate, so that none is answered by 429: in one process, or in a fleet by Redis.

Interactive calls go before batch ones (option `priority`), and what the server tells of its budget is heeded.
The Management API and the rest of a tenant have a budget each.
"""

import math
import os
import threading
from collections.abc import Callable
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from anyauth0 import (
    ClientOptions,
    ConfigurationError,
    Flow,
    Handler,
    Middleware,
    RateLimit,
    Request,
    Response,
    hookimpl,
)
from anyauth0.flow import sleep

from ._attempts import Attempts, Failed
from ._redis import Redis

if TYPE_CHECKING:
    from ._redis import Client

__all__ = ["RateLimiter"]


_GLANCE = 0.05
"""Seconds between two looks at a budget that another call is about to learn of."""


class RateLimiter:
    """A plugin: at most `rate` requests a second, and `burst` at once after a while without any.

        limiter = RateLimiter(10, burst=20)
        management = ManagementClient(..., plugins=[limiter])

    Give one limiter to several clients, and they share its rate. With `redis`, a URL or a client of the
    package `redis`, all processes share it that use the same `name`; while Redis is down, each has it alone.

    `share` is the part of the tenant's budget, as its answers tell it, that batch calls may use up, from 0 to
    1; interactive calls may use all of it. Where it is used up, calls wait for its reset. Without a `rate`
    this is all that the limiter does. Batch calls leave a fifth of the `burst` to interactive ones.
    """

    def __init__(
        self,
        rate: float | None = None,
        *,
        burst: int = 1,
        share: float = 0.8,
        redis: "Client | None" = None,
        name: str = "anyauth0",
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Make a limiter. `clock` counts seconds; for tests.

        Raises `ConfigurationError` naming the argument that does not fit.
        """
        for argument, good, mend in (
            ("rate", rate is None or _is_number(rate, 0, 1e6), "a number of requests a second above 0"),
            ("burst", _is_number(burst, 0, 1e6) and burst >= 1, "a whole number from 1 up"),
            ("share", _is_number(share, 0, 1 + 1e-9), "above 0 and at most 1"),
            ("redis", redis is None or rate is not None, "given together with a rate"),
        ):
            if not good:
                raise ConfigurationError(argument, f'"{argument}" of RateLimiter must be {mend}')
        self._given = (rate, burst, share, name)
        self._rate = None if rate is None else _Rate(1 / rate, burst)
        self._share = share
        self._fleet = None if redis is None else _Fleet(redis, name)
        self._clock = clock
        # By process: the calls of its parent are not under way in a forked child.
        self._budgets: dict[tuple[int, str], _Budget] = {}

    @hookimpl
    def anyauth0_attempt_middleware(self, options: ClientOptions) -> list[Middleware]:
        """Have each attempt wait for its turn."""
        batch = options.priority == "batch"

        def limited(request: Request, inner: Handler) -> Flow[Response]:
            bucket = _bucket(request)
            budget = self._budget(bucket)
            while (pause := self._begin(budget, options.clock(), batch=batch)) > 0:
                yield from sleep(pause)
            told = None
            try:
                yield from self._turn(bucket, batch=batch)
                response = yield from inner(request)
                told = RateLimit.from_headers(response.headers)
            finally:
                with budget.guard:
                    budget.settle(told)
            return response

        return [limited]

    def _budget(self, bucket: str) -> "_Budget":
        return self._budgets.setdefault((os.getpid(), bucket), _Budget())

    def _turn(self, bucket: str, *, batch: bool) -> Flow[None]:
        if self._rate is None:
            return
        while True:
            pause = yield from self._take(self._rate, bucket, batch=batch)
            if pause > 0:
                yield from sleep(pause)
            if pause <= 0 or not batch:
                return

    def _take(self, rate: "_Rate", bucket: str, *, batch: bool) -> Flow[float]:
        """Return the seconds to wait: an interactive call goes then, a batch call asks again."""
        if self._fleet is not None:
            found = yield from self._fleet.take(rate, bucket, batch=batch)
            if not isinstance(found, Failed):
                return found
        now, budget = self._clock(), self._budget(bucket)
        with budget.guard:
            pause, budget.full = rate.take(budget.full, now, batch=batch)
        return pause

    def _begin(self, budget: "_Budget", now: float, *, batch: bool) -> float:
        """Draw a request from the budget of the tenant, or return the seconds until there may be one."""
        with budget.guard:
            pause = budget.pause(self._share if batch else None, now)
            if not pause:
                budget.draw()
            return pause

    def close(self) -> None:
        """Let go of the connections to Redis, unless a client was given."""
        if self._fleet is not None:
            self._fleet.redis.close()

    def __reduce__(self) -> tuple[object, ...]:
        # Another process has its own counts; what they share is in Redis.
        rate, burst, share, name = self._given
        redis = None if self._fleet is None else self._fleet.redis.url()
        return partial(RateLimiter, rate, burst=burst, share=share, redis=redis, name=name), ()

    def __repr__(self) -> str:
        return f"<RateLimiter of {'a fleet' if self._fleet else 'this process'}>"


def _is_number(value: object, above: float, below: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and above < value < below


def _bucket(request: Request) -> str:
    host, _, path = request.url.partition("://")[2].partition("/")
    return f"{host}/api" if path.startswith("api/") else host


class _Budget:
    """What the server told last of its budget, less what was sent since; and how full this process has it."""

    def __init__(self) -> None:
        self.guard = threading.Lock()
        # See `_Rate`.
        self.full = -math.inf
        # `None` until the server has answered, 0 where it tells of no budget.
        self.limit: int | None = None
        self.remaining = self.reset = self.under_way = 0

    def pause(self, share: float | None, now: float) -> float:
        """Return the seconds to wait; batch calls have a `share`."""
        if self.limit == 0 or (self.limit is None and share is None):
            return 0.0
        spared = (self.limit or 0) * (1 - (share or 1))
        # Products of fractions are never quite what they should be.
        if self.remaining - 1 >= spared - 1e-6:
            return 0.0
        if self.reset > now:
            return self.reset - now
        # What is there nobody knows: one call finds out, the others wait for its answer.
        return _GLANCE if self.under_way else 0.0

    def draw(self) -> None:
        self.remaining -= 1
        self.under_way += 1

    def settle(self, told: RateLimit | None) -> None:
        """Take note of an answer, if one came. Those under way may have been counted in it, or not."""
        self.under_way -= 1
        if told is not None:
            self.limit, self.reset = told.limit or 0, told.reset or 0
            self.remaining = (told.remaining or 0) - self.under_way


class _Rate:
    """The generic cell rate algorithm: a time says when the bucket will be full again.

    An interactive call takes its place in the queue at once; a batch call has none, so that others pass it.
    Source: ITU-T I.371, annex A.
    """

    def __init__(self, interval: float, burst: int) -> None:
        self.interval = interval
        self.tolerance = (burst - 1) * interval
        self.batch_tolerance = max(0, math.ceil(burst * 0.8) - 1) * interval

    def take(self, full: float, now: float, *, batch: bool) -> tuple[float, float]:
        """Return the seconds to wait, and when the bucket will be full after it."""
        full = max(full, now)
        pause = full - (self.batch_tolerance if batch else self.tolerance) - now
        # As above.
        pause = 0.0 if pause < self.interval * 1e-6 else pause
        return pause, full if batch and pause else full + self.interval


_SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now)
local pause = math.max(full - tolerance - now, 0)
if pause == 0 or ARGV[3] == '0' then
  full = full + interval
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1000)
end
return string.format('%.0f', pause)
"""


class _Fleet:
    """The same in Redis, by its clock, in microseconds."""

    def __init__(self, client: "Client", name: str) -> None:
        self.redis = Redis(client, "RateLimiter")
        self._name = name
        self._attempt = Attempts(self.redis, self.redis.failures, "each process keeps the rate for itself")

    def take(self, rate: _Rate, bucket: str, *, batch: bool) -> Flow[float | Failed]:
        tolerance = rate.batch_tolerance if batch else rate.tolerance
        numbers = [round(seconds * 1e6) for seconds in (rate.interval, tolerance)]
        key = f"{self._name}:rate:{bucket}"
        command = self.redis.command("EVAL", _SCRIPT, 1, key, *numbers, int(batch))
        answer = yield from self._attempt(command)
        if isinstance(answer, Failed):
            return answer
        self._attempt.worked()
        return int(answer) / 1e6
