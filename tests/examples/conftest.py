"""The tenants of the examples have one key: making keys, and looking at them, is what takes time."""

from ..local.conftest import signing_key

__all__ = ["signing_key"]
