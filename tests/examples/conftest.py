"""The tenants of the examples have one key: making keys, and looking at them, is what takes time."""

from ..local.conftest import keys_are_loaded_once, signing_key

__all__ = ["keys_are_loaded_once", "signing_key"]
