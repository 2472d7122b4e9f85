"""The Management API: a class for each kind of client, and a module for each resource."""

from typing import TYPE_CHECKING, Any

from .client import AsyncManagementClient, ManagementClient

if TYPE_CHECKING:
    from .extras.bulk_import import ImportInterrupted, ImportProgress, ImportResult, RowError

__all__ = [
    "AsyncManagementClient", "ImportInterrupted", "ImportProgress", "ImportResult", "ManagementClient",
    "RowError",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Who imports no users in bulk does not load what does it.
    if name in __all__:
        from .extras import bulk_import

        return getattr(bulk_import, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
