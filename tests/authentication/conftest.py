"""What these tests share: each test that takes `kind` runs blocking and on asyncio."""

import pytest

from ..core.fakes import KINDS, Kind


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found
