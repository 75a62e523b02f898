"""Reads stored receipts page by page and has each decided again."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, func, select

from handbell.messages.receipts import AskedWhen, PartKind, ReceiptPart
from handbell.messages.replaying import Difference, StoredReceipt, replay
from handbell.messages.store import anchor_from_json
from handbell.messages.tables import MessageAttemptRow, MessageRow, ReceiptPartRow
from handbell.platform.db import Database, Tx
from handbell.platform.vocabulary import Channel, Purpose

PAGE: Final = 1_000
Progress = Callable[[int, int], None]


@dataclass(slots=True, kw_only=True)
class ReplayReport:
    """What became of the receipts. `incomplete` ones are older than the columns that they would
    need; `by_other_zone_data` would be planned for another instant by today's time-zone data."""

    messages: int = 0
    receipts: int = 0
    incomplete: int = 0
    by_other_zone_data: int = 0
    differences: list[Difference] = field(default_factory=list)

    @property
    def is_genuine(self) -> bool:
        return not self.differences

    def take(self, receipt: StoredReceipt) -> None:
        """Replay one receipt and count it."""
        self.receipts += 1
        found = replay(receipt)
        if found is None:
            return
        if found.is_by_zone_data:
            self.by_other_zone_data += 1
        else:
            self.differences.append(found)


async def replay_all(
    db: Database, *, since: datetime | None, limit: int | None, progress: Progress | None
) -> ReplayReport:
    """Replay the receipts of messages, the newest first; `limit` counts messages."""
    report, before = ReplayReport(), None
    async with db.engine_transaction() as tx:
        total = await _count(tx, since)
    total = total if limit is None else min(total, limit)
    while report.messages < total:
        async with db.engine_transaction() as tx:
            left = min(PAGE, total - report.messages)
            rows = await _page(tx, since, before=before, limit=left)
            await _replay_page(tx, rows, report)
        if not rows:
            break
        before = rows[-1].id
        if progress is not None:
            progress(report.messages, total)
    return report


async def _count(tx: Tx, since: datetime | None) -> int:
    statement = select(func.count()).select_from(MessageRow)
    if since is not None:
        statement = statement.where(MessageRow.decided_at >= since)
    return (await tx.execute(statement)).scalar_one()


async def _page(
    tx: Tx, since: datetime | None, *, before: int | None, limit: int
) -> Sequence[Row[Any]]:
    statement: Select[Any] = select(MessageRow.__table__).order_by(MessageRow.id.desc())
    if since is not None:
        statement = statement.where(MessageRow.decided_at >= since)
    if before is not None:
        statement = statement.where(MessageRow.id < before)
    rows: Sequence[Row[Any]] = (await tx.execute(statement.limit(limit))).all()
    return rows


async def _replay_page(tx: Tx, rows: Sequence[Row[Any]], report: ReplayReport) -> None:
    attempts = await _attempts(tx, [row.id for row in rows])
    judged = [*rows, *(one for each in attempts.values() for one in each)]
    parts = await _parts(tx, {part_id for one in judged for part_id in _part_ids(one)})
    for row in rows:
        report.messages += 1
        if row.own_facts is None:
            report.incomplete += 1
        else:
            report.take(_of_message(row, parts))
        for one in attempts[row.id]:
            if one.own_facts is None:
                report.incomplete += 1
            else:
                report.take(_of_attempt(row, one, parts))


async def _attempts(tx: Tx, message_ids: Sequence[int]) -> Mapping[int, list[Row[Any]]]:
    statement = select(MessageAttemptRow.__table__).where(
        MessageAttemptRow.message_id.in_(message_ids)
    )
    found: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in await tx.execute(statement.order_by(MessageAttemptRow.id)):
        found[row.message_id].append(row)
    return found


def _part_ids(row: Row[Any]) -> Iterator[int]:
    for part_id in (row.eligibility_part_id, row.window_part_id):
        if part_id is not None:
            yield part_id


async def _parts(tx: Tx, part_ids: set[int]) -> dict[int | None, ReceiptPart]:
    statement = select(ReceiptPartRow.__table__).where(ReceiptPartRow.id.in_(part_ids))
    return {
        row.id: ReceiptPart(kind=PartKind(row.kind), content=row.content, digest=row.digest)
        for row in await tx.execute(statement)
    }


def _of_message(row: Row[Any], parts: Mapping[int | None, ReceiptPart]) -> StoredReceipt:
    return StoredReceipt(
        message_id=row.id,
        attempt_no=None,
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        anchor=anchor_from_json(row.anchor),
        serves_at=row.serves_at,
        answers_at=row.answers_at,
        decided_at=row.decided_at,
        eligibility=parts.get(row.eligibility_part_id),
        window=parts.get(row.window_part_id),
        own=row.own_facts,
        answer=row.answer,
    )


def _of_attempt(
    row: Row[Any], attempt: Row[Any], parts: Mapping[int | None, ReceiptPart]
) -> StoredReceipt:
    """An attempt was made because the gate said: send, with this text."""
    answer: dict[str, Any] = {"asked": AskedWhen.LEAVING.value, "decision": "send"}
    if attempt.used_sibling:
        answer["generic"] = True
    return StoredReceipt(
        message_id=row.id,
        attempt_no=attempt.no,
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        anchor=anchor_from_json(row.anchor),
        serves_at=row.serves_at,
        answers_at=row.answers_at,
        decided_at=attempt.started_at,
        eligibility=parts.get(attempt.eligibility_part_id),
        window=parts.get(attempt.window_part_id),
        own=attempt.own_facts,
        answer=answer,
    )
