"""Reads and validates the packaged texts, and files in the same form."""

from functools import lru_cache
from importlib.resources import files
from typing import Any, Final, Literal

import yaml

from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.analysis import check
from handbell.templates.forms import Strict, WhatsAppFormIn
from handbell.templates.types import TemplateBody, TemplateKind, TemplatePair

SECURE_MESSAGE: Final = "secure_message"


class _Text(Strict):
    body: str
    subject: str | None = None
    preheader: str | None = None
    whatsapp: WhatsAppFormIn | None = None

    def to_body(
        self, purpose: Purpose, channel: Channel, language: str, *, kind: TemplateKind
    ) -> TemplateBody:
        return TemplateBody(
            channel=channel,
            language=language,
            purpose=purpose,
            kind=kind,
            subject=self.subject,
            preheader=self.preheader,
            body=self.body,
            whatsapp=self.whatsapp.to_form() if self.whatsapp else None,
        )


class _Pair(Strict):
    """`generic: secure_message` is the packaged text that says only that there is one."""

    full: _Text
    generic: _Text | Literal["secure_message"] | None = None


class _Generics(Strict):
    texts: dict[Channel, dict[str, _Text]]


class _File(Strict):
    purpose: Purpose
    texts: dict[Channel, dict[str, _Pair]]

    def templates(self, generics: _Generics) -> tuple[TemplatePair, ...]:
        return tuple(
            self._template(pair, generics, channel=channel, language=language)
            for channel, by_language in self.texts.items()
            for language, pair in by_language.items()
        )

    def _template(
        self, pair: _Pair, generics: _Generics, *, channel: Channel, language: str
    ) -> TemplatePair:
        place = (self.purpose, channel, language)
        said = pair.generic
        generic = generics.texts[channel].get(language) if said == SECURE_MESSAGE else said
        return TemplatePair(
            full=pair.full.to_body(*place, kind=TemplateKind.FULL),
            generic=generic.to_body(*place, kind=TemplateKind.GENERIC)
            if isinstance(generic, _Text)
            else None,
        )


@lru_cache(maxsize=1)
def load() -> tuple[TemplatePair, ...]:
    """Give all packaged texts; raises if a file is malformed or uses an unknown variable."""
    folder = files("handbell.templates.library")
    names = sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml"))
    pairs = tuple(
        template
        for name in names
        if name != f"{SECURE_MESSAGE}.yaml"
        for template in read((folder / name).read_text("utf-8"))
    )
    for pair in pairs:
        for body in (pair.full, pair.generic):
            if body is not None:
                check(body)
    return pairs


def read(source: str) -> tuple[TemplatePair, ...]:
    """The texts of one file. Raises `ValueError` (of YAML or of the form) if it has another."""
    try:
        told: Any = yaml.safe_load(source)
    except yaml.YAMLError as why:
        raise ValueError("The file is not YAML.") from why
    return _File.model_validate(told).templates(_generics())


@lru_cache(maxsize=1)
def _generics() -> _Generics:
    folder = files("handbell.templates.library")
    source = (folder / f"{SECURE_MESSAGE}.yaml").read_text("utf-8")
    return _Generics.model_validate(yaml.safe_load(source))
