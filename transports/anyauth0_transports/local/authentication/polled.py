"""What a user decides elsewhere while the client asks again and again; the answer is given once."""

from typing import TYPE_CHECKING, Any

import msgspec

from ..incoming import Refusal

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["INTERVAL", "Answers", "decision", "pending"]

INTERVAL = 5
# Half a second for the ways of a network: who waits the interval must never be told to slow down.
_JITTER = 0.5


class Answers(msgspec.Struct, frozen=True, kw_only=True):
    """How a grant puts it: status, error and description each."""

    unknown: tuple[int, str, str]
    expired: tuple[int, str, str]
    pending: tuple[int, str, str]
    slow_down: tuple[int, str, str]
    denied: tuple[int, str, str]


def pending(tenant: "LocalTenant", lifetime: int, **fields: Any) -> dict[str, Any]:
    """Return what is kept of a question that nobody has answered yet."""
    now = tenant.clock()
    return {"status": "pending", "expires_at": now + lifetime, "asked_at": None, **fields}


def decision(
    tenant: "LocalTenant", kind: str, key: str, client_id: str, answers: Answers, *, keep: bool = False
) -> dict[str, Any]:
    """Return what is kept of a question that was answered with yes, and forget it unless `keep` is set.

    Raises `Refusal` for a question that is unknown, expired, unanswered, denied, or asked for faster than
    every five seconds by the tenant's clock.
    """
    store, now = tenant.store, tenant.clock()
    kept = store.get(kind, key)
    if kept is None or kept["client_id"] != client_id:
        raise _refusal(answers.unknown)
    if kept["expires_at"] <= now:
        store.remove(kind, key)
        raise _refusal(answers.expired)
    before, status = kept["asked_at"], kept["status"]
    store.put(kind, key, {**kept, "asked_at": now})
    if before is not None and now - before < INTERVAL - _JITTER:
        raise _refusal(answers.slow_down, {"retry-after": str(INTERVAL)})
    if status == "pending":
        raise _refusal(answers.pending)
    if status == "denied" or not keep:
        store.remove(kind, key)
    if status == "denied":
        raise _refusal(answers.denied)
    return kept


def _refusal(answer: tuple[int, str, str], headers: dict[str, str] | None = None) -> Refusal:
    status, error, description = answer
    return Refusal(status, {"error": error, "error_description": description}, headers or {})
