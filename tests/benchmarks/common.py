"""How everything here is measured: the cases of a comparison in turn, round after round."""

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import msgspec
import pyperf

Measure = Callable[[], float]
"""Does what is measured once more and returns what it took, for one call."""


class Scale(msgspec.Struct, frozen=True):
    """How much is measured: `rounds` for what is fast, `fresh` for new processes, `calls` in each round."""

    rounds: int
    fresh: int
    calls: int

    def calls_of(self, milliseconds: float) -> int:
        """Return how many calls that take so long are as good as `calls` short ones."""
        return max(1, round(self.calls / max(1.0, milliseconds * 4)))


FULL = Scale(rounds=30, fresh=25, calls=200)
QUICK = Scale(rounds=7, fresh=5, calls=60)


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What we take and what another takes, in the same rounds.

    `target` is the ratio that is asked for, `None` where there is none; less is better everywhere. `base` is
    what both take without doing anything, and is taken off.
    """

    group: str
    what: str
    against: str
    ours: Sequence[float]
    other: Sequence[float]
    target: float | None = None
    unit: str = "second"
    base: Sequence[float] = ()

    @property
    def best(self) -> tuple[float, float]:
        """Ours and the other's, of the best round: what is above that is the noise of the machine."""
        nothing = min(self.base, default=0.0)
        return min(self.ours) - nothing, min(self.other) - nothing

    @property
    def ratio(self) -> float:
        """Ours by the other's, of the best rounds."""
        ours, other = self.best
        return ours / other

    @property
    def median_ratio(self) -> float:
        """Ours by the other's, of the median rounds."""
        nothing = median(self.base or [0.0])
        return (median(self.ours) - nothing) / (median(self.other) - nothing)

    @property
    def met(self) -> bool:
        """Whether the target is met, as far as two digits show; true where there is none."""
        return self.target is None or round(self.ratio, 2) <= self.target


def interleaved(cases: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Measure each case in turn with the others, so that all meet the same machine."""
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for measure in cases.values() if rounds > 1 else ():
        # The first time opens connections and fills caches; a single round is a trial.
        measure()
    for _ in range(rounds):
        for name, measure in cases.items():
            taken[name].append(measure())
    return taken


def processor(call: Callable[[], object], calls: int) -> Measure:
    """Return what measures the processor time of one of `calls` calls, in all threads together."""

    def measure() -> float:
        begun = time.process_time()
        for _ in range(calls):
            call()
        return (time.process_time() - begun) / calls

    return measure


def keep(comparisons: Sequence[Comparison], path: str) -> None:
    """Save every value, and what machine it is from, as `pyperf` reads it.

    Its runner is not used: it finishes one benchmark before the next, and on a machine whose speed changes
    these have no ratio.
    """
    about = pyperf.Run([1.0]).get_metadata()
    benchmarks: dict[str, pyperf.Benchmark] = {}
    for each in comparisons:
        title = f"{each.group}: {each.what}"
        for name, values in (("ours", each.ours), (each.against, each.other), ("nothing", each.base)):
            if values:
                known = {**about, "name": f"{title}: {name}", "unit": each.unit}
                run = pyperf.Run(list(values), metadata=known, collect_metadata=False)
                benchmarks.setdefault(known["name"], pyperf.Benchmark([run]))
    pyperf.BenchmarkSuite(list(benchmarks.values())).dump(path, replace=True)
