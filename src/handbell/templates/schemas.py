"""Templates as the clients see and write them."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from handbell.organizations.errors import OrganizationNotFound
from handbell.platform.db import OrganizationId
from handbell.platform.lines import Line, printable
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose
from handbell.templates.analysis import allowed, unknown_variables, variables_of
from handbell.templates.catalogue import CATALOGUE
from handbell.templates.errors import TemplateMalformed
from handbell.templates.findings import LintRule
from handbell.templates.forms import WhatsAppFormIn
from handbell.templates.meta import derived_form
from handbell.templates.service import Change
from handbell.templates.types import (
    Status,
    Template,
    TemplateBody,
    TemplateKind,
    TemplatePair,
    Version,
    WhatsAppCategory,
)

MOST_BODY: Final = 100_000
_EXAMPLE: Final[dict[str, JsonValue]] = {
    "name": "Reminder, friendly",
    "purpose": "appt_reminder",
    "channel": "sms",
    "language": "en",
    "subject": None,
    "body": "{{ organization_name }}: {{ first_name }}, see you {{ appt_date }}, {{ appt_time }}."
    " Reply C to confirm, R to reschedule, STOP to opt out.",
    "variables": ["appt_date", "appt_time", "first_name", "organization_name"],
    "is_marketing": False,
    "is_active": True,
}


def _lines(text: str) -> str:
    """The text with our line ends; raises `ValueError` for other control characters."""
    return printable(text.replace("\r\n", "\n"))


Text = Annotated[str, Field(max_length=MOST_BODY), AfterValidator(_lines)]
Short = Annotated[str, Field(max_length=998), AfterValidator(printable)]
LanguageTag = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}$")]
Ignored = Annotated[Any, Field(description="Taken back as it was given, and ignored.")]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class GenericText(_Sent):
    """The text for whom no more may be told than that there is a message."""

    subject: Short | None = None
    preheader: Short | None = None
    body: Text
    whatsapp: WhatsAppFormIn | None = None


class _TextIn(_Sent):
    """`whatsapp` is the registration with Meta; without it one is made from the text, except
    for the `reply_*` purposes, which answer freely. `accept` names findings to overrule when
    the text is published. `is_active` true publishes at once, false archives."""

    subject: Short | None = None
    preheader: Short | None = None
    whatsapp: WhatsAppFormIn | None = None
    generic: GenericText | None = None
    variables: Annotated[list[Line], Field(max_length=100)] | None = None
    is_marketing: bool | None = None
    is_active: bool | None = None
    is_default: bool | None = None
    accept: Annotated[list[LintRule], Field(max_length=20)] = []
    organization_id: int | None = None
    id: Ignored = None
    level: Ignored = None
    version: Ignored = None
    status: Ignored = None
    has_draft: Ignored = None
    created_at: Ignored = None
    updated_at: Ignored = None

    def overruled(self) -> list[LintRule] | None:
        """What to overrule in publishing; None where nothing is to be published."""
        return self.accept if self.is_active else None

    def check_owner(self, own: OrganizationId) -> None:
        """Raises `OrganizationNotFound` for another organisation than the caller's."""
        if self.organization_id not in {None, own}:
            raise OrganizationNotFound(
                "There is no such organisation.", organization_id=self.organization_id
            )

    def check_class(self, purpose: Purpose) -> None:
        """The purpose alone decides whether a text is marketing (R7.8)."""
        told = self.is_marketing
        if told is not None and told != _is_marketing(purpose):
            raise TemplateMalformed(
                "Whether it is marketing follows from the purpose.", part="is_marketing"
            )

    def check_variables(self, body: TemplateBody) -> None:
        """Refuse declared variables that are not in the catalogue."""
        unknown = set(self.variables or ()) - allowed(body)
        if unknown:
            raise unknown_variables(dict.fromkeys(unknown), known=allowed(body))


class TemplateIn(_TextIn):
    """A new template."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    name: Line
    purpose: Purpose
    channel: Channel
    language: LanguageTag
    body: Text
    provider_id: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None

    def to_template(self, own: OrganizationId, *, now: datetime) -> Template:
        """Raises `OrganizationNotFound`, `TemplateMalformed` or `UnknownVariable`."""
        self.check_owner(own)
        self.check_class(self.purpose)
        full = TemplateBody(
            channel=self.channel,
            language=self.language,
            purpose=self.purpose,
            subject=self.subject or None,
            preheader=self.preheader or None,
            body=self.body,
            whatsapp=self.whatsapp.to_form() if self.whatsapp else None,
        )
        full = _registered(full, self.name)
        self.check_variables(full)
        return Template(
            id=0,
            organization_id=own,
            provider_id=self.provider_id,
            name=self.name,
            purpose=self.purpose,
            channel=self.channel,
            language=self.language,
            is_default=self.is_default is not False,
            draft=TemplatePair(full=full, generic=_generic(self.generic, full)),
            version=None,
            created_at=now,
        )


class TemplateChangeIn(_TextIn):
    """What shall change; what is left out stays. Purpose, channel, language and clinician stay
    as they are: they may be sent back, not changed."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"body": _EXAMPLE["body"]}]}
    )

    name: Line | None = None
    purpose: Purpose | None = None
    channel: Channel | None = None
    language: LanguageTag | None = None
    body: Text | None = None
    provider_id: int | None = None

    def to_change(self, template: Template) -> Change:
        """Raises `OrganizationNotFound`, `TemplateMalformed` or `UnknownVariable`."""
        for part in ("purpose", "channel", "language", "provider_id"):
            told = getattr(self, part)
            if told is not None and told != getattr(template, part):
                raise TemplateMalformed("This cannot change: write another template.", part=part)
        self.check_class(template.purpose)
        return Change(name=self.name, pair=self._pair(template), is_default=self.is_default)

    def _pair(self, template: Template) -> TemplatePair | None:
        said = self.model_fields_set & {"subject", "preheader", "body", "whatsapp", "generic"}
        before = template.pair
        full = before.full
        if self.body is not None:
            full = replace(full, body=self.body)
        if "subject" in said:
            full = replace(full, subject=self.subject or None)
        if "preheader" in said:
            full = replace(full, preheader=self.preheader or None)
        if "whatsapp" in said:
            full = replace(full, whatsapp=self.whatsapp.to_form() if self.whatsapp else None)
        elif full.whatsapp is not None and self.body is not None:
            full = replace(full, whatsapp=_again(full))
        full = _registered(full, self.name or template.name)
        self.check_variables(full)
        generic = _generic(self.generic, full) if "generic" in said else before.generic
        pair = TemplatePair(full=full, generic=generic)
        return None if pair == before else pair


def _again(full: TemplateBody) -> Any:
    """The same registration with the variables of the new text, where they have changed."""
    form = full.whatsapp
    assert form is not None  # noqa: S101 - the caller has looked
    if sorted(form.parameters) == sorted(variables_of(full)):
        return form
    derived = derived_form(full, name=form.name, category=form.category)
    return replace(form, parameters=derived.parameters)


def _registered(full: TemplateBody, name: str) -> TemplateBody:
    """With a registration, for whatever opens a conversation on WhatsApp."""
    is_reply = CLASS_OF_PURPOSE[full.purpose] is MessageClass.INBOUND_REPLY
    if full.channel is not Channel.WHATSAPP or full.whatsapp is not None or is_reply:
        return full
    category = (
        WhatsAppCategory.MARKETING if _is_marketing(full.purpose) else WhatsAppCategory.UTILITY
    )
    return replace(full, whatsapp=derived_form(full, name=name, category=category))


def _generic(told: GenericText | None, full: TemplateBody) -> TemplateBody | None:
    if told is None:
        return None
    made = TemplateBody(
        channel=full.channel,
        language=full.language,
        purpose=full.purpose,
        kind=TemplateKind.GENERIC,
        subject=told.subject or None,
        preheader=told.preheader or None,
        body=told.body,
        whatsapp=told.whatsapp.to_form() if told.whatsapp else None,
    )
    return _registered(made, f"{full.purpose.value} generic")


def _is_marketing(purpose: Purpose) -> bool:
    return CLASS_OF_PURPOSE[purpose] is MessageClass.MARKETING


class GenericOut(BaseModel):
    """The sibling at level 0."""

    subject: str | None
    preheader: str | None
    body: str
    whatsapp: dict[str, Any] | None


class TemplateOut(BaseModel):
    """A template: its draft where it has one, else what is published. Without
    `organization_id` it is the packaged library's.

    `level` is how much the published text tells a stranger: 0 the sender and a link, 1 also
    first name and time, 2 also who and where, 3 what it is about. `version` is the number of
    the newest published version. Both are null before the first.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **_EXAMPLE,
                    "id": 3,
                    "preheader": None,
                    "whatsapp": None,
                    "generic": None,
                    "organization_id": 1,
                    "provider_id": None,
                    "is_default": True,
                    "status": "published",
                    "has_draft": False,
                    "level": 1,
                    "version": 1,
                }
            ]
        }
    )

    id: int
    name: str
    purpose: Purpose
    channel: Channel
    language: str
    subject: str | None
    preheader: str | None
    body: str
    whatsapp: dict[str, Any] | None
    generic: GenericOut | None
    variables: list[str]
    is_marketing: bool
    organization_id: int | None
    provider_id: int | None
    is_active: bool
    is_default: bool
    status: Status
    has_draft: bool
    level: int | None
    version: int | None

    @classmethod
    def of(cls, template: Template) -> "TemplateOut":
        return cls(
            id=template.id,
            name=template.name,
            purpose=template.purpose,
            channel=template.channel,
            language=template.language,
            **_text_of(template.pair),
            is_marketing=_is_marketing(template.purpose),
            organization_id=template.organization_id,
            provider_id=template.provider_id,
            is_active=template.status is Status.PUBLISHED,
            is_default=template.is_default,
            status=template.status,
            has_draft=template.draft is not None,
            level=int(template.version.level) if template.version else None,
            version=template.version.no if template.version else None,
        )


def _text_of(pair: TemplatePair) -> dict[str, Any]:
    full, generic = pair.full, pair.generic
    return {
        "subject": full.subject,
        "preheader": full.preheader,
        "body": full.body,
        "whatsapp": _form_of(full),
        "generic": None
        if generic is None
        else GenericOut(
            subject=generic.subject,
            preheader=generic.preheader,
            body=generic.body,
            whatsapp=_form_of(generic),
        ),
        "variables": sorted(variables_of(full)),
    }


def _form_of(body: TemplateBody) -> dict[str, Any] | None:
    return asdict(body.whatsapp) if body.whatsapp else None


class VersionOut(BaseModel):
    """A published version; it never changes."""

    version: int
    published_at: datetime
    published_by: str
    level: int
    subject: str | None
    preheader: str | None
    body: str
    whatsapp: dict[str, Any] | None
    generic: GenericOut | None
    variables: list[str]

    @classmethod
    def of(cls, version: Version) -> "VersionOut":
        return cls(
            version=version.no,
            published_at=version.published_at,
            published_by=version.published_by,
            level=int(version.level),
            **_text_of(version.pair),
        )


class PublishIn(_Sent):
    """Which findings a person overrules: `reading_level` is the only one that may be."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"accept": ["reading_level"]}]}
    )

    accept: Annotated[list[LintRule], Field(max_length=20)] = []


class FindingOut(BaseModel):
    """What is wrong, and where: a part, and in it a line and a column, from 1."""

    rule: LintRule
    part: str
    line: int | None
    column: int | None
    message: str


class VariableOut(BaseModel):
    """A variable that templates may use. `level` is what it tells a stranger, 0 to 3."""

    name: str
    level: int
    sample: str
    purposes: list[Purpose]


def variables_out(purpose: Purpose | None) -> list[VariableOut]:
    """The catalogue, or what a purpose may use of it, in its order."""
    return [
        VariableOut(
            name=one.name,
            level=int(one.level),
            sample=one.sample,
            purposes=sorted(one.purposes),
        )
        for one in CATALOGUE.values()
        if purpose is None or purpose in one.purposes
    ]
