"""Promise 1, once more: of fifty records, of all properties at once, and through whole clients."""

from typing import Any

import pytest

from ..core.fakes import Kind
from ..management.catalogue import OPERATIONS, snake
from ..management.sampler import answers, queries
from .test_01_one_odd_value import (
    LISTS,
    ODD,
    READ,
    Path,
    Reading,
    answered,
    check,
    fits,
    harmed,
    odd_for,
    places,
    reading,
    refused,
    spoiled,
    written,
)

# Every third one, lists and others.
SAMPLE = READ[1::3][:60]


def misfit(here: Reading, data: Any, path: Path) -> Any:
    """Return an odd value that the type of a place does not allow, or one that it does where all are fine."""
    hint = here.hint(data, path)
    return next((odd for odd in ODD if not fits(odd, hint)), None)


def spread(values: list[Any], most: int) -> list[Any]:
    return values[:: max(1, len(values) // most)]


def fifty(here: Reading, data: Any) -> tuple[Any, Path]:
    """Return an answer with fifty records, told apart by their strings, and where they are."""
    where: Path = () if isinstance(data, list) else (here.shape.items or "",)
    record = (data[where[0]] if where else data)[0]
    names = [name for name in record if isinstance(record[name], str)] if isinstance(record, dict) else []
    records = [
        {**record, **{name: f"{record[name]}{number}" for name in names}} if names else record
        for number in range(50)
    ]
    return ({**data, where[0]: records} if where else records), where


@pytest.mark.parametrize("title", LISTS)
def test_forty_nine_good_records_and_an_odd_one_are_fifty(title: str) -> None:
    here = reading(title)
    data, where = fifty(here, answers(title)[0])
    good = here.answer(answered(data))
    assert (len(good.data), good.anomalies) == (50, ())
    record = (data[where[0]] if where else data)[0]
    names = spread(list(record), 12) if isinstance(record, dict) else []
    cases: list[tuple[Path, Any]] = [((*where, 7 * turn), odd) for turn, odd in enumerate(ODD)]
    for turn, name in enumerate(names):
        path = (*where, (0, 20, 49)[turn % 3], name)
        cases.append((path, misfit(here, data, path)))
    found = 0
    for path, odd in cases:
        answer = here.answer(spoiled(data, path)(odd))
        found += check(here, good.data, data, path, odd, answer)
        assert len(answer.data) == 50
    assert answer.json() == harmed(data, path, odd)
    assert found >= len(ODD) - 2


@pytest.mark.parametrize("title", [title for title in READ if isinstance(answers(title)[0], dict)])
def test_all_that_is_odd_is_noted_once_each(title: str) -> None:
    here = reading(title)
    data = answers(title)[0]
    odd = {name: misfit(here, data, (name,)) for name in data}
    expected = [written((name,)) for name in data if not fits(odd[name], here.hint(data, (name,)))]
    answer = here.answer(answered(odd))
    assert sorted(place.path for place in answer.anomalies) == sorted(expected)
    assert {place.endpoint for place in answer.anomalies} <= {here.shape.endpoint}
    assert answer.json() == odd


@pytest.mark.parametrize("title", SAMPLE)
def test_a_client_returns_what_is_odd_and_a_strict_one_refuses_it(kind: Kind, title: str) -> None:
    here = reading(title)
    data = answers(title)[0]
    transport = kind.transport(otherwise=answered(data))
    resource, _, name = title.partition(".")
    path_ = ["x"] * len(OPERATIONS[title]["path_params"])
    query = {snake(each): value for each, value in queries(title)[0].items()}
    lenient, strict = (
        getattr(getattr(kind.management_client(transport, strict=each), resource), name)
        for each in (False, True)
    )
    good = kind.do(lambda: lenient(*path_, **query))
    assert kind.do(lambda: strict(*path_, **query)).anomalies == good.anomalies == ()
    # The nine values go round the three places.
    for place, path in enumerate(spread(list(places(data, 3)), 3)):
        for odd in odd_for(path)[place % 3 :: 3]:
            transport.otherwise = answered(harmed(data, path, odd))
            answer = kind.do(lambda: lenient(*path_, **query))
            assert answer.json() == harmed(data, path, odd)
            if check(here, good.data, data, path, odd, answer):
                refused(lambda: kind.do(lambda: strict(*path_, **query)), here, path)


def test_there_are_209_endpoints_that_answer_json_of_which_83_are_lists() -> None:
    assert (len(READ), len(LISTS), len(SAMPLE)) == (209, 83, 60)
