"""Faults that tests inject: answers that are errors, delays, and connections that break.

An answer is given by `LocalTenant.handle`. Delays and resets belong to a connection, so each transport asks
for its `Disturbance` first and acts it out.
"""

import threading
from collections.abc import Mapping
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Any

import msgspec

from anyauth0 import Response

from .incoming import Incoming, json_response

__all__ = ["Disturbance", "Faults"]


class Disturbance(msgspec.Struct, frozen=True, kw_only=True):
    """What happens to the connection of one request.

    `delay` is in seconds, before the answer goes out. `reset_before` breaks the connection before the tenant
    has acted, `reset_after` when it has and the answer is lost.
    """

    delay: float = 0.0
    reset_before: bool = False
    reset_after: bool = False


class _Fault:
    __slots__ = ("disturbance", "left", "method", "path", "response")

    def __init__(
        self,
        method: str | None,
        path: str,
        times: int | None,
        *,
        response: Response | None = None,
        disturbance: Disturbance | None = None,
    ) -> None:
        self.method = method.upper() if method else None
        self.path = path
        self.left = times
        self.response = response
        self.disturbance = disturbance

    def meets(self, incoming: Incoming) -> bool:
        return (
            self.left != 0
            and self.method in (None, incoming.method)
            and fnmatchcase(incoming.path, self.path)
        )

    def spend(self) -> None:
        if self.left is not None:
            self.left -= 1


class Faults:
    """The faults that are still to come, in the order in which they were added.

    Each method takes the same three selectors: `path` is a path with its percent-encoding, in which `*`
    stands for anything; `method` an HTTP method; `times` how many requests it hits, `None` for all from now
    on.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []

    def add(
        self,
        status: int,
        *,
        path: str = "*",
        method: str | None = None,
        times: int | None = 1,
        headers: Mapping[str, str] = {},
        body: bytes | Mapping[str, Any] | None = None,
    ) -> None:
        """Answer with `status` instead of acting.

        Without `body` the answer is an error in the shape of the Management API. Bytes are sent as they are.
        """
        lower = {name.lower(): value for name, value in headers.items()}
        if status == 429:
            lower.setdefault("x-ratelimit-remaining", "0")
        if isinstance(body, bytes):
            response = Response(status=status, headers=lower, body=body)
        else:
            response = json_response(_error(status) if body is None else body, status, lower)
        self._add(_Fault(method, path, times, response=response))

    def delay(
        self, seconds: float, *, path: str = "*", method: str | None = None, times: int | None = 1
    ) -> None:
        """Let the answer come so late; the tenant acts on the request all the same.

        In process nobody waits: a request whose timeout is shorter times out at once, any other is answered
        at once.
        """
        self._add(_Fault(method, path, times, disturbance=Disturbance(delay=seconds)))

    def reset(
        self, *, after: bool = False, path: str = "*", method: str | None = None, times: int | None = 1
    ) -> None:
        """Break the connection instead of answering; with `after=True` when the tenant has acted."""
        disturbance = Disturbance(reset_before=not after, reset_after=after)
        self._add(_Fault(method, path, times, disturbance=disturbance))

    def clear(self) -> None:
        """Forget all faults that are still to come."""
        with self._lock:
            self._faults.clear()

    def response(self, incoming: Incoming) -> Response | None:
        """Return the answer that is to be given instead of the true one; spends the fault."""
        with self._lock:
            for fault in self._faults:
                if fault.response is not None and fault.meets(incoming):
                    fault.spend()
                    return fault.response
        return None

    def disturbance(self, incoming: Incoming) -> Disturbance:
        """Return what is to happen to the connection of this request; spends the faults.

        One delay and one reset may come together.
        """
        delay = 0.0
        reset: Disturbance | None = None
        with self._lock:
            for fault in self._faults:
                found = fault.disturbance
                if found is None or not fault.meets(incoming):
                    continue
                if found.delay and not delay:
                    fault.spend()
                    delay = found.delay
                elif not found.delay and reset is None:
                    fault.spend()
                    reset = found
        return msgspec.structs.replace(reset or Disturbance(), delay=delay)

    def _add(self, fault: _Fault) -> None:
        with self._lock:
            self._faults = [known for known in self._faults if known.left != 0]
            self._faults.append(fault)

    def __repr__(self) -> str:
        return f"<Faults, {sum(fault.left != 0 for fault in self._faults)} to come>"


def _error(status: int) -> dict[str, Any]:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    if status == 429:
        return {
            "statusCode": 429,
            "error": phrase,
            "message": "Global limit has been reached",
            "errorCode": "too_many_requests",
        }
    return {"statusCode": status, "error": phrase, "message": phrase}
