"""Dates as coarse, and as wrong, as exports have them."""

from datetime import UTC, date, datetime

import pytest

from handbell.integrations.fhir import times


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2019", date(2019, 1, 1)),
        ("2019-05", date(2019, 5, 1)),
        ("2019-05-06", date(2019, 5, 6)),
        ("2019-05-06T23:30:00-05:00", date(2019, 5, 6)),
        ("2019-02-30", None),
        ("in spring", None),
        (None, None),
    ],
)
def test_a_day_is_the_one_that_is_written_or_the_first_that_it_can_be(
    text: str | None, day: date | None
) -> None:
    assert times.to_day(text) == day


def test_half_a_birth_date_is_none() -> None:
    assert times.to_date("1974-12") is None
    assert times.to_date("1974-12-25") == date(1974, 12, 25)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2015-02-14T13:42:00+10:00", datetime(2015, 2, 14, 3, 42, tzinfo=UTC)),
        ("2015-02-14T13:42:00Z", datetime(2015, 2, 14, 13, 42, tzinfo=UTC)),
        ("2015-02-14", datetime(2015, 2, 14, tzinfo=UTC)),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999", None),
        ("soon", None),
    ],
)
def test_an_instant_is_aware_however_coarse(text: str, instant: datetime | None) -> None:
    assert times.to_aware(text) == instant
