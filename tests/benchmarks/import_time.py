"""What it costs to import and to touch a resource, as a ratio to `import msgspec, pluggy` in the same run.

python tests/benchmarks/import_time.py
"""

import subprocess
import sys
from resource import RUSAGE_CHILDREN, getrusage

ROUNDS = 15
BASE = "import msgspec, pluggy"
CLIENT = (
    "from anyauth0 import ManagementClient; "
    'm = ManagementClient(domain="tenant.eu.auth0.com", token="t", transport=lambda request: None)'
)
EVERY = "[getattr(m, name) for name in dir(type(m)) if isinstance(getattr(type(m), name), property)]"
CASES = {
    "import anyauth0": "import anyauth0",
    "and make a client": CLIENT,
    "and touch users": f"{CLIENT}; m.users",
    "and touch all 50 resources": f"{CLIENT}; {EVERY}",
}


def cpu_seconds(code: str) -> float:
    """Return the processor time of a fresh interpreter that runs `code`."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, each case in turn with the others so that all meet the same machine, and print."""
    cases = {"nothing": "pass", BASE: BASE, **CASES}
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(ROUNDS):
        for name, code in cases.items():
            best[name] = min(best[name], cpu_seconds(code))
    unit = best[BASE] - best["nothing"]
    for name in (BASE, *CASES):
        seconds = best[name] - best["nothing"]
        sys.stdout.write(f"{name:30} {seconds * 1000:7.1f} ms {seconds / unit:6.2f} x\n")


if __name__ == "__main__":
    main()
