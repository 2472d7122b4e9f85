"""Conversations with a tenant, written once: for both kinds of client, whatever the requests go over."""

import asyncio
import inspect
import secrets
import socket
from asyncio.base_events import BaseEventLoop
from asyncio.selector_events import BaseSelectorEventLoop
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from anyauth0 import Request, Response
from anyauth0_transports.local import LocalTenant

from ..core.fakes import Kind

__all__ = ["FILES", "PASSWORD", "Conversations", "Steps", "World", "no_sockets", "query"]

PASSWORD = "correct-Horse-battery-9"
FILES = "files.example.net"
Steps = Generator[Any, Any, None]
WAYS_OUT = [
    (socket.socket, ["connect", "connect_ex", "sendto"]),
    (socket, ["create_connection", "getaddrinfo", "gethostbyname"]),
    (BaseEventLoop, ["create_connection", "create_datagram_endpoint", "getaddrinfo"]),
    (BaseSelectorEventLoop, ["sock_connect"]),
]


@contextmanager
def no_sockets() -> Iterator[list[str]]:
    """Forbid every way to a network; at the end see that nobody tried one and kept the refusal to himself."""
    tried: list[str] = []

    def forbid(name: str) -> Callable[..., Any]:
        def forbidden(*args: Any, **more: Any) -> Any:
            tried.append(name)
            raise AssertionError(f"{name} was called")

        return forbidden

    with pytest.MonkeyPatch.context() as patch:
        for owner, names in WAYS_OUT:
            for name in names:
                patch.setattr(owner, name, forbid(name))
        yield tried
    assert tried == []


class Conversations:
    """Clients of one kind with the same options, and whoever talks through them."""

    def __init__(self, kind: Kind, tenant: LocalTenant, **options: Any) -> None:
        self.kind, self.tenant = kind, tenant
        self.options = {"domain": tenant.domain, "clock": tenant.clock, **options}
        self.credentials = {"client_id": tenant.client_id, "client_secret": tenant.client_secret}
        self.clients: list[Any] = []

    def auth(self, **more: Any) -> Any:
        return self._made(self.kind.authentication, **{**self.credentials, **more})

    def management(self, **more: Any) -> Any:
        return self._made(self.kind.management, **{**self.credentials, **more})

    def verifier(self, kinds: tuple[type[Any], type[Any]], **more: Any) -> Any:
        return self._made(kinds[self.kind.asynchronous], **more)

    def _made(self, make: type[Any], **more: Any) -> Any:
        client = make(**{**self.options, **more})
        self.clients.append(client)
        return client

    def listed(self, items: Any, most: int = 10**6) -> Any:
        """Return the first items of an iterator; for asyncio a coroutine that does."""
        if not self.kind.asynchronous:
            return _first(items, most)

        async def collect() -> list[Any]:
            found = []
            async for item in items:
                found.append(item)
                if len(found) == most:
                    await items.aclose()
                    break
            return found

        return collect()

    def refused(self, call: Callable[[], Any], error: type[Exception]) -> Any:
        """Return the error of a call; for asyncio a coroutine that does."""
        if not self.kind.asynchronous:
            with pytest.raises(error) as caught:
                call()
            return caught.value

        async def fail() -> Any:
            with pytest.raises(error) as caught:
                await call()
            return caught.value

        return fail()

    def user(self) -> Any:
        return self.tenant.add_user(email=f"{secrets.token_hex(6)}@example.com", password=PASSWORD)

    def play(self, steps: Steps) -> None:
        """Go through a conversation, which yields what its clients return and is given what that comes to."""

        async def main() -> None:
            answer, over = None, False
            try:
                while not over:
                    try:
                        answer = await _settled(steps.send(answer))
                    except StopIteration:
                        over = True
            finally:
                for client in self.clients:
                    await _settled(client.close())

        asyncio.run(main())


async def _settled(outcome: Any) -> Any:
    return await outcome if inspect.isawaitable(outcome) else outcome


def _first(items: Any, most: int) -> list[Any]:
    found = []
    for item in items:
        found.append(item)
        if len(found) == most:
            items.close()
            break
    return found


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


class World(Conversations):
    """Clients over a function of the user's, which is all that knows where the tenant is."""

    def __init__(self, kind: Kind, tenant: LocalTenant, *, streams: bool = False) -> None:
        self.seen: list[Request] = []
        self._inner = tenant.transport()

        async def fetch(request: Request) -> Response:
            return self.answer(request)

        super().__init__(kind, tenant, transport=fetch if kind.asynchronous else self.answer)
        if streams:
            self.options["transport"] = (AsyncStreaming if kind.asynchronous else Streaming)(self)

    def answer(self, request: Request) -> Response:
        """Hand a request to the tenant, whose exported files are on a host of their own."""
        self.seen.append(request)
        here, there = f"//{self.tenant.domain}/exports/", f"//{FILES}/exports/"
        response = self._inner.send(msgspec.structs.replace(request, url=request.url.replace(there, here)))
        return msgspec.structs.replace(response, body=response.body.replace(here.encode(), there.encode()))

    @property
    def asked(self) -> list[str]:
        return [request.endpoint for request in self.seen]


class Streaming:
    """The function as an object that streams too: the whole body is one piece."""

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, request: Request, /) -> Response:
        return self.world.answer(request)

    def open(self, request: Request, /) -> Any:
        answer = self.world.answer(request)
        pieces = [answer.body]
        return SimpleNamespace(
            status=answer.status, headers=answer.headers, close=lambda: None,
            read=lambda seconds: pieces.pop() if pieces else b"",
        )  # fmt: skip

    def close(self) -> None:
        raise AssertionError("it is the user's, who closes it")


class AsyncStreaming(Streaming):
    """The same for asyncio."""

    async def send(self, request: Request, /) -> Response:  # type: ignore[override]
        return super().send(request)

    async def open(self, request: Request, /) -> Any:
        stream = super().open(request)
        read = stream.read

        async def later(seconds: float | None) -> bytes:
            return read(seconds)

        stream.read = later
        return stream

    async def close(self) -> None:  # type: ignore[override]
        super().close()
