"""Messages as people see them: what was sent, or what would be sent if it left now."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row

from handbell.messages import content, store
from handbell.messages.content import Material
from handbell.messages.policy import needs_sibling
from handbell.messages.receipts import eligibility_from
from handbell.messages.types import Job, Lifecycle, MessageId, Reason
from handbell.messages.visits import visits_of
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.platform.errors import InvalidError
from handbell.platform.vocabulary import Channel, MessageClass, Purpose
from handbell.templates.service import template_ids_in, versions_in
from handbell.templates.types import TemplateBody

LINKS = ("confirm_link", "reschedule_link", "cancel_link", "portal_link", "unsubscribe_link")


async def jobs(tx: Tx, keys: KeyRing, message_ids: Sequence[int], *, public_url: str) -> list[Job]:
    """The messages in the order of the ids; unknown ids are left out."""
    rows = await store.rows_of(tx, message_ids)
    materials = await content.material_in(tx, keys, rows)
    version_ids = {
        row.template_version_id for row in rows.values() if row.template_version_id is not None
    }
    texts = await versions_in(tx, version_ids)
    templates = await template_ids_in(tx, version_ids)
    judged = await store.contents_of(tx, {row.eligibility_part_id for row in rows.values()})
    return [
        _to_job(
            rows[message_id],
            materials.get(message_id),
            text=_text(
                rows[message_id],
                materials.get(message_id),
                _chosen(rows[message_id], texts, judged),
                public_url=public_url,
            ),
            template_id=templates.get(rows[message_id].template_version_id),
        )
        for message_id in message_ids
        if message_id in rows
    ]


def _chosen(
    row: Row[Any],
    texts: Mapping[int, tuple[TemplateBody, TemplateBody | None]],
    judged: Mapping[int, Mapping[str, Any]],
) -> TemplateBody | None:
    """The full text or the generic one, as the gate said when the message was planned."""
    pair = texts.get(row.template_version_id)
    if pair is None or row.lifecycle == Lifecycle.REFUSED:
        return None
    seen = judged.get(row.eligibility_part_id)
    return pair[1] if seen is not None and needs_sibling(eligibility_from(seen)) else pair[0]


def _text(
    row: Row[Any], material: Material | None, chosen: TemplateBody | None, *, public_url: str
) -> tuple[str | None, str | None]:
    """Subject and body: as sent, or made on demand with links that only show their place.

    Of an erased patient there is no material, and nothing to show.
    """
    if material is None:
        return None, None
    if row.body is not None:
        return content.open_text(material.key, row.body)
    if chosen is None:
        return None, None
    shown = dict.fromkeys(LINKS, f"{public_url}/l/...")
    try:
        made = content.compose(material, chosen, shown)
    except InvalidError:
        return None, None
    return getattr(made.content, "subject", None), made.text


def _to_job(
    row: Row[Any],
    material: Material | None,
    *,
    text: tuple[str | None, str | None],
    template_id: int | None,
) -> Job:
    return Job(
        id=MessageId(row.id),
        patient_id=row.patient_id,
        template_id=template_id,
        purpose=Purpose(row.purpose),
        message_class=MessageClass(row.message_class),
        channel=Channel(row.channel),
        recipient=material.to if material else None,
        subject=text[0],
        body=text[1],
        variables=material.variables if material else {},
        lifecycle=Lifecycle(row.lifecycle),
        progress=row.progress,
        reasons=tuple(Reason(reason) for reason in row.reasons),
        ordered_by=row.ordered_by,
        created_at=row.created_at,
        scheduled_at=row.scheduled_at or row.planned_at,
        sent_at=row.sent_at,
        replied_at=row.replied_at,
        appointment_id=row.appointment_id,
        appointment_version=row.appointment_version,
        reminder_offset=row.reminder_offset,
        provider_message_id=row.provider_ref,
        visits=visits_of(row),
    )
