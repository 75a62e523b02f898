"""What a reply does to its address at once, until a person has looked: wait, or be left alone.

Regulation reference, section 9: a doubtful opt-out pauses what can wait for one business day,
and then counts as an opt-out; a wrong number and a death end messages to the number at once.
"""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory import service as directory
from handbell.directory.types import HeldFor
from handbell.inbound import store
from handbell.inbound.types import Heard
from handbell.messages import service as messages
from handbell.platform import outbox
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.types import DEFAULTS, Level
from handbell.scheduling.service import add_business_days
from handbell.webhooks import service as webhooks

END_HOLD_TOPIC: Final = "inbound.end_hold"
"""Work of the outbox: a hold that nobody has answered by its end counts as an opt-out."""
BUSINESS_DAYS: Final = 1
HOLIDAYS_OF: Final = "US"
UNTIL_SEEN: Final = timedelta(days=3650)
"""A death that was told of has no term: only a person lets messages go there again."""
_ONE_DAY: Final = timedelta(days=1)


async def numbers_of(heard: Heard, keys: KeyRing) -> list[int]:
    """The addresses of the number that wrote, as far as a stop reaches."""
    if heard.item.sender is None:
        return []
    return await webhooks.stoppable_addresses_in(
        heard.tx, heard.organization_id, keys, heard.item.channel, heard.item.sender
    )


async def hold_in(heard: Heard, keys: KeyRing, audit: AuditService, why: HeldFor) -> None:
    """Let what waits for the number wait longer. Answers and emergencies still go."""
    address_ids = await numbers_of(heard, keys)
    until = await _ends_at(heard) if why is HeldFor.POSSIBLE_OPT_OUT else heard.now + UNTIL_SEEN
    changed = await directory.hold_addresses_in(
        heard.tx, address_ids, why, until=until, told_by=heard.id
    )
    if not changed:
        return
    if why is HeldFor.POSSIBLE_OPT_OUT:
        args = {"inbound_message_id": heard.id, "address_ids": sorted(changed)}
        await outbox.add(
            heard.tx, heard.organization_id, END_HOLD_TOPIC, args, now=heard.now, not_before=until
        )
    await _replan(heard)
    await record_in(heard, audit, "address.held", sorted(changed))


async def release_in(heard: Heard, keys: KeyRing, audit: AuditService) -> None:
    """The patient has said clearly what is wished: nothing waits for a doubt any more."""
    if heard.address_id is None:
        return
    held = await directory.held_for_in(heard.tx, heard.address_id)
    if held is not HeldFor.POSSIBLE_OPT_OUT:
        return
    address_ids = await numbers_of(heard, keys)
    changed = await directory.release_addresses_in(heard.tx, address_ids, HeldFor.POSSIBLE_OPT_OUT)
    await _replan(heard)
    await record_in(heard, audit, "address.released", sorted(changed))


async def mark_wrong_in(heard: Heard, keys: KeyRing, audit: AuditService) -> None:
    """Let nothing more go to the number. Who was written to there, and by which messages, is in
    the audit log: they may have been disclosed to a stranger (HP-13)."""
    address_ids = await numbers_of(heard, keys)
    changed = await directory.mark_wrong_number_in(
        heard.tx, address_ids, told_by=heard.id, now=heard.now
    )
    sent = await store.sent_to_addresses(heard.tx, changed)
    await record_in(heard, audit, "address.found_wrong", sorted(changed), message_ids=sent)


async def record_in(
    heard: Heard,
    audit: AuditService,
    action: str,
    address_ids: list[int],
    message_ids: list[int] | None = None,
) -> None:
    subject: dict[str, int | str | list[int]] = {
        "inbound_message_id": heard.id,
        "address_ids": address_ids,
        "patient_ids": list(heard.patients),
    }
    if message_ids is not None:
        subject["message_ids"] = message_ids
    entry = AuditEntry(
        organization_id=heard.organization_id,
        at=heard.now,
        actor="patient",
        action=action,
        subject=subject,
    )
    await audit.record(heard.tx, entry)


async def replan_all_in(
    tx: Tx, organization_id: OrganizationId, patient_ids: tuple[int, ...], *, now: datetime
) -> None:
    for patient_id in patient_ids:
        await messages.replan_later_in(tx, organization_id, patient_id, now=now)


async def _replan(heard: Heard) -> None:
    await replan_all_in(heard.tx, heard.organization_id, heard.patients, now=heard.now)


async def _ends_at(heard: Heard) -> datetime:
    """The end of the next business day of the practice."""
    zone = await zone_in(heard.tx, heard.organization_id)
    today = heard.now.astimezone(zone).date()
    last = add_business_days(today, BUSINESS_DAYS, country=HOLIDAYS_OF)
    return datetime.combine(last + _ONE_DAY, time(), tzinfo=zone)


async def zone_in(tx: Tx, organization_id: OrganizationId) -> ZoneInfo:
    """The zone in which the organisation counts its days."""
    said = await preferences.settings_in(tx, organization_id, Level.ORGANIZATION, organization_id)
    return ZoneInfo(said.timezone or str(DEFAULTS.timezone))
