"""A template as the clients see it."""

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose
from handbell.templates.analysis import variables_of
from handbell.templates.types import TemplateView

_EXAMPLE: dict[str, JsonValue] = {
    "id": 3,
    "name": "appt_reminder, sms, en",
    "purpose": "appt_reminder",
    "channel": "sms",
    "language": "en",
    "subject": None,
    "body": "{{ organization }}: you have a visit on {{ visit_date }}.",
    "variables": ["organization", "visit_date"],
    "is_marketing": False,
    "organization_id": None,
    "provider_id": None,
    "is_active": True,
    "level": 1,
    "version": 1,
}


class TemplateOut(BaseModel):
    """The newest published version. Without `organization_id` it is the packaged library's.

    `level` is how much the text tells a stranger: 0 the sender and a link, 1 also first name
    and time, 2 also who and where, 3 what it is about.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    id: int
    name: str
    purpose: Purpose
    channel: Channel
    language: str
    subject: str | None
    body: str
    variables: list[str]
    is_marketing: bool
    organization_id: int | None
    provider_id: int | None
    is_active: bool
    level: int
    version: int

    @classmethod
    def of(cls, view: TemplateView) -> "TemplateOut":
        full = view.full
        return cls(
            id=view.id,
            name=f"{full.purpose}, {full.channel}, {full.language}",
            purpose=full.purpose,
            channel=full.channel,
            language=full.language,
            subject=full.subject,
            body=full.body,
            variables=sorted(variables_of(full)),
            is_marketing=CLASS_OF_PURPOSE[full.purpose] is MessageClass.MARKETING,
            organization_id=view.organization_id,
            provider_id=None,
            is_active=True,
            level=int(view.level),
            version=view.version_no,
        )
