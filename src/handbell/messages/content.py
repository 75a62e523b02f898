"""What a message says: its values gathered and decrypted, its text filled in.

Nothing here is stored before a message leaves: until then the text is made when it is asked
for, and links in it are only shown as such.
"""

import json
from collections.abc import Iterable, Mapping
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

# allow public-files: the sender's name and postal address stand in the text
from handbell.organizations.tables import OrganizationRow, OrganizationSettingsRow
from handbell.platform.crypto import KeyRing, SubjectKey
from handbell.platform.db import Tx
from handbell.platform.tables import SubjectKeyRow
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, Purpose
from handbell.templates.service import (
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
    visit_uid: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def plain_names(self) -> tuple[str, ...]:
        """The sender's name, and a first name that is one word: both may look like an illness."""
        sender, first = self.facts["organization_name"], self.facts["first_name"] or ""
        return (sender, first) if first.isalpha() else (sender,)

    def values(self, language: str) -> dict[str, str]:
        """The variables of the catalogue that need no link, in the language of the text."""
        facts = self.facts
        sensitive = bool(facts["sensitive"])
        place = facts["location_name"] or facts["organization_name"]
        found = {
            "organization_name": facts["organization_name"],
            "phone": facts["location_phone"] or facts["organization_phone"],
            "postal_address": facts["postal_address"],
            "first_name": facts["first_name"],
            "last_name": facts["last_name"],
            "provider": facts["provider_name"] or _SOMEONE.get(language, _SOMEONE["en"]),
            "location": public_name(place, parent=facts["organization_name"], sensitive=sensitive),
        }
        if facts["starts_at"] is not None:
            zone = ZoneInfo(facts["timezone"])
            at = facts["starts_at"]
            found["appt_date"] = visit_date(at, zone=zone, locale=language)
            found["appt_time"] = visit_time(at, zone=zone, locale=language)
        return {**self.variables, **{name: value for name, value in found.items() if value}}


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
        visit_uid=keys.token_hash(f"visit:{row.visit_id}").hex() if row.visit_id else None,
        variables=json.loads(key.decrypt(told, context=VARIABLES_CONTEXT)) if told else {},
        facts=_facts(row, key),
    )
