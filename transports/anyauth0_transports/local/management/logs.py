"""The log as it is read: by checkpoint from the first entry on, or by number from the newest back."""

from typing import TYPE_CHECKING

from anyauth0 import Response

from ..incoming import Incoming, json_response
from .pages import only_fields, page, sorted_by, whole_number
from .search import matcher

if TYPE_CHECKING:
    from ..tenant import LocalTenant

__all__ = ["get_all", "of_user"]

_WALL = 1000
_DEFAULT = 50
_LARGEST = 100


def get_all(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /logs."""
    if not {"from", "take"} & set(incoming.query):
        fits = matcher(incoming.one("q"))
        entries = [entry for entry in reversed(tenant.store.list("logs")) if fits(entry)]
        return page(incoming, sorted_by(incoming, entries), "logs", wall=_WALL)
    count = whole_number(incoming, "take", _DEFAULT, _LARGEST) or _DEFAULT
    entries = tenant.store.list("logs", limit=count, after=incoming.one("from") or None)
    return json_response([only_fields(incoming, entry) for entry in entries])


def of_user(tenant: "LocalTenant", incoming: Incoming, path: tuple[str, ...]) -> Response:
    """Answer GET /users/{id}/logs."""
    entries = tenant.store.find("logs", user_id=path[0])[::-1]
    return page(incoming, sorted_by(incoming, entries), "logs", wall=_WALL)
