from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from handbell.templates.dates import visit_date, visit_time

AT = datetime(2026, 12, 2, 2, 30, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.requirement("R2.5")
@pytest.mark.parametrize(
    ("locale", "date", "time"),
    [
        ("en", "Tue, Dec 1", "9:30 PM"),
        ("en-US", "Tue, Dec 1", "9:30 PM"),
        ("es", "mar, 1 de dic", "9:30 p.m."),
        ("es_US", "mar, 1 de dic", "9:30 p.m."),
        ("en-GB", "Tue 1 Dec", "21:30"),
        ("hi", "मंगल, 1 दिस॰", "9:30 pm"),
    ],
)
def test_a_visit_reads_in_the_patients_language_and_the_visits_zone(
    locale: str, date: str, time: str
) -> None:
    assert visit_date(AT, zone=NEW_YORK, locale=locale) == date
    assert visit_time(AT, zone=NEW_YORK, locale=locale) == time


def test_the_zone_decides_the_day() -> None:
    assert visit_date(AT, zone=ZoneInfo("UTC"), locale="en") == "Wed, Dec 2"
