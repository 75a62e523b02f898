"""Keeps the conversations when patients write, and answers in the hours when nobody reads."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from handbell.inbound.types import Handled, Heard
from handbell.inbox import events, store
from handbell.inbox.opening import hours_in
from handbell.inbox.policy import ALERTS, must_tell_closed, state_after_hearing
from handbell.inbox.store import Whose
from handbell.inbox.types import ConversationState, EventKind
from handbell.messages.service import MessageService
from handbell.messages.types import SendOrder
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import At
from handbell.staff import service as staff
from handbell.staff.types import TaskKind

ANSWERED_BY: str = "inbox"


class InboxListener:
    """Implements inbound's port `Listener`."""

    def __init__(self, messages: MessageService) -> None:
        self._messages = messages

    async def heard_in(self, heard: Heard, handled: Handled) -> None:
        """Put the message into its conversation, which a person may have to look at."""
        tx = heard.tx
        left = await staff.kinds_left_in(tx, heard.id)
        conversation = await store.ensure(tx, heard.organization_id, whose(heard), now=heard.now)
        await _update(tx, conversation, heard, for_people=bool(left))
        kind = EventKind.ALERT if ALERTS & left else EventKind.RECEIVED
        await events.tell(tx, heard.organization_id, kind, conversation.id, now=heard.now)
        if handled is Handled.TO_STAFF and await _may_tell_closed(conversation, heard, left):
            await self._tell_closed(heard)
            await store.change(tx, conversation.id, told_closed_at=heard.now, now=heard.now)

    async def _tell_closed(self, heard: Heard) -> None:
        if heard.answer_to is None:
            raise ValueError("there is nobody to answer")
        order = SendOrder(
            patient_id=heard.answer_to,
            purpose=Purpose.REPLY_CLOSED,
            anchor=At(heard.now),
            order_key=f"closed:{heard.id}",
            ordered_by=ANSWERED_BY,
            channel=heard.item.channel,
            address_id=heard.address_id,
            answers_at=heard.at,
        )
        await self._messages.admit_in(heard.tx, heard.organization_id, [order], now=heard.now)


async def _may_tell_closed(
    conversation: Row[Any], heard: Heard, left: Collection[TaskKind]
) -> bool:
    """Only where there is whom to answer, and nobody who reads."""
    if heard.answer_to is None:
        return False
    hours = await hours_in(heard.tx, heard.organization_id)
    return must_tell_closed(hours, left, told_at=conversation.told_closed_at, now=heard.now)


def whose(heard: Heard) -> Whose:
    """Whose conversation a message belongs to: nobody guesses between several patients."""
    if heard.patient_id is not None:
        return Whose(patient_id=heard.patient_id)
    if heard.address_id is not None:
        return Whose(address_id=heard.address_id)
    return Whose(inbound_message_id=heard.id)


async def _update(tx: Tx, conversation: Row[Any], heard: Heard, *, for_people: bool) -> None:
    was = ConversationState(conversation.state)
    becomes = state_after_hearing(was, for_people=for_people)
    waits = becomes is ConversationState.OPEN
    await store.change(
        tx,
        conversation.id,
        state=becomes,
        last_received_at=_later(conversation.last_received_at, heard.at),
        waiting_since=(conversation.waiting_since or heard.at) if waits else None,
        now=heard.now,
    )


def _later(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else max(one, other)
