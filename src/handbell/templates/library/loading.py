"""Reads and validates the packaged texts."""

from functools import lru_cache
from importlib.resources import files

import yaml
from pydantic import BaseModel, ConfigDict

from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.analysis import check
from handbell.templates.types import (
    LibraryTemplate,
    QuickReply,
    TemplateBody,
    TemplateKind,
    WhatsAppCategory,
    WhatsAppForm,
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Button(_Strict):
    text: str
    payload: str


class _Form(_Strict):
    name: str
    language: str
    category: WhatsAppCategory
    parameters: tuple[str, ...]
    buttons: tuple[_Button, ...] = ()

    def to_form(self) -> WhatsAppForm:
        return WhatsAppForm(
            name=self.name,
            language=self.language,
            category=self.category,
            parameters=self.parameters,
            buttons=tuple(QuickReply(text=b.text, payload=b.payload) for b in self.buttons),
        )


class _Text(_Strict):
    body: str
    subject: str | None = None
    whatsapp: _Form | None = None


class _Pair(_Strict):
    full: _Text
    generic: _Text | None = None


class _File(_Strict):
    purpose: Purpose
    texts: dict[Channel, dict[str, _Pair]]

    def templates(self) -> tuple[LibraryTemplate, ...]:
        return tuple(
            self._template(pair, channel=channel, language=language)
            for channel, by_language in self.texts.items()
            for language, pair in by_language.items()
        )

    def _template(self, pair: _Pair, *, channel: Channel, language: str) -> LibraryTemplate:
        def body(text: _Text, kind: TemplateKind) -> TemplateBody:
            made = TemplateBody(
                channel=channel,
                language=language,
                purpose=self.purpose,
                kind=kind,
                subject=text.subject,
                body=text.body,
                whatsapp=text.whatsapp.to_form() if text.whatsapp else None,
            )
            check(made)
            return made

        generic = body(pair.generic, TemplateKind.GENERIC) if pair.generic else None
        return LibraryTemplate(full=body(pair.full, TemplateKind.FULL), generic=generic)


@lru_cache(maxsize=1)
def load() -> tuple[LibraryTemplate, ...]:
    """Give all packaged texts; raises if a file is malformed or uses an unknown variable."""
    folder = files("handbell.templates.library")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    return tuple(
        template for name in names for template in _read((folder / name).read_text("utf-8"))
    )


def _read(source: str) -> tuple[LibraryTemplate, ...]:
    return _File.model_validate(yaml.safe_load(source)).templates()
