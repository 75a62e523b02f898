"""What is found in the files, and what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

PASSES: Final = (
    ("Organization", "Practitioner"),
    ("Location",),
    ("Patient",),
    ("Condition", "Appointment"),
)
"""The types that are used, in the order in which they need each other."""

USED: Final = tuple(name for group in PASSES for name in group)


class Outcome(StrEnum):
    """What became of one resource."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    SKIPPED = "skipped"


class Reason(StrEnum):
    """Why something was not used, whole or in part. Patients have those of `Unusable` too."""

    NOT_JSON = "not_json"
    NOT_A_RESOURCE = "not_a_resource"
    BROKEN_GZIP = "broken_gzip"
    EMPTY_FILE = "empty_file"
    UNREADABLE_FILE = "unreadable_file"

    NO_ID = "no_id"
    OLDER_THAN_KNOWN = "older_than_known"
    REFUSED_BY_DATABASE = "refused_by_database"
    UNREADABLE_FIELD = "unreadable_field"
    UNRESOLVED_REFERENCE = "unresolved_reference"

    DECEASED = "deceased"
    INACTIVE = "inactive"
    OUTDATED_CONTACT = "outdated_contact"
    UNKNOWN_COUNTRY = "unknown_country"
    UNKNOWN_ZONE = "unknown_zone"

    NOT_A_PLACE_OF_CARE = "not_a_place_of_care"
    UNKNOWN_PATIENT = "unknown_patient"
    NO_CODE = "no_code"
    UNKNOWN_CODE_SYSTEM = "unknown_code_system"
    NO_START = "no_start"
    UNUSABLE_STATUS = "unusable_status"
    UNKNOWN_LOCATION = "unknown_location"
    SEVERAL_PATIENTS = "several_patients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something stands: a file, and its line there or the entry of its bundle."""

    file: str
    line: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a reference points to; of a bare `urn:uuid:` the type is not known."""

    type: str | None
    id: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Found:
    """A resource as it stands in a file; only its type is checked. `links` are the full URLs
    of its bundle. Without an `id` of its own it may be known by its identifiers."""

    place: Place
    type: str
    id: str | None
    body: Mapping[str, Any]
    links: Mapping[str, Target]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A line or a file that holds no resource."""

    place: Place
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is remembered of a resource: keyed digests of the statements of its last import,
    and what could not be used of it."""

    digests: tuple[bytes, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one resource. `internal_id` is ours; a skipped one has no digest, so it
    is looked at anew next time."""

    outcome: Outcome
    reasons: tuple[str, ...] = ()
    internal_id: int | None = None
    digest: bytes | None = None
