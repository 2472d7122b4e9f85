"""A page of a hundred users: fetched and decoded, and decoded alone, against `json.loads`."""

import json
import time

from anyauth0 import ManagementClient, Request, Response

from .common import Comparison, Scale, interleaved, processor
from .samples import encoded, page
from .server import Server
from .warm import HEADERS, TOKEN, address, client_of, pool_of

PATH = "/users?per_page=100&include_totals=true"


def fetched(server: Server, scale: Scale) -> list[Comparison]:
    """Compare `get_all(...).data` with urllib3 and `json.loads`."""
    found: list[Comparison] = []
    for scheme in ("http", "https"):
        url, calls = address(server, scheme, PATH), scale.calls_of(2)
        with pool_of(server) as pool, client_of(server, scheme) as client:
            users = client.users

            def raw(pool=pool, url=url) -> object:
                return json.loads(pool.request("GET", url, headers=HEADERS, timeout=10, retries=False).data)

            def ours(users=users) -> object:
                return users.get_all(per_page=100, include_totals=True).data

            assert len(ours()) == len(raw()["users"]) == 100
            cases = {"raw": processor(raw, calls), "ours": processor(ours, calls)}
            taken = interleaved(cases, scale.rounds)
        found.append(
            Comparison(
                group="page",
                what=f"100 users, fetched and decoded, {scheme}",
                against="urllib3 + json.loads",
                ours=taken["ours"],
                other=taken["raw"],
                target=0.65,
            )
        )
    return found


def decoded(scale: Scale) -> list[Comparison]:
    """Compare `.data` of answers that have come with `json.loads` of their bodies."""
    body, calls = encoded(page()), scale.calls_of(1)

    def answer(request: Request) -> Response:
        return Response(status=200, headers={"content-type": "application/json"}, body=body)

    client = ManagementClient(domain="tenant.eu.auth0.com", token=TOKEN, transport=answer)
    users = client.users

    def ours() -> float:
        answers = [users.get_all(per_page=100, include_totals=True) for _ in range(calls)]
        begun = time.process_time()
        while answers:
            # Decoded when first asked for, and let go of at once, as the other case does.
            answers.pop().data  # noqa: B018
        return (time.process_time() - begun) / calls

    taken = interleaved({"raw": processor(lambda: json.loads(body), calls), "ours": ours}, scale.rounds)
    return [
        Comparison(
            group="page",
            what="100 users, decoded",
            against="json.loads",
            ours=taken["ours"],
            other=taken["raw"],
            target=0.45,
        )
    ]
