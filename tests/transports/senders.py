"""One way to use any transport in a test, blocking or asyncio."""

import asyncio
import inspect
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from types import TracebackType
from typing import Any

import pytest

from anyauth0 import Request, Response, TransportError

__all__ = ["Sender", "failing", "failing_async", "shown_by", "get"]


class Sender:
    """Sends over `transport`, blocking whatever its kind, and closes it at the end."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.asynchronous = inspect.iscoroutinefunction(transport.send)
        self._runner = asyncio.Runner() if self.asynchronous else None

    def send(self, request: Request) -> Response:
        """Send one request."""
        if self._runner is not None:
            answer: Response = self._runner.run(self.transport.send(request))
            return answer
        return self.transport.send(request)  # type: ignore[no-any-return]

    def send_together(self, requests: Sequence[Request]) -> list[Response]:
        """Send all requests at once: each in a thread, or in a task, of its own."""
        if self._runner is not None:

            async def gather() -> list[Response]:
                return await asyncio.gather(*map(self.transport.send, requests))

            return self._runner.run(gather())
        with ThreadPoolExecutor(len(requests)) as threads:
            return list(threads.map(self.transport.send, requests))

    def __enter__(self) -> "Sender":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            self._runner.run(self.transport.close())
            self._runner.close()
        else:
            self.transport.close()


NOT_OURS = ("/tests/", "/core/anyauth0/", "/asyncio/")


def get(url: str, **more: Any) -> Request:
    """Return a GET request that would rather fail than wait for long."""
    return Request(**{"method": "GET", "url": url, "timeout": 20.0, **more})


def shown_by(error: BaseException) -> str:
    """Return what a traceback with locals shows of `error` and its causes in transports and libraries."""
    shown: list[str] = []
    seen: set[int] = set()
    todo: list[BaseException | None] = [error]
    while todo:
        one = todo.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        todo += [one.__cause__, one.__context__]
        shown.append(repr(one) + repr(vars(one)))
        for frame, _ in traceback.walk_tb(one.__traceback__):
            if not any(part in frame.f_code.co_filename for part in NOT_OURS):
                shown.append(f"{frame.f_code.co_qualname}: {frame.f_locals!r}")
    return "\n".join(shown)


def failing(sender: Sender, request: Request, *, sent: bool, within: float = 5.0) -> TransportError:
    """Return the error of `request`; it must come soon, be brief, and tell whether it was sent."""
    begun = monotonic()
    with pytest.raises(TransportError) as caught:
        sender.send(request)
    assert monotonic() - begun < within
    return checked(caught.value, sent=sent)


async def failing_async(transport: Any, request: Request, *, sent: bool) -> TransportError:
    """Return the error of `request` over an asyncio transport (see `failing`)."""
    with pytest.raises(TransportError) as caught:
        await transport.send(request)
    return checked(caught.value, sent=sent)


def checked(error: TransportError, *, sent: bool) -> TransportError:
    assert error.request_sent is sent, error
    assert 0 < len(str(error)) < 300
    assert "\n" not in str(error)
    assert "?" not in str(error)
    return error
