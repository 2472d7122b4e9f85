"""What was measured, as a table on the terminal, and as the table and the plots of docs/performance.md."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure

from .common import Comparison

BEGIN, END = "<!-- made by make bench: begin -->", "<!-- made by make bench: end -->"
OURS, OTHER, MARK = "#2563eb", "#9ca3af", "#dc2626"
MEASURED = ("anyauth0", "urllib3", "aiohttp", "cryptography", "PyJWT", "joserfc")


def amount(value: float, unit: str) -> str:
    """Return a time or a size with three digits and its unit."""
    if unit == "byte":
        return f"{value / 1e6:.3g} MB"
    return f"{value * 1e6:.3g} µs" if value < 999.5e-6 else f"{value * 1e3:.3g} ms"


def table(comparisons: Sequence[Comparison]) -> str:
    """Return all of it for a terminal."""
    rows = [("", "ours", "the other's", "", "ratio", "median", "target", "")]
    for each in comparisons:
        ours, other, target, met = _cells(each)
        rows.append((each.what, ours, other, each.against, *_ratios(each), target, met))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column in (0, 3) else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join(lines)


def markdown(comparisons: Sequence[Comparison], peers: Mapping[str, str]) -> str:
    """Return all of it for a page, with what it was measured on; `peers` are versions of auth0-python."""
    versions = {name: version(name) for name in MEASURED} | dict(peers)
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    lines = [
        f"{system}; {', '.join(f'{name} {number}' for name, number in versions.items())}.",
        "",
        "| what | ours | the other's | against | ratio | of medians | target | met |",
        "|---|--:|--:|---|--:|--:|--:|---|",
    ]
    for each in comparisons:
        ours, other, target, met = _cells(each)
        ratio, middle = _ratios(each)
        lines.append(
            f"| {each.what} | {ours} | {other} | {each.against} | {ratio} | {middle} | {target} | {met} |"
        )
    return "\n".join(lines)


def write_page(path: Path, text: str) -> None:
    """Put `text` between the two markers of a page."""
    before, _, rest = path.read_text().partition(BEGIN)
    _, marked, after = rest.partition(END)
    if not marked:
        raise ValueError(f'"{path.name}" lacks the marker {END}; put {BEGIN} and {END} where the table goes')
    path.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")


def draw(comparisons: Sequence[Comparison], folder: Path) -> None:
    """Write the plots: against requests made by hand, and against auth0-python."""
    folder.mkdir(parents=True, exist_ok=True)
    by_hand = [
        each for each in comparisons if each.target is not None and each.group not in ("peers", "size")
    ]
    peers = [each for each in comparisons if each.against.startswith("auth0-python")]
    _plot(by_hand, folder / "by-hand.svg", "Cost as a ratio to the same done by hand; less is better")
    _plot(peers, folder / "auth0-python.svg", "Cost as a ratio to auth0-python; less is better")


def _plot(comparisons: Sequence[Comparison], path: Path, title: str) -> None:
    # Text that stays text can be searched; the salt makes the file the same for the same figures.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "anyauth0", "font.size": 9}):
        figure = Figure(figsize=(9, 0.8 + 0.3 * len(comparisons)), layout="constrained")
        axes = figure.add_subplot()
        places = range(len(comparisons), 0, -1)
        ratios = [each.ratio for each in comparisons]
        axes.barh(places, ratios, height=0.6, color=[OURS if each.met else OTHER for each in comparisons])
        for place, each in zip(places, comparisons, strict=True):
            if each.target is not None:
                axes.plot([each.target] * 2, [place - 0.4, place + 0.4], color=MARK, linewidth=2)
            axes.annotate(
                f"{each.ratio:.2f}", (max(each.ratio, each.target or 0), place), (4, 0),
                textcoords="offset points", verticalalignment="center",
            )  # fmt: skip
        axes.axvline(1, color="#111827", linewidth=0.8)
        axes.set_yticks(places, [_label(each) for each in comparisons])
        axes.set_xlim(0, max([1.0, *ratios]) * 1.12)
        axes.set_title(f"{title}.\nRed: the target. Grey: not met.", fontsize=9, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _label(each: Comparison) -> str:
    return f"{each.what} ({each.against})" if each.against.startswith("auth0") else each.what


def _cells(each: Comparison) -> tuple[str, str, str, str]:
    ours, other = (amount(value, each.unit) for value in each.best)
    if each.target is None:
        return ours, other, "", ""
    return ours, other, f"{each.target:.2f}", "yes" if each.met else "no"


def _ratios(each: Comparison) -> tuple[str, str]:
    return f"{each.ratio:.2f}", f"{each.median_ratio:.2f}"
