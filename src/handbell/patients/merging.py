"""Two records turn out to be one patient: what is theirs follows the one that stays.

Consent and stops hang on the address, so they follow by themselves. What was sent stays with the
record it was sent to: its texts are encrypted with that one's key, and the audit log has sealed
them so. What either record forbids stays forbidden.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from handbell.directory import service as directory
from handbell.directory.errors import UnknownPatient

# allow public-files: patients writes what directory keeps, as one with consent
from handbell.directory.tables import ContactPointRow, PatientRow
from handbell.directory.types import Origin, Stale, Taken, ThingKind
from handbell.messages.service import move_pending_in
from handbell.patients import store
from handbell.patients.restrictions import store as restrictions
from handbell.patients.types import Registered
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.types import CHOICES, FIELDS, Level, LevelChange, Settings

_ADDRESS: Final = "contact_points.address"
_FOLLOW: Final = (
    "UPDATE appointments SET patient_id = :stays WHERE patient_id = :goes",
    """UPDATE conditions c SET patient_id = :stays WHERE patient_id = :goes AND NOT EXISTS
        (SELECT 1 FROM conditions o WHERE o.patient_id = :stays
         AND o.system = c.system AND o.code = c.code)""",
    "DELETE FROM conditions WHERE patient_id = :goes",
    "UPDATE action_links SET patient_id = :stays WHERE patient_id = :goes",
    """UPDATE patient_relations r SET patient_id = :stays WHERE patient_id = :goes
        AND related_id <> :stays AND NOT EXISTS
        (SELECT 1 FROM patient_relations o WHERE o.patient_id = :stays
         AND o.related_id = r.related_id AND o.kind = r.kind AND o.ended_at IS NULL)""",
    """UPDATE patient_relations r SET related_id = :stays WHERE related_id = :goes
        AND patient_id <> :stays AND NOT EXISTS
        (SELECT 1 FROM patient_relations o WHERE o.related_id = :stays
         AND o.patient_id = r.patient_id AND o.kind = r.kind AND o.ended_at IS NULL)""",
    """UPDATE patient_relations SET ended_at = :now, ended_by = :actor
        WHERE ended_at IS NULL AND :goes IN (patient_id, related_id)""",
    """UPDATE external_ids SET internal_id = :stays
        WHERE kind = 'patient' AND internal_id = :goes""",
    """UPDATE patients SET merged_into_id = :stays
        WHERE id = :goes OR merged_into_id = :goes""",
)
_NEVER: Final = ("allow_", "marketing_opt_in_")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Merge:
    """One record, `goes`, ends in another, `stays`; `keys` are those of both."""

    organization_id: OrganizationId
    goes: int
    stays: int
    keys: Mapping[int, SubjectKey]
    actor: str
    now: datetime

    def sealed_anew(self, sealed: bytes | None, *, context: str) -> bytes | None:
        if sealed is None:
            return None
        told = self.keys[self.goes].decrypt(sealed, context=context)
        return self.keys[self.stays].encrypt(told, context=context)


async def merge_in(
    tx: Tx,
    organization_id: OrganizationId,
    keys: KeyRing,
    origin: Origin,
    *,
    survivor: str,
    now: datetime,
) -> Registered:
    """Let the record that `origin` names end in the survivor (the source's own id of it).

    Repeating it changes nothing. Raises `UnknownPatient` where the source has not told of one.
    """
    stays = await directory.find_id(
        tx, organization_id, ThingKind.PATIENT, origin.source, survivor
    )
    if stays is None:
        raise UnknownPatient("The source has not told us of this one.", field="merged_into")

    async def write(known: int | None) -> Taken:
        if known is None:
            raise UnknownPatient("The source has not told us of this patient.", field="id")
        if known != stays:
            both = await _lock(tx, known, stays)
            merge = _Merge(
                organization_id=organization_id,
                goes=known,
                stays=stays,
                keys=await directory.subject_keys_in(tx, keys, both),
                actor=origin.source,
                now=now,
            )
            await _merge(tx, merge)
        return Taken(internal_id=stays, changed=known != stays)

    result = await directory.upsert(tx, organization_id, ThingKind.PATIENT, origin, write)
    return Registered(patient_id=stays, is_stale=isinstance(result, Stale), reasons=())


async def _lock(tx: Tx, *patient_ids: int) -> list[int]:
    both = select(PatientRow.id).where(PatientRow.id.in_(patient_ids)).order_by(PatientRow.id)
    return list((await tx.execute(both.with_for_update())).scalars())


async def _merge(tx: Tx, merge: _Merge) -> None:
    await _move_points(tx, merge)
    await store.retire_contact_points(tx, merge.goes, kept=[])
    await move_pending_in(tx, merge.keys, goes=merge.goes, stays=merge.stays)
    await _move_restrictions(tx, merge)
    await _fill_preferences(tx, merge)
    told = {name: getattr(merge, name) for name in ("goes", "stays", "now", "actor")}
    for statement in _FOLLOW:
        await tx.execute(text(statement), told)


async def _move_points(tx: Tx, merge: _Merge) -> None:
    """Each address that is current, under the survivor's key; one that both had is current if
    it was for either."""
    statement = select(ContactPointRow.__table__).where(
        ContactPointRow.patient_id == merge.goes, ContactPointRow.is_current
    )
    kept = ("organization_id", "address_id", "channel", "country", "zones", "states")
    for point in (await tx.execute(statement)).all():
        moved = {name: getattr(point, name) for name in (*kept, "created_at")} | {
            "patient_id": merge.stays,
            "address": merge.sealed_anew(point.address, context=_ADDRESS),
            "is_current": True,
        }
        await tx.execute(
            insert(ContactPointRow)
            .values(**moved)
            .on_conflict_do_update(
                index_elements=["patient_id", "address_id"], set_={"is_current": True}
            )
        )


async def _move_restrictions(tx: Tx, merge: _Merge) -> None:
    """What may never be used for either record may not be used for the survivor."""
    for one in await restrictions.standing(tx, merge.goes):
        moved = {
            "patient_id": merge.stays,
            "channel": one.channel,
            "address_id": one.address_id,
            "address": merge.sealed_anew(one.address, context=restrictions.SEALED_AS),
        }
        await restrictions.put(tx, merge.organization_id, moved, actor=merge.actor, now=merge.now)


async def _fill_preferences(tx: Tx, merge: _Merge) -> None:
    """The survivor's own word stands; where they have none, the other record's does."""
    own, other = [
        await preferences.settings_in(tx, merge.organization_id, Level.PATIENT, patient_id)
        for patient_id in (merge.stays, merge.goes)
    ]
    said = LevelChange(
        level=Level.PATIENT,
        level_id=merge.stays,
        fields=filled(own, other),
        actor=merge.actor,
    )
    await preferences.change_in(tx, merge.organization_id, said, now=merge.now)


def filled(own: Settings, other: Settings) -> dict[str, Any]:
    """What another record's settings add to a patient's own: the fields on which these say
    nothing, each no to a channel or a purpose, and the later end of a pause."""
    added: dict[str, Any] = {}
    for field in FIELDS:
        mine, theirs = getattr(own, field), getattr(other, field)
        is_no = theirs is False and field.startswith(_NEVER)
        if theirs is not None and (mine is None or is_no):
            added[field] = theirs
    if own.pause_until and other.pause_until:
        added["pause_until"] = max(own.pause_until, other.pause_until)
    if other.choices:
        chosen, refused = own.choices or {}, other.choices
        added[CHOICES] = {
            purpose: choice
            for purpose, choice in refused.items()
            if purpose not in chosen or not choice.enabled
        }
    return added
