"""What the tests of transports share: nothing from outside, nothing left open, certificates of our own."""

import gc
import os
from collections.abc import Iterator

import pytest

from .certificates import Certificates


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, certificates: Certificates) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    # The authorities of this machine are none of the tests' business, and take long to load.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.other_ca_file))
    monkeypatch.setenv("SSL_CERT_DIR", str(certificates.folder))


@pytest.fixture(scope="session", autouse=True)
def quick_collection() -> Iterator[None]:
    # What is there before the tests need not be looked at after each of them.
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    yield
    # Sockets and sessions that nobody closed warn now, and a warning is an error.
    gc.collect()


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))
