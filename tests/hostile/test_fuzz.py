"""A short run of the fuzz targets, the same inputs each time, and a proof that they would notice."""

import pytest

from . import fuzz


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_a_short_run_ends_in_results_and_errors_of_ours_only(target: str) -> None:
    assert fuzz.run(target, runs=500, seed=0) == 500


@pytest.mark.parametrize("target", fuzz.TARGETS)
def test_what_is_valid_is_read_without_an_error(target: str) -> None:
    for data in fuzz.CORPUS[target]:
        fuzz.TARGETS[target](data)


def test_a_failure_names_the_target_the_seed_and_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: bytes) -> None:
        raise KeyError(len(data))

    monkeypatch.setitem(fuzz.TARGETS, "jose", fails)
    with pytest.raises(KeyError) as caught:
        fuzz.run("jose", runs=1, seed=7)
    (note,) = caught.value.__notes__
    assert note.startswith("fuzz target jose, seed 7, input 0: b")
