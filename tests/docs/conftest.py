"""What the tests of the docs share: making a key takes longer than all else that a tenant does."""

from typing import Any

import pytest

from anyauth0_transports.local import LocalTenant


@pytest.fixture(scope="session")
def signing_key() -> dict[str, Any]:
    with LocalTenant(domain="key.example") as tenant:
        tenant.tokens.rotate_key()
        key = tenant.store.last("keys")
    assert key is not None
    return key
