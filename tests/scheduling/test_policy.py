"""The windows and the plans, against vectors worked out by hand and an oracle of minutes."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.policy import (
    blocking_reasons,
    is_allowed,
    is_useful,
    next_allowed,
    plan_send,
)
from handbell.scheduling.types import (
    At,
    Free,
    HourSource,
    NoWindow,
    OnDay,
    Plan,
    WindowFacts,
    WindowReason,
)

NY, CHICAGO, PHOENIX = "America/New_York", "America/Chicago", "America/Phoenix"
MINUTE = timedelta(minutes=1)

CARE = WindowFacts(message_class=MessageClass.CARE, channel=Channel.SMS, zones=(NY,))
MARKETING = replace(CARE, message_class=MessageClass.MARKETING, country="US")


def local(text: str, zone: str = NY, fold: int = 0) -> datetime:
    wall = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return wall.astimezone(UTC)


def planned(plan: Plan | NoWindow) -> Plan:
    assert isinstance(plan, Plan)
    return plan


# Windows


@pytest.mark.requirement("R3.7")
@pytest.mark.parametrize(
    ("wall", "allowed"),
    [("07:59:59", False), ("08:00", True), ("20:59:59.999", True), ("21:00", False)],
)
def test_a_text_leaves_only_from_eight_until_before_nine_in_the_evening(
    wall: str, *, allowed: bool
) -> None:
    assert is_allowed(CARE, at=local(f"2027-02-02T{wall}")) is allowed
    assert is_allowed(replace(CARE, channel=Channel.EMAIL), at=local(f"2027-02-02T{wall}"))


@pytest.mark.requirement("R1.5", "R3.3")
def test_quiet_hours_across_midnight_are_half_open_and_bind_every_class_but_emergency() -> None:
    email = replace(CARE, channel=Channel.EMAIL, quiet_start=time(21), quiet_end=time(8))
    for wall, allowed in (("00:30", False), ("20:59", True), ("21:00", False), ("08:00", True)):
        at = local(f"2027-02-02T{wall}")
        for message_class in MessageClass:
            facts = replace(email, message_class=message_class)
            expected = allowed or message_class is MessageClass.EMERGENCY
            assert is_allowed(facts, at=at) is expected
    assert blocking_reasons(email, at=local("2027-02-02T00:30")) == (WindowReason.QUIET_HOURS,)


@pytest.mark.requirement("R3.3")
def test_a_reply_breaks_quiet_hours_only_within_an_hour_of_the_patients_message() -> None:
    asked = local("2027-02-02T23:00")
    reply = replace(
        CARE,
        message_class=MessageClass.INBOUND_REPLY,
        quiet_start=time(22),
        quiet_end=time(7),
        answers_at=asked,
    )
    assert is_allowed(reply, at=asked + timedelta(minutes=59))
    assert not is_allowed(reply, at=asked + timedelta(minutes=61))
    assert next_allowed(reply, now=asked + timedelta(minutes=61)) == local("2027-02-03T07:00")


@pytest.mark.requirement("R1.4")
def test_every_candidate_zone_must_allow_the_instant() -> None:
    both = replace(CARE, zones=(NY, CHICAGO))
    assert next_allowed(both, now=local("2027-02-02T08:30")) == local("2027-02-02T09:00")
    assert is_allowed(both, at=local("2027-02-02T20:59"))
    assert not is_allowed(both, at=local("2027-02-02T21:30"))


@pytest.mark.requirement("R1.4")
def test_without_any_zone_all_fifty_states_must_allow_the_instant() -> None:
    nowhere = replace(CARE, zones=())
    assert next_allowed(nowhere, now=local("2027-01-12T00:00")) == local("2027-01-12T13:00")
    assert next_allowed(nowhere, now=local("2027-07-13T00:00")) == local("2027-07-13T14:00")
    late = At(local("2027-01-13T03:00"), local("2027-01-13T04:00"))
    earlier = planned(plan_send(nowhere, late, now=local("2027-01-12T00:00")))
    assert earlier.send_at == local("2027-01-12T20:59")


# State rows


@pytest.mark.requirement("R3.1", "R3.4")
def test_the_strictest_of_all_candidate_states_binds_marketing() -> None:
    facts = replace(MARKETING, zones=(CHICAGO,), states=("TX", "FL"))
    sunday = local("2027-01-10T11:30", CHICAGO)
    assert next_allowed(facts, now=sunday) == local("2027-01-10T12:00", CHICAGO)
    assert not is_allowed(facts, at=local("2027-01-10T20:00", CHICAGO))  # Florida ends at 20:00.


@pytest.mark.requirement("R3.4")
def test_an_unknown_state_waits_from_sunday_to_monday_at_ten_in_every_zone() -> None:
    facts = replace(MARKETING, zones=(NY, "America/Los_Angeles"))
    assert next_allowed(facts, now=local("2027-01-10T12:00")) == local("2027-01-11T13:00")
    # The next Monday is Martin Luther King's day.
    assert next_allowed(facts, now=local("2027-01-17T12:00")) == local("2027-01-19T13:00")


def test_rows_are_chosen_by_the_instant_of_sending() -> None:
    facts = replace(MARKETING, states=("PA",))
    assert is_allowed(facts, at=local("2026-10-11T12:00"))
    assert not is_allowed(facts, at=local("2026-10-18T12:00"))
    assert is_allowed(facts, at=local("2026-10-17T20:30"))
    assert not is_allowed(facts, at=local("2026-10-19T19:00"))
    assert is_allowed(
        replace(facts, message_class=MessageClass.CARE), at=local("2026-10-18T12:00")
    )


def test_mississippi_judges_its_fixed_zone_and_the_local_clock() -> None:
    facts = replace(MARKETING, zones=(CHICAGO,), states=("MS",))
    for wall, allowed in (("08:30", False), ("09:00", True), ("19:59", True), ("20:30", False)):
        assert is_allowed(facts, at=local(f"2027-07-01T{wall}", CHICAGO)) is allowed
    assert is_allowed(facts, at=local("2027-01-05T08:30", CHICAGO))


def test_an_observed_holiday_is_banned_for_marketing_and_not_for_care() -> None:
    facts = replace(MARKETING, zones=(CHICAGO,), states=("AL",))
    monday = local("2027-07-05T12:00", CHICAGO)
    assert blocking_reasons(facts, at=monday) == (WindowReason.HOLIDAY,)
    assert is_allowed(replace(facts, message_class=MessageClass.CARE), at=monday)
    assert not is_allowed(facts, at=local("2027-04-26T12:00", CHICAGO))  # Alabama's own.


def test_colombia_binds_billing_and_marketing_email_obeys_only_the_patient() -> None:
    bogota = "America/Bogota"
    bill = replace(CARE, message_class=MessageClass.BILLING_ADMIN, zones=(bogota,), country="CO")
    assert not is_allowed(bill, at=local("2027-02-02T19:30", bogota))
    assert is_allowed(replace(bill, country="US"), at=local("2027-02-02T19:30", bogota))
    mail = replace(MARKETING, channel=Channel.EMAIL)
    assert is_allowed(mail, at=local("2027-01-10T03:00"))


# Daylight saving


@pytest.mark.requirement("R1.5")
@pytest.mark.parametrize(
    ("zone", "day", "start", "expected"),
    [
        (NY, "2027-03-14", time(2, 30), "03:00"),
        ("Europe/Madrid", "2027-03-28", time(2, 30), "03:00"),
        ("America/Santiago", "2027-09-05", time(0, 30), "01:00"),
    ],
)
def test_an_hour_that_does_not_exist_moves_forward(
    zone: str, day: str, start: time, expected: str
) -> None:
    work = time((start.hour - 1) % 24, start.minute)
    facts = replace(CARE, channel=Channel.EMAIL, zones=(zone,), work_start=work, work_end=time(12))
    plan = planned(
        plan_send(facts, OnDay(date.fromisoformat(day)), now=datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert plan.send_at == local(f"{day}T{expected}", zone)


@pytest.mark.requirement("R1.5")
def test_an_hour_that_happens_twice_takes_the_first() -> None:
    facts = replace(CARE, channel=Channel.EMAIL, work_start=time(0, 30), work_end=time(12))
    plan = planned(
        plan_send(facts, OnDay(date(2027, 11, 7)), now=datetime(2027, 1, 1, tzinfo=UTC))
    )
    assert plan.send_at == datetime(2027, 11, 7, 5, 30, tzinfo=UTC)


# Anchors


@pytest.mark.requirement("R3.1", "R3.5", "R3.6")
@pytest.mark.parametrize(
    ("facts", "expected", "source"),
    [
        (CARE, "09:00", HourSource.DEFAULT),
        (replace(CARE, work_start=time(8, 30), work_end=time(17)), "09:30", HourSource.WORK_HOURS),
        (
            replace(CARE, work_start=time(8), work_end=time(17), best_hour=18),
            "18:00",
            HourSource.BEST_HOUR,
        ),
    ],
)
def test_the_best_hour_wins_then_work_start_plus_one_then_nine(
    facts: WindowFacts, expected: str, source: HourSource
) -> None:
    now = local("2027-03-10T06:00", PHOENIX)
    for zone in (NY, PHOENIX, "Asia/Kolkata"):
        plan = plan_send(replace(facts, zones=(zone,)), OnDay(date(2027, 3, 14)), now=now)
        assert plan == Plan(send_at=local(f"2027-03-14T{expected}", zone), hour_source=source)


@pytest.mark.requirement("R3.4")
def test_an_instant_moves_only_for_a_restriction() -> None:
    now = local("2027-02-02T00:00")
    free = plan_send(CARE, At(local("2027-02-02T10:00:30")), now=now)
    assert planned(free).send_at == local("2027-02-02T10:01")
    night = planned(plan_send(CARE, At(local("2027-02-02T22:00")), now=now))
    assert night.send_at == local("2027-02-03T08:00")
    assert night.reasons == (WindowReason.CHANNEL_HOURS, WindowReason.MOVED_LATER)


@pytest.mark.requirement("R3.4")
def test_an_offset_moves_earlier_where_waiting_leaves_less_than_half_of_it() -> None:
    now, visit = local("2027-02-01T09:00"), local("2027-02-02T08:30")
    two_hours = planned(plan_send(CARE, At(visit - timedelta(hours=2), visit), now=now))
    assert two_hours.send_at == local("2027-02-01T20:59")
    assert WindowReason.MOVED_EARLIER in two_hours.reasons
    half = planned(plan_send(CARE, At(visit - timedelta(hours=1), visit), now=now))
    assert half.send_at == local("2027-02-02T08:00")  # Exactly half is left: later.


@pytest.mark.requirement("R3.4")
def test_a_message_made_at_night_for_an_early_visit_is_planned_when_it_is_useless() -> None:
    now, visit = local("2027-02-01T21:30"), local("2027-02-02T08:00")
    plan = planned(plan_send(CARE, At(visit - timedelta(hours=2), visit), now=now))
    assert plan.send_at == visit
    assert not is_useful(plan.send_at, visit)
    assert not is_useful(visit - timedelta(minutes=15), visit)
    assert is_useful(visit - timedelta(minutes=16), visit)


@pytest.mark.requirement("R3.4")
def test_a_day_keeps_its_day_with_the_nearest_allowed_minute_and_else_moves_later() -> None:
    day = OnDay(date(2027, 2, 2))
    early = replace(CARE, best_hour=6)
    assert planned(plan_send(early, day, now=local("2027-02-01T06:00"))).send_at == local(
        "2027-02-02T08:00"
    )
    late = replace(CARE, best_hour=22)
    assert planned(plan_send(late, day, now=local("2027-02-01T06:00"))).send_at == local(
        "2027-02-02T20:59"
    )
    assert planned(plan_send(CARE, day, now=local("2027-02-02T15:00"))).send_at == local(
        "2027-02-02T15:00"
    )
    assert planned(plan_send(CARE, day, now=local("2027-02-02T22:00"))).send_at == local(
        "2027-02-03T08:00"
    )


@pytest.mark.requirement("R3.4", "R3.5")
def test_a_free_message_takes_the_first_allowed_day() -> None:
    facts = replace(MARKETING, states=("AL",), best_hour=11)
    plan = planned(plan_send(facts, Free(), now=local("2027-07-03T21:00")))
    assert plan.send_at == local("2027-07-06T11:00")  # Sunday, then the observed holiday.


def test_a_time_that_never_comes_is_said_with_its_reasons() -> None:
    facts = replace(CARE, zones=(NY, "Asia/Kolkata"), quiet_start=time(20, 30), quiet_end=time(18))
    for anchor in (At(local("2027-02-02T10:00")), OnDay(date(2027, 2, 2)), Free()):
        plan = plan_send(facts, anchor, now=local("2027-02-01T10:00"))
        assert isinstance(plan, NoWindow)
        assert WindowReason.QUIET_HOURS in plan.reasons


@pytest.mark.requirement("R3.3", "R11.1")
def test_an_emergency_leaves_at_the_instant_at_night() -> None:
    facts = replace(CARE, message_class=MessageClass.EMERGENCY, quiet_start=time(20))
    now = local("2027-02-02T03:00")
    assert planned(plan_send(facts, At(now), now=now)).send_at == now


# Against an oracle that walks minutes and knows care only

_ZONES = [NY, CHICAGO, PHOENIX, "America/Santiago", "Europe/Madrid", "Australia/Lord_Howe"]
_walls = st.integers(0, 95).map(lambda n: time(n // 4, n % 4 * 15))
_starts = st.sampled_from(
    [
        datetime(2027, 3, 13, 12, tzinfo=UTC),
        datetime(2027, 3, 27, 12, tzinfo=UTC),
        datetime(2027, 4, 3, 12, tzinfo=UTC),
        datetime(2027, 9, 4, 12, tzinfo=UTC),
        datetime(2027, 10, 2, 12, tzinfo=UTC),
        datetime(2027, 10, 30, 12, tzinfo=UTC),
        datetime(2027, 11, 6, 12, tzinfo=UTC),
    ]
)


def oracle_allows(facts: WindowFacts, at: datetime) -> bool:
    for zone in facts.zones:
        wall = at.astimezone(ZoneInfo(zone))
        minute = wall.hour * 60 + wall.minute
        start = facts.quiet_start.hour * 60 + facts.quiet_start.minute
        length = facts.quiet_end.hour * 60 + facts.quiet_end.minute - start
        if (minute - start) % 1440 < length % 1440:
            return False
        if facts.channel is not Channel.EMAIL and not 480 <= minute < 1260:
            return False
    return True


@pytest.mark.requirement("R1.5", "R3.3", "R3.7")
@settings(max_examples=60, deadline=None)
@given(
    zones=st.lists(st.sampled_from(_ZONES), min_size=1, max_size=3, unique=True),
    channel=st.sampled_from(Channel),
    quiet=st.tuples(_walls, _walls),
    start=_starts,
    minutes=st.integers(0, 1440),
)
def test_the_next_and_the_last_allowed_minute_are_those_of_the_oracle(
    zones: list[str],
    channel: Channel,
    quiet: tuple[time, time],
    start: datetime,
    minutes: int,
) -> None:
    facts = replace(
        CARE, zones=tuple(zones), channel=channel, quiet_start=quiet[0], quiet_end=quiet[1]
    )
    now = start + minutes * MINUTE
    span = [now + n * MINUTE for n in range(1440)]
    verdicts = [oracle_allows(facts, at) for at in span]
    assert [is_allowed(facts, at=at) for at in span] == verdicts
    assert [not blocking_reasons(facts, at=at) for at in span[::7]] == verdicts[::7]
    allowed = [at for at, verdict in zip(span, verdicts, strict=True) if verdict]
    found = next_allowed(facts, now=now)
    late = span[-1] + MINUTE
    plan = plan_send(facts, At(late, late + MINUTE), now=now)
    if allowed:
        assert found == allowed[0]
        last = late if oracle_allows(facts, late) else allowed[-1]
        assert planned(plan).send_at == last
    else:
        assert isinstance(found, NoWindow) or found > span[-1]
        assert isinstance(plan, NoWindow) or plan.send_at >= late


# Found by the oracle


@pytest.mark.requirement("R3.1")
@pytest.mark.parametrize("anchor", [Free(), OnDay(date(2027, 2, 2))])
def test_no_hour_is_chosen_for_an_emergency_without_one(anchor: Free | OnDay) -> None:
    facts = replace(CARE, message_class=MessageClass.EMERGENCY, best_hour=18)
    now = local("2027-02-02T03:17")
    assert planned(plan_send(facts, anchor, now=now)).send_at == now


@pytest.mark.requirement("R3.1")
def test_an_emergency_for_a_later_day_leaves_when_that_day_begins() -> None:
    facts = replace(CARE, message_class=MessageClass.EMERGENCY)
    plan = planned(plan_send(facts, OnDay(date(2027, 2, 4)), now=local("2027-02-02T03:17")))
    assert plan.send_at == local("2027-02-04T00:00")
