"""What patients wrote, as people read it: decrypted, and never logged."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, select, update

from handbell.directory import service as directory
from handbell.inbound.tables import InboundMessageRow
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel

BODY_CONTEXT: Final = "inbound_messages.body"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WrittenText:
    """One message of a patient's; `text` is None where its key was erased."""

    id: int
    channel: Channel
    text: str | None
    at: datetime
    intent: str
    handled: str | None


async def written_in(tx: Tx, keys: KeyRing, ids: Iterable[int]) -> dict[int, WrittenText]:
    """The messages of these ids, by id; unknown ones are left out."""
    statement = select(InboundMessageRow.__table__).where(InboundMessageRow.id.in_(list(ids)))
    rows = (await tx.execute(statement)).all()
    whose = {row.patient_id for row in rows} - {None}
    subject_keys = await directory.subject_keys_in(tx, keys, whose) if whose else {}
    return {row.id: _to_written(row, keys, subject_keys) for row in rows}


def _to_written(
    row: Row[Any], keys: KeyRing, subject_keys: Mapping[int, SubjectKey]
) -> WrittenText:
    return WrittenText(
        id=row.id,
        channel=Channel(row.channel),
        text=_text(row, keys, subject_keys),
        at=row.received_at,
        intent=row.intent,
        handled=row.handled,
    )


def _text(row: Row[Any], keys: KeyRing, subject_keys: Mapping[int, SubjectKey]) -> str | None:
    if row.patient_id is None:
        return keys.unseal_raw(row.body, context=BODY_CONTEXT).decode()
    key = subject_keys.get(row.patient_id)
    return key.decrypt(row.body, context=BODY_CONTEXT) if key else None


async def give_to_in(tx: Tx, keys: KeyRing, ids: Iterable[int], patient_id: int) -> None:
    """Make messages of an unknown sender a patient's: encrypted with the patient's key."""
    wanted = InboundMessageRow.id.in_(list(ids)) & InboundMessageRow.patient_id.is_(None)
    statement = select(InboundMessageRow.id, InboundMessageRow.body).where(wanted)
    key = await directory.subject_key_in(tx, keys, patient_id)
    for row in (await tx.execute(statement.with_for_update())).all():
        text = keys.unseal_raw(row.body, context=BODY_CONTEXT).decode()
        sealed = key.encrypt(text, context=BODY_CONTEXT)
        given = update(InboundMessageRow).where(InboundMessageRow.id == row.id)
        await tx.execute(given.values(patient_id=patient_id, body=sealed))
