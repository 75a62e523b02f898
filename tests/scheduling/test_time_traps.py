"""Every vector of regulation.md §11 that the choice of an hour has to keep, by its trap."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from handbell.messages.policy import cap_lifts
from handbell.messages.types import CapFacts
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.deadlines import business_days_after, months_after
from handbell.scheduling.policy import is_allowed, is_useful, next_allowed, plan_send
from handbell.scheduling.state_zones import EVERY_US_ZONE
from handbell.scheduling.types import At, NoWindow, OnDay, Plan, WindowFacts, WindowReason
from handbell.scheduling.tz import TZDATA_VERSION, instant_of, zone

NY, CHICAGO, MADRID = "America/New_York", "America/Chicago", "Europe/Madrid"
CARE = WindowFacts(message_class=MessageClass.CARE, channel=Channel.SMS, zones=(NY,))
MARKETING = replace(CARE, message_class=MessageClass.MARKETING, country="US")
pytestmark = pytest.mark.requirement("R3.1", "R1.5")


def local(text: str, name: str = NY) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(name)).astimezone(UTC)


@pytest.mark.parametrize(
    ("name", "day", "skipped", "shown"),
    [
        (NY, date(2027, 3, 14), time(2, 30), "03:00"),
        (MADRID, date(2027, 3, 28), time(2, 30), "03:00"),
        ("America/Santiago", date(2027, 9, 5), time(0, 30), "01:00"),
    ],
)
def test_dst_gap_a_wall_time_that_does_not_exist_moves_forward(
    name: str, day: date, skipped: time, shown: str
) -> None:
    at = instant_of(day, skipped, zone_name=name)
    assert at.astimezone(zone(name)).isoformat()[:16] == f"{day}T{shown}"
    round_trip = datetime.combine(day, skipped, tzinfo=zone(name)).astimezone(UTC)
    assert round_trip.astimezone(zone(name)).time() != skipped


@pytest.mark.parametrize(
    ("name", "day", "twice", "first", "second"),
    [
        (NY, date(2027, 11, 7), time(1, 30), "2027-11-07T05:30", "2027-11-07T06:30"),
        (MADRID, date(2027, 10, 31), time(2, 30), "2027-10-31T00:30", "2027-10-31T01:30"),
        (
            "America/Santiago",
            date(2027, 4, 3),
            time(23, 30),
            "2027-04-04T02:30",
            "2027-04-04T03:30",
        ),
    ],
)
def test_dst_overlap_a_wall_time_that_comes_twice_fires_once_the_first_time(
    name: str, day: date, twice: time, first: str, second: str
) -> None:
    at = instant_of(day, twice, zone_name=name)
    assert at.isoformat()[:16] == first
    again = datetime.combine(day, twice.replace(fold=1), tzinfo=zone(name)).astimezone(UTC)
    assert again.isoformat()[:16] == second
    hours = replace(CARE, channel=Channel.EMAIL, zones=(name,), best_hour=twice.hour)
    plan = plan_send(hours, OnDay(day), now=again - timedelta(days=2))
    assert isinstance(plan, Plan)
    assert plan.send_at == at.replace(minute=0)


def test_dst_overlap_caps_are_keyed_by_utc() -> None:
    first, second = (datetime(2027, 11, 7, hour, 30, tzinfo=UTC) for hour in (5, 6))
    caps = CapFacts(per_day=1, sent_at=(first,))
    assert cap_lifts(caps, at=second) == first + timedelta(hours=24, minutes=1)


def test_24_hours_and_one_day_differ_when_clocks_change() -> None:
    spring, autumn = local("2027-03-14T09:00"), local("2027-11-07T09:00")
    for visit, wall in ((spring, "08:00"), (autumn, "10:00")):
        assert (visit - timedelta(hours=24)).astimezone(zone(NY)).isoformat()[11:16] == wall
        day = visit.astimezone(zone(NY)).date() - timedelta(days=1)
        plan = plan_send(CARE, OnDay(day, visit), now=visit - timedelta(days=3))
        assert isinstance(plan, Plan)
        assert plan.send_at.astimezone(zone(NY)).isoformat()[:16] == f"{day}T09:00"


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        ("America/Phoenix", -7),
        ("America/Sao_Paulo", -3),
        ("America/Mexico_City", -6),
        ("Asia/Kolkata", 5.5),
        ("America/Asuncion", -3),
    ],
)
def test_no_dst_the_offset_is_the_same_all_year(name: str, hours: float) -> None:
    days = (datetime(2027, month, 15, tzinfo=UTC) for month in range(1, 13))
    assert {day.astimezone(zone(name)).utcoffset() for day in days} == {timedelta(hours=hours)}
    assert TZDATA_VERSION >= "2025"  # Paraguay's fixed -03 is in the data since 2024b.


def test_no_dst_tijuana_keeps_it_beside_mexico_city() -> None:
    winter, summer = (datetime(2027, month, 15, tzinfo=UTC) for month in (1, 7))
    tijuana = zone("America/Tijuana")
    assert winter.astimezone(tijuana).utcoffset() != summer.astimezone(tijuana).utcoffset()


@pytest.mark.parametrize(
    ("wall", "allowed"), [("00:30", False), ("20:59", True), ("21:00", False), ("08:00", True)]
)
def test_window_crossing_midnight(wall: str, *, allowed: bool) -> None:
    quiet = replace(CARE, channel=Channel.EMAIL, quiet_start=time(21), quiet_end=time(8))
    assert is_allowed(quiet, at=local(f"2027-02-02T{wall}")) is allowed


@pytest.mark.parametrize(("wall", "allowed"), [("20:59:59.999", True), ("21:00:00.000", False)])
def test_half_open_end(wall: str, *, allowed: bool) -> None:
    assert is_allowed(CARE, at=local(f"2027-02-02T{wall}")) is allowed


@pytest.mark.parametrize(
    ("wall", "allowed"),
    [("08:30", False), ("09:00", True), ("19:59", True), ("20:00", False), ("20:30", False)],
)
def test_mississippi_keeps_its_fixed_zone_in_summer(wall: str, *, allowed: bool) -> None:
    facts = replace(MARKETING, zones=(CHICAGO,), states=("MS",))
    assert is_allowed(facts, at=local(f"2027-07-01T{wall}", CHICAGO)) is allowed


@pytest.mark.parametrize(
    ("zones", "day", "start", "end"),
    [
        ((NY, CHICAGO, "America/Denver", "America/Los_Angeles"), "2027-01-12", "11:00", "21:00"),
        ((NY, CHICAGO, "America/Denver", "America/Los_Angeles"), "2027-07-13", "11:00", "21:00"),
        (EVERY_US_ZONE, "2027-01-12", "13:00", "21:00"),
        (EVERY_US_ZONE, "2027-07-13", "14:00", "21:00"),
        ((), "2027-07-13", "14:00", "21:00"),
    ],
)
def test_unknown_us_zone_is_the_intersection(
    zones: tuple[str, ...], day: str, start: str, end: str
) -> None:
    facts = replace(CARE, zones=zones)
    opens, closes = local(f"{day}T{start}"), local(f"{day}T{end}")
    minute = timedelta(minutes=1)
    assert next_allowed(facts, now=local(f"{day}T00:00")) == opens
    assert not is_allowed(facts, at=opens - minute)
    assert is_allowed(facts, at=closes - minute)
    assert not is_allowed(facts, at=closes)


def test_unknown_us_zone_with_guam_judges_the_instant_and_not_one_date() -> None:
    """Guam's morning is New York's evening before: on no single date would both be open."""
    both = replace(CARE, zones=("America/Los_Angeles", "Pacific/Guam"))
    found = next_allowed(both, now=local("2027-01-12T00:00"))
    assert not isinstance(found, NoWindow)
    walls = {found.astimezone(zone(name)).date() for name in both.zones}
    assert len(walls) == 2


def test_nothing_legal_before_the_visit_is_useless_and_not_a_text_at_night() -> None:
    made, visit = local("2027-01-31T21:30"), local("2027-02-01T08:00")
    plan = plan_send(CARE, At(made, visit), now=made)
    assert isinstance(plan, Plan)
    assert plan.send_at == local("2027-02-01T08:00")
    assert not is_useful(plan.send_at, visit)
    assert WindowReason.CHANNEL_HOURS in plan.reasons


@pytest.mark.requirement("R7.10")
@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-12-18", "2027-01-05"),
        ("2026-12-19", "2027-01-05"),
        ("2026-11-24", "2026-12-09"),
        ("2027-06-30", "2027-07-15"),
    ],
)
def test_business_days_leave_out_federal_holidays_and_the_day_of_receipt(
    received: str, due: str
) -> None:
    found = business_days_after(date.fromisoformat(received), days=10)
    assert found == date.fromisoformat(due)


@pytest.mark.parametrize("observed", ["2027-06-18", "2027-07-05", "2027-12-24"])
def test_business_days_leave_out_observed_holidays(observed: str) -> None:
    day = date.fromisoformat(observed)
    assert business_days_after(day - timedelta(days=1), days=1) != day


@pytest.mark.parametrize(
    ("day", "months", "due"),
    [
        ("2027-01-31", 1, "2027-02-28"),
        ("2028-01-31", 1, "2028-02-29"),
        ("2027-11-30", 3, "2028-02-29"),
        ("2027-12-15", 1, "2028-01-15"),
        ("2027-01-31", 11, "2027-12-31"),
    ],
)
def test_month_arithmetic_clamps_to_the_end_of_the_month(day: str, months: int, due: str) -> None:
    assert months_after(date.fromisoformat(day), months=months) == date.fromisoformat(due)


@pytest.mark.parametrize(("seconds", "held"), [(-1, True), (0, True), (1, False)])
def test_rolling_caps_to_the_second(seconds: int, *, held: bool) -> None:
    """At exactly 24 hours the earlier one still counts (ST-02)."""
    sent = local("2027-02-01T10:00")
    at = sent + timedelta(hours=24, seconds=seconds)
    assert (cap_lifts(CapFacts(per_day=1, sent_at=(sent,)), at=at) != at) is held
