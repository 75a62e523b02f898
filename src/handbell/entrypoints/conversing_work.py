"""What the commands about conversations do."""

import secrets
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter, ValidationError

from handbell.entrypoints.operations import opened
from handbell.entrypoints.undelivered_work import OPERATOR, WordUnknown

# allow public-files: a command answers in the words of the endpoint
from handbell.inbox.schemas import ConversationOut, EntryOut, SentOut, Words
from handbell.inbox.types import ConversationFilter, ConversationState, Wording, Written
from handbell.platform.db import OrganizationId
from handbell.platform.errors import InvalidError
from handbell.platform.lines import as_name
from handbell.platform.settings import Settings

_WORDS: Final[TypeAdapter[str]] = TypeAdapter(Words)


class TextUnusable(InvalidError):
    """Raised for a text that is empty, too long, or not to be printed."""

    code = "text_unusable"


class NothingToChange(InvalidError):
    """Raised where no option says what to change."""

    code = "nothing_to_change"


async def list_conversations(
    settings: Settings, *, org: int, state: str | None, limit: int
) -> dict[str, Any]:
    wanted = ConversationFilter(states=(_state(state),) if state else None)
    async with opened(settings) as rt:
        found, total = await rt.inbox.list(
            OrganizationId(org),
            wanted,
            actor=OPERATOR,
            limit=limit,
            offset=0,
            now=await rt.clock.now(),
        )
    return {"total": total, "conversations": [_shown(ConversationOut.of(one)) for one in found]}


async def show_conversation(
    settings: Settings, *, org: int, conversation: int, limit: int
) -> dict[str, Any]:
    """Raises `ConversationNotFound`."""
    async with opened(settings) as rt:
        found, total = await rt.inbox.entries(
            OrganizationId(org),
            conversation,
            actor=OPERATOR,
            limit=limit,
            offset=0,
            now=await rt.clock.now(),
        )
    return {"total": total, "entries": [_shown(EntryOut.of(one)) for one in found]}


async def reply(
    settings: Settings, *, org: int, conversation: int, text: str, secure: bool
) -> dict[str, Any]:
    """Raises `ConversationNotFound`, `SenderUnmatched`, `TextUnusable`."""
    written = Written(
        text=_words(text),
        author=OPERATOR,
        key=secrets.token_hex(16),
        wording=Wording.SECURE if secure else Wording.AUTO,
    )
    async with opened(settings) as rt:
        now = await rt.clock.now()
        sent = await rt.inbox.send(OrganizationId(org), conversation, written, now=now)
    return _shown(SentOut.of(sent))


async def note(settings: Settings, *, org: int, conversation: int, text: str) -> dict[str, Any]:
    """Raises `ConversationNotFound`, `TextUnusable`."""
    words = _words(text)
    async with opened(settings) as rt:
        made = await rt.inbox.add_note(
            OrganizationId(org), conversation, words, actor=OPERATOR, now=await rt.clock.now()
        )
    return _shown(EntryOut.of(made))


async def change(
    settings: Settings, *, org: int, conversation: int, state: str | None, assign: str | None
) -> dict[str, Any]:
    """Raises `ConversationNotFound`, `NothingToChange`, `WordUnknown`, `NameUnusable`."""
    changes: dict[str, object] = {}
    if state is not None:
        changes["state"] = _state(state)
    if assign is not None:
        changes["assigned_to"] = as_name(assign)
    if not changes:
        raise NothingToChange("Say --state or --assign.")
    async with opened(settings) as rt:
        found = await rt.inbox.change(
            OrganizationId(org), conversation, changes, actor=OPERATOR, now=await rt.clock.now()
        )
    return _shown(ConversationOut.of(found))


def _shown(body: BaseModel) -> dict[str, Any]:
    return body.model_dump(mode="json")


def _state(said: str) -> ConversationState:
    try:
        return ConversationState(said)
    except ValueError:
        known = ", ".join(ConversationState)
        raise WordUnknown(f"There is no state {said!r}; there are {known}.") from None


def _words(said: str) -> str:
    try:
        return _WORDS.validate_python(said)
    except ValidationError as wrong:
        raise TextUnusable("A text has 1 to 4000 characters that can be printed.") from wrong
