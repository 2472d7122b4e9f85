"""Fresh processes: importing and making a client, the first call, and the memory that this takes."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from .common import Comparison, Measure, Scale, interleaved
from .server import Server

RAW = """
import urllib3
pool = urllib3.PoolManager()
"""
RAW_CALL = """
import json
headers = {"authorization": "Bearer " + "t" * 900, "accept": "application/json"}
url = "https://DOMAIN/api/v2/users/auth0%7C1"
json.loads(pool.request("GET", url, headers=headers, timeout=10, retries=False).data)
"""
OURS = """
from anyauth0 import ManagementClient
client = ManagementClient(domain="DOMAIN", token="t" * 900)
"""
HTTP_CLIENT = OURS.replace("900)", '900, transport="http_client")')
EVERY = """
kind = type(client)
[getattr(client, name) for name in dir(kind) if isinstance(getattr(kind, name), property)]
"""
OURS_CALL = 'client.users.get("auth0|1").data\n'
# Both from /proc: the peak that `getrusage` tells of a process may be that of its parent.
RESIDENT = """
for line in open("/proc/self/smaps_rollup"):
    if line.startswith("Private"):
        total = globals().get("total", 0) + int(line.split()[1])
print(total * 1024)
"""
PEAK = """
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) * 1024)
"""
TRACED = "import tracemalloc\ntracemalloc.start()\n"
TRACED_END = "print(tracemalloc.get_traced_memory()[0])\n"


def child(python: Path, code: str, server: Server | None = None) -> str:
    """Run `code` in a fresh interpreter and return what it prints."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "COVERAGE"))}
    if server is not None:
        code = code.replace("DOMAIN", server.secure)
        environment |= server.environment()
    command = [str(python), "-c", code]
    done = subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True)
    return done.stdout


def started(python: Path, code: str, server: Server | None = None) -> Measure:
    """Return what measures the processor time of a fresh interpreter that runs `code`."""

    def measure() -> float:
        before = getrusage(RUSAGE_CHILDREN)
        child(python, code, server)
        after = getrusage(RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return measure


def compare(python: Path, server: Server, scale: Scale) -> list[Comparison]:
    """Compare with urllib3: import and a client made, the first call, and memory."""
    codes = {
        "nothing": "pass",
        "made": RAW,
        "ours made": OURS,
        "ours made, http_client": HTTP_CLIENT,
        "ours whole": OURS + EVERY,
        "called": RAW + RAW_CALL,
        "ours called": OURS + OURS_CALL,
        "ours called, http_client": HTTP_CLIENT + OURS_CALL,
    }
    taken = interleaved({name: started(python, code, server) for name, code in codes.items()}, scale.fresh)
    found = [
        Comparison(
            group="cold",
            what="import and make a client, all resources touched",
            against="urllib3 and a PoolManager",
            ours=taken["ours whole"],
            other=taken["made"],
            base=taken["nothing"],
        )
    ]
    for name in ("urllib3", "http_client"):
        suffix = "" if name == "urllib3" else ", http_client"
        found += [
            Comparison(
                group="cold",
                what=f"import and make a client, {name}",
                against="urllib3 and a PoolManager",
                ours=taken[f"ours made{suffix}"],
                other=taken["made"],
                base=taken["nothing"],
                target=0.6,
            ),
            Comparison(
                group="cold",
                what=f"whole process with one call, {name}, https",
                against="urllib3 + json.loads",
                ours=taken[f"ours called{suffix}"],
                other=taken["called"],
                target=1.15,
            ),
        ]
    return found + _memory(python, scale)


def _memory(python: Path, scale: Scale) -> list[Comparison]:
    def of(code: str, before: str, after: str) -> Measure:
        return lambda: float(child(python, before + code + after))

    codes: Mapping[str, str] = {"raw": RAW, "ours": OURS}
    ways = {"objects of Python": (TRACED, TRACED_END, codes)}
    if Path("/proc/self/smaps_rollup").exists():
        ways["pages of its own"] = ("", RESIDENT, {"nothing": "", **codes})
        ways["peak, whole process"] = ("", PEAK, codes)
    found: list[Comparison] = []
    for name, (before, after, measured) in ways.items():
        cases = {key: of(code, before, after) for key, code in measured.items()}
        taken = interleaved(cases, min(scale.fresh, 5))
        found.append(
            Comparison(
                group="memory",
                what=f"memory of a client made, {name}",
                against="urllib3 and a PoolManager",
                ours=taken["ours"],
                other=taken["raw"],
                base=taken.get("nothing", ()),
                unit="byte",
            )
        )
    return found
