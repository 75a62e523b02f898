"""The text of a message before its variables are filled in, and after."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from handbell.channels.types import Content
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates import levels

DisclosureLevel = levels.DisclosureLevel


class TemplateKind(StrEnum):
    """`generic` is the L0 sibling that stands in where the full text may not be sent."""

    FULL = "full"
    GENERIC = "generic"


class WhatsAppCategory(StrEnum):
    """Meta's price category of an approved template."""

    UTILITY = "UTILITY"
    MARKETING = "MARKETING"
    AUTHENTICATION = "AUTHENTICATION"


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """A button; `payload` comes back to us when the patient presses it."""

    text: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkButton:
    """A button that opens the same page for everybody; it is registered with Meta as it is."""

    text: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PhoneButton:
    """A button that calls a number (E.164), the same for everybody."""

    text: str
    phone_number: str


Button = QuickReply | LinkButton | PhoneButton


class HeaderFormat(StrEnum):
    """What stands above the text of a WhatsApp template, in Meta's words."""

    TEXT = "TEXT"
    IMAGE = "IMAGE"
    VIDEO = "VIDEO"
    DOCUMENT = "DOCUMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppHeader:
    """`text` for the format TEXT, else `media_url`: an https address that Meta fetches.

    A header is the same for everybody: it holds no variable.
    """

    format: HeaderFormat
    text: str | None = None
    media_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppForm:
    """How the template is registered with Meta.

    `parameters` names the variables in the order of Meta's {{1}}, {{2}}, …; `language` is
    Meta's code (en_US, es). Quick replies stand before other buttons.
    """

    name: str
    language: str
    parameters: tuple[str, ...]
    category: WhatsAppCategory = WhatsAppCategory.UTILITY
    buttons: tuple[Button, ...] = ()
    header: WhatsAppHeader | None = None
    footer: str | None = None

    @property
    def payloads(self) -> tuple[str, ...]:
        """What the quick replies send back, in their order."""
        return tuple(one.payload for one in self.buttons if isinstance(one, QuickReply))


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBody:
    """One text for one channel and language.

    `body` is an HTML fragment for e-mail and plain text elsewhere. E-mail alone has a
    `subject`, and may have a `preheader`, the line that a mailbox shows beside it; `whatsapp`
    is None where the text is free text inside the 24-hour window.
    """

    channel: Channel
    language: str
    purpose: Purpose
    body: str
    kind: TemplateKind = TemplateKind.FULL
    subject: str | None = None
    preheader: str | None = None
    whatsapp: WhatsAppForm | None = None

    def sources(self) -> Iterator[tuple[str, str]]:
        """Each part that may hold variables, by its name."""
        for name in ("subject", "preheader", "body"):
            source: str | None = getattr(self, name)
            if source is not None:
                yield name, source


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatePair:
    """A text with its L0 sibling; a text at L0 needs none."""

    full: TemplateBody
    generic: TemplateBody | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What goes to the provider, and the whole of it as plain text (subject included)."""

    content: Content
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateView:
    """A published template as it stands now; without an organisation it is the library's."""

    id: int
    organization_id: int | None
    version_id: int
    version_no: int
    full: TemplateBody
    generic: TemplateBody | None
    level: DisclosureLevel
    sibling_level: DisclosureLevel | None
    provider_id: int | None = None
    is_default: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A published text. It never changes; `no` counts from 1."""

    id: int
    no: int
    pair: TemplatePair
    level: DisclosureLevel
    sibling_level: DisclosureLevel | None
    published_at: datetime
    published_by: str


class Status(StrEnum):
    """`draft` was never published; `archived` is in use for nothing new."""

    DRAFT = "draft"
    PUBLISHED = "published"
    ARCHIVED = "archived"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What is said for a purpose on a channel in a language, with its newest version.

    Without `organization_id` it is the library's; with `provider_id` it is for that clinician's
    patients. `is_default`: it is taken where an order names no template. `draft` holds what is
    not published yet.
    """

    id: int
    organization_id: int | None
    provider_id: int | None
    name: str
    purpose: Purpose
    channel: Channel
    language: str
    is_default: bool
    draft: TemplatePair | None
    version: Version | None
    created_at: datetime
    archived_at: datetime | None = None

    @property
    def status(self) -> Status:
        if self.archived_at is not None:
            return Status.ARCHIVED
        return Status.DRAFT if self.version is None else Status.PUBLISHED

    @property
    def pair(self) -> TemplatePair:
        """What is being written, else what is published."""
        if self.draft is not None:
            return self.draft
        assert self.version is not None  # noqa: S101 - a row has at least one of the two
        return self.version.pair


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFilter:
    """What a list is narrowed to; None leaves it open. `is_active` is published and not
    archived; without it everything is listed that is not archived."""

    purpose: Purpose | None = None
    channel: Channel | None = None
    language: str | None = None
    is_active: bool | None = None
