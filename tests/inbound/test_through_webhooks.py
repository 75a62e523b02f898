"""From Twilio's and Meta's own requests to what becomes of the visit and of what is planned."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import FastAPI
from tests.secret_book import FixedSecrets

from handbell.actions.service import ActionService
from handbell.delivery.service import DeliveryService
from handbell.inbound.service import InboundService
from handbell.messages.types import SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database
from handbell.platform.http import install_problems
from handbell.platform.vocabulary import Channel, Purpose
from handbell.sandbox import signing
from handbell.scheduling.types import At
from handbell.templates.approvals.service import ApprovalService
from handbell.webhooks.router import webhooks_router
from handbell.webhooks.service import WebhookHandler
from handbell.webhooks.types import Secrets

NUMBER = "+12125550123"
MAILBOX = "ada.writes@example.org"
KEY = ec.generate_private_key(ec.SECP256R1())
INBOUND = "/webhooks/twilio/inbound"
SUPPRESSED = "SELECT channel FROM suppressions WHERE lifted_at IS NULL ORDER BY channel"


class Line:
    """The practice's numbers: what patients write comes in as the providers bring it."""

    def __init__(self, practice: Any, handler: WebhookHandler, clock: FrozenClock) -> None:
        app = FastAPI()
        install_problems(app)
        app.include_router(webhooks_router(handler, clock))
        transport = httpx.ASGITransport(app=app)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://inside")
        self.practice = practice
        self.handler = handler
        self.clock = clock

    async def sms(self, body: str, **more: str) -> None:
        told = {"MessageSid": "SM1", "From": NUMBER, "To": "+12025550100", "Body": body} | more
        signature = signing.twilio_signature("token", f"https://m.example.org{INBOUND}", told)
        answer = await self.client.post(
            INBOUND,
            content=urlencode(told).encode(),
            headers={
                "X-Twilio-Signature": signature,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert answer.status_code == 200

    async def whatsapp(self, body: str, context: str) -> None:
        message = {
            "id": "wamid.in",
            "type": "button",
            "button": {"payload": body, "text": "Confirm"},
            "context": {"id": context},
        }
        await self.meta(message)

    async def meta(self, message: dict[str, Any]) -> None:
        sent = {"from": NUMBER.lstrip("+"), **message}
        value = {"metadata": {"display_phone_number": "12025550199"}, "messages": [sent]}
        entry = {"changes": [{"field": "messages", "value": value}]}
        raw = json.dumps({"entry": [entry]}).encode()
        headers = {"X-Hub-Signature-256": signing.whatsapp_signature("secret", raw)}
        answer = await self.client.post("/webhooks/whatsapp", content=raw, headers=headers)
        assert answer.status_code == 200

    async def mail(self, text: str, *, sender: str, to: str) -> None:
        fields = {
            "headers": f"From: {sender}\nMessage-ID: <{text}@example.org>\n",
            "from": sender,
            "to": to,
            "envelope": json.dumps({"to": [to], "from": sender}),
            "subject": "Re: your visit",
            "text": f"{text}\n\n> Reply STOP to opt out\n",
        }
        parts = [
            f'--xYz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        raw = ("".join(parts) + "--xYz--\r\n").encode()
        headers = {
            "X-Twilio-Email-Event-Webhook-Signature": signing.sendgrid_signature(KEY, "1", raw),
            "X-Twilio-Email-Event-Webhook-Timestamp": "1",
            "Content-Type": "multipart/form-data; boundary=xYz",
        }
        answer = await self.client.post("/webhooks/sendgrid/inbound", content=raw, headers=headers)
        assert answer.status_code == 200

    async def work(self) -> None:
        """Do what the outbox holds for the webhooks."""
        query = "SELECT organization_id, args FROM outbox WHERE topic = 'webhooks.apply'"
        for one in await self.practice.rows(query):
            await self.handler.apply_many(one.organization_id, [one.args], now=self.clock.instant)


@pytest.fixture
async def line(
    practice: Any, db: Database, keys: KeyRing, clock: FrozenClock
) -> AsyncIterator[Line]:
    delivery = DeliveryService(db, practice.messages, clock)
    actions = ActionService(db, keys, practice.audit, practice.messages, delivery)
    secrets = Secrets(
        public_url="https://m.example.org",
        twilio_auth_token="token",
        sendgrid_public_key=signing.public_key(KEY),
        whatsapp_app_secret="secret",
        whatsapp_verify_token="",
    )
    handler = WebhookHandler(
        db,
        keys,
        FixedSecrets(secrets),
        delivery=delivery,
        inbound=InboundService(keys, practice.audit, practice.messages, actions),
        approvals=ApprovalService(db, practice.audit),
    )
    made = Line(practice, handler, clock)
    yield made
    await made.client.aclose()


@pytest.mark.requirement("R5.1", "R6.3")
async def test_c_by_sms_confirms_and_twice_is_once(line: Line, chat: Any, practice: Any) -> None:
    visit = await chat.ask(await practice.patient())
    await line.sms("C")
    assert await chat.status(visit) == "booked"
    await line.sms("C")
    await line.sms("C", NumMedia="0")
    await line.work()
    await line.work()
    assert await chat.status(visit) == "confirmed"
    assert await chat.answers() == ["reply_confirmed"]
    assert await chat.handled() == ["confirmed"]


@pytest.mark.requirement("R5.1")
async def test_the_button_of_a_whatsapp_message_confirms_the_visit_that_it_is_about(
    line: Line, chat: Any, practice: Any
) -> None:
    patient = await practice.patient(("whatsapp", NUMBER))
    visit = await chat.ask(patient, channel=Channel.WHATSAPP)
    await line.whatsapp("C", "wamid.out")
    await line.work()
    assert await chat.status(visit) == "confirmed"
    assert await chat.answers() == ["reply_confirmed"]


@pytest.mark.requirement("R1.7", "R5.3")
async def test_a_stop_holds_before_it_is_answered_and_ends_what_is_planned(
    line: Line, chat: Any, practice: Any
) -> None:
    patient = await practice.patient(("sms", NUMBER), ("whatsapp", NUMBER))
    order = SendOrder(
        patient_id=patient,
        purpose=Purpose.APPT_REMINDER,
        anchor=At(line.clock.instant),
        order_key="planned",
        ordered_by="tests",
        channel=Channel.SMS,
        appointment_id=await practice.visit(patient, line.clock.instant.replace(day=4)),
        appointment_version=1,
    )
    await practice.messages.admit(practice.id, order, now=line.clock.instant)

    await line.sms("STOP", OptOutType="STOP")

    assert [row.channel for row in await practice.rows(SUPPRESSED)] == ["sms", "whatsapp"]
    [planned] = await practice.rows("SELECT lifecycle, reasons FROM messages")
    assert (planned.lifecycle, planned.reasons) == ("refused", ["opted_out"])
    await line.work()
    assert await chat.handled() == ["opted_out"]
    assert await chat.answers() == []


@pytest.mark.requirement("R5.3")
async def test_a_stop_in_other_words_is_confirmed_by_us_and_that_may_leave(
    line: Line, chat: Any, practice: Any
) -> None:
    await practice.patient()
    await line.sms("please stop texting me")
    await line.work()
    [answer] = await practice.rows("SELECT purpose, lifecycle FROM messages")
    assert (answer.purpose, answer.lifecycle) == ("reply_optout", "scheduled")
    await line.sms("stop!!", MessageSid="SM2")
    await line.work()
    assert await chat.answers() == ["reply_optout"]


@pytest.mark.requirement("R5.3")
async def test_a_stop_is_not_answered_while_a_message_to_the_number_is_in_flight(
    line: Line, chat: Any, practice: Any
) -> None:
    await chat.ask(await practice.patient())
    await practice.execute("UPDATE messages SET lifecycle = 'sending'")
    stopping = asyncio.ensure_future(line.sms("STOP"))
    while not await practice.rows(SUPPRESSED):
        """The stop has not been stored yet."""
    assert not stopping.done()
    await practice.execute("UPDATE messages SET lifecycle = 'accepted'")
    await stopping


@pytest.mark.requirement("R1.7", "R5.3")
async def test_the_end_of_marketing_leaves_what_is_about_care(
    line: Line, chat: Any, practice: Any
) -> None:
    await practice.patient()
    await line.sms("stop the promotions, keep my reminders")
    assert await practice.rows(SUPPRESSED) == []
    ended = await practice.rows(
        "SELECT message_class FROM consent_entries WHERE kind = 'revoke' AND method = 'keyword'"
    )
    assert {row.message_class for row in ended} == {"marketing"}
    await line.work()
    assert (await chat.answers(), await chat.tasks()) == (["reply_marketing_optout"], [])


@pytest.mark.requirement("R5.1", "R5.4")
async def test_an_answer_by_email_confirms_the_visit_of_the_message_it_answers(
    line: Line, chat: Any, practice: Any
) -> None:
    patient = await practice.patient(("email", MAILBOX))
    visits = [await chat.ask(patient, channel=Channel.EMAIL, in_days=days) for days in (2, 5)]
    first = await practice.value("SELECT min(id) FROM messages")
    await practice.execute(
        """
        INSERT INTO message_attempts (organization_id, message_id, no, token, address_id,
            used_sibling, body, body_digest, own_facts, started_at, leaf, mac, xid,
            eligibility_part_id, window_part_id)
        SELECT organization_id, id, 1, 'ToKeN', address_id, false, '', '', '{}', created_at, '',
            '', 1, eligibility_part_id, window_part_id FROM messages WHERE id = :id
        """,
        id=first,
    )
    await line.mail("C", sender=MAILBOX, to="reply+ToKeN@in.example.org")
    await line.work()
    assert [await chat.status(visit) for visit in visits] == ["confirmed", "booked"]
    assert await chat.answers() == ["reply_confirmed"]


@pytest.mark.requirement("R5.3", "R1.6")
async def test_a_stop_by_email_stops_the_mailbox_before_it_is_answered_and_nothing_else(
    line: Line, chat: Any, practice: Any
) -> None:
    await practice.patient(("email", MAILBOX), ("sms", NUMBER))
    await line.mail("please stop", sender=MAILBOX.title(), to="reply@in.example.org")
    assert [row.channel for row in await practice.rows(SUPPRESSED)] == ["email"]
    await line.mail("please stop", sender=MAILBOX.title(), to="reply@in.example.org")
    await line.work()
    assert await chat.answers() == ["reply_optout"]
    assert await chat.handled() == ["opted_out"]


async def test_a_reaction_on_whatsapp_is_read_as_one_and_confirms_nothing(
    line: Line, chat: Any, practice: Any
) -> None:
    visit = await chat.ask(await practice.patient(("whatsapp", NUMBER)), channel=Channel.WHATSAPP)
    for no, emoji in enumerate(("👍", "👎", "")):
        reaction = {"message_id": "wamid.ours", "emoji": emoji}
        await line.meta({"id": f"wamid.{no}", "type": "reaction", "reaction": reaction})
    await line.work()
    assert await chat.status(visit) == "booked"
    rules = await practice.rows("SELECT rule FROM inbound_messages ORDER BY id")
    assert [row.rule for row in rules] == ["tapback.like", "tapback.dislike", "tapback.neutral"]
    assert await chat.handled() == ["noted", "to_staff", "noted"]
