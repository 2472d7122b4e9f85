"""What the tests of the docs share: making a key takes longer than all else that a tenant does."""

from ..local.conftest import signing_key

__all__ = ["signing_key"]
