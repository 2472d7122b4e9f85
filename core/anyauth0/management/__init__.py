"""The Management API: users, logs, jobs, and the rest of the tenant; blocking and asyncio."""

from .client import AsyncManagementClient, ManagementClient

__all__ = ["AsyncManagementClient", "ManagementClient"]
