"""What a press of a button does: once, to the version the patient was told of, and logged."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handbell.actions.service import ActionService
from handbell.actions.types import ActionResult
from handbell.audit.service import AuditService
from handbell.consent.service import ConsentService
from handbell.consent.types import Decision, Kind, Method
from handbell.directory.types import AppointmentStatus
from handbell.links.types import LinkKind
from handbell.messages.types import Lifecycle
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.staff.types import TaskKind

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
CONFIRM = {"choice": "confirm"}
MOVE = {"choice": "reschedule", "when": ["any", "mornings"], "wish": "not\r\n on  Fridays"}
FRESH = {"choice": "fresh"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.mark.requirement("R5.5", "R5.6")
@pytest.mark.parametrize("kind", [LinkKind.CONFIRM, LinkKind.PORTAL])
async def test_a_press_confirms_at_once_and_a_second_one_is_harmless(
    client: httpx.AsyncClient, practice: Any, kind: LinkKind, db: Database, keys: KeyRing
) -> None:
    path = await practice.link(kind)
    first = await client.post(path, data=CONFIRM)
    assert first.status_code == 200
    assert "Your visit is confirmed" in first.text
    assert await practice.status() == "confirmed 1"
    before = await practice.rows()
    for again in (await client.post(path, data=CONFIRM), await client.get(path)):
        assert "Your visit is confirmed" in again.text
    assert await practice.rows() == before
    shown = ["link.shown"]
    assert await practice.audited() == ["appointment.confirmed", *shown]
    assert (await AuditService(db, keys).verify()).intact


@pytest.mark.requirement("R5.5")
async def test_of_many_presses_at_once_one_acts(client: httpx.AsyncClient, practice: Any) -> None:
    path = await practice.link(LinkKind.PORTAL)
    both: list[dict[str, Any]] = [CONFIRM, MOVE]
    answers = await asyncio.gather(*(client.post(path, data=data) for data in both * 8))
    assert {answer.status_code for answer in answers} == {200, 409}
    refused = [answer for answer in answers if answer.status_code == 409]
    assert len(refused) == 8
    assert all("This link has been used" in answer.text for answer in refused)
    acted = await practice.audited()
    assert acted in (["appointment.confirmed"], ["appointment.move_wished"])
    assert len(await practice.tasks()) == len(acted) - (acted == ["appointment.confirmed"])


@pytest.mark.requirement("R5.5")
async def test_a_wish_for_another_time_goes_to_staff_and_the_visit_stays(
    client: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.RESCHEDULE)
    for _ in range(2):
        assert "We have your wish" in (await client.post(path, data=MOVE)).text
    assert "We have your wish" in (await client.get(path)).text
    (task,) = await practice.tasks()
    assert (task.kind, task.note) == (TaskKind.RESCHEDULE_WISH, "mornings, any: not on Fridays")
    assert (task.patient_id, task.appointment_id) == (practice.patient_id, practice.appointment_id)
    assert await practice.status() == "booked 1"
    assert await practice.audited() == ["appointment.move_wished"]


async def test_a_wish_is_stored_as_ciphertext_and_cut_at_its_length(
    client: httpx.AsyncClient, practice: Any
) -> None:
    long = {"choice": "reschedule", "wish": "Fridays " * 99}
    await client.post(await practice.link(LinkKind.RESCHEDULE), data=long)
    assert "Fridays" not in str(await practice.rows())
    (task,) = await practice.tasks()
    assert len(task.note) == 300


@pytest.mark.requirement("R5.5")
@pytest.mark.parametrize(
    ("data", "kind", "action", "says"),
    [
        (CONFIRM, TaskKind.UNCLEAR_REPLY, "confirm", "Our staff have been told"),
        (MOVE, TaskKind.RESCHEDULE_WISH, "move", "Our staff have been told"),
    ],
)
async def test_an_answer_to_a_visit_that_moved_is_refused_and_left_to_staff_once(
    client: httpx.AsyncClient,
    practice: Any,
    data: dict[str, Any],
    kind: TaskKind,
    action: str,
    says: str,
) -> None:
    path = await practice.link(LinkKind.PORTAL)
    await practice.tell(version=2, starts_at=NOW + timedelta(days=5))
    refused = await client.post(path, data=data)
    assert refused.status_code == 409
    assert "Your visit has changed" in refused.text
    assert says in refused.text
    assert (await client.post(path, data=data)).status_code == 409
    assert await practice.status() == "booked 2"
    assert [task.kind for task in await practice.tasks()] == [kind]
    assert await practice.audited() == [f"appointment.{action}_refused"]


async def test_a_confirmation_after_the_visit_began_bothers_nobody(
    client: httpx.AsyncClient, practice: Any, clock: FrozenClock
) -> None:
    path = await practice.link(LinkKind.CONFIRM)
    clock.advance(timedelta(hours=23, minutes=45))
    answer = await client.post(path, data=CONFIRM)
    assert (answer.status_code, "The visit has passed" in answer.text) == (410, True)
    assert await practice.tasks() == []
    assert await practice.status() == "booked 1"


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (LinkKind.CONFIRM, MOVE),
        (LinkKind.RESCHEDULE, CONFIRM),
        (LinkKind.PORTAL, FRESH),
        (LinkKind.PORTAL, {}),
        (LinkKind.PORTAL, {"choice": "read", "year": "1970"}),
        (LinkKind.CONFIRM, {"choice": "cancel", "sure": "yes"}),
    ],
)
async def test_a_link_does_nothing_that_it_is_not_for(
    client: httpx.AsyncClient, practice: Any, messages: Any, kind: LinkKind, data: dict[str, Any]
) -> None:
    path = await practice.link(kind)
    before = await practice.rows()
    answer = await client.post(path, data=data)
    assert (answer.status_code, "<h1>Your visit</h1>" in answer.text) == (200, True)
    assert await practice.rows() == before
    assert messages.orders == {}


@pytest.mark.requirement("R7.9")
async def test_after_a_day_a_link_neither_shows_nor_acts_and_offers_a_fresh_one(
    client: httpx.AsyncClient, practice: Any, clock: FrozenClock, messages: Any
) -> None:
    await practice.tell(version=2, starts_at=NOW + timedelta(days=5))
    path = await practice.link(LinkKind.PORTAL, version=2)
    clock.advance(timedelta(hours=24, seconds=-1))
    assert "Ada" in (await client.get(path)).text
    clock.advance(timedelta(seconds=1))
    before = await practice.rows()
    for answer in (await client.get(path), await client.post(path, data=CONFIRM)):
        assert answer.status_code == 410
        assert 'value="fresh"' in answer.text
        assert "Ada" not in answer.text
    assert await practice.rows() == before
    for _ in range(3):
        sent = await client.post(path, data=FRESH)
        assert (sent.status_code, "on its way" in sent.text) == (200, True)
    (order,) = messages.orders.values()
    assert (order.purpose, order.channel) == (Purpose.APPT_REMINDER, Channel.SMS)
    assert (order.address_id, order.appointment_version) == (practice.address_id, 2)
    clock.advance(timedelta(hours=1))
    await client.post(path, data=FRESH)
    assert len(messages.orders) == 2


async def test_a_link_to_a_moved_visit_may_be_renewed_for_the_visit_as_it_is_now(
    client: httpx.AsyncClient, practice: Any, messages: Any
) -> None:
    path = await practice.link(LinkKind.CONFIRM)
    moved_to = NOW + timedelta(days=5)
    await practice.tell(version=2, starts_at=moved_to)
    await client.post(path, data=FRESH)
    (order,) = messages.orders.values()
    assert (order.serves_at, order.appointment_version) == (moved_to, 2)


async def test_a_refused_fresh_message_is_said(
    client: httpx.AsyncClient, practice: Any, messages: Any, clock: FrozenClock
) -> None:
    await practice.tell(version=2, starts_at=NOW + timedelta(days=5))
    path = await practice.link(LinkKind.CONFIRM, version=2)
    clock.advance(timedelta(days=1))
    messages.lifecycle = Lifecycle.REFUSED
    answer = await client.post(path, data=FRESH)
    assert "We cannot send a new message" in answer.text


async def test_no_fresh_link_once_the_visit_has_passed(
    client: httpx.AsyncClient, practice: Any, messages: Any, clock: FrozenClock
) -> None:
    path = await practice.link(LinkKind.CONFIRM)
    clock.advance(timedelta(days=2))
    for answer in (await client.get(path), await client.post(path, data=FRESH)):
        assert (answer.status_code, "The visit has passed" in answer.text) == (410, True)
    assert messages.orders == {}


def consent_of(practice: Any) -> ConsentService:
    return ConsentService(practice.db, practice.keys)


@pytest.mark.requirement("R7.10", "R7.4")
async def test_unsubscribing_takes_one_post_and_repeating_it_adds_nothing(
    client: httpx.AsyncClient, practice: Any, clock: FrozenClock, delivery: Any
) -> None:
    path = await practice.link(LinkKind.UNSUBSCRIBE)
    assert "Stop these e-mails" in (await client.get(path)).text
    for _ in range(3):
        answer = await client.post(path, data=ONE_CLICK)
        assert (answer.status_code, "no more e-mails" in answer.text) == (200, True)
        clock.advance(timedelta(minutes=5))
    assert "no longer sends e-mails" in (await client.get(path)).text
    ledger = await consent_of(practice).history(practice.organization_id, practice.mailbox_id)
    assert [entry.decision.kind for entry in ledger] == [Kind.GRANT, Kind.REVOKE]
    stop = ledger[-1].decision
    assert (stop.method, stop.message_class) == (Method.UNSUBSCRIBE_LINK, None)
    assert (stop.at, stop.ip) == (NOW, "127.0.0.1")
    assert delivery.settled[0] == [practice.mailbox_id]
    phone = await consent_of(practice).states(practice.organization_id, practice.address_id)
    assert phone[MessageClass.CARE].granted


async def test_unsubscribes_at_once_make_one_entry(
    client: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.UNSUBSCRIBE)
    answers = await asyncio.gather(*(client.post(path) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {200}
    ledger = await consent_of(practice).history(practice.organization_id, practice.mailbox_id)
    assert len(ledger) == 2


@pytest.mark.requirement("R7.10")
async def test_an_old_link_still_stops_also_after_the_patient_came_back(
    client: httpx.AsyncClient, practice: Any, clock: FrozenClock
) -> None:
    path = await practice.link(LinkKind.UNSUBSCRIBE)
    await client.post(path, data=ONE_CLICK)
    clock.advance(timedelta(days=90))
    back = Decision(
        kind=Kind.GRANT,
        message_class=MessageClass.CARE,
        method=Method.WEB_FORM,
        source="portal",
        actor="patient",
        at=clock.instant,
    )
    service = consent_of(practice)
    await service.grant(practice.organization_id, practice.mailbox_id, back, now=clock.instant)
    clock.advance(timedelta(days=1))
    assert (await client.post(path, data=ONE_CLICK)).status_code == 200
    states = await service.states(practice.organization_id, practice.mailbox_id)
    assert not states[MessageClass.CARE].granted


async def test_a_link_acts_in_its_own_organisation_only(
    client: httpx.AsyncClient,
    practice: Any,
    open_practice: Callable[..., Awaitable[Any]],
    other_organization: OrganizationId,
) -> None:
    other = await open_practice(other_organization)
    path = await other.link(LinkKind.CONFIRM)
    assert "Hillside Clinic" in (await client.get(path)).text
    await client.post(path, data=CONFIRM)
    assert [await practice.status(), await other.status()] == ["booked 1", "confirmed 1"]
    assert await practice.audited() == []


async def test_a_reply_confirms_and_wishes_by_the_same_door(
    actions: ActionService, practice: Any, db: Database, organization: OrganizationId
) -> None:
    asked: Any = {"appointment_id": practice.appointment_id, "via": "sms", "now": NOW}
    async with db.transaction(organization) as tx:
        results = [
            await actions.confirm_in(tx, organization, version=version, **asked)
            for version in (1, 1, 2)
        ]
        wish = await actions.wish_to_move_in(tx, organization, version=1, wish=None, **asked)
        asked["appointment_id"] += 1
        gone = await actions.confirm_in(tx, organization, version=1, **asked)
    assert results == [ActionResult.DONE, ActionResult.ALREADY_DONE, ActionResult.STALE]
    assert (wish, gone) == (ActionResult.DONE, ActionResult.STALE)
    assert await practice.status() == "confirmed 1"


async def test_a_cancelled_visit_cannot_be_confirmed(
    client: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.CONFIRM)
    await practice.tell(version=2, status=AppointmentStatus.CANCELLED)
    answer = await client.post(path, data=CONFIRM)
    assert answer.status_code == 410
    assert "Our staff have been told" in answer.text
    assert await practice.status() == "cancelled 2"


async def test_what_breaks_is_told_on_a_page_and_tells_nothing(
    client: httpx.AsyncClient, practice: Any, db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    path = await practice.link(LinkKind.CONFIRM)
    async with db.engine_transaction() as tx:
        await tx.exec_driver_sql("UPDATE appointments SET timezone = 'Ada/Nowhere'")
    answer = await client.get(path)
    assert answer.status_code == 500
    assert "<h1>Something went wrong</h1>" in answer.text
    assert "Ada" not in answer.text
    logged = "".join(capsys.readouterr())
    assert "page failed" in logged
    assert path.rpartition("/")[2] not in logged
    assert "Ada" not in logged
