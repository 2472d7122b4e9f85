"""The tenant's log: entries in the shape of the Management API, with ids that only ever grow."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .values import timestamp

if TYPE_CHECKING:
    from .tenant import LocalTenant

__all__ = ["Log"]


class Log:
    """Writes the entries of one tenant."""

    def __init__(self, tenant: "LocalTenant") -> None:
        self._tenant = tenant

    def write(self, type: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Write an entry and return it."""
        tenant = self._tenant
        store = tenant.store
        now = tenant.clock()
        with store.transaction():
            log_id = self._next_id(now)
            entry = {
                "_id": log_id,
                "log_id": log_id,
                "date": timestamp(now),
                "type": type,
                "ip": "127.0.0.1",
                "isMobile": False,
                **{name: value for name, value in fields.items() if value is not None},
            }
            store.add("logs", log_id, entry)
        return entry

    def _next_id(self, now: float) -> str:
        """Return an id after all others, even when the clock was moved back."""
        moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%d%H%M%S")
        number = int(f"900{moment}{0:013d}")
        last = self._tenant.store.last("logs")
        return str(number if last is None else max(number, int(last["log_id"]) + 1))
