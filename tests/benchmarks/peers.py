"""Against auth0-python, each library in an environment of its own: a page of users, cold and warm."""

from collections.abc import Mapping
from pathlib import Path

from .cold import OURS, child, started
from .common import Comparison, Measure, Scale, interleaved
from .server import Server

NEWEST = """
from auth0.management import ManagementClient
client = ManagementClient(domain="DOMAIN", token="t" * 900)
"""
FOUR = """
from auth0.management import Auth0
client = Auth0("DOMAIN", "t" * 900)
"""
PEERS = {
    "anyauth0": (OURS, "client.users.get_all(per_page=100, include_totals=True).data"),
    "auth0-python": (NEWEST, "client.users.list(per_page=100).items"),
    "auth0-python 4": (FOUR, 'client.users.list(per_page=100)["users"]'),
}
LOOP = """
assert len(CALL) == 100
import time
begun = time.process_time()
for _ in range(CALLS):
    CALL
print((time.process_time() - begun) / CALLS)
"""


def compare(pythons: Mapping[str, Path], server: Server, scale: Scale) -> list[Comparison]:
    """Compare the first of `pythons`, which is ours, with each of the others."""
    calls = str(scale.calls_of(8))
    kinds: dict[str, dict[str, Measure]] = {
        "import and make a client": {"nothing": started(pythons["anyauth0"], "pass")},
        "cold start to the first page of users": {},
        "100 users, fetched and decoded": {},
    }
    made, first, warm = kinds.values()
    for name, python in pythons.items():
        setup, call = PEERS[name]
        loop = setup + LOOP.replace("CALLS", calls).replace("CALL", call)
        made[name] = started(python, setup, server)
        first[name] = started(python, setup + call, server)
        warm[name] = lambda python=python, loop=loop: float(child(python, loop, server))
    targets = (0.25, 0.25, 0.2)
    found: list[Comparison] = []
    for (what, cases), target in zip(kinds.items(), targets, strict=True):
        taken = interleaved(cases, max(1, scale.fresh // 2))
        found += [
            Comparison(
                group="peers",
                what=what,
                against=name,
                ours=taken["anyauth0"],
                other=taken[name],
                base=taken.get("nothing", ()),
                target=target,
            )
            for name in pythons
            if name != "anyauth0"
        ]
    return found
