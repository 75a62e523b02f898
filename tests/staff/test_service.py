"""Tasks for people, against the real database."""

from typing import Any

import pytest
from sqlalchemy import text

from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import CannotDecrypt, KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.staff.service import add_task_in, list_open_in
from handbell.staff.types import StaffTask, TaskKind


@pytest.mark.requirement("R5.7")
async def test_a_task_waits_with_the_patient_s_words_encrypted_with_the_patient_s_key(
    practice: Any, db: Database, keys: KeyRing, clock: FrozenClock
) -> None:
    patient_id = await practice.patient()
    known = StaffTask(kind=TaskKind.UNCLEAR_REPLY, patient_id=patient_id, note="What do I bring?")
    unknown = StaffTask(kind=TaskKind.UNMATCHED_SENDER, note="Who is this?")
    async with db.transaction(practice.id) as tx:
        for task in (known, unknown):
            await add_task_in(tx, practice.id, keys, task, now=clock.instant)
        found, total = await list_open_in(tx, keys, limit=1, offset=1)
    assert total == 2
    assert [one.task for one in found] == [unknown]
    notes = await practice.rows("SELECT note FROM staff_tasks ORDER BY id")
    assert not any(b"bring" in row.note or b"Who" in row.note for row in notes)
    with pytest.raises(CannotDecrypt):
        keys.unseal_raw(notes[0].note, context="staff_tasks.note")


async def test_closed_tasks_and_those_of_other_organisations_are_not_listed(
    practice: Any,
    db: Database,
    keys: KeyRing,
    clock: FrozenClock,
    other_organization: OrganizationId,
) -> None:
    task = StaffTask(kind=TaskKind.UNMATCHED_SENDER)
    ids = []
    for organization_id in (practice.id, other_organization, practice.id):
        async with db.transaction(organization_id) as tx:
            ids.append(await add_task_in(tx, organization_id, keys, task, now=clock.instant))
    async with db.transaction(practice.id) as tx:
        closing = text("UPDATE staff_tasks SET closed_at = :at WHERE id = :id")
        await tx.execute(closing, {"at": clock.instant, "id": ids[0]})
        found, total = await list_open_in(tx, keys, limit=50, offset=0)
    assert total == len(found) == 1
    assert found[0].id == ids[2]
    assert found[0].task == task
