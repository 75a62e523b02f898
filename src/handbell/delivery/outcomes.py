"""Writes what providers answered and what their callbacks say, many at once."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

# allow public-files: a stop told to the provider concerns whoever has an account there
from handbell.channels.tables import ProviderAccountRow
from handbell.channels.types import (
    CHANNEL_OF_PROVIDER,
    Accepted,
    EventKind,
    Outcome,
    Refused,
    Retry,
    StatusEvent,
)
from handbell.delivery.policy import next_try
from handbell.delivery.types import Claim

# allow public-files: the stop hangs on the address
from handbell.directory.tables import AddressRow
from handbell.messages.service import AttemptEvent, ProgressState, best_of, progress_of

# allow public-files: outcomes are written where the attempts are kept
from handbell.messages.tables import MessageAttemptRow, MessageEventRow, MessageRow
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.direct import Direct

_WRITE_ATTEMPTS: Final = """
UPDATE message_attempts SET
    outcome = one.outcome, code = one.code, finished_at = $1,
    provider_ref = coalesce(one.provider_ref, message_attempts.provider_ref)
FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[])
    AS one(attempt_id, outcome, code, provider_ref)
WHERE id = one.attempt_id
"""
_WRITE_MESSAGES: Final = """
UPDATE messages SET
    lifecycle = one.lifecycle, scheduled_at = one.scheduled_at, leased_until = NULL,
    reasons = array_remove(ARRAY[one.reason], NULL), changed_at = $1,
    sent_at = CASE WHEN one.lifecycle IN ('accepted', 'unknown') THEN coalesce(sent_at, $1)
        ELSE sent_at END
FROM unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::text[])
    AS one(message_id, lifecycle, scheduled_at, reason)
WHERE id = one.message_id AND messages.lifecycle IN ('sending', 'unknown')
"""
_WRITE_PROGRESS: Final = """
UPDATE messages SET
    progress = one.progress, unsubscribed_at = one.unsubscribed_at,
    complained_at = one.complained_at, changed_at = $5,
    lifecycle = CASE WHEN lifecycle IN ('unknown', 'failed') THEN 'accepted' ELSE lifecycle END,
    sent_at = CASE WHEN lifecycle IN ('unknown', 'failed') THEN coalesce(sent_at, $5)
        ELSE sent_at END
FROM unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[])
    AS one(message_id, progress, unsubscribed_at, complained_at)
WHERE id = one.message_id
"""
_FIND_ATTEMPTS: Final = """
SELECT id, organization_id, message_id, address_id, token, provider_ref FROM message_attempts
WHERE token = ANY($1) OR provider_ref = ANY($2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """How one outcome is written: of the attempt, and of its message."""

    attempt_id: int
    message_id: int
    outcome: str
    code: str | None
    provider_ref: str | None
    lifecycle: Lifecycle
    scheduled_at: datetime | None
    reason: Reason | None


def to_written(claim: Claim, outcome: Outcome, *, now: datetime) -> Written:
    """What an outcome makes of a message: the law of `channels.types`, in one place."""
    ref: str | None = None
    code: str | None = None
    at: datetime | None = None
    reason: Reason | None = None
    match outcome:
        case Accepted(provider_ref=ref):
            word, lifecycle = "accepted", Lifecycle.ACCEPTED
        case Refused(code=code):
            word, lifecycle, reason = "refused", Lifecycle.FAILED, Reason.PROVIDER_REFUSED
        case Retry(code=code, retry_after=retry_after):
            at = next_try(
                claim.order_key,
                claim.tries,
                retry_after=retry_after,
                serves_at=claim.serves_at,
                now=now,
            )
            word = "retry"
            lifecycle = Lifecycle.SCHEDULED if at else Lifecycle.FAILED
            reason = Reason.RETRYING if at else Reason.GIVEN_UP
        case _:
            word, lifecycle, code = "unknown", Lifecycle.UNKNOWN, outcome.code
    return Written(
        attempt_id=claim.attempt_id,
        message_id=claim.message_id,
        outcome=word,
        code=code,
        provider_ref=ref,
        lifecycle=lifecycle,
        scheduled_at=at,
        reason=reason,
    )


async def write_in(tx: Tx, written: Sequence[Written], *, now: datetime) -> None:
    """Write outcomes in two statements. A message that a callback has settled stays so.

    What may have been sent counts as sent: for the caps, and for the answer that proves it. An
    outcome's reason replaces those for which the message waited; most have none.
    """
    # Messages first: a callback that comes meanwhile takes the rows in the same order.
    of_attempts = (
        now,
        [one.attempt_id for one in written],
        [one.outcome for one in written],
        [one.code for one in written],
        [one.provider_ref for one in written],
    )
    of_messages = (
        now,
        [one.message_id for one in written],
        [one.lifecycle.value for one in written],
        [one.scheduled_at for one in written],
        [one.reason and one.reason.value for one in written],
    )
    await tx.exec_driver_sql(_WRITE_MESSAGES, of_messages)
    await tx.exec_driver_sql(_WRITE_ATTEMPTS, of_attempts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The attempt that an event speaks of."""

    organization_id: OrganizationId
    attempt_id: int
    message_id: int
    address_id: int
    has_ref: bool


async def find_attempts(
    direct: Direct, events: Sequence[StatusEvent]
) -> list[tuple[StatusEvent, Found]]:
    """Find the attempts by token, else by the provider's id, over all organisations."""
    tokens = {event.attempt_token for event in events if event.attempt_token}
    refs = {event.provider_ref for event in events if event.provider_ref}
    by_token: dict[str, Found] = {}
    by_ref: dict[str, Found] = {}
    for row in await direct.rows(_FIND_ATTEMPTS, tokens, refs):
        found = Found(
            organization_id=OrganizationId(row["organization_id"]),
            attempt_id=row["id"],
            message_id=row["message_id"],
            address_id=row["address_id"],
            has_ref=row["provider_ref"] is not None,
        )
        by_token[row["token"]] = found
        if row["provider_ref"]:
            by_ref[row["provider_ref"]] = found
    pairs = (
        (event, by_token.get(event.attempt_token or "") or by_ref.get(event.provider_ref or ""))
        for event in events
    )
    return [(event, found) for event, found in pairs if found is not None]


async def find_addresses(
    tx: Tx, keys: KeyRing, events: Iterable[StatusEvent]
) -> list[tuple[StatusEvent, OrganizationId, int]]:
    """Addresses whose owner told the provider to stop, in every organisation that has an
    account there. Run it in an engine transaction."""
    found: list[tuple[StatusEvent, OrganizationId, int]] = []
    for event in events:
        if event.address is None:
            continue
        channel = CHANNEL_OF_PROVIDER[event.provider]
        statement = (
            select(AddressRow.id, AddressRow.organization_id)
            .join(
                ProviderAccountRow,
                ProviderAccountRow.organization_id == AddressRow.organization_id,
            )
            .where(
                ProviderAccountRow.provider == event.provider,
                AddressRow.channel == channel,
                AddressRow.address_hash == keys.address_hash(channel, event.address),
            )
        )
        rows = await tx.execute(statement)
        found += [(event, OrganizationId(row.organization_id), row.id) for row in rows]
    return found


async def record_events_in(
    tx: Tx,
    organization_id: OrganizationId,
    told: Sequence[tuple[StatusEvent, Found]],
    *,
    now: datetime,
) -> dict[int, ProgressState]:
    """Keep the events and fold them; a callback also settles an answer that was lost. Give what
    each message has come to.

    The fold reads all events of a message, so any order and any repetition end the same.
    """
    rows = [
        {
            "organization_id": organization_id,
            "attempt_id": found.attempt_id,
            "provider": event.provider,
            "key": event.key,
            "kind": event.kind,
            "code": event.code,
            "occurred_at": event.occurred_at or now,
            "received_at": now,
        }
        for event, found in told
    ]
    await tx.execute(insert(MessageEventRow).on_conflict_do_nothing(), rows)
    message_ids = sorted({found.message_id for _, found in told})
    await tx.execute(
        select(MessageRow.id)
        .where(MessageRow.id.in_(message_ids))
        .order_by(MessageRow.id)
        .with_for_update(key_share=True)
    )
    refs = {
        found.attempt_id: event.provider_ref
        for event, found in told
        if event.provider_ref and not found.has_ref
    }
    for attempt_id, ref in sorted(refs.items()):
        await _learn_ref(tx, attempt_id, ref)
    return await _fold(tx, message_ids, now=now)


async def _learn_ref(tx: Tx, attempt_id: int, ref: str) -> None:
    """A worker that died could not write the provider's id; the callback tells it."""
    await tx.execute(
        update(MessageAttemptRow)
        .where(MessageAttemptRow.id == attempt_id, MessageAttemptRow.provider_ref.is_(None))
        .values(provider_ref=ref)
    )


async def _fold(tx: Tx, message_ids: Sequence[int], *, now: datetime) -> dict[int, ProgressState]:
    """Bring the messages in line with the events of all their attempts."""
    folded = {
        message_id: best_of({no: progress_of(events) for no, events in attempts.items()})
        for message_id, attempts in (await _events_of(tx, message_ids)).items()
    }
    columns = (
        list(folded),
        [one.state.value for one in folded.values()],
        [one.unsubscribed_at for one in folded.values()],
        [one.complained_at for one in folded.values()],
        now,
    )
    await tx.exec_driver_sql(_WRITE_PROGRESS, columns)
    return {message_id: one.state for message_id, one in folded.items()}


async def _events_of(
    tx: Tx, message_ids: Sequence[int]
) -> dict[int, dict[int, list[AttemptEvent]]]:
    """The events of some messages, by message and number of the attempt."""
    statement = (
        select(MessageAttemptRow.message_id, MessageAttemptRow.no, MessageEventRow.__table__)
        .join(MessageEventRow, MessageEventRow.attempt_id == MessageAttemptRow.id)
        .where(MessageAttemptRow.message_id.in_(message_ids))
    )
    found: dict[int, dict[int, list[AttemptEvent]]] = defaultdict(lambda: defaultdict(list))
    for row in await tx.execute(statement):
        event = AttemptEvent(kind=EventKind(row.kind), occurred_at=row.occurred_at, code=row.code)
        found[row.message_id][row.no].append(event)
    return found
