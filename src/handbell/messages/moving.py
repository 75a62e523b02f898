"""What is planned for a record that ends in another goes to the patient who stays."""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import exists, select, update

# allow public-files: a message follows the patient to the contact point that holds its address
from handbell.directory.tables import ContactPointRow
from handbell.messages.content import VARIABLES_CONTEXT
from handbell.messages.tables import MessageAttemptRow, MessageRow
from handbell.messages.types import PENDING
from handbell.platform.crypto import SubjectKey
from handbell.platform.db import Tx

_POINT: Final = (
    select(ContactPointRow.id)
    .where(
        ContactPointRow.patient_id == MessageRow.patient_id,
        ContactPointRow.address_id == MessageRow.address_id,
    )
    .scalar_subquery()
)


async def move_pending_in(
    tx: Tx, keys: Mapping[int, SubjectKey], *, goes: int, stays: int
) -> None:
    """Move messages that nobody has tried to send yet, their variables under the other key.

    One that is between two tries stays: its text is under the first record's key.
    """
    tried = exists().where(MessageAttemptRow.message_id == MessageRow.id)
    pending = select(MessageRow.id, MessageRow.variables).where(
        MessageRow.patient_id == goes, MessageRow.lifecycle.in_(PENDING), ~tried
    )
    found = (await tx.execute(pending.order_by(MessageRow.id).with_for_update())).all()
    for row in found:
        sealed = row.variables and keys[stays].encrypt(
            keys[goes].decrypt(row.variables, context=VARIABLES_CONTEXT),
            context=VARIABLES_CONTEXT,
        )
        where = MessageRow.id == row.id
        moved = {"patient_id": stays, "variables": sealed}
        await tx.execute(update(MessageRow).where(where).values(**moved))
        await tx.execute(update(MessageRow).where(where).values(contact_point_id=_POINT))
