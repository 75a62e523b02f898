"""`/dead-letters`: what nobody got, what would mend it, and sending it once more."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from handbell.access.types import Caller, Scope
from handbell.delivery.deadletters.errors import DeadLetterClosed, DeadLetterNotFound
from handbell.delivery.deadletters.schemas import (
    DeadLetterOut,
    DeadLetterWithTries,
    GroupIn,
    GroupOut,
    GroupRetriedOut,
    RetriedOut,
    TriedOut,
)
from handbell.delivery.deadletters.service import DeadLetterService
from handbell.delivery.deadletters.types import Fix, State, Wanted
from handbell.platform.clock import Clock
from handbell.platform.http import REFUSED, PageParams, PathId, problems, require, set_page_headers

Reader = Annotated[Caller, require(Scope.MESSAGES_READ)]
Writer = Annotated[Caller, require(Scope.MESSAGES_WRITE)]


def dead_letters_router(letters: DeadLetterService, clock: Clock) -> APIRouter:
    """Every read and every act is in the audit log."""
    router = APIRouter(prefix="/dead-letters", tags=["delivery"])
    _add_reading(router, letters, clock)
    _add_acting(router, letters, clock)
    return router


def _add_reading(router: APIRouter, letters: DeadLetterService, clock: Clock) -> None:
    @router.get("", responses=problems(*REFUSED))
    async def list_dead_letters(
        request: Request,
        response: Response,
        caller: Reader,
        page: PageParams,
        fix: Annotated[Fix | None, Query()] = None,
        state: Annotated[State, Query()] = State.OPEN,
    ) -> list[DeadLetterOut]:
        """What waits for a person, the soonest visit first."""
        now = await clock.now()
        wanted = Wanted(fix=fix, state=state, limit=page.limit, offset=page.offset)
        found, total = await letters.list_letters(
            caller.organization_id, wanted, actor=caller.name, now=now
        )
        set_page_headers(request, response, page, total=total)
        return [DeadLetterOut.of(one, now=now) for one in found]

    @router.get("/groups", responses=problems(*REFUSED))
    async def list_groups(caller: Reader) -> list[GroupOut]:
        """How many wait for what, the most urgent first."""
        found = await letters.groups(caller.organization_id, now=await clock.now())
        return [GroupOut.of(one) for one in found]

    @router.get("/{dead_letter_id}", responses=problems(*REFUSED, DeadLetterNotFound))
    async def get_dead_letter(dead_letter_id: PathId, caller: Reader) -> DeadLetterWithTries:
        """One of them, with every attempt on every channel."""
        now = await clock.now()
        found, tried = await letters.get(
            caller.organization_id, dead_letter_id, actor=caller.name, now=now
        )
        shown = DeadLetterOut.of(found, now=now)
        return DeadLetterWithTries(**shown.model_dump(), tried=[TriedOut.of(one) for one in tried])


def _add_acting(router: APIRouter, letters: DeadLetterService, clock: Clock) -> None:
    closed = problems(*REFUSED, DeadLetterNotFound, DeadLetterClosed)

    @router.post("/{dead_letter_id}/retry", responses=closed)
    async def retry_dead_letter(dead_letter_id: PathId, caller: Writer) -> RetriedOut:
        """Send it once more, through the gate. A refusal is an answer: it says why."""
        made = await letters.retry(
            caller.organization_id, dead_letter_id, actor=caller.name, now=await clock.now()
        )
        return RetriedOut.of(made)

    @router.post("/{dead_letter_id}/discard", responses=closed)
    async def discard_dead_letter(dead_letter_id: PathId, caller: Writer) -> dict[str, Any]:
        """Take it off the list without sending; doing so twice is fine."""
        now = await clock.now()
        await letters.discard(caller.organization_id, dead_letter_id, actor=caller.name, now=now)
        return {}

    @router.post("/retry-group", responses=problems(*REFUSED))
    async def retry_group(body: GroupIn, caller: Writer) -> GroupRetriedOut:
        """Send what one repair has mended once more, 500 at a time, the soonest visit first."""
        made = await letters.retry_group(
            caller.organization_id, body.fix, actor=caller.name, now=await clock.now()
        )
        return GroupRetriedOut.of(made)
