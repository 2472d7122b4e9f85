"""The benchmarks run: each case once, with very few calls, and without a look at the time."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyperf
import pytest

from . import cold, environments, peers, report
from .__main__ import within
from .common import Comparison, Scale, keep
from .server import Server, serving

FEW = Scale(rounds=1, fresh=1, calls=2)
PYTHON = Path(sys.executable)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as server:
        yield server


@pytest.fixture(scope="module")
def found(server: Server) -> list[Comparison]:
    return within(server, FEW)


def test_every_case_within_a_process_runs(found: list[Comparison]) -> None:
    assert {each.group for each in found} >= {"warm", "many", "page", "tokens"}
    assert all(value > 0 for each in found for value in (*each.ours, *each.other))


def test_every_case_of_a_fresh_process_runs(server: Server) -> None:
    found = cold.compare(PYTHON, server, FEW)

    assert {each.group for each in found} == {"cold", "memory"}
    assert all(value > 0 for each in found for value in (*each.ours, *each.other, *each.base))


def test_our_side_of_the_comparison_with_another_sdk_runs(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(peers.PEERS, "another", peers.PEERS["anyauth0"])

    found = peers.compare({"anyauth0": PYTHON, "another": PYTHON}, server, FEW)

    assert [(each.against, len(each.ours), len(each.other)) for each in found] == [("another", 1, 1)] * 3


def test_sizes_count_what_is_installed(tmp_path: Path) -> None:
    plain = environment(tmp_path / "plain", {"anyauth0": 300, "urllib3": 100})
    other = environment(tmp_path / "other", {"auth0-python": 900, "requests": 100})

    found = environments.sizes(plain, {"another": other})

    assert [(each.against, each.ours, each.other) for each in found] == [
        ("urllib3 alone", [400], [100]),
        ("another", [400], [1000]),
    ]


def environment(folder: Path, packages: dict[str, int]) -> Path:
    """Make what `pip` leaves of packages of so many bytes, and return the interpreter that has them."""
    site = folder / "lib" / "python3" / "site-packages"
    for name, size in packages.items():
        about = site / f"{name}-1.0.dist-info"
        about.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (about / "METADATA").write_text(metadata)
        (site / f"{name}.py").write_text("#" * (size - len(metadata)))
        # What is listed and not there counts nothing.
        listed = (f"{about.name}/METADATA", f"{name}.py", "gone.py")
        (about / "RECORD").write_text("".join(f"{path},,\n" for path in listed))
    return folder / "bin" / "python"


def test_a_ratio_is_of_the_best_rounds_without_what_both_take_anyway() -> None:
    each = Comparison(
        group="", what="", against="", ours=[3.0, 9.0], other=[5.0, 7.0, 100.0], base=[1.0, 2.0], target=0.5
    )

    assert each.best == (2.0, 4.0)
    assert each.ratio == 0.5
    assert each.median_ratio == (6.0 - 1.5) / (7.0 - 1.5)
    assert each.met


def test_every_value_is_saved(found: list[Comparison], tmp_path: Path) -> None:
    path = str(tmp_path / "bench.json")

    keep(found, path)

    saved = {each.get_name(): each.get_values() for each in pyperf.BenchmarkSuite.load(path)}
    for each in found:
        title = f"{each.group}: {each.what}"
        assert saved[f"{title}: ours"] == tuple(each.ours)
        assert saved[f"{title}: {each.against}"] == tuple(each.other)


def test_the_page_is_rewritten_between_its_markers_alone(found: list[Comparison], tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")

    report.write_page(page, report.markdown(found, {"auth0-python": "1.2.3"}))

    text = page.read_text()
    assert text.startswith(f"before\n{report.BEGIN}\n")
    assert text.endswith(f"{report.END}\nafter\n")
    assert "old" not in text
    assert "auth0-python 1.2.3" in text
    for each in found:
        assert f"| {each.what} |" in text
        assert each.what in report.table(found)


def test_a_page_without_markers_is_left_as_it_is(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{report.BEGIN}\nno end\n")

    with pytest.raises(ValueError, match=r'"page\.md" lacks the marker'):
        report.write_page(page, "new")

    assert page.read_text() == f"{report.BEGIN}\nno end\n"


def test_the_plots_are_drawn(found: list[Comparison], tmp_path: Path) -> None:
    against = Comparison(group="peers", what="a page", against="auth0-python", ours=[1.0], other=[4.0])

    report.draw([*found, against], tmp_path)

    by_hand = (tmp_path / "by-hand.svg").read_text()
    assert all(each.what in by_hand for each in found if each.target is not None)
    assert "a page (auth0-python)" in (tmp_path / "auth0-python.svg").read_text()
