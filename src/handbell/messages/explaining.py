"""A decision receipt in words and in data: why a message went, waits, or never will."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row

from handbell.messages import store
from handbell.messages.policy import refusals_of
from handbell.messages.receipts import eligibility_from
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.db import Tx

WORDS: Final = {
    Reason.DECEASED: "the patient has died",
    Reason.WRONG_NUMBER: "the address is known to be somebody else's",
    Reason.NO_ADDRESS: "there is no address on this channel",
    Reason.CHANNEL_RESTRICTED: "the patient asked never to be reached this way",
    Reason.OPTED_OUT: "the address has opted out",
    Reason.CHANNEL_NOT_ALLOWED: "the channel is not allowed for this patient",
    Reason.MARKETING_NOT_OPTED_IN: "the patient has not asked for marketing",
    Reason.WHATSAPP_OFF_FOR_US: "WhatsApp to US numbers is off in this organisation",
    Reason.NO_CONSENT: "the ledger holds no consent for this class of message",
    Reason.NO_TEMPLATE: "there is no published text for purpose, channel and language",
    Reason.ABOVE_CEILING: "the text tells more than the channel may carry",
    Reason.USELESS: "it would come too late to help",
    Reason.NO_LEGAL_TIME: "no instant within two weeks is allowed",
    Reason.OVER_CAP: "the patient has had as many messages as allowed",
    Reason.OUTSIDE_WINDOW: "the hour is not allowed",
    Reason.PAUSED: "the patient asked for a pause",
    Reason.PLANNED: "it is planned for that time",
    Reason.SUPERSEDED: "the visit it is about was moved or cancelled",
    Reason.NO_SENDER: "the organisation has no account for this channel",
    Reason.WITHDRAWN: "it was withdrawn before it left",
    Reason.LEAKS: "the finished text held protected information",
    Reason.TOO_LONG: "the finished text is longer than allowed",
    Reason.UNRENDERABLE: "the text could not be filled in: a value is missing",
    Reason.RETRYING: "the provider could not take it yet; it is tried again",
    Reason.GIVEN_UP: "the provider could not take it in six tries, or not in time",
    Reason.PROVIDER_REFUSED: "the provider refused it for good",
    Reason.AWAITING_OUTCOME: "the fate of an earlier message to this address is not known yet",
}
_OPENINGS: Final = {
    Lifecycle.SCHEDULED: "It waits until {at}",
    Lifecycle.QUEUED: "It is on its way to a worker",
    Lifecycle.SENDING: "It is being handed to the provider",
    Lifecycle.ACCEPTED: "The provider took it at {sent}",
    Lifecycle.REFUSED: "It will not be sent",
    Lifecycle.CANCELLED: "It was cancelled",
    Lifecycle.EXPIRED: "It was not sent in time",
    Lifecycle.FAILED: "It could not be sent",
    Lifecycle.UNKNOWN: "The provider's answer was lost; it is not repeated blindly",
}


async def explain(tx: Tx, row: Row[Any], attempts: Sequence[Row[Any]]) -> dict[str, Any]:
    """The receipt of admission and of each attempt, with sentences on top."""
    part_ids = [row.eligibility_part_id, row.window_part_id]
    part_ids += [
        part for one in attempts for part in (one.eligibility_part_id, one.window_part_id)
    ]
    contents = await store.contents_of(tx, part_ids)
    eligibility = contents.get(row.eligibility_part_id)
    return {
        "message_id": row.id,
        "lifecycle": row.lifecycle,
        "progress": row.progress,
        "summary": _summary(row),
        "reasons": [{"code": code, "words": WORDS[Reason(code)]} for code in row.reasons],
        "ordered_by": row.ordered_by,
        "falls_back_from": row.falls_back_from,
        "decided_at": _iso(row.decided_at),
        "planned_at": _iso(row.planned_at),
        "anchor": row.anchor,
        "eligibility": eligibility,
        "window": contents.get(row.window_part_id),
        "own": {
            "consent_entry_no": row.consent_entry_no,
            "counted_sends": len((row.own_facts or {}).get("sent_at", ())),
            "template_version_id": row.template_version_id,
            "contact_point_id": row.contact_point_id,
            "preference_levels": row.preference_levels,
        },
        "replayed_refusals": _replay(eligibility),
        "attempts": [_attempt(one, contents) for one in attempts],
    }


def _summary(row: Row[Any]) -> str:
    opening = _OPENINGS[Lifecycle(row.lifecycle)].format(
        at=_iso(row.scheduled_at), sent=_iso(row.sent_at)
    )
    why = "; ".join(WORDS[Reason(code)] for code in row.reasons)
    return f"{opening}: {why}." if why else f"{opening}."


def _replay(eligibility: Mapping[str, Any] | None) -> list[str]:
    """What the gate answers today to the stored facts: the same refusals as then."""
    if eligibility is None:
        return []
    return [reason.value for reason in refusals_of(eligibility_from(eligibility))]


def _attempt(one: Row[Any], contents: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "no": one.no,
        "started_at": _iso(one.started_at),
        "finished_at": _iso(one.finished_at),
        "outcome": one.outcome,
        "code": one.code,
        "settlement": one.settlement,
        "settled_at": _iso(one.settled_at),
        "settled_by": one.settled_by,
        "provider_message_id": one.provider_ref,
        "used_generic_text": one.used_sibling,
        "eligibility": contents.get(one.eligibility_part_id),
        "window": contents.get(one.window_part_id),
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
