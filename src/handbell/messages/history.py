"""What a patient was sent: when, on which channel, what for and by which text; never the text."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

# allow public-files: what was sent to a record that was merged is the survivor's
from handbell.directory.tables import PatientRow
from handbell.messages.tables import MessageRow
from handbell.messages.types import Lifecycle, MessageId
from handbell.platform.db import Tx
from handbell.platform.vocabulary import Channel, MessageClass, Purpose

# allow public-files: a version is shown by its number, and a message holds its id
from handbell.templates.tables import TemplateVersionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """One message that left, or may have left. `template_version` is the number of the version
    of template `template_id`."""

    id: MessageId
    address_id: int | None
    channel: Channel
    purpose: Purpose
    message_class: MessageClass
    status: str
    sent_at: datetime
    template_id: int | None
    template_version: int | None


async def sent_to_in(tx: Tx, patient_id: int) -> list[SentMessage]:
    """Everything that left for the patient, and for records that were merged into theirs,
    oldest first."""
    statement = (
        select(
            MessageRow.id,
            MessageRow.address_id,
            MessageRow.channel,
            MessageRow.purpose,
            MessageRow.message_class,
            MessageRow.lifecycle,
            MessageRow.progress,
            MessageRow.sent_at,
            TemplateVersionRow.template_id,
            TemplateVersionRow.no,
        )
        .outerjoin(TemplateVersionRow, TemplateVersionRow.id == MessageRow.template_version_id)
        .join(PatientRow, PatientRow.id == MessageRow.patient_id)
        .where(
            (PatientRow.id == patient_id) | (PatientRow.merged_into_id == patient_id),
            MessageRow.sent_at.is_not(None),
        )
        .order_by(MessageRow.sent_at, MessageRow.id)
    )
    return [
        SentMessage(
            id=MessageId(row.id),
            address_id=row.address_id,
            channel=Channel(row.channel),
            purpose=Purpose(row.purpose),
            message_class=MessageClass(row.message_class),
            status=row.progress or _in_a_word(Lifecycle(row.lifecycle)),
            sent_at=row.sent_at,
            template_id=row.template_id,
            template_version=row.no,
        )
        for row in await tx.execute(statement)
    ]


def _in_a_word(lifecycle: Lifecycle) -> str:
    """What a provider took and said no more of was sent."""
    return "sent" if lifecycle is Lifecycle.ACCEPTED else lifecycle.value
