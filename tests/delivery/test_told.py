"""A stop that a provider keeps in its own list is an entry of ours, with its source, once."""

from datetime import timedelta
from typing import Any

import pytest
from tests.delivery.desk import NOON, Desk

from handbell.channels.types import EventKind, Provider, Refused, StatusEvent
from handbell.consent import service as consent
from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At

LEDGER = """SELECT kind, message_class, method, source, evidence, at FROM consent_entries
WHERE kind = 'revoke' ORDER BY id"""
EARLIER = NOON - timedelta(minutes=5)


def event(provider: Provider, kind: EventKind, address: str, **more: Any) -> StatusEvent:
    return StatusEvent(
        provider=provider,
        key=f"{provider}:{kind}",
        kind=kind,
        occurred_at=EARLIER,
        opted_out=True,
        address=address,
        **more,
    )


@pytest.mark.requirement("R7.4", "R1.6")
@pytest.mark.parametrize(
    ("channel", "address", "told", "method", "message_class"),
    [
        (
            *("sms", "+12125550123"),
            event(Provider.TWILIO, EventKind.FAILED, "+12125550123", code="21610"),
            *("provider_block", None),
        ),
        (
            *("whatsapp", "+12125550123"),
            event(Provider.WHATSAPP, EventKind.FAILED, "+12125550123", code="131050"),
            *("provider_block", "marketing"),
        ),
        (
            *("whatsapp", "+12125550123"),
            event(Provider.WHATSAPP, EventKind.UNSUBSCRIBED, "+12125550123"),
            *("unsubscribe_link", "marketing"),
        ),
        (
            *("email", "ada@example.org"),
            event(Provider.SENDGRID, EventKind.UNSUBSCRIBED, "ada@example.org"),
            *("unsubscribe_link", None),
        ),
        (
            *("email", "ada@example.org"),
            event(Provider.SENDGRID, EventKind.COMPLAINED, "ada@example.org"),
            *("complaint", None),
        ),
        (
            *("email", "ada@example.org"),
            event(Provider.SENDGRID, EventKind.FAILED, "ada@example.org", code="unsubscribed"),
            *("provider_block", None),
        ),
    ],
)
async def test_what_a_provider_tells_is_in_the_ledger_once_and_stops_what_it_is_about(
    desk: Desk,
    channel: str,
    address: str,
    told: StatusEvent,
    method: str,
    message_class: str | None,
) -> None:
    patient = await desk.practice.patient((channel, address))
    for minutes in (0, 7):
        await desk.delivery.record_status([told], now=NOON + timedelta(minutes=minutes))
    (entry,) = await desk.practice.rows(LEDGER)
    assert tuple(entry) == (
        *("revoke", message_class, method, f"provider:{told.provider}"),
        *(told.code or told.kind, EARLIER),
    )
    audited = "SELECT count(*) FROM audit_entries WHERE action = 'consent.revoked'"
    assert await desk.practice.value(audited) >= 1
    address_id = await desk.practice.value("SELECT address_id FROM contact_points")
    async with desk.practice.db.transaction(desk.practice.id) as tx:
        stopped_since = await consent.stopped_since(tx, address_id)
    assert (stopped_since is not None) is (message_class is None)
    order = SendOrder(
        patient_id=patient,
        purpose=Purpose.LAB_READY,
        anchor=At(NOON),
        order_key="after",
        ordered_by="tests",
        channel=Channel(channel),
    )
    admitted = await desk.practice.messages.admit(desk.practice.id, order, now=NOON)
    assert (Reason.OPTED_OUT in admitted.reasons) is (message_class is None)


@pytest.mark.requirement("R1.6")
async def test_stopping_promotions_by_whatsapp_leaves_a_planned_reminder_alone(
    desk: Desk,
) -> None:
    await desk.practice.execute("UPDATE organization_settings SET whatsapp_us_enabled = true")
    patient = await desk.practice.patient(("whatsapp", "+12125550123"))
    await desk.practice.execute("UPDATE preference_settings SET allow_whatsapp = true")
    reminder = await desk.order(patient, **await desk.booked(patient), channel=Channel.WHATSAPP)
    before = (await desk.job(reminder)).lifecycle
    told = event(Provider.WHATSAPP, EventKind.FAILED, "+12125550123", code="131050")
    await desk.delivery.record_status([told], now=NOON)
    assert (await desk.job(reminder)).lifecycle is before is Lifecycle.SCHEDULED


async def test_a_refused_request_names_the_provider_not_the_channel(desk: Desk) -> None:
    patient = await desk.practice.patient()
    message = await desk.order(patient, **await desk.booked(patient))
    desk.sender.outcomes = [Refused(code="21610", opted_out=True)]
    await desk.run()
    assert (await desk.job(message)).lifecycle is Lifecycle.FAILED
    (entry,) = await desk.practice.rows(LEDGER)
    assert (entry.source, entry.method, entry.evidence) == (
        "provider:twilio",
        "provider_block",
        "21610",
    )
