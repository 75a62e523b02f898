"""From a provider's request to a stored row and an answer."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from tests.secret_book import FixedSecrets

from handbell.audit.service import AuditService
from handbell.channels.service import AccountService
from handbell.channels.types import EventKind, NewLine, Provider
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import CannotDecrypt, KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.templates.approvals.service import ApprovalService
from handbell.webhooks.applying import WAITS
from handbell.webhooks.dead import DeadWebhookService
from handbell.webhooks.errors import DeadWebhookNotFound
from handbell.webhooks.service import WebhookHandler
from handbell.webhooks.types import Secrets

STATUS = {
    "MessageSid": "SM9",
    "MessageStatus": "delivered",
    "To": "+12125550123",
    "ErrorMessage": "",
}
ALL = "SELECT * FROM webhook_deliveries ORDER BY id"
END_STUCK = (
    "SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity"
    " WHERE wait_event_type = 'Lock'"
    " AND query LIKE '%INSERT INTO webhook_deliveries%'"
)


def statuses(*refs: str) -> dict[str, Any]:
    return {
        "metadata": {"display_phone_number": "1 202-555-0199"},
        "statuses": [
            {"id": ref, "status": "delivered", "timestamp": "1796144400"} for ref in refs
        ],
    }


def written(*texts: tuple[str, str]) -> dict[str, Any]:
    return {
        "metadata": {"display_phone_number": "1 202-555-0199"},
        "messages": [
            {"id": ref, "from": "12125550123", "type": "text", "text": {"body": body}}
            for ref, body in texts
        ],
    }


@pytest.mark.requirement("R6.1", "R6.4")
async def test_a_signed_status_is_stored_encrypted_then_answered_then_applied(
    hooks: Any, keys: KeyRing
) -> None:
    answer = await hooks.twilio("status?mid=attempt-1", **STATUS)
    assert (answer.status_code, answer.content) == (200, b"")
    [row] = await hooks.rows(ALL)
    assert (row.provider, row.kind, row.token) == ("twilio", "twilio_status", "attempt-1")
    assert row.received_at == hooks.clock.instant
    assert b"SM9" not in row.raw
    with pytest.raises(CannotDecrypt):
        keys.unseal_raw(row.raw, context="elsewhere")
    assert hooks.delivery.events == []

    hooks.clock.advance(timedelta(minutes=2))
    assert await hooks.apply_all() == 1
    [event] = hooks.delivery.events
    assert (event.kind, event.provider_ref) == (EventKind.DELIVERED, "SM9")
    assert event.attempt_token == "attempt-1"
    assert hooks.delivery.times == [row.received_at]
    [row] = await hooks.rows(ALL)
    assert (row.applied_at, row.attempts) == (hooks.clock.instant, 1)


@pytest.mark.requirement("R6.3")
async def test_the_same_request_again_is_stored_once_and_applied_once(hooks: Any) -> None:
    for _ in range(3):
        assert (await hooks.twilio("status?mid=attempt-1", **STATUS)).status_code == 200
    assert await hooks.apply_all() == 1
    assert await hooks.apply_all() == 1
    assert len(hooks.delivery.events) == 1
    assert len(await hooks.rows(ALL)) == 1


@pytest.mark.requirement("R6.4")
async def test_what_is_not_signed_by_the_provider_is_refused_and_not_stored(hooks: Any) -> None:
    mail = b'[{"event":"open"}]\r\n'
    for answer in (
        await hooks.twilio("status?mid=a", forged=True, **STATUS),
        await hooks.twilio("inbound", forged=True, Body="STOP"),
        await hooks.client.post("/webhooks/twilio/status", data=STATUS),
        await hooks.whatsapp(statuses("w1"), secret="another"),
        await hooks.client.post("/webhooks/whatsapp", content=b"{}"),
        await hooks.sendgrid("events", mail, timestamp="1795514402"),
        await hooks.client.post("/webhooks/sendgrid/inbound", content=b"anything"),
    ):
        assert answer.status_code == 403
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "signature_invalid"
    assert await hooks.rows(ALL) == []


async def test_an_account_that_is_not_set_verifies_nothing(
    hooks: Any, db: Database, keys: KeyRing
) -> None:
    nothing = Secrets(
        public_url="https://m.example.org",
        twilio_auth_token="",
        sendgrid_public_key="",
        whatsapp_app_secret="",
        whatsapp_verify_token="",
    )
    hooks.handler._secrets = FixedSecrets(nothing)
    assert (await hooks.whatsapp(statuses("w1"), secret="")).status_code == 403
    bare = WebhookHandler(
        db,
        keys,
        FixedSecrets(nothing),
        delivery=hooks.delivery,
        inbound=hooks.inbound,
        approvals=ApprovalService(db, AuditService(db, keys)),
    )
    assert not bare.is_known_subscriber("")


async def test_mail_events_are_stored_with_their_closing_line_and_each_is_applied(
    hooks: Any,
) -> None:
    body = (
        b'[{"event":"delivered","sg_event_id":"e1","handbell_attempt":"a1"},\r\n'
        b'{"event":"open","sg_event_id":"e2","handbell_attempt":"a1"},\r\n7]\r\n'
    )
    assert (await hooks.sendgrid("events", body)).status_code == 200
    await hooks.apply_all()
    assert [event.key for event in hooks.delivery.events] == ["e1", "e2"]


async def test_an_answer_to_an_e_mail_is_kept_as_it_came(hooks: Any, keys: KeyRing) -> None:
    body = b"--x\r\nContent-Disposition: form-data; name=text\r\n\r\nHello\r\n--x--\r\n"
    assert (await hooks.sendgrid("inbound", body)).status_code == 200
    await hooks.apply_all()
    [row] = await hooks.rows(ALL)
    context = f"webhook_deliveries.raw/{row.digest.hex()}"
    assert keys.unseal_raw(row.raw, context=context) == body
    assert row.applied_at is not None


async def test_meta_sets_the_webhook_up_with_our_token_only(hooks: Any) -> None:
    asked = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
    known = asked | {"hub.verify_token": "verify-me"}
    answer = await hooks.client.get("/webhooks/whatsapp", params=known)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    for wrong in (asked, known | {"hub.verify_token": "guess"}, known | {"hub.mode": ""}):
        assert (await hooks.client.get("/webhooks/whatsapp", params=wrong)).status_code == 403


async def test_a_text_message_is_answered_with_empty_twiml_and_handed_on_when_it_came(
    hooks: Any,
) -> None:
    came = hooks.clock.instant
    answer = await hooks.text("C")
    assert (answer.status_code, answer.text) == (200, "<Response/>")
    assert answer.headers["content-type"].startswith("text/xml")
    hooks.clock.advance(timedelta(minutes=3))
    await hooks.apply_all()
    [(organization_id, item, received_at)] = hooks.inbound.taken
    assert (organization_id, item.body, received_at) == (1, "C", came)
    assert hooks.delivery.calls == []


@pytest.mark.requirement("R1.7", "R5.3")
async def test_a_stop_has_stopped_both_phone_channels_before_the_answer(
    hooks: Any, keys: KeyRing
) -> None:
    answer = await hooks.text(" Stop please ")
    assert answer.status_code == 200
    assert hooks.delivery.calls == ["opt_out with 1 stored", "settle of 1"]
    [(organization_id, address_ids, decision)] = hooks.delivery.stopped
    assert organization_id == 1
    assert (decision.source, decision.evidence) == ("twilio", "SM1")
    assert decision.message_class is None
    wanted = [keys.address_hash(c, "+12125550123") for c in ("sms", "whatsapp")]
    rows = {row.id: row.address_hash for row in await hooks.rows("SELECT * FROM addresses")}
    assert [rows[one] for one in address_ids] == wanted
    assert hooks.delivery.settled == [address_ids]

    assert (await hooks.text(" Stop please ")).status_code == 200
    assert len(hooks.delivery.stopped) == 1
    assert len(hooks.delivery.settled) == 2


@pytest.mark.requirement("R1.7")
async def test_an_organisation_may_let_a_stop_end_the_one_channel(
    hooks: Any, practice: Any
) -> None:
    await practice.execute("UPDATE organization_settings SET stop_scope = 'channel'")
    await hooks.whatsapp(written(("w1", "Hi"), ("w2", "ALTO"), ("w3", "बंद करो")))
    channels = await hooks.rows("SELECT channel FROM addresses")
    assert [row.channel for row in channels] == ["whatsapp"]
    assert [one[2].evidence for one in hooks.delivery.stopped] == ["w2", "w3"]
    assert len(await hooks.rows(ALL)) == 1


async def test_what_twilio_took_for_a_stop_is_one_whatever_the_words(hooks: Any) -> None:
    await hooks.text("genug jetzt", OptOutType="STOP")
    assert len(hooks.delivery.stopped) == 1
    await hooks.text("yes", OptOutType="START", MessageSid="SM2")
    assert len(hooks.delivery.stopped) == 1


async def test_a_stop_that_could_not_stop_is_not_stored_and_not_acknowledged(hooks: Any) -> None:
    hooks.delivery.fails = True
    with pytest.raises(RuntimeError):
        await hooks.text("STOP")
    assert await hooks.rows(ALL) == []
    hooks.delivery.fails = False
    assert (await hooks.text("STOP")).status_code == 200
    assert len(hooks.delivery.stopped) == 2


async def test_a_line_decides_whose_message_it_is(
    hooks: Any, practice: Any, other_organization: OrganizationId
) -> None:
    await practice.execute(
        "UPDATE sender_lines SET organization_id = :id WHERE channel = 'sms'",
        id=other_organization,
    )
    await hooks.text("STOP")
    await hooks.text("C", MessageSid="SM2")
    await hooks.text("C", MessageSid="SM3", To="+12025550111")
    await hooks.apply_all()
    assert [one[0] for one in hooks.delivery.stopped] == [other_organization]
    owners = [one[0] for one in hooks.inbound.taken]
    assert owners == [other_organization, other_organization, practice.id]


async def test_many_at_once_are_each_stored_once(hooks: Any) -> None:
    sends = [hooks.whatsapp(statuses(f"w{no % 40}")) for no in range(80)]
    answers = await asyncio.gather(*sends)
    assert {answer.status_code for answer in answers} == {200}
    assert len(await hooks.rows(ALL)) == 40
    assert await hooks.apply_all() == 40
    assert len({event.key for event in hooks.delivery.events}) == 40


@pytest.mark.requirement("R6.4")
async def test_what_could_not_be_stored_is_not_acknowledged_and_may_come_again(
    hooks: Any,
) -> None:
    async with hooks.db.engine_transaction() as tx:
        await tx.execute(text("LOCK TABLE webhook_deliveries IN SHARE MODE"))
        waiting = asyncio.gather(*(hooks.whatsapp(statuses(f"w{no}")) for no in range(3)))
        while not waiting.done():
            await hooks.rows(END_STUCK)
    codes = [answer.status_code for answer in await waiting]
    assert 503 in codes
    assert set(codes) <= {200, 503}
    for no in range(3):
        assert (await hooks.whatsapp(statuses(f"w{no}"))).status_code == 200
    assert len(await hooks.rows(ALL)) == 3


@pytest.mark.requirement("R6.4")
async def test_a_callback_that_cannot_be_applied_is_tried_five_times_and_then_named(
    hooks: Any,
) -> None:
    await hooks.whatsapp(written(("w1", "poison"), ("w2", "C")))
    for _ in range(4):
        with pytest.raises(RuntimeError):
            await hooks.apply_all()
    await hooks.apply_all()
    assert {one[1].body for one in hooks.inbound.taken} == {"C"}
    [row] = await hooks.rows(ALL)
    assert (row.attempts, row.problem, row.applied_at) == (5, "RuntimeError", None)
    taken = len(hooks.inbound.taken)
    await hooks.apply_all()
    assert len(hooks.inbound.taken) == taken


@pytest.mark.requirement("R6.1")
async def test_an_organisations_own_account_signs_for_its_own_lines_only(
    hooks: Any, practice: Any, other_organization: OrganizationId, clock: FrozenClock
) -> None:
    sid = "AC" + "3" * 32
    own = hooks.handler._secrets.environment
    theirs = replace(own, twilio_auth_token="theirs")
    named = {(Provider.TWILIO, sid): [(other_organization, theirs)]}
    hooks.handler._secrets = FixedSecrets(own, named)
    accounts = AccountService(practice.db, practice.keys, practice.audit)
    await accounts.lend(
        other_organization,
        Provider.TWILIO,
        NewLine(address="+12025550177"),
        actor="operator",
        now=clock.instant,
    )
    fields = {"MessageSid": "SM9", "AccountSid": sid, "From": "+12125550123", "Body": "STOP"}
    to_them = fields | {"To": "+12025550177"}
    to_us = fields | {"To": "+12025550100"}
    assert (await hooks.twilio("inbound", key="theirs", **to_us)).status_code == 403
    assert (await hooks.twilio("inbound", key="neither", **to_them)).status_code == 403
    assert (await hooks.twilio("inbound", key="theirs", **to_them)).status_code == 200
    rows = await practice.rows("SELECT organization_id FROM webhook_deliveries")
    assert [row.organization_id for row in rows] == [other_organization]


@pytest.mark.requirement("R6.4")
async def test_one_event_that_fails_loses_no_other_of_its_request(hooks: Any) -> None:
    await hooks.whatsapp(statuses("w1", "poison", "w2"))
    with pytest.raises(RuntimeError):
        await hooks.apply_all()
    assert {event.provider_ref for event in hooks.delivery.events} == {"w1", "w2"}


@pytest.mark.requirement("R6.1")
async def test_a_callback_that_is_quicker_than_the_answer_waits_for_it(hooks: Any) -> None:
    hooks.delivery.unknown = {"w1"}
    await hooks.whatsapp(statuses("w1"))
    came = hooks.clock.instant
    assert await hooks.apply_all() == 1
    [row] = await hooks.rows(ALL)
    assert (row.applied_at, row.parked, row.attempts) == (None, 1, 0)
    [again] = await hooks.rows("SELECT * FROM outbox WHERE not_before > created_at")
    assert again.not_before - came == timedelta(seconds=5)

    hooks.delivery.unknown = set()
    hooks.clock.advance(timedelta(seconds=5))
    await hooks.apply_all()
    [row] = await hooks.rows(ALL)
    assert row.applied_at == hooks.clock.instant


async def test_a_callback_about_nothing_that_we_sent_is_let_go_in_the_end(hooks: Any) -> None:
    hooks.delivery.unknown = {"w1"}
    await hooks.whatsapp(statuses("w1"))
    for _ in WAITS:
        assert await hooks.apply_all() == 1
        oldest = "DELETE FROM outbox WHERE id = (SELECT min(id) FROM outbox)"
        await hooks.practice.execute(oldest)
        hooks.clock.advance(timedelta(hours=24))
    assert [row.applied_at for row in await hooks.rows(ALL)] == [None]
    await hooks.apply_all()
    assert (await hooks.rows(ALL))[0].applied_at == hooks.clock.instant


@pytest.mark.requirement("R6.4")
async def test_what_was_given_up_is_listed_and_tried_again_when_somebody_asks(
    hooks: Any, practice: Any
) -> None:
    dead = DeadWebhookService(hooks.db, practice.audit)
    await hooks.whatsapp(written(("w1", "poison")))
    for _ in range(4):
        with pytest.raises(RuntimeError):
            await hooks.apply_all()
    await hooks.apply_all()
    [one], total = await dead.list_dead(practice.id, limit=5, offset=0)
    assert (one.kind, one.attempts, one.problem, total) == ("whatsapp", 5, "RuntimeError", 1)
    assert await dead.list_dead(OrganizationId(99), limit=5, offset=0) == ([], 0)

    now = hooks.clock.instant
    with pytest.raises(DeadWebhookNotFound):
        await dead.replay(OrganizationId(99), one.id, actor="tests", now=now)
    hooks.inbound.poison = "cured"
    await practice.execute("DELETE FROM outbox")
    await dead.replay(practice.id, one.id, actor="tests", now=now)
    assert await hooks.apply_all() == 1
    assert len(hooks.inbound.taken) == 1
    assert await dead.list_dead(practice.id, limit=5, offset=0) == ([], 0)
    [entry] = await practice.rows("SELECT * FROM audit_entries WHERE action = 'webhook.replayed'")
    assert entry.subject == {"delivery_id": one.id}


async def test_a_database_that_is_away_costs_a_callback_no_attempt(hooks: Any) -> None:
    await hooks.whatsapp(statuses("w1"))
    hooks.delivery.away = True
    for _ in range(6):
        with pytest.raises(ConnectionRefusedError):
            await hooks.apply_all()
    hooks.delivery.away = False
    await hooks.apply_all()
    [row] = await hooks.rows(ALL)
    assert (row.attempts, row.problem, row.applied_at) == (1, None, hooks.clock.instant)


@pytest.mark.parametrize(
    ("field", "value"),
    [("MessageSid", "SM\0"), ("ErrorCode", "3" * 600), ("To", "+1\0")],
)
async def test_an_item_that_the_database_cannot_keep_is_ignored(
    hooks: Any, field: str, value: str
) -> None:
    answer = await hooks.twilio("status?mid=%00", **(STATUS | {field: value}))
    assert answer.status_code == 200
    assert await hooks.apply_all() == 1
    assert hooks.delivery.events == []


@pytest.mark.requirement("R1.7")
async def test_a_stop_with_a_nul_in_it_stops(hooks: Any) -> None:
    assert (await hooks.text("STOP\0")).status_code == 200
    assert len(hooks.delivery.stopped) == 1
