"""What the commands about dead letters and unknown attempts do."""

from enum import StrEnum
from typing import Any, Final, TypeVar

# allow public-files: a command answers in the words of the endpoint
from handbell.delivery.deadletters.schemas import (
    DeadLetterOut,
    GroupOut,
    GroupRetriedOut,
    RetriedOut,
    TriedOut,
)
from handbell.delivery.deadletters.types import Fix, Wanted

# allow public-files: a command answers in the words of the endpoint
from handbell.delivery.unknowns.schemas import UnknownAttemptOut
from handbell.delivery.unknowns.types import Settlement, Verdict
from handbell.entrypoints.operations import opened
from handbell.platform.db import OrganizationId
from handbell.platform.errors import InvalidError
from handbell.platform.settings import Settings

OPERATOR: Final = "operator"
Word = TypeVar("Word", bound=StrEnum)


class WordUnknown(InvalidError):
    """Raised for a word that an option does not know."""

    code = "word_unknown"


async def list_letters(
    settings: Settings, *, org: int, fix: str | None, limit: int
) -> dict[str, Any]:
    """The open ones and their groups; the read is in the audit log."""
    organization_id = OrganizationId(org)
    wanted = Wanted(fix=_word(Fix, fix) if fix else None, limit=limit)
    async with opened(settings) as rt:
        now = await rt.clock.now()
        found, total = await rt.dead_letters.list_letters(
            organization_id, wanted, actor=OPERATOR, now=now
        )
        groups = await rt.dead_letters.groups(organization_id, now=now)
    return {
        "total": total,
        "groups": [GroupOut.of(one).model_dump(mode="json") for one in groups],
        "dead_letters": [DeadLetterOut.of(one, now=now).model_dump(mode="json") for one in found],
    }


async def show_letter(settings: Settings, *, org: int, letter: int) -> dict[str, Any]:
    async with opened(settings) as rt:
        now = await rt.clock.now()
        found, tried = await rt.dead_letters.get(
            OrganizationId(org), letter, actor=OPERATOR, now=now
        )
    shown = DeadLetterOut.of(found, now=now).model_dump(mode="json")
    return {**shown, "tried": [TriedOut.of(one).model_dump(mode="json") for one in tried]}


async def retry_letter(settings: Settings, *, org: int, letter: int) -> dict[str, Any]:
    async with opened(settings) as rt:
        made = await rt.dead_letters.retry(
            OrganizationId(org), letter, actor=OPERATOR, now=await rt.clock.now()
        )
    return RetriedOut.of(made).model_dump(mode="json")


async def discard_letter(settings: Settings, *, org: int, letter: int) -> dict[str, Any]:
    async with opened(settings) as rt:
        await rt.dead_letters.discard(
            OrganizationId(org), letter, actor=OPERATOR, now=await rt.clock.now()
        )
    return {"dead_letter_id": letter, "status": "discarded"}


async def retry_group(settings: Settings, *, org: int, fix: str) -> dict[str, Any]:
    group = _word(Fix, fix)
    async with opened(settings) as rt:
        made = await rt.dead_letters.retry_group(
            OrganizationId(org), group, actor=OPERATOR, now=await rt.clock.now()
        )
    return GroupRetriedOut.of(made).model_dump(mode="json")


async def list_unknown(
    settings: Settings, *, org: int, settlement: str | None, limit: int
) -> dict[str, Any]:
    wanted = _word(Settlement, settlement) if settlement else None
    async with opened(settings) as rt:
        now = await rt.clock.now()
        found, total = await rt.unknowns.list_unknown(
            OrganizationId(org), wanted, (limit, 0), actor=OPERATOR, now=now
        )
    shown = [UnknownAttemptOut.of(one, now=now).model_dump(mode="json") for one in found]
    return {"total": total, "unknown_attempts": shown}


async def settle_unknown(
    settings: Settings, *, org: int, attempt: int, verdict: str
) -> dict[str, Any]:
    said = _word(Verdict, verdict)
    async with opened(settings) as rt:
        settlement = await rt.unknowns.settle_by_hand(
            OrganizationId(org), attempt, said, actor=OPERATOR, now=await rt.clock.now()
        )
    return {"id": attempt, "settlement": settlement.value}


def _word(kind: type[Word], given: str) -> Word:
    """Raises `WordUnknown`."""
    if given not in set(kind):
        raise WordUnknown(f"There is no {given!r}; there are {', '.join(kind)}.")
    return kind(given)
