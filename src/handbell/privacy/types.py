"""Why somebody is erased, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ErasureReason(StrEnum):
    """Why; a word of ours, so that no text about the patient outlives them."""

    PATIENT_REQUEST = "patient_request"
    GUARDIAN_REQUEST = "guardian_request"
    COURT_ORDER = "court_order"
    REGISTERED_BY_MISTAKE = "registered_by_mistake"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure: our id of the patient, and nothing of theirs."""

    patient_id: int
    reason: ErasureReason
    erased_by: str
    erased_at: datetime
