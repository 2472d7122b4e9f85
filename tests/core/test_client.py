"""Clients: who closes what, what views share, and what a request is made of."""

import asyncio
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from anyauth0 import (
    AsyncManagementClient,
    Auth0Error,
    ManagementApiError,
    ManagementClient,
    NotFound,
    Request,
    Response,
    TransportError,
    hookimpl,
)

from .fakes import DOMAIN, Kind, Recorder, Thing, json, things


class Offering:
    """A plugin that offers a transport, which the client so opens itself."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport

    @hookimpl
    def anyauth0_transport(self, options: Any) -> Any:
        return self.transport


def opened(kind: Kind, transport: Recorder, **options: Any) -> Any:
    """Return a client that opened `transport` itself."""
    plugins = [Offering(transport)]
    return kind.management(domain=DOMAIN, token="t", plugins=plugins, retry=False, **options)


def test_a_transport_that_the_client_opened_is_closed_once_however_often_it_is_asked(kind: Kind) -> None:
    transport = kind.transport()
    client = opened(kind, transport)
    for _ in range(3):
        kind.do(client.close)
    assert transport.closed == 1


def test_a_transport_that_was_given_stays_open(kind: Kind) -> None:
    transport = kind.transport()
    kind.do(kind.management_client(transport).close)
    assert transport.closed == 0


def test_a_client_is_closed_at_the_end_of_its_block_also_after_an_error(kind: Kind) -> None:
    for broken in (False, True):
        transport = kind.transport()
        client = opened(kind, transport)

        def block(client: Any = client, broken: bool = broken) -> None:
            with client as entered:
                assert entered is client
                if broken:
                    raise LookupError

        async def asynchronous_block(client: Any = client, broken: bool = broken) -> None:
            async with client as entered:
                assert entered is client
                if broken:
                    raise LookupError

        run = asynchronous_block if kind.asynchronous else block
        if broken:
            with pytest.raises(LookupError):
                kind.do(run)
        else:
            kind.do(run)
        assert transport.closed == 1


def test_a_closed_client_and_its_views_say_so_and_send_nothing(kind: Kind) -> None:
    transport = kind.transport()
    client = kind.management_client(transport)
    view = client.with_options(timeout=1)
    kind.do(view.close)
    for closed in (client, view, client.with_options(timeout=2)):
        with pytest.raises(Auth0Error, match="the client is closed"):
            kind.do(lambda closed=closed: things(closed).get("1"))  # type: ignore[misc]
    assert transport.requests == []


def test_views_share_transport_locks_and_tokens(kind: Kind) -> None:
    client = kind.management_client(kind.transport())
    view = client.with_options(timeout=1)
    assert view._core.session is client._core.session
    assert view._core.authorize is client._core.authorize


def test_a_view_does_not_change_the_client_it_was_made_of(kind: Kind) -> None:
    client = kind.management_client(kind.transport())
    before = client._core.options
    client.with_options(timeout=1, headers={"a": "b"}, strict=True)
    assert client._core.options is before
    assert before.headers == {}


def test_every_request_has_the_token_and_what_it_accepts(kind: Kind) -> None:
    transport = kind.transport()
    kind.do(lambda: things(kind.management_client(transport, token="mine")).get("1"))
    headers = transport.requests[0].headers
    assert (headers["authorization"], headers["accept"]) == ("Bearer mine", "application/json")
    assert all(name == name.lower() for name in headers)


def test_an_answer_beyond_2xx_is_an_error_and_everything_within_is_not(kind: Kind) -> None:
    for status in (200, 201, 202, 204, 299):
        transport = kind.transport(otherwise=Response(status=status))
        assert kind.do(lambda t=transport: things(kind.management_client(t)).get("1")).data == Thing()  # type: ignore[misc]
    for status in (100, 199, 300, 302, 400, 404, 500):
        transport = kind.transport(otherwise=Response(status=status))
        with pytest.raises(ManagementApiError) as caught:
            kind.do(lambda t=transport: things(kind.management_client(t)).get("1"))  # type: ignore[misc]
        assert caught.value.status == status
        assert isinstance(caught.value, NotFound) is (status == 404)
        assert len(transport.requests) == 1


def test_an_error_of_the_transport_comes_out_as_it_is(kind: Kind) -> None:
    failure = TransportError("down; try again", request_sent=True)
    client = kind.management_client(kind.transport(otherwise=failure))
    with pytest.raises(TransportError) as caught:
        kind.do(lambda: things(client).get("1"))
    assert caught.value is failure


def test_a_function_is_a_transport_too(kind: Kind) -> None:
    sent: list[Request] = []

    def blocking(request: Request) -> Response:
        sent.append(request)
        return json({"id": "1"})

    async def asynchronous(request: Request) -> Response:
        return blocking(request)

    client = kind.management_client(asynchronous if kind.asynchronous else blocking)
    assert kind.do(lambda: things(client).get("1")).data.id == "1"
    assert len(sent) == 1


def test_extra_fields_go_into_bodies_and_into_nothing_else(kind: Kind) -> None:
    transport = kind.transport()
    client = kind.management_client(transport, extra_body={"newer": [1], "name": "extra"})
    kind.do(lambda: things(client).create(name="n"))
    kind.do(lambda: things(client).get("1"))
    with_body, without = transport.requests
    assert with_body.body == b'{"name":"extra","secret":null,"newer":[1]}'
    assert without.body is None


def test_many_threads_share_one_client() -> None:
    kind = Kind(asynchronous=False)
    transport = kind.transport(otherwise=lambda request: json({"id": request.url.rpartition("/")[2]}))
    client = kind.management_client(transport)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda n: things(client).get(str(n)).data.id, range(320)))
    assert found == [str(number) for number in range(320)]


def test_one_asyncio_client_serves_several_event_loops() -> None:
    kind = Kind(asynchronous=True)
    transport = kind.transport()
    client = kind.management_client(transport)

    async def main() -> None:
        await asyncio.gather(*(things(client).get("1") for _ in range(5)))

    for _ in range(3):
        asyncio.run(main())
    assert len(transport.requests) == 15


def test_the_class_of_a_client_tells_its_kind_and_its_tenant(kind: Kind) -> None:
    client = kind.management_client(kind.transport())
    assert isinstance(client, AsyncManagementClient if kind.asynchronous else ManagementClient)
    assert repr(client) == f"<{type(client).__name__} of {DOMAIN}>"


def test_a_program_that_does_not_close_its_client_ends_at_once() -> None:
    program = (
        "from anyauth0 import ManagementClient, Response\n"
        "answer = lambda request: Response(status=204)\n"
        "client = ManagementClient(domain='t.auth0.com', token='t', transport=answer)\n"
        "client.users.delete('1')\n"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
