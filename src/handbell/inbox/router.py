"""`/inbox`: conversations with patients, and what happens in them as it happens."""

import secrets
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse

from handbell.access.types import Caller, Scope
from handbell.inbox.errors import (
    ConversationMatched,
    ConversationNotFound,
    EventMarkUnusable,
    SenderUnmatched,
    TextTooLong,
    TextTooPrivate,
    TimeZoneUnknown,
)
from handbell.inbox.live import Bell, stream
from handbell.inbox.schemas import (
    ChangeIn,
    ConversationOut,
    EntryOut,
    HoursBody,
    NoteIn,
    OpenIn,
    QuickReplyOut,
    ReplyIn,
    RowId,
    SentOut,
)
from handbell.inbox.service import InboxService
from handbell.inbox.types import ConversationFilter, ConversationState
from handbell.platform.clock import Clock
from handbell.platform.http import (
    REFUSED,
    IdempotencyKeyReused,
    IdempotentRequest,
    PageParams,
    PathId,
    RequestInProgress,
    answer_once,
    problems,
    require,
    set_page_headers,
)
from handbell.platform.lines import Line
from handbell.preferences.errors import PatientNotFound

Reader = Annotated[Caller, require(Scope.PATIENTS_READ)]
Writer = Annotated[Caller, require(Scope.PATIENTS_WRITE)]
Sender = Annotated[Caller, require(Scope.MESSAGES_WRITE)]
SettingsReader = Annotated[Caller, require(Scope.SETTINGS_READ)]
Administrator = Annotated[Caller, require(Scope.ADMIN)]
IdempotencyKey = Annotated[str | None, Header(min_length=1, max_length=128)]


def _wanted(
    state: Annotated[list[ConversationState] | None, Query(max_length=3)] = None,
    assigned_to: Annotated[Line | None, Query()] = None,
    assigned: Annotated[bool | None, Query()] = None,
    matched: Annotated[bool | None, Query()] = None,
    patient_id: Annotated[RowId | None, Query()] = None,
) -> ConversationFilter:
    return ConversationFilter(
        states=tuple(state) if state else None,
        assigned_to=assigned_to,
        is_assigned=assigned,
        is_matched=matched,
        patient_id=patient_id,
    )


Wanted = Annotated[ConversationFilter, Depends(_wanted)]


def inbox_router(inbox: InboxService, bell: Bell, clock: Clock) -> APIRouter:
    router = APIRouter(prefix="/inbox", tags=["inbox"])
    _conversations(router, inbox, clock)
    _answers(router, inbox, clock)
    _changes(router, inbox, clock)
    _hours(router, inbox, clock)
    _events(router, inbox, bell, clock)
    return router


def _conversations(router: APIRouter, inbox: InboxService, clock: Clock) -> None:
    @router.get("/conversations", responses=problems(*REFUSED))
    async def list_conversations(
        request: Request, response: Response, caller: Reader, page: PageParams, wanted: Wanted
    ) -> list[ConversationOut]:
        """Conversations, what changed last first."""
        found, total = await inbox.list(
            caller.organization_id,
            wanted,
            actor=caller.name,
            limit=page.limit,
            offset=page.offset,
            now=await clock.now(),
        )
        set_page_headers(request, response, page, total=total)
        return [ConversationOut.of(one) for one in found]

    @router.post("/conversations", responses=problems(*REFUSED, PatientNotFound))
    async def open_conversation(body: OpenIn, caller: Writer) -> ConversationOut:
        """The patient's conversation, begun if there is none; opening it twice is fine."""
        now = await clock.now()
        found = await inbox.open_with(
            caller.organization_id, body.patient_id, actor=caller.name, now=now
        )
        return ConversationOut.of(found)

    @router.get(
        "/conversations/{conversation_id}", responses=problems(*REFUSED, ConversationNotFound)
    )
    async def get_conversation(conversation_id: PathId, caller: Reader) -> ConversationOut:
        now = await clock.now()
        found = await inbox.get(
            caller.organization_id, conversation_id, actor=caller.name, now=now
        )
        return ConversationOut.of(found)

    @router.get(
        "/conversations/{conversation_id}/entries",
        responses=problems(*REFUSED, ConversationNotFound),
    )
    async def list_entries(
        conversation_id: PathId,
        request: Request,
        response: Response,
        caller: Reader,
        page: PageParams,
    ) -> list[EntryOut]:
        """What was sent, what came back, and the notes, newest first."""
        found, total = await inbox.entries(
            caller.organization_id,
            conversation_id,
            actor=caller.name,
            limit=page.limit,
            offset=page.offset,
            now=await clock.now(),
        )
        set_page_headers(request, response, page, total=total)
        return [EntryOut.of(one) for one in found]


def _answers(router: APIRouter, inbox: InboxService, clock: Clock) -> None:
    @router.post(
        "/conversations/{conversation_id}/replies",
        responses=problems(
            *REFUSED,
            ConversationNotFound,
            SenderUnmatched,
            TextTooPrivate,
            TextTooLong,
            IdempotencyKeyReused,
            RequestInProgress,
        ),
    )
    async def reply(
        conversation_id: PathId,
        body: ReplyIn,
        request: Request,
        caller: Sender,
        idempotency_key: IdempotencyKey = None,
    ) -> SentOut:
        """Write to the patient. The gate decides, as of every message."""
        now = await clock.now()
        key = idempotency_key or secrets.token_hex(16)
        written = body.to_written(author=caller.name, key=f"{conversation_id}:{key}")

        async def work() -> dict[str, Any]:
            sent = await inbox.send(caller.organization_id, conversation_id, written, now=now)
            return SentOut.of(sent).model_dump(mode="json")

        if idempotency_key is None:
            return SentOut.model_validate(await work())
        repeatable = IdempotentRequest(
            organization_id=caller.organization_id,
            route=f"POST /inbox/conversations/{conversation_id}/replies",
            key=idempotency_key,
            body=await request.body(),
        )
        return SentOut.model_validate(await answer_once(inbox.db, repeatable, work, now=now))

    @router.get("/quick-replies", responses=problems(*REFUSED, ConversationNotFound))
    async def list_quick_replies(
        caller: Reader, conversation_id: Annotated[RowId | None, Query()] = None
    ) -> list[QuickReplyOut]:
        """Texts that are ready to be sent, in the language of the conversation's patient."""
        found = await inbox.quick_replies(caller.organization_id, conversation_id)
        return [QuickReplyOut.of(one) for one in found]


def _changes(router: APIRouter, inbox: InboxService, clock: Clock) -> None:
    @router.patch(
        "/conversations/{conversation_id}", responses=problems(*REFUSED, ConversationNotFound)
    )
    async def change_conversation(
        conversation_id: PathId, body: ChangeIn, caller: Writer
    ) -> ConversationOut:
        """Open, close or assign; the same again is fine."""
        found = await inbox.change(
            caller.organization_id,
            conversation_id,
            body.to_changes(),
            actor=caller.name,
            now=await clock.now(),
        )
        return ConversationOut.of(found)

    @router.post(
        "/conversations/{conversation_id}/notes",
        responses=problems(*REFUSED, ConversationNotFound),
    )
    async def add_note(conversation_id: PathId, body: NoteIn, caller: Writer) -> EntryOut:
        """Tell the colleagues something; no patient sees it."""
        note = await inbox.add_note(
            caller.organization_id,
            conversation_id,
            body.text,
            actor=caller.name,
            now=await clock.now(),
        )
        return EntryOut.of(note)

    @router.post(
        "/conversations/{conversation_id}/match",
        responses=problems(*REFUSED, ConversationNotFound, ConversationMatched, PatientNotFound),
    )
    async def match_sender(
        conversation_id: PathId, body: OpenIn, caller: Writer
    ) -> ConversationOut:
        """Say which patient an unknown sender is. The answer is the patient's conversation, into
        which all goes over; matching with the same patient twice is fine."""
        found = await inbox.match(
            caller.organization_id,
            conversation_id,
            body.patient_id,
            actor=caller.name,
            now=await clock.now(),
        )
        return ConversationOut.of(found)


def _hours(router: APIRouter, inbox: InboxService, clock: Clock) -> None:
    @router.get("/hours", responses=problems(*REFUSED))
    async def get_hours(caller: SettingsReader) -> HoursBody:
        """When people read the inbox."""
        return HoursBody.of(await inbox.hours(caller.organization_id))

    @router.put("/hours", responses=problems(*REFUSED, TimeZoneUnknown))
    async def set_hours(body: HoursBody, caller: Administrator) -> HoursBody:
        """Say when people read the inbox, and whether others are answered then."""
        hours = body.to_hours()
        now = await clock.now()
        kept = await inbox.set_hours(caller.organization_id, hours, actor=caller.name, now=now)
        return HoursBody.of(kept)


def _events(router: APIRouter, inbox: InboxService, bell: Bell, clock: Clock) -> None:
    @router.get(
        "/events",
        response_class=StreamingResponse,
        responses={
            **problems(*REFUSED, EventMarkUnusable),
            200: {
                "description": "Server-sent events, ids only.",
                "content": {"text/event-stream": {"example": _EXAMPLE}},
            },
        },
    )
    async def watch(
        caller: Reader, last_event_id: Annotated[str | None, Header(max_length=64)] = None
    ) -> StreamingResponse:
        """What happens in the inbox, as it happens. `Last-Event-ID` resumes within 7 days; the
        stream ends after 15 minutes, and the client comes again."""
        mark = await inbox.begin_watching(
            caller.organization_id, last_event_id, actor=caller.name, now=await clock.now()
        )
        return StreamingResponse(
            stream(inbox, bell, caller.organization_id, mark),
            media_type="text/event-stream",
            headers={"X-Accel-Buffering": "no"},
        )


_EXAMPLE: Final = (
    "retry: 2000\n\n"
    "id: 9001.77\nevent: received\n"
    'data: {"conversation_id": 9, "at": "2027-03-01T14:30:01+00:00"}\n\n'
)
