"""A decision receipt in words and in data: why a message went, waits, or never will."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from handbell.messages import store
from handbell.messages.policy import refusals_of
from handbell.messages.receipts import COUNTS, eligibility_from, window_from
from handbell.messages.types import Lifecycle, Reason
from handbell.messages.visits import visits_of
from handbell.messages.words import Language, summary, words_of
from handbell.platform.db import Tx
from handbell.scheduling.caps.policy import legal_caps


async def explain(
    tx: Tx, row: Row[Any], attempts: Sequence[Row[Any]], language: Language
) -> dict[str, Any]:
    """The receipt of admission and of each attempt, with sentences on top."""
    reasons = [Reason(code) for code in row.reasons]
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
        "summary": summary(
            Lifecycle(row.lifecycle),
            reasons,
            language,
            at=_iso(row.scheduled_at),
            sent=_iso(row.sent_at),
        ),
        "reasons": [{"code": code, "words": words_of(code, language)} for code in reasons],
        "ordered_by": row.ordered_by,
        "visits": [
            {
                "appointment_id": one.appointment_id,
                "appointment_version": one.version,
                "starts_at": _iso(one.starts_at),
            }
            for one in visits_of(row)
        ],
        "falls_back_from": row.falls_back_from,
        "decided_at": _iso(row.decided_at),
        "planned_at": _iso(row.planned_at),
        "anchor": row.anchor,
        "eligibility": eligibility,
        "window": contents.get(row.window_part_id),
        "own": {
            "consent_entry_no": row.consent_entry_no,
            "counted_sends": len((row.own_facts or {}).get("sent_at", ())),
            "legal_caps": _legal_caps(contents.get(row.window_part_id), row),
            "template_version_id": row.template_version_id,
            "contact_point_id": row.contact_point_id,
            "preference_levels": row.preference_levels,
        },
        "replayed_refusals": _replay(eligibility),
        "attempts": [_attempt(one, contents) for one in attempts],
    }


def _replay(eligibility: Mapping[str, Any] | None) -> list[str]:
    """What the gate answers today to the stored facts: the same refusals as then."""
    if eligibility is None:
        return []
    return [reason.value for reason in refusals_of(eligibility_from(eligibility))]


def _legal_caps(window: Mapping[str, Any] | None, row: Row[Any]) -> list[dict[str, Any]]:
    """The caps of the patient's places when it was decided, and what they counted."""
    if window is None or row.decided_at is None:
        return []
    counts = {name: len((row.own_facts or {}).get(name, ())) for name in COUNTS}
    return [
        {
            "rule": cap.rule,
            "most": cap.count,
            "hours": cap.period and cap.period // timedelta(hours=1),
            "counted_for_others": counts["others_sent_at"] if cap.per_number else 0,
            "counted_for_patient": counts["sent_at" if cap.per_number else "commercial_sent_at"],
        }
        for cap in legal_caps(window_from(window), at=row.decided_at)
    ]


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
