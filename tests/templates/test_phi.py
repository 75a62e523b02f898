from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.templates.dates import visit_date, visit_time
from handbell.templates.phi import PhiReason, find_phi

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.requirement("R2.3", "R7.3")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Ann, born 03/14/1962, please call", PhiReason.BIRTH_DATE),
        ("Ann 1962-03-14", PhiReason.BIRTH_DATE),
        ("Ann, March 14, 1962", PhiReason.BIRTH_DATE),
        ("Ana, 14 de marzo de 1962", PhiReason.BIRTH_DATE),
        ("DOB on file", PhiReason.BIRTH_DATE),
        ("Fecha de nacimiento pendiente", PhiReason.BIRTH_DATE),
        ("ID 078-05-1120", PhiReason.SOCIAL_SECURITY_NUMBER),
        ("MRN: 48213", PhiReason.RECORD_NUMBER),
        ("record number A-48213", PhiReason.RECORD_NUMBER),
        ("expediente 48213", PhiReason.RECORD_NUMBER),
        ("account #99871", PhiReason.ACCOUNT_NUMBER),
        ("ref 20481123", PhiReason.ACCOUNT_NUMBER),
        ("You owe $25", PhiReason.AMOUNT),
        ("Debe 25,50 dólares", PhiReason.AMOUNT),
        ("₹ 500", PhiReason.AMOUNT),
    ],
)
def test_an_identifier_is_found_and_named(text: str, reason: PhiReason) -> None:
    assert find_phi(text, now=NOW) == (reason,)


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    "text",
    [
        "Call 212-555-0100 or (212) 555-0100 or +12125550100 or 212.555.0100 or +1 212 555 0100",
        "Call 2125550100. Emergency? Call 911.",
        "Visit Tue, Dec 1, 9:30 AM, or 12/01/2026, or December 1, 2026, or 2027-01-03",
        "Su cita es mar, 1 de dic de 2026 a las 14:30",
        "Read https://m.example.org/p/1234567890123 please",
        "Reply 1 to confirm, 2 to change. For the record, we called 2 times.",
    ],
)
def test_phones_visits_and_links_are_no_hit(text: str) -> None:
    assert find_phi(text, now=NOW) == ()


@given(minutes=st.integers(-43_200, 525_600), locale=st.sampled_from(["en", "es", "hi", "en-GB"]))
def test_no_rendered_visit_is_taken_for_an_identifier(minutes: int, locale: str) -> None:
    at, zone = NOW + timedelta(minutes=minutes), ZoneInfo("America/Chicago")
    text = (
        f"{visit_date(at, zone=zone, locale=locale)}, {visit_time(at, zone=zone, locale=locale)}"
    )
    assert find_phi(text, now=NOW) == ()
