"""What the operator's commands about blackouts do, for one organisation or for all."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from handbell.entrypoints.operations import opened
from handbell.platform.db import OrganizationId
from handbell.platform.settings import Settings
from handbell.scheduling.blackouts.errors import InvalidBlackout

# allow public-files: the command takes and shows what a request does
from handbell.scheduling.blackouts.schemas import BlackoutIn, BlackoutOut
from handbell.scheduling.blackouts.types import BlackoutDraft

ACTOR = "operator"
MOST = 200


async def enter(settings: Settings, *, org: int | None, told: Mapping[str, Any]) -> dict[str, Any]:
    """Enter one; without an organisation it holds for all. Raises `InvalidBlackout`."""
    draft = _to_draft(told)
    async with opened(settings) as rt:
        now = await rt.clock.now()
        if org is None:
            view = await rt.blackouts.enter_everywhere(draft, actor=ACTOR, now=now)
        else:
            organization = await rt.organizations.get(OrganizationId(org))
            view = await rt.blackouts.enter(organization.id, draft, actor=ACTOR, now=now)
    return BlackoutOut.of(view).model_dump(mode="json")


async def listed(settings: Settings, *, org: int) -> dict[str, Any]:
    """The latest that hold for the organisation, at most 200, and how many there are."""
    async with opened(settings) as rt:
        organization = await rt.organizations.get(OrganizationId(org))
        found, total = await rt.blackouts.list(organization.id, limit=MOST, offset=0)
    shown = [BlackoutOut.of(one).model_dump(mode="json") for one in found]
    return {"total": total, "blackouts": shown}


def in_words(told: Mapping[str, Any]) -> dict[str, Any]:
    """A line for each of them, by its number."""
    return {f"blackout {one['id']}": _sentence(one) for one in told["blackouts"]} or {
        "blackouts": "none"
    }


async def remove(settings: Settings, *, org: int | None, blackout: int) -> dict[str, Any]:
    """Take one away. Raises `BlackoutNotFound`, `BlackoutHoldsEverywhere`."""
    async with opened(settings) as rt:
        now = await rt.clock.now()
        if org is None:
            await rt.blackouts.remove_everywhere(blackout, actor=ACTOR, now=now)
        else:
            await rt.blackouts.remove(OrganizationId(org), blackout, actor=ACTOR, now=now)
    return {"removed": blackout}


def _to_draft(told: Mapping[str, Any]) -> BlackoutDraft:
    """As the REST body is read, so that both take the same."""
    try:
        return BlackoutIn.model_validate(told).to_draft()
    except ValidationError as wrong:
        fault = wrong.errors()[0]
        field = str(fault["loc"][0])
        raise InvalidBlackout(f"{field} is not accepted: {fault['msg']}.", field=field) from wrong


def _sentence(one: Mapping[str, Any]) -> str:
    limits = [one[name] for name in ("state", "country", "channel", "message_class") if one[name]]
    whose = "every organisation" if one["is_everywhere"] else "this organisation"
    what = ", ".join(limits) or "everything"
    return f"{one['starts_at']} to {one['ends_at']}, {what}, {whose}: {one['reason']}"
