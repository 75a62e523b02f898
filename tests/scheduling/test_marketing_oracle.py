"""Marketing windows of several states and zones, against an oracle that walks minutes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.policy import is_allowed, next_allowed
from handbell.scheduling.types import WindowFacts

_ZONES = ["America/New_York", "America/Chicago", "America/Phoenix", "Pacific/Honolulu"]
# Minutes of the day allowed on Monday to Friday, Saturday and Sunday, and whether holidays are.
_LAW = {
    "TX": ((540, 1260), (540, 1260), (720, 1260), True),
    "FL": ((480, 1200), (480, 1200), (480, 1200), True),
    "RI": ((540, 1080), (600, 1020), (0, 0), False),
    "MS": ((480, 1200), (480, 1200), (0, 0), True),
    "CA": ((480, 1260), (480, 1260), (480, 1260), True),
}
_HOLIDAYS = {"2027-05-31", "2027-07-04", "2027-07-05", "2027-09-06", "2027-11-11", "2027-11-25"}
# Victory Day is Rhode Island's own.
_LOCAL_HOLIDAYS = {"RI": {"2027-08-09"}}


def oracle_allows(zones: list[str], states: list[str], at: datetime) -> bool:
    return all(_law_allows(state, zone, at) for zone in zones for state in states)


def _law_allows(state: str, zone: str, at: datetime) -> bool:
    weekdays, saturday, sunday, holidays_too = _LAW[state]
    clocks = [at.astimezone(ZoneInfo(zone))]
    if state == "MS":
        clocks.append(at - timedelta(hours=6))
    for clock in clocks:
        start, end = {5: saturday, 6: sunday}.get(clock.weekday(), weekdays)
        start, end = max(start, 480 if clock is clocks[0] else 0), min(end, 1260)
        if not start <= clock.hour * 60 + clock.minute < end:
            return False
        day = clock.date().isoformat()
        if not holidays_too and (day in _HOLIDAYS or day in _LOCAL_HOLIDAYS.get(state, set())):
            return False
    return True


@pytest.mark.requirement("R3.1", "R3.4")
@settings(max_examples=15, deadline=None)
@given(
    zones=st.lists(st.sampled_from(_ZONES), min_size=1, max_size=3, unique=True),
    states=st.lists(st.sampled_from(sorted(_LAW)), min_size=1, max_size=3, unique=True),
    day=st.sampled_from(["2027-05-30", "2027-07-04", "2027-08-08", "2027-09-05", "2027-11-06"]),
    minutes=st.integers(0, 1440),
)
def test_marketing_follows_every_state_in_every_zone(
    zones: list[str], states: list[str], day: str, minutes: int
) -> None:
    facts = WindowFacts(
        message_class=MessageClass.MARKETING,
        channel=Channel.SMS,
        zones=tuple(zones),
        states=tuple(states),
        country="US",
    )
    now = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(minutes=minutes)
    span = [now + timedelta(minutes=n) for n in range(2 * 1440)]
    verdicts = [oracle_allows(zones, states, at) for at in span]
    assert [is_allowed(facts, at=at) for at in span] == verdicts
    allowed = [at for at, verdict in zip(span, verdicts, strict=True) if verdict]
    if allowed:
        assert next_allowed(facts, now=now) == allowed[0]
