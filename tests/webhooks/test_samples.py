"""Every recorded webhook in many orders and with repetitions: the end is always the same."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from tests.secret_book import FixedSecrets

from handbell.actions.service import ActionService
from handbell.audit.service import AuditService
from handbell.channels.types import EventKind as K
from handbell.channels.types import StatusEvent
from handbell.delivery.service import DeliveryService
from handbell.inbound.service import InboundService
from handbell.messages.progress import AttemptEvent, progress_of
from handbell.messages.types import SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database
from handbell.platform.http import install_problems
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At
from handbell.templates.approvals.service import ApprovalService
from handbell.webhooks import reading
from handbell.webhooks.router import webhooks_router
from handbell.webhooks.service import WebhookHandler
from handbell.webhooks.types import Kind, Request, Secrets

pytestmark = pytest.mark.shared_data
ORDERS = 50
ORDERS_THROUGH_THE_DOOR = 3
START = datetime(2026, 11, 24, 12, tzinfo=UTC)
REFUSED = {401, 403}
KINDS = {
    "/webhooks/twilio/status": Kind.TWILIO_STATUS,
    "/webhooks/twilio/inbound": Kind.TWILIO_INBOUND,
    "/webhooks/twilio/events": Kind.TWILIO_EVENTS,
    "/webhooks/sendgrid/events": Kind.SENDGRID_EVENTS,
    "/webhooks/sendgrid/inbound": Kind.SENDGRID_INBOUND,
    "/webhooks/whatsapp": Kind.WHATSAPP,
}


@dataclass(frozen=True, repr=False)
class Sample:
    """One recorded request, and whether it must be refused."""

    name: str
    path: str
    query: str
    headers: dict[str, str]
    raw: bytes
    is_refused: bool

    @property
    def request(self) -> Request:
        token = parse_qs(self.query).get("mid", [None])[0]
        named = {name.lower(): value for name, value in self.headers.items()}
        return Request(
            kind=KINDS[self.path],
            raw=self.raw,
            path=self.path,
            query=self.query,
            headers=named,
            token=token,
        )

    @cached_property
    def events(self) -> list[StatusEvent]:
        request = self.request
        return reading.events_of(
            reading.read_items(request.kind, request.raw, token=request.token)
        )


@pytest.fixture(scope="session")
def folder(shared_dir: Path) -> Path:
    return shared_dir / "reference" / "providers" / "fixtures"


@pytest.fixture(scope="session")
def samples(folder: Path) -> list[Sample]:
    index = json.loads((folder / "index.json").read_text())
    found = [json.loads((folder / one["file"]).read_text()) for one in index["fixtures"]]
    return [_sample(one) for one in found if _is_ours(one["request"])]


@pytest.fixture(scope="session")
def secrets(folder: Path) -> Secrets:
    index = json.loads((folder / "index.json").read_text())
    return Secrets(public_url=index["base_url"], **index["secrets"])


def _is_ours(request: dict[str, Any]) -> bool:
    """The vector of SendGrid's own library belongs to another account."""
    path = urlsplit(request["url"]).path
    is_other = "X-Test-Public-Key" in request["headers"]
    return request["method"] == "POST" and path in KINDS and not is_other


def _sample(told: dict[str, Any]) -> Sample:
    """E-mails of patients come unsigned in the samples: unsigned is forged."""
    request, url = told["request"], urlsplit(told["request"]["url"])
    is_unsigned = not any("signature" in name.lower() for name in request["headers"])
    return Sample(
        name=told["name"],
        path=url.path,
        query=url.query,
        headers=request["headers"],
        raw=request["body"].encode(),
        is_refused=is_unsigned or told["expect"].get("http") in REFUSED,
    )


def _shuffled(samples: Sequence[Sample], seed: int) -> list[Sample]:
    """All of them, some twice or three times, in an order of their own."""
    chance = random.Random(seed)
    order = [*samples, *chance.choices(samples, k=len(samples) // 2)]
    chance.shuffle(order)
    return order


def test_the_samples_are_told_from_the_forged_ones(
    samples: list[Sample], secrets: Secrets
) -> None:
    assert len(samples) > 60
    assert sum(one.is_refused for one in samples) >= 6
    for one in samples:
        assert reading.is_genuine(one.request, secrets, now=START) != one.is_refused, one.name


def _heard(order: Sequence[Sample]) -> dict[str, list[tuple[StatusEvent, datetime]]]:
    """By attempt: each event once, when it was first heard."""
    heard: dict[str, dict[str, tuple[StatusEvent, datetime]]] = {}
    for no, one in enumerate(order):
        for event in one.events:
            attempt = event.provider_ref or event.attempt_token
            at = event.occurred_at or START + timedelta(seconds=no)
            heard.setdefault(str(attempt), {}).setdefault(event.key, (event, at))
    return {attempt: list(told.values()) for attempt, told in heard.items()}


def _states(order: Sequence[Sample]) -> dict[str, Any]:
    return {
        attempt: progress_of(
            AttemptEvent(kind=event.kind, occurred_at=at, code=event.code) for event, at in told
        ).state.value
        for attempt, told in _heard(order).items()
    }


def _expected(kinds: set[K]) -> str:
    """The rule of the status map in other words: from the best proof downwards."""
    for proof in (K.CLICKED, K.OPENED):
        if proof in kinds:
            return proof.value
    if K.BOUNCED in kinds:
        return "bounced"
    if kinds & {K.DELIVERED, K.MACHINE_OPENED}:
        return "delivered"
    for end in (K.FAILED, K.EXPIRED, K.CANCELLED):
        if end in kinds:
            return end.value
    return next((k.value for k in (K.SENT, K.SENDING) if k in kinds), "queued")


@pytest.mark.requirement("R6.2", "R6.3")
def test_every_order_and_repetition_of_the_samples_ends_in_the_same_states(
    samples: list[Sample],
) -> None:
    genuine = [one for one in samples if not one.is_refused]
    once = _states(genuine)
    assert len(once) > 20
    wanted = {
        attempt: _expected({event.kind for event, _ in told})
        for attempt, told in _heard(genuine).items()
    }
    assert once == wanted
    assert {"clicked", "opened", "delivered", "failed", "expired"} <= set(once.values())
    for seed in range(ORDERS):
        assert _states(_shuffled(genuine, seed)) == once, seed


class Door:
    """The real webhooks over a real database, in which each attempt of the samples was made."""

    def __init__(self, client: httpx.AsyncClient, handler: WebhookHandler, owner: Any) -> None:
        self.client = client
        self.handler = handler
        self.owner = owner

    async def post(self, one: Sample) -> int:
        url = f"{one.path}?{one.query}".removesuffix("?")
        answer = await self.client.post(url, content=one.raw, headers=one.headers)
        return answer.status_code

    async def work(self, chance: random.Random) -> None:
        """Do what the outbox holds, in any order and grouping, some of it twice."""
        rows = await self.owner.fetch("DELETE FROM outbox RETURNING organization_id, args")
        chance.shuffle(rows)
        while rows:
            size = chance.randint(1, 12)
            some, rows = rows[:size], rows[size:]
            many = [json.loads(row["args"]) for row in some]
            for _ in range(chance.randint(1, 2)):
                await self.handler.apply_many(1, many, now=START)  # type: ignore[arg-type]

    async def state(self) -> dict[str, Any]:
        """What is left in the end, without ids and times of receipt."""
        queries = {
            "messages": "SELECT order_key, lifecycle, progress, unsubscribed_at, complained_at"
            " FROM messages WHERE order_key LIKE 'sample:%' ORDER BY 1",
            "stopped": "SELECT channel, encode(address_hash, 'hex') FROM suppressions"
            " WHERE lifted_at IS NULL ORDER BY 1, 2",
            "written": "SELECT provider, key FROM inbound_messages ORDER BY 1, 2",
            "open": "SELECT count(*) FROM webhook_deliveries WHERE applied_at IS NULL",
        }
        return {name: [tuple(r) for r in await self.owner.fetch(q)] for name, q in queries.items()}

    async def forget(self) -> None:
        """Bring it back to where every message was taken by its provider and nothing was said."""
        tables = "webhook_deliveries, message_events, inbound_messages, staff_tasks, suppressions"
        await self.owner.execute(f"TRUNCATE {tables}, consent_entries, outbox CASCADE")
        await self.owner.execute(
            "UPDATE messages SET lifecycle = 'accepted', progress = NULL, unsubscribed_at = NULL,"
            " complained_at = NULL"
        )


_ATTEMPT = """
INSERT INTO message_attempts (organization_id, message_id, no, token, address_id, used_sibling,
    body, body_digest, eligibility_part_id, window_part_id, started_at, leaf, mac, xid, outcome,
    provider_ref)
SELECT organization_id, id, 1, $2, address_id, false, '', '', eligibility_part_id,
    window_part_id, created_at, '', '', 1, 'accepted', $3
FROM messages WHERE id = $1
"""


async def _make_attempts(practice: Any, owner: Any, refs: Iterator[tuple[str, str]]) -> None:
    """One message for each attempt that the samples speak of."""
    patient = await practice.patient()
    visit = await practice.visit(patient, START + timedelta(days=9))
    for ref, token in refs:
        order = SendOrder(
            patient_id=patient,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(START),
            order_key=f"sample:{ref}",
            ordered_by="tests",
            channel=Channel.SMS,
            appointment_id=visit,
            appointment_version=1,
        )
        admitted = await practice.messages.admit(practice.id, order, now=START)
        await owner.execute(_ATTEMPT, admitted.message_id, token, ref)


def _attempts(samples: Sequence[Sample]) -> Iterator[tuple[str, str]]:
    seen = {
        str(event.provider_ref): event.attempt_token
        for one in samples
        for event in one.events
        if event.provider_ref
    }
    return ((ref, token or f"token of {ref}") for ref, token in seen.items())


@pytest.mark.requirement("R6.1", "R6.3")
async def test_through_the_door_the_order_changes_nothing_and_the_forged_have_no_effect(
    samples: list[Sample],
    secrets: Secrets,
    practice: Any,
    db: Database,
    keys: KeyRing,
    owner_url: str,
) -> None:
    clock = FrozenClock(START)
    owner = await asyncpg.connect(owner_url)
    delivery = DeliveryService(db, practice.messages, clock)
    actions = ActionService(db, keys, practice.audit, practice.messages, delivery)
    inbound = InboundService(keys, practice.audit, practice.messages, actions)
    handler = WebhookHandler(
        db,
        keys,
        FixedSecrets(secrets),
        delivery=delivery,
        inbound=inbound,
        approvals=ApprovalService(db, AuditService(db, keys)),
    )
    app = FastAPI()
    install_problems(app)
    app.include_router(webhooks_router(handler, clock))
    await _make_attempts(practice, owner, _attempts(samples))
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://inside") as client:
        door, ends = Door(client, handler, owner), []
        for seed in range(ORDERS_THROUGH_THE_DOOR):
            await door.forget()
            before = await door.state()
            for one in [one for one in samples if one.is_refused]:
                assert await door.post(one) == 403, one.name
            assert await door.state() == before
            for one in _shuffled([one for one in samples if not one.is_refused], seed):
                assert await door.post(one) == 200, one.name
            await door.work(random.Random(seed))
            ends.append(await door.state())
    await owner.close()
    assert ends[0]["open"] == [(0,)]
    assert {row[2] for row in ends[0]["messages"]} >= {"clicked", "opened", "failed"}
    assert len(ends[0]["stopped"]) >= 2
    assert all(end == ends[0] for end in ends)
