"""A registration in our words, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final, Protocol

from handbell.consent.types import Kind
from handbell.directory.types import Address, Origin
from handbell.platform.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Contact:
    """How the patient can be reached, as told; nothing is checked yet."""

    channel: str
    value: str


ADDRESS_FIELDS: Final = {
    Channel.EMAIL: "email_address",
    Channel.SMS: "sms_number",
    Channel.WHATSAPP: "whatsapp_number",
}
"""How an address is called where there is one per channel."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SaidContacts:
    """The one address of each channel that is spoken of, None for none; `source` said so."""

    patient_id: int
    values: Mapping[Channel, str | None]
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldConsent:
    """A decision as told; it is for every address that the patient has on the channel."""

    channel: Channel
    message_class: str | None
    kind: Kind
    method: str
    text_version: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Residence:
    """Where the patient lives. Country is ISO 3166-1 alpha-2, state is USPS or ISO 3166-2."""

    line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None
    country: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Registration:
    """What one statement says of a patient. None means that it does not say, and changes
    nothing; an empty list of contacts means that there are none now."""

    origin: Origin
    first_name: str | None = None
    last_name: str | None = None
    birth_date: date | None = None
    language: str | None = None
    timezone: str | None = None
    residence: Residence | None = None
    contacts: tuple[Contact, ...] | None = None
    provider_external_id: str | None = None
    consents: tuple[ToldConsent, ...] = ()
    deceased_at: datetime | None = None


class Unusable(StrEnum):
    """Why a part of a registration could not be used."""

    INVALID_ADDRESS = "invalid_address"
    LANDLINE_NOT_MESSAGEABLE = "landline_not_messageable"
    UNKNOWN_CHANNEL = "unknown_channel"
    NO_USABLE_CONTACT = "no_usable_contact"
    UNKNOWN_TIMEZONE = "unknown_timezone"
    UNKNOWN_LANGUAGE = "unknown_language"
    UNKNOWN_CLASS = "unknown_class"
    UNKNOWN_METHOD = "unknown_method"
    CONSENT_WITHOUT_ADDRESS = "consent_without_address"
    CONSENT_NOT_ACCEPTED = "consent_not_accepted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """A part that was left out; `field` is its path, such as `contacts[0].value`."""

    code: Unusable
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """The patient stands as told, except for what `reasons` name. `is_stale` means that a
    newer statement was taken before and nothing changed."""

    patient_id: int
    is_stale: bool
    reasons: tuple[Reason, ...]


class Whereabouts(Protocol):
    """Where somebody may be, by what we know of the address and the residence."""

    def candidate_zones(self, address: Address, residence: Residence) -> tuple[str, ...]:
        """IANA zones in which the person may be; empty when nothing is known."""
        ...

    def states(self, address: Address, residence: Residence) -> tuple[str, ...]:
        """US states of residence and area code; empty when none is known."""
        ...
