"""Who writes to us without being a patient, and is answered all the same.

HELP is answered whoever asks, and so is somebody in danger (CT-04). A message belongs to a person:
for a number that nobody has, one is made of whom nothing is known. They are no patient and no
address of theirs is current, so that nothing but an answer can ever go there.
"""

from datetime import datetime

from handbell.directory import service as directory
from handbell.directory.errors import InvalidAddress
from handbell.inbound import store
from handbell.patients import service as patients
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel


async def stranger_in(
    tx: Tx,
    organization_id: OrganizationId,
    keys: KeyRing,
    address: tuple[Channel, str, int],
    *,
    now: datetime,
) -> int | None:
    """The person to answer: channel, sender and id of the address are given. None where no
    message can go there, as to a short code."""
    channel, sender, address_id = address
    try:
        value = directory.canonical_address(channel, sender)
    except InvalidAddress:
        return None
    known = await store.stranger_of(tx, address_id)
    if known is not None:
        return known
    return await patients.create_stranger_in(
        tx, organization_id, keys, value, address_id=address_id, now=now
    )
