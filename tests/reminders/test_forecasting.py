"""A forecast says what would leave, on which day and channel, and why the rest would not."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from handbell.messages.types import Reason, SendOrder
from handbell.platform import outbox
from handbell.platform.vocabulary import Channel, Purpose
from handbell.reminders.forecasting import Expected, Forecast, ForecastService
from handbell.reminders.service import ReminderService
from handbell.scheduling.types import At

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
DAY = timedelta(days=1)
VISIT = datetime(2026, 12, 4, 19, 0, tzinfo=UTC)


@pytest.fixture
def forecasts(practice: Any) -> ForecastService:
    return ForecastService(practice.db)


async def ordered(practice: Any, patient: int, key: str, at: datetime) -> int:
    order = SendOrder(
        patient_id=patient,
        purpose=Purpose.APPT_REMINDER,
        anchor=At(at),
        order_key=key,
        ordered_by="tests",
    )
    return int((await practice.messages.admit(practice.id, order, now=NOON)).message_id)


def sends(forecast: Forecast) -> list[tuple[date, Channel, int]]:
    return [(one.day, one.channel, one.sends) for one in forecast.sends]


async def test_what_waits_is_counted_by_the_practices_day_and_by_channel(
    practice: Any, forecasts: ForecastService
) -> None:
    ada = await practice.patient()
    ben = await practice.patient(("email", "ben@example.org"))
    await ordered(practice, ada, "a", NOON + DAY)
    late_in_new_york = datetime(2026, 12, 3, 1, 30, tzinfo=UTC)
    await ordered(practice, ben, "b", late_in_new_york)
    await ordered(practice, ben, "c", NOON + 9 * DAY)
    found = await forecasts.forecast(practice.id, days=7, now=NOON)
    second = date(2026, 12, 2)
    assert found.sends == (
        Expected(day=second, channel=Channel.EMAIL, sends=1),
        Expected(day=second, channel=Channel.SMS, sends=1),
    )
    assert (found.messages, found.refused, found.later) == (2, 0, 0)


async def test_what_will_be_refused_or_held_back_is_told_with_its_reasons(
    practice: Any, forecasts: ForecastService
) -> None:
    await practice.execute("UPDATE organization_settings SET care_per_day = 1")
    gone, capped = await practice.patient(id="gone"), await practice.patient()
    await ordered(practice, gone, "a", NOON + DAY)
    first = await ordered(practice, capped, "b", NOON + DAY)
    await ordered(practice, capped, "c", NOON + DAY + timedelta(hours=1))
    died = {"id": "gone", "deceased_at": NOON.isoformat()}
    await practice.tell("patient.deceased", now=NOON + timedelta(minutes=1), **died)
    found = await forecasts.forecast(practice.id, days=3, now=NOON)
    assert (found.messages, found.refused) == (3, 1)
    assert found.refusals == {Reason.DECEASED: 1}
    assert found.delays[Reason.OVER_CAP] == 1
    assert sends(found) == [
        (date(2026, 12, 2), Channel.SMS, 1),
        (date(2026, 12, 3), Channel.SMS, 1),
    ]
    one_day = await forecasts.forecast(practice.id, days=1, now=NOON - timedelta(minutes=1))
    assert one_day.messages == 0
    state = "SELECT lifecycle FROM messages WHERE id = :id"
    assert await practice.value(state, id=first) == "scheduled"


async def test_a_visit_that_nobody_planned_yet_is_counted_as_it_will_be_planned(
    practice: Any, forecasts: ForecastService
) -> None:
    patient = await practice.patient()
    await practice.visit(patient, VISIT)
    before = await forecasts.forecast(practice.id, days=7, now=NOON)
    assert (before.messages, before.not_planned_yet) == (3, 3)
    (work,) = await outbox.claim(practice.db.direct, now=NOON)
    planner = ReminderService(practice.db, practice.messages)
    await planner.plan(practice.id, work.args, now=NOON)
    after = await forecasts.forecast(practice.id, days=7, now=NOON)
    assert (after.messages, after.not_planned_yet) == (3, 0)
    assert sends(after) == sends(before)
    assert [day.day for day, _, _ in sends(after)] == [1, 3, 4]
