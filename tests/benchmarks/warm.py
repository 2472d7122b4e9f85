"""`users.get` on a connection that is open, against the same request made by hand."""

import json
import ssl
from collections.abc import Callable
from contextlib import ExitStack

import urllib3

from anyauth0 import TLS, ManagementClient

from .common import Comparison, Scale, interleaved, processor
from .server import Server

TOKEN = "t" * 900
HEADERS = {"authorization": f"Bearer {TOKEN}", "accept": "application/json", "user-agent": "by hand"}


def client_of(server: Server, scheme: str, transport: str = "urllib3") -> ManagementClient:
    """Return a blocking client of the server."""
    domain = server.secure if scheme == "https" else server.plain
    client = ManagementClient(
        domain=domain, token=TOKEN, transport=transport, tls=TLS(ca=server.authorities), proxy=False
    )
    # No option says http: a token would be for all to read.
    client._core.base_url = f"{scheme}://{domain}/api/v2"
    return client


def address(server: Server, scheme: str, path: str = "/users/auth0%7C1") -> str:
    """Return the URL of what the calls ask for."""
    return f"{scheme}://{server.secure if scheme == 'https' else server.plain}/api/v2{path}"


def pool_of(server: Server, size: int = 1) -> urllib3.PoolManager:
    """Return a pool as one would make it once for a program."""
    context = ssl.create_default_context(cafile=server.authorities)
    return urllib3.PoolManager(maxsize=size, ssl_context=context)


def blocking(server: Server, scale: Scale) -> list[Comparison]:
    """Compare the blocking transports with urllib3, in the clear and over TLS."""
    found: list[Comparison] = []
    for scheme in ("http", "https"):
        url = address(server, scheme)
        with ExitStack() as stack:
            pool = stack.enter_context(pool_of(server))
            names = ("urllib3", "http_client")
            ours = {name: stack.enter_context(client_of(server, scheme, name)) for name in names}
            cases: dict[str, Callable[[], object]] = {
                "raw": lambda pool=pool, url=url: json.loads(
                    pool.request("GET", url, headers=HEADERS, timeout=10, retries=False).data
                ),
                **{name: lambda users=each.users: users.get("auth0|1").data for name, each in ours.items()},
            }
            taken = interleaved(
                {name: processor(call, scale.calls) for name, call in cases.items()}, scale.rounds
            )
        found += [
            Comparison(
                group="warm",
                what=f"users.get, {name}, {scheme}",
                against="urllib3 + json.loads",
                ours=taken[name],
                other=taken["raw"],
                target=1.0,
            )
            for name in ours
        ]
    return found


def views(scale: Scale) -> list[Comparison]:
    """Compare a view of a client, for other options of one call, with another client."""
    client = ManagementClient(domain="tenant.eu.auth0.com", token=TOKEN, proxy=False)
    cases: dict[str, Callable[[], object]] = {
        "view": lambda: client.with_options(timeout=5),
        "client": lambda: ManagementClient(domain="tenant.eu.auth0.com", token=TOKEN, timeout=5, proxy=False),
    }
    taken = interleaved({name: processor(call, scale.calls) for name, call in cases.items()}, scale.rounds)
    return [
        Comparison(
            group="faster",
            what="with_options",
            against="another client",
            ours=taken["view"],
            other=taken["client"],
        )
    ]
