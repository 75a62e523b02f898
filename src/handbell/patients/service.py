"""Registers patients: the one way in for events, files and interfaces alike."""

from datetime import datetime

from handbell.consent import service as consent
from handbell.consent.types import Attested, Decision, Kind, Method
from handbell.directory import service as directory
from handbell.directory.errors import InvalidAddress
from handbell.directory.types import Address, Origin, Stale, Taken, ThingKind
from handbell.messages import service as messages
from handbell.patients import merging, store
from handbell.patients.relations import store as relations
from handbell.patients.relations.types import adult_on
from handbell.patients.types import (
    ADDRESS_FIELDS,
    Contact,
    Reason,
    Registered,
    Registration,
    SaidContacts,
    ToldConsent,
    Unusable,
    Whereabouts,
)
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.platform.errors import InvalidError
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.preferences import service as preferences
from handbell.preferences.errors import InvalidPreference
from handbell.preferences.types import Level, LevelChange

LANDLINE = "landline"


async def create_stranger_in(
    tx: Tx,
    organization_id: OrganizationId,
    keys: KeyRing,
    address: Address,
    *,
    address_id: int,
    now: datetime,
) -> int:
    """Make a person who is no patient, of whom nothing is known but an address that they wrote
    from. It is no current one: they can be answered, and never written to."""
    person_id = await store.create(tx, organization_id, keys, now=now)
    await relations.name_contact(tx, person_id, {})
    await preferences.create_inherited(tx, organization_id, person_id, now=now)
    key = await directory.subject_key_in(tx, keys, person_id)
    point = store.ContactPoint(address_id=address_id, address=address, zones=(), states=())
    await store.put_contact_point(tx, organization_id, person_id, key, point, now=now)
    await store.retire_contact_points(tx, person_id, kept=())
    return person_id


class PatientService:
    """Creates and changes patients as a record system tells of them."""

    def __init__(self, db: Database, keys: KeyRing, whereabouts: Whereabouts) -> None:
        self.db = db
        self.keys = keys
        self.whereabouts = whereabouts

    async def register(
        self, organization_id: OrganizationId, registration: Registration, *, now: datetime
    ) -> Registered:
        """Take one statement in a transaction of its own."""
        async with self.db.transaction(organization_id) as tx:
            return await self.register_in(tx, organization_id, registration, now=now)

    async def register_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        registration: Registration,
        *,
        now: datetime,
    ) -> Registered:
        """Take one statement. What cannot be used is left out and named; the rest stands."""
        intake = _Intake(self, tx, organization_id, registration, now)

        async def write(known: int | None) -> Taken:
            patient_id = await intake.apply(known)
            if known is not None:
                await messages.replan_later_in(tx, organization_id, known, now=now)
            return Taken(internal_id=patient_id, changed=True)

        result = await directory.upsert(
            tx, organization_id, ThingKind.PATIENT, registration.origin, write
        )
        return Registered(
            patient_id=result.internal_id,
            is_stale=isinstance(result, Stale),
            reasons=tuple(intake.reasons),
        )

    async def merge_in(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        origin: Origin,
        *,
        survivor: str,
        now: datetime,
    ) -> Registered:
        """Let one record end in another, inside another use case. Raises `UnknownPatient`."""
        return await merging.merge_in(
            tx, organization_id, self.keys, origin, survivor=survivor, now=now
        )

    async def set_contacts_in(
        self, tx: Tx, organization_id: OrganizationId, said: SaidContacts, *, now: datetime
    ) -> None:
        """Let each channel that is spoken of have this one address, or none.

        The address that a patient is shown with already stays as it is. A new one is consent
        for care, as at registration. Raises `InvalidAddress` with the field that is wrong.
        """
        shown = await store.shown_points(tx, said.patient_id)
        points = []
        for channel, value in said.values.items():
            point = value and await self._said_point(
                tx, organization_id, said.patient_id, (channel, value)
            )
            if point and channel in shown and shown[channel][0] == point.address_id:
                continue
            kept = [point.address_id] if point else []
            await store.retire_contact_points(tx, said.patient_id, kept=kept, channels=[channel])
            points += [point] if point else []
        await self._put_said(tx, organization_id, said, points, now=now)

    async def _said_point(
        self, tx: Tx, organization_id: OrganizationId, patient_id: int, told: tuple[Channel, str]
    ) -> store.ContactPoint:
        try:
            return await self.contact_point_in(tx, organization_id, patient_id, told)
        except InvalidAddress as wrong:
            field = ADDRESS_FIELDS[told[0]]
            raise InvalidAddress(wrong.message, **{**wrong.details, "field": field}) from wrong

    async def _put_said(
        self,
        tx: Tx,
        organization_id: OrganizationId,
        said: SaidContacts,
        points: list[store.ContactPoint],
        *,
        now: datetime,
    ) -> None:
        key = await directory.subject_key_in(tx, self.keys, said.patient_id)
        for point in sorted(points, key=lambda point: point.address_id):
            await store.put_contact_point(
                tx, organization_id, said.patient_id, key, point, now=now
            )
            await consent.record_registration(
                tx,
                organization_id,
                point.address_id,
                source=said.source,
                at=now,
                keys=self.keys,
                now=now,
            )

    async def contact_point_in(
        self, tx: Tx, organization_id: OrganizationId, patient_id: int, told: tuple[Channel, str]
    ) -> store.ContactPoint:
        """Read an address as told, with what the rules need of it, or raise `InvalidAddress`."""
        channel, value = told
        home = await store.residence(tx, patient_id)
        address = directory.canonical_address(channel, value, region=home.country)
        address_hash = self.keys.address_hash(channel, address.value)
        return store.ContactPoint(
            address_id=await directory.ensure_address(tx, organization_id, channel, address_hash),
            address=address,
            zones=self.whereabouts.candidate_zones(address, home),
            states=self.whereabouts.states(address, home),
        )


class _Intake:
    """One registration on its way into the tables, with the reasons gathered on it."""

    def __init__(
        self,
        service: PatientService,
        tx: Tx,
        organization_id: OrganizationId,
        registration: Registration,
        now: datetime,
    ) -> None:
        self.service = service
        self.tx = tx
        self.organization_id = organization_id
        self.told = registration
        self.now = now
        self.reasons: list[Reason] = []

    async def apply(self, known: int | None) -> int:
        """Write everything that the registration says; give the patient's id."""
        keys = self.service.keys
        patient_id = known or await store.create(self.tx, self.organization_id, keys, now=self.now)
        key = await directory.subject_key_in(self.tx, keys, patient_id)
        provider_id = await self._provider_id()
        await store.write(self.tx, patient_id, key, self.told, provider_id=provider_id)
        if known is not None and self.told.birth_date is not None:
            await relations.move_birthday(self.tx, patient_id, adult_on(self.told.birth_date))
        await preferences.create_inherited(self.tx, self.organization_id, patient_id, now=self.now)
        await self._put_preferences(patient_id)
        if self.told.contacts is not None:
            await self._put_contacts(patient_id, key, self.told.contacts)
        elif known is None:
            self._leave_out(Unusable.NO_USABLE_CONTACT, "contacts")
        await self._put_consents(patient_id)
        return patient_id

    async def _provider_id(self) -> int | None:
        told = self.told.provider_external_id
        if told is None:
            return None
        source = self.told.origin.source
        return await directory.ensure_provider(self.tx, self.organization_id, source, told)

    async def _put_preferences(self, patient_id: int) -> None:
        """Language and zone flow into the patient's own level (R8.3)."""
        zone, language = self._zone(), self._language()
        if zone is None and language is None:
            return
        told = {"timezone": zone, "language": language}
        said = LevelChange(
            level=Level.PATIENT,
            level_id=patient_id,
            fields={field: value for field, value in told.items() if value is not None},
            actor=self.told.origin.source,
        )
        await preferences.change_in(self.tx, self.organization_id, said, now=self.now)

    def _zone(self) -> str | None:
        if self.told.timezone is None:
            return None
        try:
            return preferences.canonical_zone(self.told.timezone)
        except InvalidPreference:
            self._leave_out(Unusable.UNKNOWN_TIMEZONE, "timezone")
            return None

    def _language(self) -> str | None:
        if self.told.language is None:
            return None
        try:
            return preferences.canonical_language(self.told.language)
        except InvalidPreference:
            self._leave_out(Unusable.UNKNOWN_LANGUAGE, "language")
            return None

    async def _put_contacts(
        self, patient_id: int, key: SubjectKey, contacts: tuple[Contact, ...]
    ) -> None:
        points = [
            point
            for no, contact in enumerate(contacts)
            if (point := await self._contact_point(patient_id, contact, no))
        ]
        if not points:
            self._leave_out(Unusable.NO_USABLE_CONTACT, "contacts")
        kept = [point.address_id for point in points]
        await store.retire_contact_points(self.tx, patient_id, kept=kept)
        for point in sorted(points, key=lambda point: point.address_id):
            await store.put_contact_point(
                self.tx, self.organization_id, patient_id, key, point, now=self.now
            )
            await consent.record_registration(
                self.tx,
                self.organization_id,
                point.address_id,
                source=self.told.origin.source,
                at=self.told.origin.told_at,
                keys=self.service.keys,
                now=self.now,
            )

    async def _contact_point(
        self, patient_id: int, contact: Contact, no: int
    ) -> store.ContactPoint | None:
        if contact.channel == LANDLINE:
            self._leave_out(Unusable.LANDLINE_NOT_MESSAGEABLE, f"contacts[{no}]")
            return None
        if contact.channel not in set(Channel):
            self._leave_out(Unusable.UNKNOWN_CHANNEL, f"contacts[{no}].channel")
            return None
        told = (Channel(contact.channel), contact.value)
        try:
            return await self.service.contact_point_in(
                self.tx, self.organization_id, patient_id, told
            )
        except InvalidAddress:
            self._leave_out(Unusable.INVALID_ADDRESS, f"contacts[{no}].value")
            return None

    async def _put_consents(self, patient_id: int) -> None:
        if not self.told.consents:
            return
        addresses = await store.current_addresses(self.tx, patient_id)
        for no, told in enumerate(self.told.consents):
            field = f"consents[{no}]"
            ids = [address_id for address_id, channel in addresses if channel == told.channel]
            if not ids:
                self._leave_out(Unusable.CONSENT_WITHOUT_ADDRESS, field)
            elif decision := self._decision(told, field):
                await self._record(ids, decision, field)

    async def _record(self, address_ids: list[int], decision: Decision, field: str) -> None:
        try:
            for address_id in address_ids:
                await consent.record(
                    self.tx,
                    self.organization_id,
                    address_id,
                    decision,
                    keys=self.service.keys,
                    agreement=Attested(by=self.told.origin.source),
                    now=self.now,
                )
        except InvalidError:
            self._leave_out(Unusable.CONSENT_NOT_ACCEPTED, field)

    def _decision(self, told: ToldConsent, field: str) -> Decision | None:
        """A grant must be understood in whole; of a revocation nothing is ever lost: what is
        not understood of it makes it wider, and is named."""
        is_revocation = told.kind is Kind.REVOKE
        before = len(self.reasons)
        message_class = self._class(told, field)
        method = self._method(told, field)
        if len(self.reasons) > before and not is_revocation:
            return None
        source = self.told.origin.source
        at = told.at or self.told.origin.told_at
        return Decision(
            kind=told.kind,
            message_class=message_class,
            method=method,
            source=source,
            actor=source,
            at=min(at, self.now) if is_revocation else at,
            text_version=told.text_version,
        )

    def _class(self, told: ToldConsent, field: str) -> MessageClass | None:
        if told.message_class is None or told.message_class in set(MessageClass):
            return MessageClass(told.message_class) if told.message_class else None
        self._leave_out(Unusable.UNKNOWN_CLASS, f"{field}.class")
        return None

    def _method(self, told: ToldConsent, field: str) -> Method:
        if told.method in set(Method):
            return Method(told.method)
        self._leave_out(Unusable.UNKNOWN_METHOD, f"{field}.method")
        return Method.STAFF

    def _leave_out(self, code: Unusable, field: str) -> None:
        self.reasons.append(Reason(code=code, field=field))
