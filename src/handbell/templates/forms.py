"""A WhatsApp template's form as files and clients write it; each with the bounds of a field."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from handbell.templates.types import (
    Button,
    HeaderFormat,
    LinkButton,
    PhoneButton,
    QuickReply,
    WhatsAppCategory,
    WhatsAppForm,
    WhatsAppHeader,
)

Short = Annotated[str, Field(min_length=1, max_length=200)]
Address = Annotated[str, Field(min_length=1, max_length=2000)]


class Strict(BaseModel):
    """A part in which nothing undescribed may stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class QuickReplyIn(Strict):
    """A quick reply; `payload` comes back when it is pressed."""

    text: Short
    payload: Short

    def to_button(self) -> Button:
        return QuickReply(text=self.text, payload=self.payload)


class LinkButtonIn(Strict):
    """A button that opens a fixed https address."""

    text: Short
    url: Address

    def to_button(self) -> Button:
        return LinkButton(text=self.text, url=self.url)


class PhoneButtonIn(Strict):
    """A button that calls a fixed number."""

    text: Short
    phone_number: Short

    def to_button(self) -> Button:
        return PhoneButton(text=self.text, phone_number=self.phone_number)


class HeaderIn(Strict):
    """A header: a text, or the https address of its media."""

    format: HeaderFormat
    text: Short | None = None
    media_url: Address | None = None


class WhatsAppFormIn(Strict):
    """How a template is registered with Meta."""

    name: Annotated[str, Field(min_length=1, max_length=512)]
    language: Annotated[str, Field(pattern=r"^[A-Za-z_]{2,10}$")]
    category: WhatsAppCategory
    parameters: Annotated[tuple[Short, ...], Field(max_length=50)]
    buttons: Annotated[
        tuple[QuickReplyIn | LinkButtonIn | PhoneButtonIn, ...], Field(max_length=10)
    ] = ()
    header: HeaderIn | None = None
    footer: Short | None = None

    def to_form(self) -> WhatsAppForm:
        return WhatsAppForm(
            name=self.name,
            language=self.language,
            category=self.category,
            parameters=self.parameters,
            buttons=tuple(button.to_button() for button in self.buttons),
            header=None
            if self.header is None
            else WhatsAppHeader(
                format=self.header.format,
                text=self.header.text,
                media_url=self.header.media_url,
            ),
            footer=self.footer,
        )
