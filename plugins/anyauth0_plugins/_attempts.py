"""Work beyond the process that may fail: no call stops for it, it rests for a while, and is told once."""

import logging
from time import monotonic
from typing import TypeVar

from anyauth0 import Flow

__all__ = ["FAILED", "Attempts", "Failed"]

R = TypeVar("R")

_REST = 5.0
"""Seconds that what failed is left alone."""

log = logging.getLogger("anyauth0")


class Failed:
    """What an attempt returns that was not carried out."""


FAILED = Failed()


class Attempts:
    """Runs flows, and returns `FAILED` for one that raises one of `failures`, and for a while after it."""

    __slots__ = ("_consequence", "_failures", "_resting_until", "_subject", "_warned")

    def __init__(self, subject: object, failures: tuple[type[Exception], ...], consequence: str) -> None:
        """Warn that `subject` failed, and of the `consequence`."""
        self._subject = subject
        self._failures = failures
        self._consequence = consequence
        self._resting_until = 0.0
        self._warned = False

    def __call__(self, flow: Flow[R]) -> Flow[R | Failed]:
        """Run `flow` unless it has just failed; where it fails now, say so once and go on."""
        if monotonic() < self._resting_until:
            return FAILED
        try:
            return (yield from flow)
        except self._failures as error:
            self._resting_until = monotonic() + _REST
            if not self._warned:
                self._warned = True
                # The message may hold an address with a password.
                kind = type(error).__name__
                log.warning("%r failed (%s): %s until it is back", self._subject, kind, self._consequence)
        return FAILED

    def worked(self) -> None:
        """Warn again when it fails the next time."""
        self._warned = False
