"""A recording transport with scripted answers and a clock that only tests move, for both kinds of client."""

import asyncio
import inspect
import threading
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from anyauth0 import (
    AsyncAuthenticationClient,
    AsyncManagementClient,
    AuthenticationClient,
    Call,
    Checkpoint,
    ManagementClient,
    Offset,
    Page,
    Request,
    Resource,
    Response,
    endpoint,
    paged,
)
from anyauth0.endpoint import Mode

Answer = Response | Exception | Callable[[Request], Response]
DOMAIN = "tenant.eu.auth0.com"
START = 1_700_000_000.0


class Clock:
    """Epoch seconds that stand still until the test moves them."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def json(data: Any, status: int = 200, **headers: str) -> Response:
    """Return an answer with `data` as its JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        status=status, headers={"content-type": "application/json", **named}, body=msgspec.json.encode(data)
    )


class Recorder:
    """Keeps what was sent and answers from a script, then by `otherwise`. Safe to share between threads."""

    def __init__(self, script: Iterable[Answer] = (), otherwise: Answer | None = None) -> None:
        self.requests: list[Request] = []
        self.script = list(script)
        self.otherwise = json({}) if otherwise is None else otherwise
        self.closed = 0
        self._guard = threading.Lock()

    def answer(self, request: Request) -> Response:
        with self._guard:
            self.requests.append(request)
            step = self.script.pop(0) if self.script else self.otherwise
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, Response) else step(request)

    @property
    def urls(self) -> list[str]:
        """Return what was asked for, in order."""
        return [request.url for request in self.requests]


class Blocking(Recorder):
    """A blocking transport."""

    def send(self, request: Request, /) -> Response:
        return self.answer(request)

    def close(self) -> None:
        self.closed += 1


class Asynchronous(Recorder):
    """An asyncio transport; it gives way to other tasks before it answers."""

    async def send(self, request: Request, /) -> Response:
        await asyncio.sleep(0)
        return self.answer(request)

    async def close(self) -> None:
        await asyncio.sleep(0)
        self.closed += 1


class Kind:
    """One of the two worlds, so that a test is written once."""

    def __init__(self, *, asynchronous: bool) -> None:
        self.asynchronous = asynchronous
        self.transport: type[Any] = Asynchronous if asynchronous else Blocking
        self.authentication: type[Any] = AsyncAuthenticationClient if asynchronous else AuthenticationClient
        self.management: type[Any] = AsyncManagementClient if asynchronous else ManagementClient

    def __repr__(self) -> str:
        return "asyncio" if self.asynchronous else "blocking"

    def do(self, call: Callable[[], Any]) -> Any:
        """Make the call and return its result, whichever world it comes from."""
        if not self.asynchronous:
            return call()

        async def main() -> Any:
            result = call()
            return await result if inspect.isawaitable(result) else result

        return asyncio.run(main())

    def collect(self, items: Any, most: int | None = None) -> list[Any]:
        """Return the items of an iterator, the first `most` at the most."""
        found: list[Any] = []
        self.drain(items, found, most)
        return found

    def drain(self, items: Any, into: list[Any], most: int | None = None) -> None:
        """Append the items of an iterator to `into`, as they come, so that an error leaves them there."""
        if not self.asynchronous:
            for item in items:
                into.append(item)
                if len(into) == most:
                    items.close()
                    return
            return

        async def main() -> None:
            async for item in items:
                into.append(item)
                if len(into) == most:
                    await items.aclose()
                    return

        asyncio.run(main())

    def management_client(self, transport: Any, **options: Any) -> Any:
        """Return a management client with a token of its own over `transport`."""
        options = {"token": "token", "retry": False, **options}
        return self.management(domain=DOMAIN, transport=transport, **options)


KINDS = [Kind(asynchronous=False), Kind(asynchronous=True)]


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """What a resource of these tests answers."""

    id: str | None = None
    count: int | None = None


class Things(Resource[Mode]):
    """A resource of the tests' own, as a third party would write one."""

    @endpoint("GET", "/things/{id}")
    def get(self, id: str, /, *, fields: str | None = None) -> Call[Thing]:
        """Get a thing."""
        return Call(Thing, path=(id,), query={"fields": fields})

    @endpoint("POST", "/things")
    def create(self, *, name: str, secret: str | None = None) -> Call[Thing]:
        """Create a thing."""
        return Call(Thing, json={"name": name, "secret": secret})

    @endpoint("DELETE", "/things/{id}")
    def delete(self, id: str, /) -> Call[None]:
        """Delete a thing."""
        return Call(type(None), path=(id,))

    @endpoint("GET", "/text")
    def text(self) -> Call[str]:
        """Get text."""
        return Call(str)

    @paged("GET", "/things", items="things", offset=Offset(wall=1000))
    def get_all(
        self, *, page: int | None = None, per_page: int | None = None, include_totals: bool | None = None
    ) -> Call[Page[Thing]]:
        """List things by number."""
        query = {"page": page, "per_page": per_page, "include_totals": include_totals}
        return Call(Page[Thing], query=query)

    @paged("GET", "/chain", items="things", checkpoint=Checkpoint())
    def chain(self, *, from_: str | None = None, take: int | None = None) -> Call[Page[Thing]]:
        """List things by cursor."""
        return Call(Page[Thing], query={"from": from_, "take": take})

    @paged("GET", "/log", items=None, checkpoint=Checkpoint(next=None, item_field="id"))
    def log(self, *, from_: str | None = None, take: int | None = None) -> Call[Page[Thing]]:
        """List things by the id of the last one."""
        return Call(Page[Thing], query={"from": from_, "take": take})


def things(client: Any) -> Any:
    """Return the resource of these tests over the pipeline of `client`."""
    return Things(client._core)
