"""Guardians and caregivers as the clients speak of them."""

from datetime import date, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from handbell.patients.relations.types import (
    ContactPerson,
    Kind,
    NewRelation,
    Permission,
    RelationView,
)
from handbell.patients.types import ADDRESS_FIELDS
from handbell.platform.instants import GivenInstant
from handbell.platform.lines import Line
from handbell.platform.vocabulary import Channel

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "kind": "guardian",
    "contact": {"first_name": "Grace", "language": "es", "sms_number": "+12125550124"},
}
OurId = Annotated[int, Field(ge=1, le=2**63 - 1)]


class ContactPersonIn(BaseModel):
    """Somebody who is no patient here."""

    model_config = ConfigDict(extra="forbid")

    first_name: Line
    last_name: Line | None = None
    language: Annotated[str, Field(max_length=35)] | None = None
    email_address: Annotated[str, Field(min_length=1, max_length=254)] | None = None
    sms_number: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    whatsapp_number: Annotated[str, Field(min_length=1, max_length=40)] | None = None

    def to_person(self) -> ContactPerson:
        addresses = {
            channel: getattr(self, name)
            for channel, name in ADDRESS_FIELDS.items()
            if getattr(self, name) is not None
        }
        return ContactPerson(
            first_name=self.first_name,
            last_name=self.last_name,
            language=self.language,
            addresses=addresses,
        )


class PermissionIn(BaseModel):
    """The patient's written permission: which words, when, and where it is kept."""

    model_config = ConfigDict(extra="forbid")

    text_version: Line
    at: GivenInstant
    evidence: Line | None = None

    def to_permission(self) -> Permission:
        return Permission(text_version=self.text_version, at=self.at, evidence=self.evidence)


class RelationIn(BaseModel):
    """Who is told in the patient's place: a patient of ours, or a contact person. A guardian
    ends on the patient's 18th birthday, or on `until_on`; a caregiver needs `permission`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    kind: Kind
    related_patient_id: OurId | None = None
    contact: ContactPersonIn | None = None
    until_on: date | None = None
    permission: PermissionIn | None = None

    def to_relation(self) -> NewRelation:
        return NewRelation(
            kind=self.kind,
            related_patient_id=self.related_patient_id,
            contact=self.contact.to_person() if self.contact else None,
            until_on=self.until_on,
            permission=self.permission.to_permission() if self.permission else None,
        )


class PermissionOut(BaseModel):
    text_version: str
    at: datetime
    evidence: str | None


class RelationOut(BaseModel):
    """Who is told. `related_id` is our id of the person, `is_contact`: no patient here."""

    id: int
    kind: Kind
    related_id: int
    is_contact: bool
    first_name: str | None
    last_name: str | None
    addresses: dict[Channel, str]
    adult_on: date | None
    until_on: date | None
    permission: PermissionOut | None
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None

    @classmethod
    def of(cls, view: RelationView) -> "RelationOut":
        return cls.model_validate(view, from_attributes=True)
