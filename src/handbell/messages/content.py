"""What a message says: its values gathered and decrypted, its text filled in.

Nothing here is stored before a message leaves: until then the text is made when it is asked
for, and links in it are only shown as such.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Select, and_, select
from sqlalchemy.orm import aliased

from handbell.channels.types import EmailContent

# allow public-files: a text is made of what the directory keeps, in one statement
from handbell.directory.tables import (
    AppointmentRow,
    ContactPointRow,
    LocationRow,
    PatientRow,
    ProviderRow,
)
from handbell.messages.tables import MessageAttemptRow, MessageRow
from handbell.messages.visits import material_told, read_material

# allow public-files: the sender's name and postal address stand in the text
from handbell.organizations.tables import OrganizationRow, OrganizationSettingsRow
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Tx
from handbell.platform.tables import SubjectKeyRow
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, Purpose
from handbell.templates.service import (
    listed,
    one_click_headers,
    public_name,
    render,
    visit_date,
    visit_time,
)
from handbell.templates.types import DisclosureLevel, Rendered, TemplateBody

VARIABLES_CONTEXT: Final = "messages.variables"
BODY_CONTEXT: Final = "message_attempts.body"
_SOMEONE: Final = {"en": "your care team", "es": "su equipo médico", "hi": "आपके चिकित्सक"}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CalendarVisit:
    """One visit with the names of who and where; `uid` is a keyed hash."""

    uid: str
    facts: Mapping[str, Any]
    practice: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Material:
    """All that one message can be made of, decrypted; never stored or logged."""

    message_id: int
    patient_id: int
    purpose: Purpose
    channel: Channel
    template_version_id: int | None
    key: SubjectKey
    to: str | None
    max_segments: int
    sms_ceiling: DisclosureLevel = DisclosureLevel.L1
    visit_uids: Sequence[str] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    others: Sequence[Mapping[str, Any]] = ()
    """The same facts of further visits of the day, where the message tells of several."""

    @property
    def _visits(self) -> Sequence[Mapping[str, Any]]:
        return (self.facts, *self.others)

    @property
    def visits(self) -> int:
        """How many visits the message tells of; one that tells of none counts as one."""
        return len(self._visits)

    def calendar(self, language: str) -> list[CalendarVisit]:
        """The visits as they may stand in a calendar, in the order of the day."""
        practice = self.facts["organization_name"]
        return [
            CalendarVisit(
                uid=uid,
                facts=facts,
                practice=practice,
                place=_told(facts, practice, language).location,
            )
            for uid, facts in zip(self.visit_uids, self._visits, strict=False)
        ]

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The sender's name, and a first name that is one word: both may look like an illness."""
        sender, first = self.facts["organization_name"], self.facts["first_name"] or ""
        return (sender, first) if first.isalpha() else (sender,)

    def values(self, language: str) -> dict[str, str]:
        """The variables of the catalogue that need no link, in the language of the text."""
        facts = self.facts
        visits = [_told(one, self.facts["organization_name"], language) for one in self._visits]
        found = {
            "organization_name": facts["organization_name"],
            "phone": facts["location_phone"] or facts["organization_phone"],
            "postal_address": facts["postal_address"],
            "first_name": facts["first_name"],
            "last_name": facts["last_name"],
            "visit_count": str(self.visits),
            "provider": _listed((one.provider for one in visits), language),
            "location": _listed((one.location for one in visits), language),
        }
        if facts["starts_at"] is not None:
            zone = ZoneInfo(facts["timezone"])
            found["appt_date"] = visit_date(facts["starts_at"], zone=zone, locale=language)
            found["appt_time"] = _listed((one.time for one in visits), language)
            found["visits"] = "; ".join(", ".join(one.parts) for one in visits)
        return {**self.variables, **{name: value for name, value in found.items() if value}}


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class _Told:
    """One visit in the words of a text; a message about none has no time."""

    time: str | None
    provider: str
    location: str

    @property
    def parts(self) -> list[str]:
        return [one for one in (self.time, self.provider, self.location) if one]


def _told(facts: Mapping[str, Any], organization: str, language: str) -> _Told:
    at = facts["starts_at"]
    zone = ZoneInfo(facts["timezone"]) if at else None
    place = facts["location_name"] or organization
    return _Told(
        time=visit_time(at, zone=zone, locale=language) if zone else None,
        provider=facts["provider_name"] or _SOMEONE.get(language, _SOMEONE["en"]),
        location=public_name(place, parent=organization, sensitive=bool(facts["sensitive"])),
    )


def _listed(words: Iterable[str | None], language: str) -> str:
    """Each word once, in the order of the day."""
    return listed([one for one in dict.fromkeys(words) if one], locale=language)


def compose(material: Material, body: TemplateBody, links: Mapping[str, str]) -> Rendered:
    """Fill in the text. Raises what `templates.render` raises.

    An e-mail with an unsubscribe link also carries the one-click headers (RFC 8058).
    """
    values = {**material.values(body.language), **links}
    made = render(body, values, locale=body.language)
    unsubscribe = links.get("unsubscribe_link")
    if not isinstance(made.content, EmailContent):
        return made
    content = replace(
        made.content,
        headers=one_click_headers(unsubscribe) if unsubscribe else {},
        categories=(CLASS_OF_PURPOSE[material.purpose].value,),
    )
    return replace(made, content=content)


async def material_in(tx: Tx, keys: KeyRing, message_ids: Iterable[int]) -> dict[int, Material]:
    """Gather and decrypt what some messages can be made of, in one statement."""
    rows = await tx.execute(_STATEMENT.where(MessageRow.id.in_(list(message_ids))))
    return {row.id: _to_material(row, keys) for row in rows}


def seal_variables(key: SubjectKey, variables: Mapping[str, str]) -> bytes | None:
    """The caller's own variables as they are stored; none where there are none."""
    if not variables:
        return None
    return key.encrypt(json.dumps(dict(variables)), context=VARIABLES_CONTEXT)


def seal_text(key: SubjectKey, rendered: Rendered) -> bytes:
    """What was sent, as it is stored with the attempt."""
    subject = rendered.content.subject if isinstance(rendered.content, EmailContent) else None
    return key.encrypt(
        json.dumps({"subject": subject, "text": rendered.text}), context=BODY_CONTEXT
    )


def open_text(key: SubjectKey, body: bytes) -> tuple[str | None, str]:
    """Subject and text of a stored attempt."""
    told = json.loads(key.decrypt(body, context=BODY_CONTEXT))
    return told["subject"], told["text"]


async def sent_of(tx: Tx, keys: KeyRing, attempt_id: int) -> tuple[str, str] | None:
    """To whom an attempt went and what it said; None where the address is not kept any more."""
    row = (await tx.execute(_SENT.where(MessageAttemptRow.id == attempt_id))).one_or_none()
    if row is None:
        return None
    key = keys.unwrap(row.wrapped_key, row.kek_version)
    to = _address(row, key, keys)
    return None if to is None else (to, open_text(key, row.body)[1])


_READER = aliased(PatientRow)
"""Whose address it is: not the patient's where somebody else is told."""
_READERS_KEY = aliased(SubjectKeyRow)
_SENT: Final[Select[*tuple[Any, ...]]] = (
    select(
        MessageAttemptRow.body,
        ContactPointRow.address,
        _READERS_KEY.id.label("readers_key_id"),
        _READERS_KEY.wrapped_key.label("readers_wrapped_key"),
        _READERS_KEY.kek_version.label("readers_kek_version"),
        PatientRow.subject_key_id,
        SubjectKeyRow.wrapped_key,
        SubjectKeyRow.kek_version,
    )
    .join(MessageRow, MessageRow.id == MessageAttemptRow.message_id)
    .join(PatientRow, PatientRow.id == MessageRow.patient_id)
    .join(SubjectKeyRow, SubjectKeyRow.id == PatientRow.subject_key_id)
    .join(
        ContactPointRow,
        (ContactPointRow.id == MessageRow.contact_point_id)
        & (ContactPointRow.address_id == MessageAttemptRow.address_id),
    )
    .join(_READER, _READER.id == ContactPointRow.patient_id)
    .join(_READERS_KEY, _READERS_KEY.id == _READER.subject_key_id)
)
_SHOWN: Final = (
    SubjectKeyRow.wrapped_key,
    SubjectKeyRow.kek_version,
    PatientRow.subject_key_id,
    PatientRow.first_name,
    PatientRow.last_name,
    OrganizationRow.name.label("organization_name"),
    OrganizationRow.phone.label("organization_phone"),
    OrganizationRow.postal_address,
    OrganizationSettingsRow.max_segments,
    OrganizationSettingsRow.sms_ceiling,
    AppointmentRow.id.label("visit_id"),
    AppointmentRow.starts_at,
    AppointmentRow.timezone,
    AppointmentRow.duration_minutes,
    AppointmentRow.version.label("visit_version"),
    AppointmentRow.changed_at.label("visit_changed_at"),
    ProviderRow.name.label("provider_name"),
    LocationRow.name.label("location_name"),
    LocationRow.phone.label("location_phone"),
    LocationRow.sensitive,
)
"""What of patient, organisation and visit a text can be made of."""
_STATEMENT: Final[Select[*tuple[Any, ...]]] = (
    select(
        MessageRow.id,
        MessageRow.patient_id,
        MessageRow.purpose,
        MessageRow.channel,
        MessageRow.template_version_id,
        MessageRow.variables,
        ContactPointRow.address,
        _READERS_KEY.id.label("readers_key_id"),
        _READERS_KEY.wrapped_key.label("readers_wrapped_key"),
        _READERS_KEY.kek_version.label("readers_kek_version"),
        *_SHOWN,
        material_told().label("others"),
    )
    .join(PatientRow, PatientRow.id == MessageRow.patient_id)
    .join(SubjectKeyRow, SubjectKeyRow.id == PatientRow.subject_key_id)
    .join(OrganizationRow, OrganizationRow.id == MessageRow.organization_id)
    .join(
        OrganizationSettingsRow,
        OrganizationSettingsRow.organization_id == MessageRow.organization_id,
    )
    .outerjoin(ContactPointRow, ContactPointRow.id == MessageRow.contact_point_id)
    .outerjoin(_READER, _READER.id == ContactPointRow.patient_id)
    .outerjoin(_READERS_KEY, _READERS_KEY.id == _READER.subject_key_id)
    .outerjoin(AppointmentRow, AppointmentRow.id == MessageRow.appointment_id)
    .outerjoin(ProviderRow, ProviderRow.id == AppointmentRow.provider_id)
    .outerjoin(LocationRow, LocationRow.id == AppointmentRow.location_id)
)
_FACTS: Final = (
    "organization_name",
    "organization_phone",
    "postal_address",
    "starts_at",
    "timezone",
    "duration_minutes",
    "visit_version",
    "visit_changed_at",
    "provider_name",
    "location_name",
    "location_phone",
    "sensitive",
)


def _address(row: Row[Any], key: SubjectKey, keys: KeyRing) -> str | None:
    if not row.address or row.readers_key_id is None:
        return None
    if row.readers_key_id != row.subject_key_id:
        key = keys.unwrap(row.readers_wrapped_key, row.readers_kek_version)
    return key.decrypt(row.address, context="contact_points.address")


async def find_material_of(
    tx: Tx,
    keys: KeyRing,
    body: TemplateBody,
    *,
    patient_id: int,
    appointment_id: int | None,
    now: datetime,
) -> Material | None:
    """What a message to the patient would be made of, without one: about the named visit, else
    the next one. None where the patient, or the patient's visit, is unknown."""
    statement: Select[*tuple[Any, ...]] = (
        select(PatientRow.id, AppointmentRow.id.label("found_appointment_id"), *_SHOWN)
        .join(SubjectKeyRow, SubjectKeyRow.id == PatientRow.subject_key_id)
        .join(OrganizationRow, OrganizationRow.id == PatientRow.organization_id)
        .join(
            OrganizationSettingsRow,
            OrganizationSettingsRow.organization_id == PatientRow.organization_id,
        )
        .outerjoin(AppointmentRow, _visit(appointment_id, now=now))
        .outerjoin(ProviderRow, ProviderRow.id == AppointmentRow.provider_id)
        .outerjoin(LocationRow, LocationRow.id == AppointmentRow.location_id)
        .where(PatientRow.id == patient_id)
        .order_by(AppointmentRow.starts_at)
        .limit(1)
    )
    row = (await tx.execute(statement)).one_or_none()
    if row is None or (appointment_id is not None and row.found_appointment_id is None):
        return None
    key = keys.unwrap(row.wrapped_key, row.kek_version)
    return Material(
        message_id=0,
        patient_id=patient_id,
        purpose=body.purpose,
        channel=body.channel,
        template_version_id=None,
        key=key,
        to=None,
        max_segments=row.max_segments,
        sms_ceiling=DisclosureLevel(row.sms_ceiling),
        facts=_facts(row, key),
    )


def _visit(appointment_id: int | None, *, now: datetime) -> ColumnElement[bool]:
    of_patient = AppointmentRow.patient_id == PatientRow.id
    if appointment_id is not None:
        return and_(of_patient, AppointmentRow.id == appointment_id)
    return and_(of_patient, AppointmentRow.starts_at >= now)


def _facts(row: Row[Any], key: SubjectKey) -> dict[str, Any]:
    names = {
        name: key.decrypt(sealed, context=f"patients.{name}") if sealed else None
        for name, sealed in (("first_name", row.first_name), ("last_name", row.last_name))
    }
    return {name: getattr(row, name) for name in _FACTS} | names


def _visit_ids(row: Row[Any]) -> Iterable[int | None]:
    return (row.visit_id, *(one["visit_id"] for one in row.others or ()))


def _to_material(row: Row[Any], keys: KeyRing) -> Material:
    key = keys.unwrap(row.wrapped_key, row.kek_version)
    told = row.variables
    return Material(
        message_id=row.id,
        patient_id=row.patient_id,
        purpose=Purpose(row.purpose),
        channel=Channel(row.channel),
        template_version_id=row.template_version_id,
        key=key,
        to=_address(row, key, keys),
        max_segments=row.max_segments,
        sms_ceiling=DisclosureLevel(row.sms_ceiling),
        visit_uids=[keys.token_hash(f"visit:{one}").hex() for one in _visit_ids(row) if one],
        variables=json.loads(key.decrypt(told, context=VARIABLES_CONTEXT)) if told else {},
        facts=_facts(row, key),
        others=read_material(row.others),
    )
