"""The state of a registered template, and which texts may be sent by it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from handbell.templates.types import TemplateBody


class ApprovalState(StrEnum):
    """Where a template stands with Meta. Only an approved one is sent."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    PAUSED = "paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What is known of one template; `name` and `language` are Meta's. `changed_at` is when
    Meta, or a person, said so."""

    name: str
    language: str
    state: ApprovalState
    changed_at: datetime
    changed_by: str
    reason: str | None = None
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Approvals:
    """The states of an organisation's templates by Meta's name and language."""

    states: Mapping[tuple[str, str], ApprovalState] = field(default_factory=dict)

    def allow(self, body: TemplateBody | None) -> bool:
        """Whether the text may go out: what is no registered template always may, and one that
        nothing is known of may not."""
        form = None if body is None else body.whatsapp
        if form is None:
            return True
        return self.states.get((form.name, form.language)) is ApprovalState.APPROVED
