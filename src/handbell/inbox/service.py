"""The inbox as people work in it: read, answer, note, assign, close. Every read is in the log."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry, SubjectIds
from handbell.inbound.service import give_to_in
from handbell.inbox import answering, events, opening, quick, reading, store
from handbell.inbox.errors import ConversationMatched
from handbell.inbox.types import (
    Conversation,
    ConversationFilter,
    ConversationState,
    Entry,
    EventKind,
    Hours,
    InboxEvent,
    QuickReply,
    Sent,
    Written,
)
from handbell.messages.service import MessageService
from handbell.messages.types import Lifecycle
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.errors import PatientNotFound
from handbell.staff import service as staff


class InboxService:
    """Conversations with patients, over all channels."""

    def __init__(
        self, db: Database, keys: KeyRing, audit: AuditService, messages: MessageService
    ) -> None:
        self.db = db
        self._keys = keys
        self._audit = audit
        self._messages = messages

    async def list(
        self,
        organization_id: OrganizationId,
        wanted: ConversationFilter,
        *,
        actor: str,
        limit: int,
        offset: int,
        now: datetime,
    ) -> tuple[Sequence[Conversation], int]:
        """A page of conversations, what changed last first, and the number of all that fit."""
        async with self.db.transaction(organization_id) as tx:
            rows, total = await store.list_rows(tx, wanted, limit=limit, offset=offset)
            found = await reading.to_conversations(tx, self._keys, rows)
            subject = {
                "conversation_ids": [one.id for one in found],
                "patient_ids": [one.patient_id for one in found if one.patient_id is not None],
            }
            await self._log(tx, organization_id, "inbox.listed", subject, actor=actor, now=now)
        return found, total

    async def get(
        self, organization_id: OrganizationId, conversation_id: int, *, actor: str, now: datetime
    ) -> Conversation:
        """One conversation. Raises `ConversationNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            found = await self._shown(tx, conversation_id)
            subject = _subject(found.id, found.patient_id)
            action = "conversation.read"
            await self._log(tx, organization_id, action, subject, actor=actor, now=now)
        return found

    async def open_with(
        self, organization_id: OrganizationId, patient_id: int, *, actor: str, now: datetime
    ) -> Conversation:
        """The patient's conversation, begun if there is none. Raises `PatientNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            await _check_patient(tx, organization_id, patient_id)
            whose = store.Whose(patient_id=patient_id)
            row = await store.ensure(tx, organization_id, whose, now=now)
            subject = _subject(row.id, patient_id)
            action = "conversation.read"
            await self._log(tx, organization_id, action, subject, actor=actor, now=now)
            return await self._shown(tx, row.id)

    async def entries(
        self,
        organization_id: OrganizationId,
        conversation_id: int,
        *,
        actor: str,
        limit: int,
        offset: int,
        now: datetime,
    ) -> tuple[Sequence[Entry], int]:
        """A page of what stands in the conversation, newest first, and how much there is.
        Raises `ConversationNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            row = await store.get(tx, conversation_id)
            places, total = await store.places(tx, row, limit=limit, offset=offset)
            found = await reading.to_entries(tx, self._keys, self._messages, row, places)
            subject = _subject(row.id, row.patient_id)
            action = "conversation.read"
            await self._log(tx, organization_id, action, subject, actor=actor, now=now)
        return found, total

    async def send(
        self,
        organization_id: OrganizationId,
        conversation_id: int,
        written: Written,
        *,
        now: datetime,
    ) -> Sent:
        """Answer the patient, and wait for them from now on; whoever answers first takes what
        nobody has taken. A refusal of the gate leaves the conversation as it is. Raises
        `ConversationNotFound` and what `answering.send_in` raises."""
        async with self.db.transaction(organization_id) as tx:
            row = await store.get(tx, conversation_id, hold=True)
            sent = await answering.send_in(
                tx, self._messages, organization_id, row, written, now=now
            )
            if sent.lifecycle is not Lifecycle.REFUSED:
                await store.change(
                    tx,
                    row.id,
                    state=ConversationState.PENDING,
                    assigned_to=row.assigned_to or written.author,
                    last_sent_at=now,
                    waiting_since=None,
                    now=now,
                )
            subject = {**_subject(row.id, row.patient_id), "message_id": sent.message_id}
            await self._log(
                tx,
                organization_id,
                "conversation.answered",
                subject,
                actor=written.author,
                now=now,
            )
            await events.tell(tx, organization_id, EventKind.SENT, row.id, now=now)
        return sent

    async def add_note(
        self,
        organization_id: OrganizationId,
        conversation_id: int,
        text: str,
        *,
        actor: str,
        now: datetime,
    ) -> Entry:
        """Tell the colleagues something; no patient sees it. Raises `ConversationNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            row = await store.get(tx, conversation_id, hold=True)
            body = await reading.seal_note(tx, self._keys, row.patient_id, text)
            note_id = await store.add_note(
                tx, organization_id, row.id, body, author=actor, now=now
            )
            subject = {**_subject(row.id, row.patient_id), "note_id": note_id}
            await self._log(
                tx, organization_id, "conversation.noted", subject, actor=actor, now=now
            )
            await events.tell(tx, organization_id, EventKind.NOTED, row.id, now=now)
        return reading.note_entry(note_id, text, author=actor, at=now)

    async def change(
        self,
        organization_id: OrganizationId,
        conversation_id: int,
        changes: Mapping[str, Any],
        *,
        actor: str,
        now: datetime,
    ) -> Conversation:
        """Set `state` or `assigned_to`, or both. Whoever closes a conversation says that nobody
        waits any more. Raises `ConversationNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            row = await store.get(tx, conversation_id, hold=True)
            values = dict(changes)
            if "state" in values and values["state"] is not ConversationState.OPEN:
                values["waiting_since"] = None
            await store.change(tx, row.id, now=now, **values)
            for name in changes:
                action = "conversation.assigned" if name == "assigned_to" else "conversation.moved"
                subject = {**_subject(row.id, row.patient_id), "to": str(changes[name] or "")}
                await self._log(tx, organization_id, action, subject, actor=actor, now=now)
            await events.tell(tx, organization_id, EventKind.CHANGED, row.id, now=now)
            return await self._shown(tx, row.id)

    async def match(
        self,
        organization_id: OrganizationId,
        conversation_id: int,
        patient_id: int,
        *,
        actor: str,
        now: datetime,
    ) -> Conversation:
        """Say which patient an unknown sender is: what stands in the conversation goes over into
        the patient's. Raises `ConversationNotFound`, `ConversationMatched`, `PatientNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            row = await store.get(tx, conversation_id, hold=True)
            if row.patient_id == patient_id:
                return await self._shown(tx, row.id)
            if row.patient_id is not None:
                raise ConversationMatched(row.id)
            await _check_patient(tx, organization_id, patient_id)
            theirs = await self._hand_over(tx, organization_id, row, patient_id, now=now)
            subject = {**_subject(theirs.id, theirs.patient_id), "from_conversation_id": row.id}
            await self._log(
                tx, organization_id, "conversation.matched", subject, actor=actor, now=now
            )
            await events.tell(tx, organization_id, EventKind.CHANGED, theirs.id, now=now)
            return await self._shown(tx, theirs.id)

    async def _hand_over(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        unknown: Row[Any],
        patient_id: int,
        *,
        now: datetime,
    ) -> Row[Any]:
        """Everything is encrypted anew with the patient's key."""
        whose = store.Whose(patient_id=patient_id)
        theirs = await store.ensure(tx, organization_id, whose, now=now)
        ids = await store.received_ids(tx, unknown)
        await give_to_in(tx, self._keys, ids, patient_id)
        await staff.give_to_in(tx, self._keys, ids, patient_id)
        for note in await store.notes_of(tx, unknown.id):
            text = reading.open_note(note.body, self._keys, None)
            body = await reading.seal_note(tx, self._keys, patient_id, text or "")
            await store.move_note(tx, note.id, to=theirs.id, body=body)
        await store.remove(tx, unknown.id)
        known = [at for at in (theirs.last_received_at, unknown.last_received_at) if at]
        state = theirs.state if unknown.state == ConversationState.CLOSED else unknown.state
        await store.change(
            tx,
            theirs.id,
            state=state,
            assigned_to=theirs.assigned_to or unknown.assigned_to,
            last_received_at=max(known, default=None),
            waiting_since=theirs.waiting_since or unknown.waiting_since,
            now=now,
        )
        return await store.get(tx, theirs.id)

    async def quick_replies(
        self, organization_id: OrganizationId, conversation_id: int | None
    ) -> Sequence[QuickReply]:
        """Texts that are ready to be sent, in the language of the conversation's patient.
        Raises `ConversationNotFound`."""
        language = quick.FALLBACK
        if conversation_id is not None:
            async with self.db.transaction(organization_id) as tx:
                row = await store.get(tx, conversation_id)
                language = await _language(tx, organization_id, row)
        return quick.quick_replies(language)

    async def hours(self, organization_id: OrganizationId) -> Hours:
        async with self.db.transaction(organization_id) as tx:
            return await opening.hours_in(tx, organization_id)

    async def set_hours(
        self, organization_id: OrganizationId, hours: Hours, *, actor: str, now: datetime
    ) -> Hours:
        """Say when people read the inbox."""
        async with self.db.transaction(organization_id) as tx:
            await opening.write_hours(tx, organization_id, hours)
            action = "inbox.hours_changed"
            await self._log(tx, organization_id, action, {}, actor=actor, now=now)
        return hours

    async def begin_watching(
        self, organization_id: OrganizationId, mark: str | None, *, actor: str, now: datetime
    ) -> events.Mark:
        """Where somebody who watches begins: after the mark, or now. Raises
        `EventMarkUnusable`."""
        begun = events.read_mark(mark) if mark is not None else None
        async with self.db.transaction(organization_id) as tx:
            await events.forget(tx, now=now)
            await self._log(tx, organization_id, "inbox.watched", {}, actor=actor, now=now)
            return begun or await events.present(tx)

    async def events_since(
        self, organization_id: OrganizationId, mark: events.Mark
    ) -> tuple[Sequence[InboxEvent], bool]:
        """The next events, and whether more are about to come."""
        async with self.db.transaction(organization_id) as tx:
            found = await events.since(tx, mark)
            is_more = len(found) == events.BATCH or await events.has_unsettled(tx, mark)
        return found, is_more

    async def _shown(self, tx: Tx, conversation_id: int) -> Conversation:
        row = await store.shown(tx, conversation_id)
        (found,) = await reading.to_conversations(tx, self._keys, [row])
        return found

    async def _log(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        action: str,
        subject: SubjectIds,
        *,
        actor: str,
        now: datetime,
    ) -> None:
        entry = AuditEntry(
            organization_id=organization_id, at=now, actor=actor, action=action, subject=subject
        )
        await self._audit.record(tx, entry)


async def alert_in(
    tx: Tx, organization_id: OrganizationId, patient_id: int, *, now: datetime
) -> None:
    """Tell all who watch that a patient needs a person now, and open the conversation."""
    whose = store.Whose(patient_id=patient_id)
    row = await store.ensure(tx, organization_id, whose, now=now)
    state = ConversationState.OPEN
    await store.change(tx, row.id, state=state, waiting_since=row.waiting_since or now, now=now)
    await events.tell(tx, organization_id, EventKind.ALERT, row.id, now=now)


async def _check_patient(tx: Tx, organization_id: OrganizationId, patient_id: int) -> None:
    if not await preferences.resolve_many_in(tx, organization_id, [patient_id]):
        raise PatientNotFound("There is no such patient.", patient_id=patient_id)


async def _language(tx: Tx, organization_id: OrganizationId, row: Row[Any]) -> str:
    if row.patient_id is None:
        return quick.FALLBACK
    resolved = await preferences.resolve_many_in(tx, organization_id, [row.patient_id])
    return resolved[row.patient_id].language


def _subject(conversation_id: int, patient_id: int | None) -> dict[str, int | str]:
    ids: dict[str, int | str] = {"conversation_id": conversation_id}
    return ids if patient_id is None else {**ids, "patient_id": patient_id}
