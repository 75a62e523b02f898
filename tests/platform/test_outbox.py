"""Work left behind comes back until it is done."""

from datetime import UTC, datetime, timedelta

from handbell.platform import outbox
from handbell.platform.db import Database, OrganizationId

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


async def test_claimed_work_comes_back_after_the_lease_unless_it_is_done(
    db: Database, organization: OrganizationId
) -> None:
    async with db.transaction(organization) as tx:
        await outbox.add(tx, organization, "a.b", {"id": 7}, now=NOW)
        later = NOW + timedelta(days=1)
        await outbox.add(tx, organization, "a.b", {"id": 8}, now=NOW, not_before=later)
    (work,) = await outbox.claim(db.direct, now=NOW)
    assert await outbox.claim(db.direct, now=NOW) == []
    await db.direct.rows("UPDATE outbox SET leased_until = '2000-01-01' WHERE id = $1", work.id)
    (again,) = await outbox.claim(db.direct, now=NOW)
    assert (again.id, again.attempts) == (work.id, 2)
    await outbox.done(db.direct, [again.id])
    assert [one.args for one in await outbox.claim(db.direct, now=later)] == [{"id": 8}]


async def test_no_more_work_is_out_at_once_than_there_is_room_for(
    db: Database, organization: OrganizationId
) -> None:
    async with db.transaction(organization) as tx:
        for no in range(outbox.ROOM + 50):
            await outbox.add(tx, organization, "a.b", {"id": no}, now=NOW)
    taken = []
    while claimed := await outbox.claim(db.direct, now=NOW):
        taken += claimed
    assert len(taken) == outbox.ROOM
    await outbox.done(db.direct, [one.id for one in taken[:30]])
    assert len(await outbox.claim(db.direct, now=NOW)) == 30
    await db.direct.rows(
        "UPDATE outbox SET leased_until = '2000-01-01' WHERE id = $1", taken[-1].id
    )
    assert [one.id for one in await outbox.claim(db.direct, now=NOW)] == [taken[-1].id]


async def test_work_that_failed_is_due_again_after_a_growing_pause(
    db: Database, organization: OrganizationId
) -> None:
    async with db.transaction(organization) as tx:
        await outbox.add(tx, organization, "a.b", {"id": 7}, now=NOW)
    now = NOW
    for pause in (1, 2, 4):
        (work,) = await outbox.claim(db.direct, now=now)
        async with db.transaction(organization) as tx:
            await outbox.postpone(tx, work.id, attempts=work.attempts, now=now)
        assert await outbox.claim(db.direct, now=now) == []
        now += timedelta(seconds=pause)
