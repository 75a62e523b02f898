"""The text of a message before its variables are filled in, and after."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, kw_only=True)
class QuickReply:
    """A button; `payload` comes back to us when the patient presses it."""

    text: str
    payload: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatsAppForm:
    """How the template is registered with Meta.

    `parameters` names the variables in the order of Meta's {{1}}, {{2}}, …; `language` is
    Meta's code (en_US, es).
    """

    name: str
    language: str
    parameters: tuple[str, ...]
    category: WhatsAppCategory = WhatsAppCategory.UTILITY
    buttons: tuple[QuickReply, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBody:
    """One text for one channel and language.

    `body` is an HTML fragment for e-mail and plain text elsewhere. E-mail alone has a
    `subject`; `whatsapp` is None where the text is free text inside the 24-hour window.
    """

    channel: Channel
    language: str
    purpose: Purpose
    body: str
    kind: TemplateKind = TemplateKind.FULL
    subject: str | None = None
    whatsapp: WhatsAppForm | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryTemplate:
    """A text of the packaged library with its L0 sibling; a text at L0 needs none."""

    full: TemplateBody
    generic: TemplateBody | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFilter:
    """What a list is narrowed to; None leaves it open."""

    purpose: Purpose | None = None
    channel: Channel | None = None
    language: str | None = None
