"""A patient's row, key and contact points; personal data leaves here as ciphertext only."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

# allow public-files: patients writes what directory keeps, as one with consent
from handbell.directory.tables import AddressRow, ContactPointRow, PatientRow
from handbell.directory.types import Address
from handbell.patients.types import Registration, Residence
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.tables import SubjectKeyRow
from handbell.platform.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ContactPoint:
    """An address of a patient with what the rules need of it."""

    address_id: int
    address: Address
    zones: tuple[str, ...]
    states: tuple[str, ...]


async def create(tx: Tx, organization_id: OrganizationId, keys: KeyRing, *, now: datetime) -> int:
    """Make an empty patient with a data key of their own."""
    wrapped, version = keys.wrap(SubjectKey.fresh())
    key_id = await tx.execute(
        insert(SubjectKeyRow)
        .values(
            organization_id=organization_id,
            wrapped_key=wrapped,
            kek_version=version,
            created_at=now,
        )
        .returning(SubjectKeyRow.id)
    )
    patient = await tx.execute(
        insert(PatientRow)
        .values(
            organization_id=organization_id, subject_key_id=key_id.scalar_one(), created_at=now
        )
        .returning(PatientRow.id)
    )
    patient_id: int = patient.scalar_one()
    return patient_id


async def write(
    tx: Tx,
    patient_id: int,
    key: SubjectKey,
    registration: Registration,
    *,
    provider_id: int | None,
) -> None:
    """Change the columns that the registration speaks of."""
    home = registration.residence
    birth = registration.birth_date
    secret = {
        "first_name": registration.first_name,
        "last_name": registration.last_name,
        "birth_date": birth.isoformat() if birth else None,
        "address_line": home.line if home else None,
        "city": home.city if home else None,
    }
    clear = {
        "provider_id": provider_id,
        "state": home.state if home else None,
        "postal_code": home.postal_code if home else None,
        "country": home.country if home else None,
        "deceased_at": registration.deceased_at,
    }
    values: dict[str, Any] = {name: value for name, value in clear.items() if value is not None}
    for name, text in secret.items():
        if text is not None:
            values[name] = key.encrypt(text, context=f"patients.{name}")
    if values:
        await tx.execute(update(PatientRow).where(PatientRow.id == patient_id).values(**values))


async def residence(tx: Tx, patient_id: int) -> Residence:
    """What of the residence stands in clear: state, postal code, country."""
    statement = select(PatientRow.state, PatientRow.postal_code, PatientRow.country)
    row = (await tx.execute(statement.where(PatientRow.id == patient_id))).one()
    return Residence(state=row.state, postal_code=row.postal_code, country=row.country)


async def current_addresses(tx: Tx, patient_id: int) -> list[tuple[int, str]]:
    """The address ids and channels by which the patient is reached now."""
    statement = (
        select(ContactPointRow.address_id, ContactPointRow.channel)
        .where(ContactPointRow.patient_id == patient_id, ContactPointRow.is_current)
        .order_by(ContactPointRow.id)
    )
    return [(row.address_id, row.channel) for row in await tx.execute(statement)]


async def lock(tx: Tx, patient_id: int) -> bool:
    """Hold the patient's row until the transaction ends; say whether there is one. One that
    was erased is none."""
    statement = select(PatientRow.id).where(
        PatientRow.id == patient_id, PatientRow.subject_key_id.is_not(None)
    )
    locked = await tx.execute(statement.with_for_update(key_share=True))
    return locked.one_or_none() is not None


async def shown_points(tx: Tx, patient_id: int) -> dict[Channel, tuple[int, bytes]]:
    """Per channel the address id and the encrypted address that a patient is shown with: of
    several current ones the newest."""
    statement = (
        select(ContactPointRow.channel, ContactPointRow.address_id, ContactPointRow.address)
        .where(ContactPointRow.patient_id == patient_id, ContactPointRow.is_current)
        .order_by(ContactPointRow.id)
    )
    rows = await tx.execute(statement)
    return {Channel(row.channel): (row.address_id, row.address) for row in rows}


async def all_points(tx: Tx, patient_id: int) -> list[Row[Any]]:
    """Every contact point that the patient has or had, oldest first: `address_id`, `channel`,
    the encrypted `address`, `is_current`."""
    statement = (
        select(
            ContactPointRow.address_id,
            ContactPointRow.channel,
            ContactPointRow.address,
            ContactPointRow.is_current,
        )
        .where(ContactPointRow.patient_id == patient_id)
        .order_by(ContactPointRow.id)
    )
    return list(await tx.execute(statement))


async def addresses_of_hash(tx: Tx, channel: Channel, address_hash: bytes) -> set[int]:
    """The organisation's address with that keyed hash, if it knows it."""
    statement = select(AddressRow.id).where(
        AddressRow.channel == channel, AddressRow.address_hash == address_hash
    )
    return set((await tx.execute(statement)).scalars())


async def put_contact_point(
    tx: Tx,
    organization_id: OrganizationId,
    patient_id: int,
    key: SubjectKey,
    point: ContactPoint,
    *,
    now: datetime,
) -> None:
    """Add an address of the patient, or bring what was derived from it up to date."""
    derived = {
        "country": point.address.country,
        "zones": list(point.zones),
        "states": list(point.states),
        "is_current": True,
    }
    await tx.execute(
        insert(ContactPointRow)
        .values(
            organization_id=organization_id,
            patient_id=patient_id,
            address_id=point.address_id,
            channel=point.address.channel,
            address=key.encrypt(point.address.value, context="contact_points.address"),
            created_at=now,
            **derived,
        )
        .on_conflict_do_update(index_elements=["patient_id", "address_id"], set_=derived)
    )


async def retire_contact_points(
    tx: Tx,
    patient_id: int,
    *,
    kept: Collection[int],
    channels: Collection[Channel] = tuple(Channel),
) -> None:
    """Mark the addresses that are no longer told as not current; they are kept."""
    await tx.execute(
        update(ContactPointRow)
        .where(
            ContactPointRow.patient_id == patient_id,
            ContactPointRow.channel.in_(list(channels)),
            ContactPointRow.address_id.not_in(list(kept)),
        )
        .values(is_current=False)
    )
