"""What would leave in the next days if nothing changed: the gate, asked about later instants.

Nothing is stored. Sends that the forecast itself expects count in the patient's caps, so the
messages are taken in the order of their time.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import Row, and_, or_, select

from handbell.messages.admission import judge_all
from handbell.messages.facts import (
    CAPPED,
    Asked,
    Candidate,
    Gathered,
    Levels,
    counted_with,
    gather,
)
from handbell.messages.legal_counts import Expected
from handbell.messages.policy import decide, leaving
from handbell.messages.store import anchor_from_json
from handbell.messages.tables import MessageRow
from handbell.messages.types import (
    PENDING,
    Decision,
    Defer,
    Reason,
    Refuse,
    SendFacts,
    SendOrder,
)
from handbell.messages.visits import others_told, read_others
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, MessageClass, Purpose

# allow public-files: the levels of the planned version are part of the facts
from handbell.templates.tables import TemplateVersionRow

PAGE: Final = 500
_COUNTED: Final = frozenset({*CAPPED, MessageClass.MARKETING})


@dataclass(slots=True, kw_only=True)
class Tally:
    """What was found so far, by local days of `zone` and before `until`.

    `sends` counts by day and channel; `refusals` and `delays` by reason, where a message may
    have several; `later` leaves after the horizon only.
    """

    zone: ZoneInfo
    until: datetime
    messages: int = 0
    sends: Counter[tuple[date, Channel]] = field(default_factory=Counter)
    refused: int = 0
    refusals: Counter[Reason] = field(default_factory=Counter)
    delays: Counter[Reason] = field(default_factory=Counter)
    later: int = 0
    expected: Expected = field(default_factory=Expected)

    def take(self, patient_id: int, facts: SendFacts, decision: Decision, *, at: datetime) -> None:
        """Count one message that the gate was asked about as if it were `at`."""
        self.messages += 1
        if isinstance(decision, Refuse):
            self.refused += 1
            self.refusals.update(decision.reasons)
            return
        if isinstance(decision, Defer):
            self.delays.update(set(decision.reasons) - {Reason.PLANNED})
            at = decision.until
        message_class = facts.eligibility.message_class
        if message_class in _COUNTED:
            self.expected.add(patient_id, facts.eligibility.address_id, message_class, at)
        if at >= self.until:
            self.later += 1
        else:
            self.sends[at.astimezone(self.zone).date(), facts.eligibility.channel] += 1


async def tally_waiting(
    tx: Tx, organization_id: OrganizationId, tally: Tally, *, now: datetime
) -> None:
    """Ask about every message that waits to leave before the horizon, at its own instant."""
    last: Row[Any] | None = None
    while rows := await _page(tx, organization_id, last, until=tally.until):
        gathered = await gather(
            tx, organization_id, [_candidate(no, row) for no, row in enumerate(rows)], now=now
        )
        for no, row in enumerate(rows):
            _ask(tally, row, gathered[no], at=max(row.scheduled_at, now))
        last = rows[-1]


async def tally_orders(
    tx: Tx,
    organization_id: OrganizationId,
    orders: Sequence[SendOrder],
    tally: Tally,
    *,
    now: datetime,
) -> None:
    """Count orders that nobody has given yet, as the gate would plan them now."""
    for one in await judge_all(tx, organization_id, orders, now=now) if orders else ():
        tally.take(one.order.patient_id, one.facts, one.decision, at=now)


def _ask(tally: Tally, row: Row[Any], gathered: Gathered, *, at: datetime) -> None:
    asked = Asked(
        purpose=Purpose(row.purpose),
        serves_at=row.serves_at,
        answers_at=row.answers_at,
        template=None
        if row.level is None
        else Levels(level=row.level, sibling_level=row.sibling_level),
    )
    together = counted_with(asked.message_class)
    also_sent = tally.expected.of(row.patient_id, gathered.address_id, together)
    facts = gathered.facts(asked, also_sent=also_sent)
    anchor = leaving(anchor_from_json(row.anchor), serves_at=row.serves_at, now=at)
    decision = decide(facts, anchor, now=at)
    tally.take(row.patient_id, facts, decision, at=at)


def _candidate(no: int, row: Row[Any]) -> Candidate:
    return Candidate(
        no=no,
        patient_id=row.patient_id,
        channel=Channel(row.channel),
        address_id=row.address_id if row.is_address_named else None,
        appointment_id=row.appointment_id,
        others=read_others(row.others),
        message_class=MessageClass(row.message_class),
    )


async def _page(
    tx: Tx, organization_id: OrganizationId, last: Row[Any] | None, *, until: datetime
) -> Sequence[Row[Any]]:
    """The next messages in the order of their time."""
    mine, version = MessageRow, TemplateVersionRow
    statement = (
        select(
            mine.__table__,
            version.level,
            version.sibling_level,
            others_told().label("others"),
        )
        .outerjoin(version, version.id == mine.template_version_id)
        .where(
            mine.organization_id == organization_id,
            mine.lifecycle.in_(PENDING),
            mine.scheduled_at < until,
        )
        .order_by(mine.scheduled_at, mine.id)
        .limit(PAGE)
    )
    if last is not None:
        same_instant = and_(mine.scheduled_at == last.scheduled_at, mine.id > last.id)
        statement = statement.where(or_(mine.scheduled_at > last.scheduled_at, same_instant))
    rows: Sequence[Row[Any]] = (await tx.execute(statement)).all()
    return rows
