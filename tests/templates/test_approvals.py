"""What Meta says of templates: the newest stands, and nobody else's counts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.http_client import serving

from handbell.audit.service import AuditService
from handbell.channels.types import Provider, TemplateStatus
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId
from handbell.templates import library
from handbell.templates.approvals.router import approvals_router
from handbell.templates.approvals.service import ApprovalService, approvals_in, forms_of
from handbell.templates.approvals.types import Approvals, ApprovalState

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


def told(state: str, minutes: int, name: str = "appt_reminder") -> TemplateStatus:
    return TemplateStatus(
        provider=Provider.WHATSAPP,
        key=f"{state}{minutes}",
        name=name,
        language="en_US",
        state=state,
        reason="FIRST_PAUSE",
        occurred_at=NOON + timedelta(minutes=minutes),
    )


def test_a_text_without_a_registration_always_may_go_and_an_unknown_one_never() -> None:
    reminder = next(
        pair.full
        for pair in library.load()
        if pair.full.whatsapp is not None and pair.full.whatsapp.name == "appt_reminder"
    )
    assert reminder.whatsapp is not None
    place = (reminder.whatsapp.name, reminder.whatsapp.language)
    assert Approvals().allow(None)
    assert Approvals().allow(library.load()[0].full) is (library.load()[0].full.whatsapp is None)
    for state in ApprovalState:
        assert Approvals({place: state}).allow(reminder) is (state is ApprovalState.APPROVED)
    assert not Approvals().allow(reminder)


@pytest.mark.requirement("R2.1")
async def test_the_newest_word_stands_in_any_order_and_every_change_is_recorded(
    practice: Any,
) -> None:
    service = ApprovalService(practice.db, practice.audit)
    await service.take([told("paused", 10), told("approved", 5)], now=NOON)
    async with practice.db.transaction(practice.id) as tx:
        known = await approvals_in(tx)
    assert known.states["appt_reminder", "en_US"] is ApprovalState.PAUSED
    await service.take([told("approved", 20)], now=NOON)
    async with practice.db.transaction(practice.id) as tx:
        assert (await approvals_in(tx)).states["appt_reminder", "en_US"] == "approved"
    log = await practice.rows(
        "SELECT subject FROM audit_entries WHERE action = 'template.approval_changed' ORDER BY id"
    )
    assert [row.subject["state"] for row in log] == ["paused", "approved"]


async def test_a_borrower_of_the_account_hears_what_is_known_of_it(
    practice: Any, other_organization: OrganizationId
) -> None:
    service = ApprovalService(practice.db, practice.audit)
    await service.share(practice.id, borrower=other_organization)
    async with practice.db.transaction(other_organization) as tx:
        states = (await approvals_in(tx)).states
    forms = forms_of(library.load())
    assert states == dict.fromkeys(
        ((form.name, form.language) for form in forms), ApprovalState.APPROVED
    )
    await service.take([told("rejected", 5)], now=NOON)
    async with practice.db.transaction(other_organization) as tx:
        assert (await approvals_in(tx)).states["appt_reminder", "en_US"] == "approved"


async def test_administrators_record_a_state_and_authors_read_it(
    practice: Any, clock: FrozenClock, other_organization: int
) -> None:
    service = ApprovalService(practice.db, AuditService(practice.db, practice.keys))
    path = "/comm/whatsapp-approvals"
    body = {"name": "own_text", "language": "es", "state": "rejected", "reason": "INVALID_FORMAT"}
    async with serving(approvals_router(service, clock), clock) as client:
        admin = {"authorization": f"Bearer admin@{practice.id}"}
        assert (await client.put(path, headers=admin, json=body)).status_code == 200
        staff = {"authorization": f"Bearer staff@{practice.id}"}
        assert (await client.put(path, headers=staff, json=body)).status_code == 403
        listed = (await client.get(f"{path}?limit=200", headers=staff)).json()
        other = {"authorization": f"Bearer admin@{other_organization}"}
        assert (await client.get(path, headers=other)).json() == []
    (own,) = [one for one in listed if one["name"] == "own_text"]
    assert (own["state"], own["reason"], own["changed_by"]) == (
        "rejected",
        "INVALID_FORMAT",
        "key:admin",
    )
    async with practice.db.engine_transaction() as tx:
        rows = await tx.execute(
            text("SELECT state FROM whatsapp_approvals WHERE name = 'own_text'")
        )
        assert rows.scalars().all() == ["rejected"]
