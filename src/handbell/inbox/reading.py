"""Conversations and what stands in them as people see them: decrypted, and never logged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from handbell.directory import service as directory
from handbell.inbound.service import WrittenText, written_in
from handbell.inbox import store
from handbell.inbox.store import Place
from handbell.inbox.types import Conversation, ConversationState, Entry, EntryKind
from handbell.messages.service import STAFF_TEXT, MessageService
from handbell.messages.types import Job
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Tx

NOTE_CONTEXT: Final = "conversation_notes.body"


async def to_conversations(tx: Tx, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Conversation]:
    """The conversations with their patients' names."""
    whose = {row.patient_id for row in rows} - {None}
    subject_keys = await directory.subject_keys_in(tx, keys, whose) if whose else {}
    found = []
    for row in rows:
        is_open = row.patient_id is None and row.address_id is not None
        candidates = await directory.patients_on_address_in(tx, row.address_id) if is_open else []
        found.append(_to_conversation(row, subject_keys.get(row.patient_id), candidates))
    return found


def _to_conversation(
    row: Row[Any], key: SubjectKey | None, candidates: Sequence[int]
) -> Conversation:
    return Conversation(
        id=row.id,
        patient_id=row.patient_id,
        first_name=_name(row.first_name, key, "first_name"),
        last_name=_name(row.last_name, key, "last_name"),
        candidates=candidates,
        state=ConversationState(row.state),
        assigned_to=row.assigned_to,
        last_received_at=row.last_received_at,
        last_sent_at=row.last_sent_at,
        waiting_since=row.waiting_since,
        open_tasks=row.open_tasks,
        is_alert=row.alerts > 0,
        changed_at=row.changed_at,
    )


def _name(sealed: bytes | None, key: SubjectKey | None, column: str) -> str | None:
    if sealed is None or key is None:
        return None
    return key.decrypt(sealed, context=f"patients.{column}")


async def to_entries(
    tx: Tx,
    keys: KeyRing,
    messages: MessageService,
    conversation: Row[Any],
    places: Sequence[Place],
) -> list[Entry]:
    """What stands in a conversation, in the order of the places."""
    ids = {kind: [place.id for place in places if place.kind is kind] for kind in EntryKind}
    jobs = {job.id: job for job in await messages.shown_in(tx, ids[EntryKind.SENT])}
    heard = await written_in(tx, keys, ids[EntryKind.RECEIVED])
    notes = await store.notes(tx, ids[EntryKind.NOTE])
    key = await _key(tx, keys, conversation.patient_id)
    shown: Mapping[EntryKind, Mapping[int, Entry]] = {
        EntryKind.SENT: {job.id: _sent(job) for job in jobs.values()},
        EntryKind.RECEIVED: {one.id: _received(one) for one in heard.values()},
        EntryKind.NOTE: {
            note.id: note_entry(
                note.id,
                open_note(note.body, keys, key, is_known=conversation.patient_id is not None),
                author=note.written_by,
                at=note.written_at,
            )
            for note in notes.values()
        },
    }
    return [shown[place.kind][place.id] for place in places if place.id in shown[place.kind]]


async def _key(tx: Tx, keys: KeyRing, patient_id: int | None) -> SubjectKey | None:
    if patient_id is None:
        return None
    return (await directory.subject_keys_in(tx, keys, [patient_id])).get(patient_id)


def _sent(job: Job) -> Entry:
    """A person's text that the message itself does not show stands behind its link."""
    written = job.variables.get(STAFF_TEXT)
    is_shown = written is None or written in (job.body or "")
    return Entry(
        kind=EntryKind.SENT,
        id=job.id,
        at=job.sent_at or job.created_at,
        channel=job.channel,
        text=job.body,
        secure_text=None if is_shown else written,
        author=job.ordered_by,
        purpose=job.purpose,
        status=job.progress or job.lifecycle.value,
        reasons=job.reasons,
    )


def _received(one: WrittenText) -> Entry:
    return Entry(
        kind=EntryKind.RECEIVED,
        id=one.id,
        at=one.at,
        channel=one.channel,
        text=one.text,
        intent=one.intent,
        handled=one.handled,
    )


def note_entry(note_id: int, text: str | None, *, author: str, at: datetime) -> Entry:
    return Entry(kind=EntryKind.NOTE, id=note_id, at=at, text=text, author=author)


async def seal_note(tx: Tx, keys: KeyRing, patient_id: int | None, text: str) -> bytes:
    """A note as it is stored."""
    if patient_id is None:
        return keys.seal_raw(text.encode(), context=NOTE_CONTEXT)
    key = await directory.subject_key_in(tx, keys, patient_id)
    return key.encrypt(text, context=NOTE_CONTEXT)


def open_note(
    body: bytes, keys: KeyRing, key: SubjectKey | None, *, is_known: bool = False
) -> str | None:
    """A note's text; None where the patient's key was erased."""
    if not is_known:
        return keys.unseal_raw(body, context=NOTE_CONTEXT).decode()
    return key.decrypt(body, context=NOTE_CONTEXT) if key else None
