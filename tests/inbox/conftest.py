"""A practice whose patients write, with people who read the inbox."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from tests.inbound.conftest import Chat

from handbell.actions.service import ActionService
from handbell.delivery.service import DeliveryService
from handbell.inbound.service import InboundService
from handbell.inbox.listening import InboxListener
from handbell.inbox.service import InboxService
from handbell.inbox.types import Conversation, ConversationFilter, Entry, Sent, Wording, Written
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database
from handbell.platform.vocabulary import Channel

_numbers = count(1)
WHO = "user:5"


@dataclass
class Desk:
    """Somebody of the practice at the inbox; `chat` lets its patients write."""

    practice: Any
    chat: Chat
    service: InboxService
    clock: FrozenClock

    async def listed(self, **wanted: Any) -> list[Conversation]:
        found, _total = await self.service.list(
            self.practice.id,
            ConversationFilter(**wanted),
            actor=WHO,
            limit=50,
            offset=0,
            now=self.clock.instant,
        )
        return list(found)

    async def only(self) -> Conversation:
        (found,) = await self.listed()
        return found

    async def entries(self, conversation_id: int) -> list[Entry]:
        found, _total = await self.service.entries(
            self.practice.id,
            conversation_id,
            actor=WHO,
            limit=50,
            offset=0,
            now=self.clock.instant,
        )
        return list(found)

    async def write(
        self,
        conversation_id: int,
        text: str,
        *,
        wording: Wording = Wording.AUTO,
        channel: Channel | None = None,
    ) -> Sent:
        written = Written(
            text=text, author=WHO, key=f"k-{next(_numbers)}", wording=wording, channel=channel
        )
        return await self.service.send(
            self.practice.id, conversation_id, written, now=self.clock.instant
        )

    async def actions(self) -> list[str]:
        """What stands in the log of what people did in the inbox."""
        rows = await self.practice.rows(
            "SELECT action FROM audit_entries WHERE actor = :who ORDER BY id", who=WHO
        )
        return [row.action for row in rows]

    async def events(self) -> list[str]:
        rows = await self.practice.rows("SELECT kind FROM inbox_events ORDER BY id")
        return [row.kind for row in rows]


@pytest.fixture
def inbox(practice: Any, db: Database, keys: KeyRing) -> InboxService:
    return InboxService(db, keys, practice.audit, practice.messages)


@pytest.fixture
def desk(
    practice: Any, inbox: InboxService, db: Database, keys: KeyRing, clock: FrozenClock
) -> Desk:
    delivery = DeliveryService(db, practice.messages, clock)
    actions = ActionService(db, keys, practice.audit, practice.messages, delivery)
    inbound = InboundService(keys, practice.audit, practice.messages, actions)
    inbound.tell(InboxListener(practice.messages))
    return Desk(practice, Chat(practice, inbound, delivery, db, clock), inbox, clock)
