"""A population admitted by sets gives the very rows that its patients give one by one."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from sqlalchemy import ARRAY, BigInteger, func, literal, select
from tests.messages.population import Crowd

from handbell.directory.tables import PatientRow
from handbell.messages.populations.types import PopulationOrder, PopulationProgress
from handbell.messages.tables import MessageRow
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import Anchor, At, Free, OnDay

NOON: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
NIGHT: Final = datetime(2026, 12, 2, 5, 0, 31, tzinfo=UTC)
REFILL: Final = PopulationOrder(
    purpose=Purpose.RX_REFILL, anchor=Free(), order_key="refills", ordered_by="tests"
)
ORDERS: Final[tuple[tuple[Purpose, Anchor, datetime, dict[str, Any]], ...]] = (
    (Purpose.RX_REFILL, Free(), NOON, {}),
    (Purpose.RX_REFILL, At(NOON), NOON, {"channel": Channel.SMS}),
    (Purpose.CAMPAIGN_EDUCATION, Free(), NIGHT, {}),
    (Purpose.PAYMENT_REMINDER, OnDay((NOON + timedelta(days=2)).date()), NIGHT, {}),
    (Purpose.RX_REFILL, At(NIGHT), NIGHT, {"not_on": frozenset({Channel.SMS})}),
    (Purpose.URGENT, At(NIGHT), NIGHT, {"channel": Channel.WHATSAPP}),
)
EVERYBODY: Final = select(PatientRow.id)
_OWN: Final = frozenset({"id", "order_key"})


async def admitted(practice: Any, order: PopulationOrder, **more: Any) -> list[PopulationProgress]:
    running = practice.messages.admit_population(
        practice.id, more.pop("population", EVERYBODY), order, **{"now": NOON} | more
    )
    return [one async for one in running]


async def rows_of(practice: Any, order: PopulationOrder) -> dict[int, dict[str, Any]]:
    """The messages of an order by patient, without what is each row's own."""
    async with practice.db.engine_transaction() as tx:
        statement = select(MessageRow.__table__).where(
            func.starts_with(MessageRow.order_key, f"{order.order_key}:")
        )
        rows = (await tx.execute(statement)).mappings().all()
    return {
        row["patient_id"]: {name: row[name] for name in row if name not in _OWN} for row in rows
    }


async def one_by_one(
    practice: Any, order: PopulationOrder, patients: list[int], *, now: datetime
) -> None:
    async with practice.db.transaction(practice.id) as tx:
        orders = [order.for_patient(patient) for patient in patients]
        await practice.messages.admit_in(tx, practice.id, orders, now=now)


def differences(
    by_sets: dict[int, dict[str, Any]], by_one: dict[int, dict[str, Any]]
) -> list[tuple[int, str, Any, Any]]:
    """Patient, column and both values wherever two sets of rows differ."""
    return [
        (patient, name, value, by_one[patient][name])
        for patient, row in by_sets.items()
        for name, value in row.items()
        if value != by_one[patient][name]
    ]


async def refusals(practice: Any, order: PopulationOrder) -> Counter[tuple[Any, ...]]:
    """The audit entries of an order's refusals: who, when, and about whom."""
    entries = await practice.rows(
        "SELECT entry.actor, entry.at, entry.subject->>'patient_id' FROM audit_entries entry"
        " JOIN messages ON messages.id = CAST(entry.subject->>'message_id' AS bigint)"
        " WHERE entry.action = 'message.refused' AND starts_with(messages.order_key, :key)",
        key=f"{order.order_key}:",
    )
    return Counter(tuple(entry) for entry in entries)


@pytest.mark.requirement("R4.5")
@pytest.mark.parametrize("seed", [1, 2])
async def test_sets_and_single_orders_give_the_same_rows(practice: Any, seed: int) -> None:
    patients = await Crowd(practice, seed, now=NOON).make(130)
    if seed == 2:
        await practice.execute(
            "INSERT INTO blackouts (organization_id, starts_at, ends_at, state, reason,"
            " entered_by, entered_at, changed_at)"
            " VALUES (:id, :now, :until, 'TX', 'storm', 'tests', :now, :now),"
            " (:id, :now, :long, 'FL', 'storm', 'tests', :now, :now)",
            id=practice.id,
            now=NOON,
            until=NOON + timedelta(days=1),
            long=NOON + timedelta(days=30),
        )
        await practice.execute(
            "UPDATE organization_settings SET whatsapp_us_enabled = true, care_per_day = 1"
        )
    known = await practice.rows("SELECT id FROM patients WHERE subject_key_id IS NOT NULL")
    for no, (purpose, anchor, now, more) in enumerate(ORDERS):
        order = PopulationOrder(
            purpose=purpose, anchor=anchor, order_key=f"set {no}", ordered_by="tests", **more
        )
        progress = await admitted(practice, order, now=now, chunk=80)
        single = replace(order, order_key=f"one {no}")
        await one_by_one(practice, single, [row.id for row in known], now=now)
        by_sets, by_one = await rows_of(practice, order), await rows_of(practice, single)
        assert by_sets.keys() == by_one.keys()
        assert differences(by_sets, by_one) == []
        assert await refusals(practice, order) == await refusals(practice, single)
        assert sum(one.by_sets for one in progress) > len(known) / 2
        assert sum(one.by_sets + one.one_by_one for one in progress) == len(known)
        assert sum(one.unknown for one in progress) == len(patients) - len(known)
    kinds = await practice.rows("SELECT DISTINCT lifecycle, channel FROM messages")
    assert len(kinds) > len(Channel)


async def test_an_interrupted_run_is_run_again_and_makes_nothing_twice(practice: Any) -> None:
    patients = await Crowd(practice, 3, now=NOON).make(40)
    running = practice.messages.admit_population(
        practice.id, EVERYBODY, REFILL, now=NOON, chunk=15
    )
    first = await anext(running)
    await running.aclose()
    before = await rows_of(practice, REFILL)
    assert 0 < len(before) <= 15
    assert max(before) <= first.last_id < max(patients)
    rest = await admitted(practice, REFILL, after=first.last_id)
    again = await admitted(practice, REFILL)
    assert sum(one.by_sets for one in again) == 0
    whole = await rows_of(practice, REFILL)
    assert len(whole) == sum(one.by_sets + one.one_by_one for one in (first, *rest))
    assert before.items() <= whole.items()
    assert sum((await refusals(practice, REFILL)).values()) == sum(
        row["lifecycle"] == "refused" for row in whole.values()
    )


async def test_only_the_population_is_told(practice: Any, other_organization: Any) -> None:
    ada, _ben = await practice.patient(), await practice.patient(("email", "ben@example.org"))
    ids = select(func.unnest(literal([ada, 10**12], ARRAY(BigInteger()))))
    (progress,) = await admitted(practice, REFILL, population=ids)
    assert (progress.patients, progress.by_sets, progress.unknown) == (2, 1, 1)
    assert list(await rows_of(practice, REFILL)) == [ada]
    running = practice.messages.admit_population(other_organization, ids, REFILL, now=NOON)
    assert [(one.by_sets, one.unknown) async for one in running] == [(0, 2)]
