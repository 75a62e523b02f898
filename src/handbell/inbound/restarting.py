"""START: messages go to a number again that was stopped, by the patient's own word alone."""

from typing import Final

from handbell.audit.service import AuditService
from handbell.consent import service as consent
from handbell.consent.types import ClassState, Decision, Entry, Kind, Method
from handbell.inbound.suppressing import numbers_of, record_in, replan_all_in
from handbell.inbound.types import Heard
from handbell.platform.crypto import KeyRing
from handbell.platform.vocabulary import MessageClass

INFORMATIONAL: Final = (MessageClass.CARE, MessageClass.BILLING_ADMIN, MessageClass.RESEARCH)
"""Marketing is none of them: it was agreed to in writing, and a word does not bring that back."""


async def restart_in(heard: Heard, keys: KeyRing, audit: AuditService) -> bool:
    """Consent again to what was stopped; say whether anything was.

    The address that wrote is open for care; whatever else was agreed to on the number before it
    was stopped is agreed to again. An earlier instant than a later STOP's changes nothing: the
    ledger goes by when the patient decided.
    """
    address_ids = await numbers_of(heard, keys)
    ledgers = await consent.ledgers_in(heard.tx, address_ids)
    granted: list[int] = []
    for address_id in sorted(address_ids):
        is_own = address_id == heard.address_id
        for message_class in classes_again(ledgers[address_id], is_own=is_own):
            await consent.record(
                heard.tx,
                heard.organization_id,
                address_id,
                _grant(heard, message_class),
                keys=keys,
                now=heard.now,
            )
            granted.append(address_id)
    if not granted:
        return False
    await record_in(heard, audit, "consent.granted", sorted(set(granted)))
    await replan_all_in(heard.tx, heard.organization_id, heard.patients, now=heard.now)
    return True


def classes_again(entries: list[Entry], *, is_own: bool) -> list[MessageClass]:
    """The classes that a START opens: stopped now, and agreed to before the last stop of all."""
    now = consent.fold(entries)
    if not _is_stopped(now):
        return []
    stops = [
        entry.no
        for entry in entries
        if entry.decision.kind is Kind.REVOKE and entry.decision.message_class is None
    ]
    before = consent.fold(entry for entry in entries if not stops or entry.no < max(stops))
    wanted = {one for one, state in before.items() if state.granted}
    if is_own:
        wanted.add(MessageClass.CARE)
    return [one for one in INFORMATIONAL if one in wanted]


def _is_stopped(states: dict[MessageClass, ClassState]) -> bool:
    care = states.get(MessageClass.CARE)
    return care is not None and not care.granted


def _grant(heard: Heard, message_class: MessageClass) -> Decision:
    return Decision(
        kind=Kind.GRANT,
        message_class=message_class,
        method=Method.KEYWORD,
        source=heard.item.provider.value,
        actor="patient",
        at=heard.at,
        evidence=heard.item.provider_ref,
    )
