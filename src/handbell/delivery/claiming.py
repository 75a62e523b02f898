"""The last look before a message leaves: lock, facts, the gate again, the text, the attempt.

All in one transaction. The addresses are locked first and the facts are read in a later
statement, so that a STOP that was waited for is seen.
"""

import secrets
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Row, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from handbell.audit.service import OWN_XID
from handbell.channels.service import line_for, lines_in, pauses_in_force
from handbell.channels.types import Line, Outbound, Pause, PauseScope
from handbell.delivery.types import HELD_AGAIN, Claim
from handbell.delivery.unknowns.store import doubtful_addresses
from handbell.delivery.writing import Letter, Unsendable, write_all

# allow public-files: the lock that a STOP waits for hangs on the address
from handbell.directory.tables import AddressRow
from handbell.messages.service import (
    Asked,
    AskedWhen,
    Candidate,
    Expected,
    Gathered,
    Levels,
    MessageService,
    anchor_from_json,
    answer_to_json,
    approvals_for,
    attempt_entry,
    counted_with,
    decide,
    gather,
    leaving,
    material_in,
    others_told,
    own_facts,
    parts_of,
    read_others,
    receipt_of,
    window_of,
)

# allow public-files: delivery moves the messages that the gate lets through
from handbell.messages.tables import MessageAttemptRow, MessageRow
from handbell.messages.types import Decision, Defer, Lifecycle, Reason, Refuse, Send, SendFacts
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.leases import UNTIL
from handbell.platform.vocabulary import Channel, Lane, MessageClass, Purpose
from handbell.scheduling.policy import USELESS_BEFORE, closes_at
from handbell.scheduling.types import At
from handbell.templates.service import versions_in

# allow public-files: the levels of the planned version are part of the facts
from handbell.templates.tables import TemplateVersionRow

VALIDITY: Final = timedelta(hours=4)
"""How long a provider may go on trying; less where the visit is near."""
HELD_BACK: Final = timedelta(minutes=15)
"""How long a message waits for the fate of another; it is let go at once when that is known."""
STUCK: Final = (Reason.AWAITING_OUTCOME,)
LAST_CHANCE: Final = timedelta(hours=1)
"""Before a visit: then it no longer waits for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A queued message before the gate, with what the gate sees and says of it."""

    row: Row[Any]
    gathered: Gathered
    facts: SendFacts
    anchor: At
    decision: Decision

    @property
    def may_leave(self) -> bool:
        """Whether the gate lets it go, to the address whose lock is held: a patient who is
        reached at another one by now is first given that address."""
        return isinstance(self.decision, Send) and (
            self.gathered.address_id == self.row.address_id
        )


async def claim_in(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    message_ids: Sequence[int],
    *,
    now: datetime,
) -> tuple[list[Claim], list[int]]:
    """Decide on queued messages and store an attempt for each that leaves now; give those, and
    the messages that can not leave this way: by their text, or by what went before them.

    What waits or never goes is written too. Ids that are not queued any more are passed over.
    """
    await _lock_addresses(tx, message_ids)
    rows = await _queued(tx, message_ids)
    rows = await _leave_paused(tx, organization_id, rows, now=now)
    if not rows:
        return [], []
    asked = await _ask(tx, organization_id, rows, now=now)
    asked = await _hold_back(tx, asked, now=now)
    leaving = [one for one in asked if one.may_leave]
    letters = await _write(tx, messages, organization_id, leaving, now=now)
    waiting = [one for one in asked if not one.may_leave]
    await _put_back(tx, messages, organization_id, waiting, now=now)
    await _refuse_unsendable(tx, letters, now=now)
    sendable = [one for one in leaving if isinstance(letters[one.row.id], Letter)]
    claims = await _store(tx, messages, organization_id, sendable, letters, now=now)
    stuck = [one.row.id for one in asked if one.decision == Refuse(reasons=STUCK)]
    return claims, stuck + [id_ for id_, one in letters.items() if isinstance(one, Unsendable)]


async def _lock_addresses(tx: Tx, message_ids: Sequence[int]) -> None:
    theirs = select(MessageRow.address_id).where(
        MessageRow.id.in_(message_ids), MessageRow.lifecycle == Lifecycle.QUEUED
    )
    await tx.execute(
        select(AddressRow.id)
        .where(AddressRow.id.in_(theirs))
        .order_by(AddressRow.id)
        .with_for_update(read=True)
    )


async def _queued(tx: Tx, message_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """The messages that are still queued, held against cancelling until we have moved them."""
    statement = (
        select(
            MessageRow.__table__,
            TemplateVersionRow.level,
            TemplateVersionRow.sibling_level,
            others_told().label("others"),
        )
        .outerjoin(TemplateVersionRow, TemplateVersionRow.id == MessageRow.template_version_id)
        .where(MessageRow.id.in_(message_ids), MessageRow.lifecycle == Lifecycle.QUEUED)
        .order_by(MessageRow.scheduled_at, MessageRow.serves_at, MessageRow.id)
        .with_for_update(of=MessageRow, key_share=True)
    )
    return (await tx.execute(statement)).all()


async def _leave_paused(
    tx: Tx, organization_id: OrganizationId, rows: Sequence[Row[Any]], *, now: datetime
) -> Sequence[Row[Any]]:
    """Give back what people have paused since it was leased, or whose line they have; the others
    go on. A pause of a line shows as the reason; other pauses let the message wait as it was."""
    pauses = await pauses_in_force(tx, organization_id, now=now)
    if not (pauses and rows):
        return rows
    lines = await lines_in(tx, organization_id)
    stops = {row.id: [one for one in pauses if _stops(one.scope, row, lines)] for row in rows}
    again: dict[datetime | None, list[int]] = defaultdict(list)
    for id_, found in stops.items():
        if found:
            is_of_line = all(one.scope.line_id for one in found)
            again[_again_at(found, now=now) if is_of_line else None].append(id_)
    for at, ids in again.items():
        held = {"scheduled_at": at, "reasons": [Reason.HELD.value]} if at else {}
        waits = {"lifecycle": Lifecycle.SCHEDULED, "leased_until": None, **held}
        await tx.execute(update(MessageRow).where(MessageRow.id.in_(ids)).values(**waits))
    return [row for row in rows if not stops[row.id]]


def _again_at(pauses: Sequence[Pause], *, now: datetime) -> datetime:
    """When to look again at what pauses of its line stop: when the first ends by itself."""
    ends = [one.until_at for one in pauses if one.until_at is not None]
    return min([now + HELD_AGAIN, *ends])


def _stops(scope: PauseScope, row: Row[Any], lines: Sequence[Line]) -> bool:
    line = line_for(lines, Channel(row.channel), row.address_id) if row.address_id else None
    return scope.covers(Lane(row.lane), Channel(row.channel), line.id if line else None)


async def _ask(
    tx: Tx, organization_id: OrganizationId, rows: Sequence[Row[Any]], *, now: datetime
) -> list[Asking]:
    """Ask the gate about each; a send that it allows counts for the next one to the patient."""
    candidates = [
        Candidate(
            no=no,
            patient_id=row.patient_id,
            channel=Channel(row.channel),
            address_id=row.address_id if row.is_address_named else None,
            appointment_id=row.appointment_id,
            others=read_others(row.others),
            message_class=MessageClass(row.message_class),
        )
        for no, row in enumerate(rows)
    ]
    gathered = await gather(tx, organization_id, candidates, now=now)
    templates = await _templates_of(tx, rows, gathered)
    allowed = Expected()
    asked = []
    for no, row in enumerate(rows):
        known = templates.get(row.template_version_id)
        one = _ask_one(row, gathered[no], known, allowed, now=now)
        if isinstance(one.decision, Send):
            address_id, message_class = gathered[no].address_id, MessageClass(row.message_class)
            allowed.add(row.patient_id, address_id, message_class, now)
        asked.append(one)
    return asked


async def _templates_of(
    tx: Tx, rows: Sequence[Row[Any]], gathered: Mapping[int, Gathered]
) -> dict[int, Levels]:
    """The levels of the planned versions, and what Meta says of them now."""
    approvals = await approvals_for(tx, gathered.values())
    on_whatsapp = {row.template_version_id for row in rows if row.channel == Channel.WHATSAPP}
    texts = await versions_in(tx, on_whatsapp - {None})
    found = {}
    for row in rows:
        if row.level is not None:
            full, generic = texts.get(row.template_version_id, (None, None))
            found[row.template_version_id] = Levels(
                level=row.level,
                sibling_level=row.sibling_level,
                is_approved=approvals.allow(full),
                is_sibling_approved=approvals.allow(generic),
            )
    return found


def _ask_one(
    row: Row[Any],
    gathered: Gathered,
    template: Levels | None,
    allowed: Expected,
    *,
    now: datetime,
) -> Asking:
    asked = Asked(
        purpose=Purpose(row.purpose),
        serves_at=row.serves_at,
        answers_at=row.answers_at,
        template=template,
    )
    together = counted_with(asked.message_class)
    also_sent = allowed.of(row.patient_id, gathered.address_id, together)
    facts = gathered.facts(asked, also_sent=also_sent)
    anchor = leaving(anchor_from_json(row.anchor), serves_at=row.serves_at, now=now)
    decision = decide(facts, anchor, now=now)
    return Asking(row=row, gathered=gathered, facts=facts, anchor=anchor, decision=decision)


async def _hold_back(tx: Tx, asked: Sequence[Asking], *, now: datetime) -> list[Asking]:
    """Let nothing leave to an address while the fate of an earlier attempt to it is unknown:
    the provider's list could not tell the two apart. An emergency is not held back."""
    doubtful = await doubtful_addresses(tx, {one.row.address_id for one in asked})
    return [
        replace(one, decision=_held(one.row.serves_at, now=now))
        if one.may_leave
        and one.row.address_id in doubtful
        and one.row.message_class != MessageClass.EMERGENCY
        else one
        for one in asked
    ]


def _held(serves_at: datetime | None, *, now: datetime) -> Decision:
    """It waits; where the visit is too near for that, it leaves on another channel."""
    is_late = serves_at is not None and serves_at - now < LAST_CHANCE
    return Refuse(reasons=STUCK) if is_late else Defer(until=now + HELD_BACK, reasons=STUCK)


async def _write(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    leaving: Sequence[Asking],
    *,
    now: datetime,
) -> dict[int, Letter | Unsendable]:
    materials = await material_in(tx, messages.keys, [one.row.id for one in leaving])
    wanted = {
        one.row.id: isinstance(one.decision, Send) and one.decision.use_sibling for one in leaving
    }
    return await write_all(
        tx, messages, organization_id, [(materials[id_], wanted[id_]) for id_ in wanted], now=now
    )


async def _put_back(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    asked: Sequence[Asking],
    *,
    now: datetime,
) -> None:
    """Write what does not leave, with the receipt of this decision: it waits, goes to the
    patient's new address, or ends."""
    if not asked:
        return
    parts = await messages.parts.ids(
        organization_id, [part for one in asked for part in parts_of(one.facts)]
    )
    for one in asked:
        answer = answer_to_json(one.decision, asked=AskedWhen.LEAVING)
        receipt = receipt_of(one.gathered, one.facts, answer, parts, now=now)
        await tx.execute(
            update(MessageRow)
            .where(MessageRow.id == one.row.id)
            .values(leased_until=None, changed_at=now, **receipt, **_state_of(one, now=now))
        )


def _state_of(one: Asking, *, now: datetime) -> dict[str, Any]:
    match one.decision:
        case Refuse(reasons=reasons):
            late = reasons == (Reason.USELESS,) or Reason.NO_LEGAL_TIME in reasons
            lifecycle = Lifecycle.EXPIRED if late else Lifecycle.REFUSED
            return {"lifecycle": lifecycle, "scheduled_at": None, "reasons": _codes(reasons)}
        case Defer(until=until, reasons=reasons):
            state = {"scheduled_at": until, "reasons": _codes(reasons)}
        case _:
            state = {"scheduled_at": now}
    return {
        "lifecycle": Lifecycle.SCHEDULED,
        "address_id": one.gathered.address_id,
        "contact_point_id": one.gathered.contact_point_id,
        **state,
    }


def _codes(reasons: Sequence[Reason]) -> list[str]:
    return [reason.value for reason in reasons]


async def _refuse_unsendable(
    tx: Tx, letters: Mapping[int, Letter | Unsendable], *, now: datetime
) -> None:
    """A text that cannot be filled in, leaks or is too long: the message is refused."""
    for message_id, letter in letters.items():
        if isinstance(letter, Unsendable):
            await tx.execute(
                update(MessageRow)
                .where(MessageRow.id == message_id)
                .values(
                    lifecycle=Lifecycle.REFUSED,
                    reasons=[letter.reason.value],
                    scheduled_at=None,
                    leased_until=None,
                    changed_at=now,
                )
            )


async def _store(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    sendable: Sequence[Asking],
    letters: Mapping[int, Letter | Unsendable],
    *,
    now: datetime,
) -> list[Claim]:
    if not sendable:
        return []
    parts = await messages.parts.ids(
        organization_id, [part for one in sendable for part in parts_of(one.facts)]
    )
    lines = await lines_in(tx, organization_id)
    attempts, leave_by = [], []
    for one in sendable:
        line = line_for(lines, Channel(one.row.channel), one.row.address_id)
        leave_by.append(line)
        letter = letters[one.row.id]
        assert isinstance(letter, Letter)  # noqa: S101 - the caller has sorted the others out
        eligibility, window = parts_of(one.facts)
        attempts.append(
            {
                **_attempt(one, letter, now=now),
                "organization_id": organization_id,
                "line_id": line.id if line else None,
                "eligibility_part_id": parts[eligibility.digest],
                "window_part_id": parts[window.digest],
            }
        )
    for values in attempts:
        values["leaf"], values["mac"] = messages.audit.seal_leaf(
            attempt_entry(organization_id, values)
        )
    ids = await _insert(tx, attempts)
    await _mark_sending(tx, [one.row.id for one in sendable], now=now)
    return [
        _claim(one, letters[one.row.id], values["token"], ids[one.row.id], line, now=now)
        for one, values, line in zip(sendable, attempts, leave_by, strict=True)
    ]


def _attempt(one: Asking, letter: Letter, *, now: datetime) -> dict[str, Any]:
    return {
        "message_id": one.row.id,
        "no": one.row.tries + 1,
        "token": secrets.token_urlsafe(24),
        "address_id": one.row.address_id,
        "used_sibling": letter.is_sibling,
        "body": letter.sealed,
        "body_digest": letter.digest,
        "own_facts": own_facts(one.facts),
        "started_at": now,
    }


async def _insert(tx: Tx, attempts: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    statement = (
        insert(MessageAttemptRow)
        .values(xid=literal_column(OWN_XID))
        .returning(MessageAttemptRow.id, MessageAttemptRow.message_id)
    )
    rows = await tx.execute(statement, [dict(values) for values in attempts])
    return {row.message_id: row.id for row in rows}


async def _mark_sending(tx: Tx, message_ids: Sequence[int], *, now: datetime) -> None:
    await tx.execute(
        update(MessageRow)
        .where(MessageRow.id.in_(message_ids))
        .values(
            lifecycle=Lifecycle.SENDING,
            tries=MessageRow.tries + 1,
            leased_until=literal_column(UNTIL),
            changed_at=now,
        )
    )


def _claim(
    one: Asking,
    letter: Letter | Unsendable,
    token: str,
    attempt_id: int,
    line: Line | None,
    *,
    now: datetime,
) -> Claim:
    assert isinstance(letter, Letter)  # noqa: S101
    channel = Channel(one.row.channel)
    return Claim(
        message_id=one.row.id,
        attempt_id=attempt_id,
        address_id=one.row.address_id,
        line=line,
        channel=channel,
        order_key=one.row.order_key,
        serves_at=one.row.serves_at,
        tries=one.row.tries + 1,
        outbound=Outbound(
            sender=line.sender if line else "",
            to=letter.to,
            content=letter.content,
            attempt_token=token,
            validity=_validity(one, now=now),
        ),
    )


def _validity(one: Asking, *, now: datetime) -> timedelta:
    """How long the provider may go on trying: while the message is of use, and not beyond the
    hours in which it may arrive."""
    serves_at: datetime | None = one.row.serves_at
    ends = [now + VALIDITY, closes_at(window_of(one.facts, one.anchor), now=now)]
    if serves_at is not None:
        ends.append(serves_at - USELESS_BEFORE)
    return min(end for end in ends if end is not None) - now
