"""What the tests of the core share: each test that takes `kind` runs blocking and on asyncio."""

import pytest

from .fakes import KINDS, Clock, Kind


@pytest.fixture(params=KINDS, ids=repr)
def kind(request: pytest.FixtureRequest) -> Kind:
    found: Kind = request.param
    return found


@pytest.fixture
def clock() -> Clock:
    return Clock()
