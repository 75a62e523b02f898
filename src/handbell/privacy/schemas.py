"""Erasure as the clients speak of it."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.privacy.types import Erasure, ErasureReason

_ASKED: Final[dict[str, JsonValue]] = {"reason": "patient_request"}
_DONE: Final[dict[str, JsonValue]] = {
    "patient_id": 12,
    "reason": "patient_request",
    "erased_at": "2027-03-01T14:30:00Z",
}


class ErasureIn(BaseModel):
    """Why the patient is erased."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_ASKED]})

    reason: ErasureReason


class ErasureOut(BaseModel):
    """The erasure: the first one, if it was asked for before."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DONE]})

    patient_id: int
    reason: ErasureReason
    erased_at: datetime

    @classmethod
    def of(cls, erasure: Erasure) -> "ErasureOut":
        return cls(
            patient_id=erasure.patient_id, reason=erasure.reason, erased_at=erasure.erased_at
        )
