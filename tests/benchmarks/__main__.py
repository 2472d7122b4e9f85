"""What anyauth0 costs, as ratios to the same done by hand and to auth0-python, all in one run.

    python -m tests.benchmarks [--quick] [--write-docs]

Prints one table, and saves every value in build/bench/bench.json for `pyperf show` and `pyperf compare_to`.
No figure makes it fail.
"""

import argparse
import sys

from . import cold, environments, pages, peers, report, tasks, threads, tokens, warm
from .common import FULL, QUICK, Comparison, Scale, keep
from .server import ROOT, Server, serving

PAGE = ROOT / "docs" / "performance.md"


def within(server: Server, scale: Scale) -> list[Comparison]:
    """Measure what runs in this process."""
    return [
        *warm.blocking(server, scale),
        *tasks.compare(server, scale),
        *warm.views(scale),
        *threads.compare(server, scale),
        *pages.fetched(server, scale),
        *pages.decoded(scale),
        *tokens.compare(scale),
    ]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a minute, and rough")
    parser.add_argument("--write-docs", action="store_true", help="rewrite docs/performance.md and its plots")
    given = parser.parse_args()
    scale = QUICK if given.quick else FULL
    plain, others = environments.ours(), environments.others(fresh=not given.quick)
    with serving() as server:
        found = [
            *within(server, scale),
            *cold.compare(plain, server, scale),
            *peers.compare({"anyauth0": plain, **others}, server, scale),
            *environments.sizes(plain, others),
        ]
    environments.FOLDER.mkdir(parents=True, exist_ok=True)
    keep(found, str(environments.FOLDER / "bench.json"))
    sys.stdout.write(report.table(found) + "\n")
    if given.write_docs:
        versions = {
            name: environments.installed(python)["auth0-python"][0] for name, python in others.items()
        }
        report.write_page(PAGE, report.markdown(found, versions))
        report.draw(found, PAGE.with_suffix(""))


if __name__ == "__main__":
    main()
