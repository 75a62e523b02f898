"""Tasks as the clients read them."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.staff.types import OpenTask, TaskKind

_WISH: Final[dict[str, JsonValue]] = {
    "id": 31,
    "kind": "reschedule_wish",
    "patient_id": 12,
    "appointment_id": 7,
    "inbound_message_id": None,
    "note": "mornings: after the tenth",
    "created_at": "2027-03-01T14:30:00Z",
}


class TaskOut(BaseModel):
    """Something for a person; `note` is what the patient wrote. `patient_id` is null where
    nobody knows who wrote."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WISH]})

    id: int
    kind: TaskKind
    patient_id: int | None
    appointment_id: int | None
    inbound_message_id: int | None
    note: str | None
    created_at: datetime

    @classmethod
    def of(cls, found: OpenTask) -> "TaskOut":
        task = found.task
        return cls(
            id=found.id,
            kind=task.kind,
            patient_id=task.patient_id,
            appointment_id=task.appointment_id,
            inbound_message_id=task.inbound_message_id,
            note=task.note,
            created_at=found.created_at,
        )
