"""What a server says of budgets, and of when to come back, read out of headers that may hold anything."""

from collections.abc import Mapping

import msgspec

__all__ = ["Quota", "Quotas", "RateLimit", "retry_after"]


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens may be had in a period, how many remain, and in how many seconds the next begins."""

    quota: int | None = None
    remaining: int | None = None
    reset_after: int | None = None


class Quotas(msgspec.Struct, frozen=True, kw_only=True):
    """The token quotas of an application or an organization; `None` for a period that has none.

    Source: the `auth0-client-quota-limit` and `auth0-organization-quota-limit` response headers.
    """

    per_hour: Quota | None = None
    per_day: Quota | None = None

    @classmethod
    def from_header(cls, text: str | None) -> "Quotas | None":
        """Read a header such as `b=per_hour;q=100;r=99;t=1,b=per_day;q=300;r=299;t=2`."""
        if not text:
            return None
        found: dict[str, Quota] = {}
        for bucket in text[:1000].split(","):
            period, *parts = bucket.split(";")
            told = {name.strip(): value for name, _, value in (part.partition("=") for part in parts)}
            q, r, t = (_whole(told.get(name)) for name in "qrt")
            quota = Quota(quota=q, remaining=r, reset_after=t)
            found |= {name: quota for name in cls.__struct_fields__ if name in period}
        return cls(**found)


class RateLimit(msgspec.Struct, frozen=True, kw_only=True):
    """What the server said of the budget that this call drew from.

    - `limit` and `remaining` count requests; `reset` is the epoch second at which the budget is full again
    - `client_quota`, `organization_quota`: the token quotas of the application and of the organization

    Each is `None` where the server said nothing. Source: the `x-ratelimit-*` response headers, see `Quotas`.
    """

    limit: int | None = None
    remaining: int | None = None
    reset: int | None = None
    client_quota: Quotas | None = None
    organization_quota: Quotas | None = None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> "RateLimit":
        """Read the headers; what is missing or not a whole number is `None`."""
        return cls(
            limit=_whole(headers.get("x-ratelimit-limit")),
            remaining=_whole(headers.get("x-ratelimit-remaining")),
            reset=_whole(headers.get("x-ratelimit-reset")),
            client_quota=Quotas.from_header(headers.get("auth0-client-quota-limit")),
            organization_quota=Quotas.from_header(headers.get("auth0-organization-quota-limit")),
        )


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Return the seconds to wait, or `None` where nothing sensible is said.

    A date is compared with `now`, in epoch seconds, or with the date of the answer.
    Source: `Retry-After` (RFC 9110, section 10.2.3).
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    moment = _epoch(text)
    base = _epoch(headers.get("date", "")) if now is None else now
    return None if moment is None or base is None else max(0.0, moment - base)


def _epoch(date: str) -> int | None:
    """Return the epoch second of an HTTP date, which is always in GMT; `None` for anything else."""
    if not date:
        return None
    try:
        from calendar import timegm
        from email.utils import parsedate

        parsed = parsedate(date)
        return None if parsed is None else timegm(parsed)
    except (ImportError, ValueError, OverflowError):
        # There are interpreters without `email`, and an error of the server must not become one of ours.
        return None


def _whole(text: str | None) -> int | None:
    text = (text or "").strip()
    # The length bound keeps a hostile header from costing quadratic time in int().
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
