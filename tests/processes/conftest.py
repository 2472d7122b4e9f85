"""What the tests of processes share."""

import sys

import pytest

from ..transports.certificates import Certificates

collect_ignore_glob = ["test_*"] if sys.platform == "win32" else []


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
