"""A pause stops what it covers and nothing else, and everything goes on afterwards."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import httpx
import pytest
from tests.delivery.desk import NOON, VISIT, Desk
from tests.http_client import serving

from handbell.channels.errors import LineNotFound
from handbell.channels.service import line_for, lines_in
from handbell.channels.types import NewOrders, Pause, PauseScope
from handbell.delivery.pauses.errors import PauseNotFound
from handbell.delivery.pauses.router import pauses_router
from handbell.delivery.pauses.service import PauseService
from handbell.delivery.pauses.types import Covered, NewPause
from handbell.messages.router import messages_router
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Channel, Lane
from handbell.scheduling.types import At

Ask = Callable[..., Awaitable[httpx.Response]]
HOUR = timedelta(hours=1)


@pytest.fixture
def pauses(practice: Any) -> PauseService:
    return PauseService(practice.db, practice.audit, FrozenClock(NOON))


async def stop(
    pauses: PauseService,
    *,
    until: datetime | None = None,
    new_orders: NewOrders = NewOrders.HOLD,
    **scope: Any,
) -> Pause:
    new = NewPause(
        scope=PauseScope(**scope),
        new_orders=new_orders,
        reason="the number is being moved",
        until=until,
    )
    return await pauses.pause(new, actor="tests", now=NOON)


async def one_due(desk: Desk, key: str = "key") -> int:
    patient = await desk.practice.patient()
    return await desk.order(patient, key, **await desk.booked(patient))


@pytest.mark.requirement("R9.6")
async def test_what_is_paused_is_not_leased_and_goes_when_it_is_resumed(
    desk: Desk, pauses: PauseService
) -> None:
    message = await one_due(desk)
    paused = await stop(pauses, organization_id=desk.practice.id)
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.SCHEDULED
    ended = await pauses.resume(desk.practice.id, paused.id, actor="tests", now=NOON)
    assert (ended.ended_at, ended.ended_by) == (NOON, "tests")
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.ACCEPTED


@pytest.mark.requirement("R9.6")
async def test_what_was_leased_before_the_pause_goes_back_at_once(
    desk: Desk, pauses: PauseService
) -> None:
    message = await one_due(desk)
    (leased,) = await desk.delivery.lease_due(Lane.CARE, now=NOON)
    await stop(pauses, organization_id=desk.practice.id)
    await desk.deliver(leased.message_ids)
    assert desk.sender.sent == []
    assert (await desk.job(message)).lifecycle is Lifecycle.SCHEDULED


@pytest.mark.requirement("R9.6")
async def test_a_worker_looks_again_when_it_claims(desk: Desk, pauses: PauseService) -> None:
    """The lease may have been taken while the pause was being made."""
    message = await one_due(desk)
    await stop(pauses, organization_id=desk.practice.id)
    await desk.practice.execute("UPDATE messages SET lifecycle = 'queued'")
    await desk.deliver([message])
    assert desk.sender.sent == []
    assert (await desk.job(message)).lifecycle is Lifecycle.SCHEDULED


@pytest.mark.requirement("R9.6")
async def test_after_a_pause_the_soonest_visit_goes_first_and_nothing_is_lost(
    desk: Desk, pauses: PauseService
) -> None:
    hours = (5, 3, 4)
    waiting = {}
    for hour in hours:
        serves_at = NOON + timedelta(hours=hour)
        patient = await desk.practice.patient(("sms", f"+1212555010{hour}"))
        waiting[hour] = await desk.order(
            patient,
            str(hour),
            anchor=At(NOON, serves_at),
            serves_at=serves_at,
            appointment_id=await desk.practice.visit(patient, serves_at),
            appointment_version=1,
        )
    paused = await stop(pauses, organization_id=desk.practice.id)
    await desk.run()
    assert await pauses.get(desk.practice.id, paused.id) == (
        paused,
        Covered(in_flight=0, waiting=3),
    )
    await pauses.resume(desk.practice.id, paused.id, actor="tests", now=NOON)
    await desk.run()
    left = await desk.practice.rows("SELECT message_id FROM message_attempts ORDER BY id")
    assert [row.message_id for row in left] == [waiting[hour] for hour in sorted(hours)]


@pytest.mark.requirement("R9.6")
async def test_what_a_pause_made_too_late_ends_with_its_reason(
    desk: Desk, pauses: PauseService
) -> None:
    message = await one_due(desk)
    paused = await stop(pauses, organization_id=desk.practice.id)
    desk.clock.instant = VISIT
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.SCHEDULED
    await pauses.resume(desk.practice.id, paused.id, actor="tests", now=VISIT)
    await desk.run()
    job = await desk.job(message)
    assert (job.lifecycle, job.reasons) == (Lifecycle.EXPIRED, (Reason.USELESS,))
    assert desk.sender.sent == []


@pytest.mark.requirement("R9.6")
async def test_a_pause_ends_by_itself(desk: Desk, pauses: PauseService) -> None:
    message = await one_due(desk)
    await stop(pauses, organization_id=desk.practice.id, until=NOON + HOUR)
    await desk.run()
    desk.clock.instant = NOON + HOUR
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.ACCEPTED


@pytest.mark.requirement("R9.6")
async def test_each_pause_stops_exactly_what_it_covers(
    desk: Desk, pauses: PauseService, other_organization: Any
) -> None:
    """The oracle is `PauseScope.covers`, which knows nothing of SQL."""
    patient = await desk.practice.patient()
    await desk.order(patient)
    kinds = list(product((desk.practice.id, other_organization), tuple(Lane)[:5], Channel))
    for no, (organization_id, lane, channel) in enumerate(kinds):
        await desk.practice.execute(
            "INSERT INTO messages (organization_id, order_key, ordered_by, patient_id, channel,"
            " is_address_named, purpose, message_class, lane, anchor, lifecycle, reasons,"
            " scheduled_at, preference_levels, decided_at, created_at, changed_at)"
            " SELECT :org, :key, ordered_by, patient_id, :channel, false, purpose, message_class,"
            " :lane, anchor, 'scheduled', '{}', scheduled_at, '{}', decided_at, created_at,"
            " changed_at FROM messages WHERE order_key = 'key'",
            org=organization_id,
            key=f"copy {no}",
            channel=channel,
            lane=lane,
        )
    await desk.practice.execute("DELETE FROM messages WHERE order_key = 'key'")
    organizations = (None, desk.practice.id)
    for whose, on_lane, on_channel in product(
        organizations, (None, Lane.CARE, Lane.URGENT), (None, Channel.EMAIL)
    ):
        scope = PauseScope(organization_id=whose, lane=on_lane, channel=on_channel)
        paused = await stop(pauses, organization_id=whose, lane=on_lane, channel=on_channel)
        found = await _leased(desk)
        expected = {
            kind
            for kind in kinds
            if not (scope.organization_id in {None, kind[0]} and scope.covers(kind[1], kind[2]))
        }
        assert found == expected, scope
        await pauses.resume(None, paused.id, actor="tests", now=NOON)


async def _leased(desk: Desk) -> set[tuple[int, Lane, Channel]]:
    leased = [one for lane in Lane for one in await desk.delivery.lease_due(lane, now=NOON)]
    await desk.practice.execute("UPDATE messages SET lifecycle = 'scheduled'")
    return {(one.organization_id, one.lane, one.channel) for one in leased}


@pytest.mark.requirement("R9.6")
async def test_draining_waits_for_the_call_in_flight(desk: Desk, pauses: PauseService) -> None:
    await one_due(desk)
    await desk.practice.execute("UPDATE messages SET lifecycle = 'sending'")
    paused = await stop(pauses, organization_id=desk.practice.id)
    left = await pauses.drained(paused, patience=timedelta(seconds=0.2))
    assert left == Covered(in_flight=1, waiting=0)
    await desk.practice.execute("UPDATE messages SET lifecycle = 'accepted'")
    left = await pauses.drained(paused, patience=timedelta(seconds=30))
    assert left == Covered(in_flight=0, waiting=0)


@pytest.mark.requirement("R9.6")
async def test_a_paused_line_holds_its_own_messages_and_the_other_line_goes_on(
    desk: Desk, pauses: PauseService
) -> None:
    """`line_for` says whose address is whose; it knows nothing of pauses."""
    await desk.practice.execute(
        "INSERT INTO sender_lines (organization_id, account_id, channel, address, created_at)"
        " SELECT organization_id, account_id, channel, '+12025550199', created_at"
        " FROM sender_lines WHERE channel = 'sms' AND organization_id = :org",
        org=desk.practice.id,
    )
    ids = []
    for no in range(8):
        patient = await desk.practice.patient(("sms", f"+1212555012{no}"))
        ids.append(await desk.order(patient, str(no), **await desk.booked(patient)))
    rows = await desk.practice.rows("SELECT id, address_id FROM messages")
    async with desk.practice.db.transaction(desk.practice.id) as tx:
        lines = await lines_in(tx, desk.practice.id)
    lines_of = {row.id: line_for(lines, Channel.SMS, row.address_id) for row in rows}
    stopped = lines_of[ids[0]]
    assert stopped is not None
    held = {id_ for id_, line in lines_of.items() if line == stopped}
    assert 0 < len(held) < len(ids)
    paused = await stop(pauses, organization_id=desk.practice.id, line_id=stopped.id)
    await desk.run()
    jobs = {id_: await desk.job(id_) for id_ in ids}
    assert {id_ for id_ in ids if jobs[id_].reasons == (Reason.HELD,)} == held
    assert {id_ for id_ in ids if jobs[id_].lifecycle is Lifecycle.ACCEPTED} == set(ids) - held
    _, covered = await pauses.get(desk.practice.id, paused.id)
    assert covered == Covered(in_flight=0, waiting=len(held))
    await pauses.resume(desk.practice.id, paused.id, actor="tests", now=NOON)
    await desk.run()
    assert [(await desk.job(id_)).lifecycle for id_ in ids] == [Lifecycle.ACCEPTED] * len(ids)


@pytest.mark.requirement("R9.6")
async def test_what_a_line_holds_is_left_alone_until_its_pause_ends(
    desk: Desk, pauses: PauseService
) -> None:
    message = await one_due(desk)
    line = await desk.practice.value("SELECT id FROM sender_lines WHERE channel = 'sms'")
    ends = NOON + timedelta(minutes=20)
    await stop(pauses, organization_id=desk.practice.id, line_id=line, until=ends)
    looks = []
    while desk.clock.instant < ends:
        leased = await desk.delivery.lease_due(Lane.CARE, now=desk.clock.instant)
        for one in leased:
            looks.append(desk.clock.instant - NOON)
            await desk.deliver(one.message_ids)
        desk.clock.advance(timedelta(seconds=30))
    assert looks == [timedelta(), timedelta(minutes=15)]
    assert (await desk.job(message)).scheduled_at == ends
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.ACCEPTED


@pytest.mark.requirement("R9.6")
async def test_a_line_and_its_pause_are_nobody_elses(
    desk: Desk, pauses: PauseService, other_organization: Any
) -> None:
    line = await desk.practice.value("SELECT id FROM sender_lines WHERE channel = 'sms'")
    paused = await stop(pauses, organization_id=desk.practice.id, line_id=line)
    assert paused.scope.channel is Channel.SMS
    with pytest.raises(LineNotFound):
        await stop(pauses, organization_id=other_organization, line_id=line)
    with pytest.raises(LineNotFound):
        await stop(pauses, organization_id=desk.practice.id, line_id=line, channel=Channel.EMAIL)
    with pytest.raises(PauseNotFound):
        await pauses.resume(other_organization, paused.id, actor="tests", now=NOON)


@pytest.fixture
async def ask(practice: Any, pauses: PauseService, clock: FrozenClock) -> AsyncIterator[Ask]:
    async with serving(pauses_router(pauses, clock), clock) as client:

        async def send(method: str, path: str, *, role: str = "admin", **more: Any) -> Any:
            headers = {"authorization": f"Bearer {role}@{practice.id}"}
            return await client.request(method, f"/delivery/pauses{path}", headers=headers, **more)

        yield send


@pytest.mark.requirement("R9.6")
async def test_over_http_a_pause_is_made_seen_and_ended_and_each_act_is_recorded(
    ask: Ask, practice: Any
) -> None:
    body = {"lane": "marketing", "reason": "too loud", "new_orders": "refuse"}
    made = (await ask("POST", "", json=body)).json()
    assert (made["lane"], made["new_orders"], made["ended_at"]) == ("marketing", "refuse", None)
    seen = (await ask("GET", f"/{made['id']}", role="auditor")).json()
    assert seen == {"pause": made, "in_flight": 0, "waiting": 0}
    ended = [(await ask("POST", f"/{made['id']}/resume")).json() for _ in range(2)]
    assert ended[0] == ended[1]
    assert ended[0]["ended_at"] is not None
    listed = await ask("GET", "", role="staff")
    assert (listed.json(), listed.headers["x-total-count"]) == ([ended[0]], "1")
    actions = await practice.rows("SELECT action FROM audit_entries ORDER BY id DESC LIMIT 2")
    assert [row.action for row in actions] == ["delivery.resumed", "delivery.paused"]


@pytest.mark.requirement("R9.6")
@pytest.mark.parametrize("new_orders", list(NewOrders))
async def test_while_paused_orders_are_held_or_refused_as_was_chosen(
    practice: Any, pauses: PauseService, clock: FrozenClock, new_orders: NewOrders
) -> None:
    patient = await practice.patient()
    await stop(pauses, organization_id=practice.id, lane=Lane.CARE, new_orders=new_orders)
    router = messages_router(practice.db, practice.messages, practice.audit, clock)
    async with serving(router, clock) as client:
        answers = [
            await client.post(
                "/comm/schedule",
                json={"patient_id": patient, "purpose": purpose},
                headers={"authorization": f"Bearer staff@{practice.id}"},
            )
            for purpose in ("rx_refill", "payment_reminder")
        ]
    care, billing = (answer.json() for answer in answers)
    stored = await practice.value("SELECT count(*) FROM messages WHERE lane = 'care'")
    if new_orders is NewOrders.HOLD:
        assert ("held" in care["reasons"], stored) == (True, 1)
    else:
        assert (answers[0].status_code, care["code"], stored) == (503, "delivery_paused", 0)
    assert answers[1].status_code == 200
    assert "held" not in billing["reasons"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"reason": "x", "lane": "jobs"}, "invalid_request"),
        ({"reason": ""}, "invalid_request"),
        ({"reason": "x", "until": "2020-01-01T00:00:00Z"}, "pause_ends_in_the_past"),
        ({"reason": "x", "line_id": 4711}, "sender_line_not_found"),
    ],
)
async def test_a_pause_that_means_nothing_is_refused(
    ask: Ask, body: dict[str, Any], code: str
) -> None:
    assert (await ask("POST", "", json=body)).json()["code"] == code


async def test_only_an_administrator_pauses(ask: Ask) -> None:
    assert (await ask("POST", "", role="staff", json={"reason": "x"})).status_code == 403
