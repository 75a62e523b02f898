"""Turns what a message is made of into what leaves: links minted, text filled in and checked."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Row, select

from handbell.channels.types import Attachment, Content, EmailContent, SmsContent
from handbell.delivery.invitations import Visit, invitation
from handbell.links.service import mint_in
from handbell.links.types import LinkKind, LinkOrder
from handbell.messages.service import (
    CalendarVisit,
    Material,
    MessageService,
    compose,
    seal_text,
)

# allow public-files: a link is bound to the address and the visit of its message
from handbell.messages.tables import MessageRow
from handbell.messages.types import Reason
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.errors import InvalidError
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.service import (
    channel_ceiling,
    classify,
    is_marketing,
    missing_when_sent,
    size_of,
    variables_of,
    versions_in,
)
from handbell.templates.types import Rendered, TemplateBody

LONGEST_SMS: Final = 1600
_ABOUT_A_VISIT: Final = frozenset({Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER})
_LINK_OF_VARIABLE: Final = {
    "confirm_link": LinkKind.CONFIRM,
    "reschedule_link": LinkKind.RESCHEDULE,
    "cancel_link": LinkKind.CANCEL,
    "portal_link": LinkKind.PORTAL,
    "unsubscribe_link": LinkKind.UNSUBSCRIBE,
}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Letter:
    """A finished message. `sealed` is its text as stored, `digest` the SHA-256 of that."""

    to: str
    content: Content
    is_sibling: bool
    sealed: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Unsendable:
    """The text cannot leave; the reason is the message's."""

    reason: Reason


async def write_all(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    wanted: Sequence[tuple[Material, bool]],
    *,
    now: datetime,
) -> dict[int, Letter | Unsendable]:
    """Write each message, by its id; with its generic text where True stands beside it."""
    versions = {m.template_version_id for m, _ in wanted if m.template_version_id is not None}
    texts = await versions_in(tx, versions)
    chosen = {
        material.message_id: (material, _choose(texts, material, is_sibling=is_sibling))
        for material, is_sibling in wanted
    }
    links = await _mint(tx, messages, organization_id, chosen, now=now)
    siblings = {material.message_id: is_sibling for material, is_sibling in wanted}
    return {
        message_id: _with_invitation(
            _write(material, body, links[message_id], siblings[message_id], now=now),
            material,
            body,
            organizer=messages.public_url,
        )
        for message_id, (material, body) in chosen.items()
    }


def _choose(
    texts: Mapping[int, tuple[TemplateBody, TemplateBody | None]],
    material: Material,
    *,
    is_sibling: bool,
) -> TemplateBody | None:
    pair = texts.get(material.template_version_id or 0)
    if pair is None:
        return None
    return pair[1] if is_sibling else pair[0]


async def _mint(
    tx: Tx,
    messages: MessageService,
    organization_id: OrganizationId,
    chosen: Mapping[int, tuple[Material, TemplateBody | None]],
    *,
    now: datetime,
) -> dict[int, dict[str, str]]:
    """The links that each text shows, as variables; all are minted in one statement."""
    needs = [
        (message_id, name)
        for message_id, (material, body) in chosen.items()
        if body is not None
        for name in sorted(variables_of(body) & _LINK_OF_VARIABLE.keys())
        if name not in material.variables
    ]
    rows = await _rows(tx, {message_id for message_id, _ in needs})
    orders = [_order(rows[message_id], name) for message_id, name in needs]
    paths = await mint_in(tx, organization_id, messages.keys, orders, now=now)
    links: dict[int, dict[str, str]] = {message_id: {} for message_id in chosen}
    for (message_id, name), path in zip(needs, paths, strict=True):
        links[message_id][name] = f"{messages.public_url}{path}"
    return links


async def _rows(
    tx: Tx, message_ids: set[int]
) -> dict[int, Row[int, int, int | None, int | None, int | None]]:
    if not message_ids:
        return {}
    statement = select(
        MessageRow.id,
        MessageRow.patient_id,
        MessageRow.address_id,
        MessageRow.appointment_id,
        MessageRow.appointment_version,
    ).where(MessageRow.id.in_(message_ids))
    return {row.id: row for row in await tx.execute(statement)}


def _order(row: Row[int, int, int | None, int | None, int | None], name: str) -> LinkOrder:
    return LinkOrder(
        kind=_LINK_OF_VARIABLE[name],
        patient_id=row.patient_id,
        address_id=row.address_id or 0,
        appointment_id=row.appointment_id,
        appointment_version=row.appointment_version,
        message_id=row.id,
    )


def _write(
    material: Material,
    body: TemplateBody | None,
    links: Mapping[str, str],
    is_sibling: bool,  # noqa: FBT001 - private and beside its only caller
    *,
    now: datetime,
) -> Letter | Unsendable:
    if body is None or material.to is None:
        return Unsendable(Reason.NO_TEMPLATE if body is None else Reason.NO_ADDRESS)
    try:
        made = compose(material, body, links)
    except InvalidError:
        return Unsendable(Reason.UNRENDERABLE)
    flaw = _flaw(made, material, language=body.language, now=now) or _gap(made, material, links)
    if flaw is not None:
        return Unsendable(flaw)
    sealed = seal_text(material.key, made)
    return Letter(
        to=material.to,
        content=made.content,
        is_sibling=is_sibling,
        sealed=sealed,
        digest=hashlib.sha256(sealed).digest(),
    )


def _with_invitation(
    letter: Letter | Unsendable,
    material: Material,
    body: TemplateBody | None,
    *,
    organizer: str,
) -> Letter | Unsendable:
    """An e-mail about coming visits carries each for the calendar, unless it is the generic
    text, which does not tell of them."""
    if not isinstance(letter, Letter) or not isinstance(letter.content, EmailContent):
        return letter
    if body is None or letter.is_sibling or material.purpose not in _ABOUT_A_VISIT:
        return letter
    attached = tuple(
        _attachment(no, one, language=body.language, organizer=organizer)
        for no, one in enumerate(material.calendar(body.language), start=1)
    )
    return replace(letter, content=replace(letter.content, attachments=attached))


def _attachment(no: int, one: CalendarVisit, *, language: str, organizer: str) -> Attachment:
    visit = Visit(
        uid=one.uid,
        starts_at=one.facts["starts_at"],
        duration=timedelta(minutes=one.facts["duration_minutes"]),
        version=one.facts["visit_version"],
        changed_at=one.facts["visit_changed_at"],
        practice=one.practice,
        place=one.place,
    )
    name = "visit.ics" if no == 1 else f"visit-{no}.ics"
    made = invitation(visit, language=language, organizer=organizer)
    return Attachment(filename=name, media_type="text/calendar", data=made)


def _gap(made: Rendered, material: Material, links: Mapping[str, str]) -> Reason | None:
    """Advertising without what the law asks of it (CAN-SPAM, RFC 8058)."""
    if not is_marketing(material.purpose):
        return None
    missing = missing_when_sent(
        made.content,
        sender=material.facts["organization_name"],
        postal_address=material.facts["postal_address"],
        unsubscribe_link=links.get("unsubscribe_link"),
    )
    return Reason.MARKETING_INCOMPLETE if any(True for _ in missing) else None


def _flaw(made: Rendered, material: Material, *, language: str, now: datetime) -> Reason | None:
    """Protected information in a text message, or more of it than the organisation pays for: one
    that tells of several visits takes the place of as many."""
    if material.channel is Channel.EMAIL:
        return None
    verdict = classify(made.text, language=language, now=now, known=material.plain_names)
    if verdict.is_leak(channel_ceiling(material.channel, sms_ceiling=material.sms_ceiling)):
        return Reason.LEAKS
    if not isinstance(made.content, SmsContent):
        return None
    too_long = len(made.text) > LONGEST_SMS
    too_many = size_of(made.text).segments > material.max_segments * material.visits
    return Reason.TOO_LONG if too_long or too_many else None
