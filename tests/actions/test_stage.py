"""Pages with the real gate behind them: secure messages, preferences, slots, calendars."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text
from tools.links.stage import NOW, STARTS_AT, Actor, Stage, stage_on

from handbell.consent import service as consent
from handbell.consent.types import Decision, Kind, Method
from handbell.directory.types import AppointmentStatus
from handbell.links.types import LinkKind
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.preferences import service as preferences

READ = {"choice": "read", "year": "1970"}


@pytest.fixture
async def stage(owner_url: str) -> AsyncIterator[Stage]:
    async with stage_on(owner_url, key="a key for tests only") as stage:
        yield stage


@pytest.fixture
async def ours(stage: Stage) -> OrganizationId:
    return await stage.practice("Riverside Health")


@pytest.fixture
async def browser(stage: Stage) -> AsyncIterator[httpx.AsyncClient]:
    async with stage.browser() as browser:
        yield browser


async def secure(
    stage: Stage, ours: OrganizationId, *, language: str = "en", channel: Channel = Channel.SMS
) -> tuple[Actor, str]:
    """A patient with a note about results, and the link to it."""
    actor = await stage.patient(ours, language=language, visits=0)
    message_id = await actor.message(Purpose.LAB_READY, channel=channel)
    return actor, await actor.link(LinkKind.PORTAL, message_id=message_id, channel=channel)


@pytest.mark.requirement("R7.3", "R7.6")
@pytest.mark.parametrize("channel", [Channel.SMS, Channel.EMAIL])
async def test_a_secure_message_is_read_by_who_knows_the_year_of_birth(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient, channel: Channel
) -> None:
    actor, path = await secure(stage, ours, channel=channel)
    closed = await browser.get(path)
    assert "In which year were you born?" in closed.text
    assert "results" not in closed.text
    for year in ("1970", " १९७० "):
        opened = await browser.post(path, data={**READ, "year": year})
        assert (opened.status_code, "our results are ready" in opened.text) == (200, True)
        assert opened.text.count(">Your results are ready<") == (channel is Channel.EMAIL)
        for gone in ("STOP", "link.invalid", "https://"):
            assert gone not in opened.text
    assert await actor.audited() == ["link.read", "link.read"]


async def test_what_is_no_year_is_no_try_and_five_wrong_ones_close_the_message(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor, path = await secure(stage, ours)
    for slip in ("", "70", "197O", "19700"):
        asked = await browser.post(path, data={**READ, "year": slip})
        assert (asked.status_code, "four digits" in asked.text) == (422, True)
        assert 'role="alert"' in asked.text
        assert 'aria-describedby="year-hint year-error"' in asked.text
    for _ in range(4):
        wrong = await browser.post(path, data={**READ, "year": "1971"})
        assert (wrong.status_code, "not the year" in wrong.text) == (403, True)
    fifth = await browser.post(path, data={**READ, "year": "1971"})
    for closed in (fifth, await browser.post(path, data=READ)):
        assert (closed.status_code, "stays closed" in closed.text) == (403, True)
    assert await actor.audited() == ["link.wrong_year"] * 5


async def test_without_a_year_of_birth_nothing_is_shown(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    _, path = await secure(stage, ours)
    async with stage.db.engine_transaction() as tx:
        await tx.execute(text("UPDATE patients SET birth_date = NULL"))
    answer = await browser.post(path, data=READ)
    assert (answer.status_code, "no way to check that it is you" in answer.text) == (403, True)


@pytest.mark.requirement("R7.9")
async def test_an_expired_secure_message_is_sent_anew_to_the_same_address(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor, path = await secure(stage, ours)
    stage.clock.advance(timedelta(hours=24))
    assert (await browser.post(path, data=READ)).status_code == 410
    for _ in range(3):
        assert "on its way" in (await browser.post(path, data={"choice": "fresh"})).text
    (fresh,) = await actor.queued()
    assert (fresh["purpose"], fresh["address_id"]) == ("lab_ready", actor.address_ids[Channel.SMS])


@pytest.mark.requirement("R5.5")
async def test_cancelling_takes_a_tick_withdraws_the_reminders_and_tells_staff(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours)
    path = await actor.link(LinkKind.CANCEL)
    asked = await browser.post(path, data={"choice": "cancel"})
    assert (asked.status_code, 'id="sure-error"' in asked.text) == (422, True)
    assert await actor.statuses() == ["booked v1"]
    for _ in range(2):
        done = await browser.post(path, data={"choice": "cancel", "sure": "yes"})
        assert (done.status_code, "is cancelled" in done.text) == (200, True)
    assert await actor.statuses() == ["cancelled v2"]
    assert await actor.audited() == ["appointment.cancelled_by_patient"]
    (task,) = await actor.tasks()
    assert task.startswith("possible_cancellation: The patient cancelled")
    async with stage.db.engine_transaction() as tx:
        query = text("SELECT topic, args FROM outbox WHERE topic = 'reminders.plan'")
        planned = [tuple(row) for row in await tx.execute(query)]
    assert planned == [("reminders.plan", {"appointment_id": actor.visit_ids[0]})]


async def test_a_late_cancellation_of_a_moved_visit_is_left_to_staff(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours)
    path = await actor.link(LinkKind.CANCEL)
    await actor.tell(version=2, starts_at=STARTS_AT + timedelta(days=1))
    answer = await browser.post(path, data={"choice": "cancel", "sure": "yes"})
    assert (answer.status_code, "staff have been told" in answer.text) == (409, True)
    assert await actor.statuses() == ["booked v2"]
    assert len(await actor.tasks()) == 1


async def test_one_tick_cancels_every_visit_of_the_page(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours, visits=2)
    message_id = await actor.message(Purpose.APPT_REMINDER)
    path = await actor.link(LinkKind.PORTAL, message_id=message_id)
    assert "cancel all visits of this day" in (await browser.get(path)).text
    await browser.post(path, data={"choice": "cancel", "sure": "yes"})
    assert await actor.statuses() == ["cancelled v2", "cancelled v2"]


async def test_a_fresh_link_of_a_common_day_leaves_out_what_moved_to_another(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours, visits=3)
    message_id = await actor.message(Purpose.APPT_REMINDER)
    later = STARTS_AT + timedelta(days=5)
    for no, starts_at in ((0, later), (1, later - timedelta(hours=1)), (2, None)):
        await actor.tell(no, version=2, starts_at=starts_at or later + timedelta(days=1))
    path = await actor.link(LinkKind.PORTAL, message_id=message_id)
    await browser.post(path, data={"choice": "fresh"})
    (fresh,) = await actor.queued()
    assert fresh["appointment_id"] == actor.visit_ids[1]
    path = await actor.link(LinkKind.PORTAL, message_id=fresh["id"], version=2)
    assert (await browser.get(path)).text.count('class="visit"') == 2


async def test_free_slots_are_offered_and_each_is_given_once(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours)
    starts = [NOW + timedelta(hours=1), *(NOW + timedelta(days=2, hours=no) for no in range(9))]
    await actor.free(starts)
    first, second = [await actor.link(LinkKind.RESCHEDULE) for _ in range(2)]
    page = (await browser.get(first)).text
    assert page.count('name="slot"') == 7
    assert "Thu, Dec 3, 12:00 PM" in page
    assert "Tue, Dec 1" not in page
    slot = page.split('name="slot" value="')[1].partition('"')[0]
    data = {"choice": "reschedule", "slot": slot, "wish": "please"}
    assert "We have your wish" in (await browser.post(first, data=data)).text
    assert await actor.tasks() == ["reschedule_wish: free slot 2026-12-03 12:00; please"]
    other = await stage.patient(ours)
    foreign = await other.link(LinkKind.RESCHEDULE)
    for path in (second, foreign):
        page = (await browser.get(path)).text
        assert f'value="{slot}"' not in page
    await actor.free(starts[2:])
    taken = await browser.post(second, data=data)
    assert (taken.status_code, "just taken that time" in taken.text) == (409, True)
    assert len(await actor.tasks()) == 1
    assert await other.tasks() == []


async def test_the_calendar_file_tells_by_phone_no_more_than_when_and_whose(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours)
    files, path = {}, ""
    for channel in (Channel.SMS, Channel.EMAIL):
        path = await actor.link(LinkKind.CONFIRM, channel=channel)
        assert 'href="?calendar"' in (await browser.get(path)).text
        answer = await browser.get(f"{path}?calendar")
        assert answer.headers["content-type"].startswith("text/calendar")
        assert 'filename="visit.ics"' in answer.headers["content-disposition"]
        assert answer.headers["cache-control"] == "no-store"
        files[channel] = answer.text
    for file in files.values():
        assert "SUMMARY:Appointment: Riverside Health\r\n" in file
        assert "DTSTART:20261202T163000Z\r\n" in file
        for private in ("Ada", "Grey"):
            assert private not in file
    assert "Main Street" not in files[Channel.SMS]
    assert "LOCATION:Main Street Clinic" in files[Channel.EMAIL]
    await actor.tell(version=2, status=AppointmentStatus.CANCELLED)
    gone = await browser.get(f"{path}?calendar")
    assert (gone.status_code, "no longer planned" in gone.text) == (410, True)


@pytest.mark.requirement("R5.6", "R1.6")
async def test_an_unsubscribe_link_leads_to_choices_that_hold_at_once_and_may_be_repeated(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours)
    path = await actor.link(LinkKind.UNSUBSCRIBE)
    assert 'href="?preferences"' in (await browser.get(path)).text
    page = await browser.get(f"{path}?preferences")
    assert page.text.count(" checked") == 4
    assert "Health tips" not in page.text
    for told in ("Ada", "Grey", "212555"):
        assert told not in page.text
    for wanted in (["visits", "nonsense"], ["visits", "care", "money"], ["visits"]):
        data = {"want": wanted, "language": "hi"}
        saved = await browser.post(f"{path}?preferences", data=data)
        assert '<html lang="hi">' in saved.text
    async with stage.db.transaction(ours) as tx:
        held = (await preferences.resolve_many_in(tx, ours, [actor.patient_id]))[actor.patient_id]
    assert held.language == "hi"
    assert held.choice_of(Purpose.APPT_REMINDER).enabled
    assert not held.choice_of(Purpose.LAB_READY).enabled
    assert not held.choice_of(Purpose.PAYMENT_REMINDER).enabled
    stage.clock.advance(timedelta(days=60))
    late = await browser.post(f"{path}?preferences", data={"want": "money", "language": "en"})
    assert 'name="want"' not in late.text


async def test_who_wants_no_more_tips_takes_back_the_consent_to_them(
    stage: Stage, ours: OrganizationId, browser: httpx.AsyncClient
) -> None:
    actor = await stage.patient(ours)
    mailbox = actor.address_ids[Channel.EMAIL]
    agreed = Decision(
        kind=Kind.GRANT,
        message_class=MessageClass.MARKETING,
        method=Method.WEB_FORM,
        source="web",
        actor="patient",
        at=NOW,
    )
    async with stage.db.transaction(ours) as tx:
        await consent.record(tx, ours, mailbox, agreed, keys=stage.keys, now=NOW)
    path = await actor.link(LinkKind.UNSUBSCRIBE)
    assert "Health tips" in (await browser.get(f"{path}?preferences")).text
    data = {"want": ["visits", "care", "money"], "language": "en"}
    saved = await browser.post(f"{path}?preferences", data=data)
    assert "Health tips" not in saved.text
    async with stage.db.transaction(ours) as tx:
        states = (await consent.states_in(tx, [mailbox]))[mailbox]
    assert not states[MessageClass.MARKETING].granted
    assert states[MessageClass.CARE].granted
