"""Times as the API writes them become `datetime`, and anything else is refused by name."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anyauth0 import InvalidArgumentError, parse_timestamp

MOMENT = datetime(2026, 11, 24, 9, 30, 15, 123000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-24T09:30:15.123Z", MOMENT),
        ("2026-11-24T09:30:15.123", MOMENT),
        ("2026-11-24T11:30:15.123+02:00", MOMENT),
        (" 2026-11-24T09:30:15.123Z ", MOMENT),
        ("2026-11-24T09:30:15.123999999Z", MOMENT.replace(microsecond=123999)),
        ("2026-11-24T09:30:15.1Z", MOMENT.replace(microsecond=100000)),
        ("2026-11-24T09:30:15Z", MOMENT.replace(microsecond=0)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
        (1795512615.123, MOMENT),
        (1795512615123, MOMENT),
        (1795512615, MOMENT.replace(microsecond=0)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (None, None),
    ],
)
def test_each_way_to_write_a_time_is_read(written: str | float | None, meant: datetime | None) -> None:
    assert parse_timestamp(written) == meant
    assert written is None or parse_timestamp(written).tzinfo is not None  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "odd", ["", "yesterday", "2026-13-01", "24.11.2026", True, [], {}, 1e300, float("nan")]
)
def test_anything_else_is_refused_by_name(odd: object) -> None:
    with pytest.raises(InvalidArgumentError, match="is no time that the API writes") as caught:
        parse_timestamp(odd)  # type: ignore[arg-type]
    assert caught.value.argument == "value"


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=OFFSETS))
def test_what_is_written_in_iso_8601_comes_back(moment: datetime) -> None:
    assert parse_timestamp(moment.isoformat()) == moment


@given(st.text(max_size=40) | st.floats() | st.integers())
def test_nothing_but_a_refusal_comes_of_what_is_no_time(odd: str | float) -> None:
    with suppress(InvalidArgumentError):
        assert isinstance(parse_timestamp(odd), datetime)
