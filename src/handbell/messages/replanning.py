"""Plans what still waits anew, after a change of preferences, addresses, zones or rules.

A message moves only if its plan changes. Rows that a dispatcher or another planner holds are
passed over: what is about to leave is judged again anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, and_, or_, select, update

from handbell.messages.admission import Judged, PlannedText, judge_all, planned, receipt_of
from handbell.messages.parts import ReceiptParts
from handbell.messages.receipts import AskedWhen, PartKind, answer_to_json
from handbell.messages.store import anchor_from_json
from handbell.messages.tables import MessageRow, ReceiptPartRow
from handbell.messages.types import Lifecycle, SendOrder
from handbell.messages.visits import others_told, read_others
from handbell.platform import outbox
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.service import RULES_VERSION, TZDATA_VERSION

# allow public-files: the planned version of a text stays with its message
from handbell.templates.tables import TemplateVersionRow

TOPIC: Final = "messages.replan"
"""Work of the outbox: plan anew what waits of `patient_id`, or of all, behind `after`; with
`outdated` only what other rules or other time-zone data planned."""
PAGE: Final = 500
"""Messages planned anew in one transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replanned:
    """What became of a page. `last_id` is the last message looked at, None where none is left;
    `is_due`: something may leave at once."""

    looked_at: int = 0
    moved: int = 0
    refused_ids: tuple[int, ...] = ()
    last_id: int | None = None
    is_due: bool = False


async def replan_page(
    tx: Tx,
    organization_id: OrganizationId,
    where: ColumnElement[bool],
    *,
    parts: ReceiptParts,
    now: datetime,
) -> Replanned:
    """Plan at most a page of waiting messages anew, those with the lowest ids."""
    rows = await _waiting(tx, organization_id, where, now=now)
    if not rows:
        return Replanned()
    judged = await judge_all(
        tx, organization_id, [_order(row) for row in rows], texts=_texts(rows), now=now
    )
    part_ids = await parts.ids(organization_id, [part for one in judged for part in one.parts])
    changes = [
        (row, changed)
        for row, one in zip(rows, judged, strict=True)
        if (changed := _changes(row, _columns(one, part_ids, now=now)))
    ]
    for row, changed in changes:
        await tx.execute(
            update(MessageRow)
            .where(MessageRow.id == row.id, MessageRow.lifecycle == Lifecycle.SCHEDULED)
            .values(**changed)
        )
    return _summed(rows, changes, now=now)


async def replan_later_in(
    tx: Tx, organization_id: OrganizationId, patient_id: int | None, *, now: datetime
) -> None:
    """Have what waits planned anew after this transaction: of one patient, if there is
    anything, or (None) of all."""
    if patient_id is None:
        await outbox.add(tx, organization_id, TOPIC, {"after": 0}, now=now)
        return
    waiting = select(MessageRow.id).where(
        MessageRow.patient_id == patient_id, MessageRow.lifecycle == Lifecycle.SCHEDULED
    )
    if (await tx.execute(waiting.limit(1))).first() is not None:
        args = {"patient_id": patient_id, "after": 0}
        await outbox.add(tx, organization_id, TOPIC, args, now=now)


def outdated() -> ColumnElement[bool]:
    """Whether a message was planned with other rules or other time-zone data than ours."""
    told = ReceiptPartRow.content
    other = or_(
        told["rules_version"].astext != RULES_VERSION,
        told["tzdata_version"].astext != TZDATA_VERSION,
    )
    parts = select(ReceiptPartRow.id).where(ReceiptPartRow.kind == PartKind.WINDOW, other)
    return MessageRow.window_part_id.in_(parts)


async def outdated_organizations(tx: Tx) -> Sequence[int]:
    """Those with waiting messages that other rules or other zone data planned."""
    statement = (
        select(MessageRow.organization_id)
        .where(MessageRow.lifecycle == Lifecycle.SCHEDULED, outdated())
        .distinct()
        .order_by(MessageRow.organization_id)
    )
    return (await tx.execute(statement)).scalars().all()


async def _waiting(
    tx: Tx, organization_id: OrganizationId, where: ColumnElement[bool], *, now: datetime
) -> Sequence[Row[Any]]:
    """What waits for a later instant and was never tried, held until it is written."""
    version = TemplateVersionRow
    statement = (
        select(
            MessageRow.__table__,
            version.template_id,
            version.level,
            version.sibling_level,
            others_told().label("others"),
        )
        .outerjoin(version, version.id == MessageRow.template_version_id)
        .where(
            and_(
                MessageRow.organization_id == organization_id,
                MessageRow.lifecycle == Lifecycle.SCHEDULED,
                MessageRow.scheduled_at > now,
                MessageRow.tries == 0,
                where,
            )
        )
        .order_by(MessageRow.id)
        .limit(PAGE)
        .with_for_update(of=MessageRow, key_share=True, skip_locked=True)
    )
    rows: Sequence[Row[Any]] = (await tx.execute(statement)).all()
    return rows


def _order(row: Row[Any]) -> SendOrder:
    """The order of a waiting message. What it left open is open again."""
    return SendOrder(
        patient_id=row.patient_id,
        purpose=Purpose(row.purpose),
        anchor=anchor_from_json(row.anchor),
        order_key=row.order_key,
        ordered_by=row.ordered_by,
        channel=Channel(row.channel) if row.is_channel_named else None,
        address_id=row.address_id if row.is_address_named else None,
        appointment_id=row.appointment_id,
        serves_at=row.serves_at,
        answers_at=row.answers_at,
        others=read_others(row.others),
    )


def _texts(rows: Sequence[Row[Any]]) -> dict[str, PlannedText]:
    """A waiting message keeps the version of its text; another channel needs another text."""
    return {
        row.order_key: PlannedText(
            channel=Channel(row.channel),
            template_id=row.template_id,
            version_id=row.template_version_id,
            level=row.level,
            sibling_level=row.sibling_level,
            is_named=row.is_template_named,
        )
        for row in rows
        if row.template_version_id is not None
    }


def _columns(one: Judged, part_ids: dict[bytes, int], *, now: datetime) -> dict[str, Any]:
    answer = answer_to_json(one.decision, asked=AskedWhen.PLANNED)
    return {
        "contact_point_id": one.gathered.contact_point_id,
        "address_id": one.gathered.address_id,
        "channel": one.gathered.channel.value,
        "template_version_id": one.text.version_id if one.text else None,
        **receipt_of(one.gathered, one.facts, answer, part_ids, now=now),
        **planned(one.decision, now=now),
        "changed_at": now,
    }


_WHEN: Final = frozenset({"decided_at", "changed_at"})


def _changes(row: Row[Any], columns: dict[str, Any]) -> dict[str, Any]:
    """The columns to write; none where the decision and all that it stands on are the same."""
    is_same = all(
        getattr(row, name) == value for name, value in columns.items() if name not in _WHEN
    )
    return {} if is_same else columns


def _summed(
    rows: Sequence[Row[Any]],
    changes: Sequence[tuple[Row[Any], dict[str, Any]]],
    *,
    now: datetime,
) -> Replanned:
    refused = [row.id for row, new in changes if new["lifecycle"] is Lifecycle.REFUSED]
    moved = [row.id for row, new in changes if new["scheduled_at"] != row.scheduled_at]
    due = (new["scheduled_at"] for _, new in changes)
    return Replanned(
        looked_at=len(rows),
        moved=len(moved),
        refused_ids=tuple(refused),
        last_id=rows[-1].id,
        is_due=any(at is not None and at <= now for at in due),
    )
