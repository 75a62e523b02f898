"""What keeps a template from being published. All findings are given, not only the first."""

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from handbell.platform.vocabulary import Channel
from handbell.templates.analysis import check, variables_of
from handbell.templates.catalogue import SAMPLES
from handbell.templates.errors import TemplateMalformed, TemplateSyntax, UnknownVariable
from handbell.templates.levels import DisclosureLevel
from handbell.templates.policy import level_of
from handbell.templates.rendering import render
from handbell.templates.types import TemplateBody, WhatsAppForm

MOST_CHARACTERS: Final = 1600
_META_BODY: Final = 1024
_META_BUTTON: Final = 25
_META_BUTTONS: Final = 10
_SHORTENER: Final = re.compile(
    r"\b(?:bit\.ly|tinyurl\.com|t\.co|goo\.gl|ow\.ly|is\.gd|buff\.ly|rebrand\.ly|cutt\.ly"
    r"|rb\.gy|t\.ly|shorturl\.at)/",
    re.IGNORECASE,
)
_RESERVED_MENU_WORD: Final = re.compile(
    r"\b(?i:reply|text|send|answer|responda|conteste|env[ií]e)\b[^.!?\n]*"
    r"\b(?:YES|CANCEL|END|QUIT|UNSUBSCRIBE|STOPALL|START|UNSTOP|SI|SÍ|CANCELAR)\b"
)
_META_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")


class LintRule(StrEnum):
    """What is wrong with a template."""

    SYNTAX = "syntax"
    MALFORMED = "malformed"
    UNKNOWN_VARIABLE = "unknown_variable"
    TOO_LONG = "too_long"
    NO_SIBLING = "no_sibling"
    PUBLIC_SHORTENER = "public_shortener"
    RESERVED_MENU_WORD = "reserved_menu_word"
    WHATSAPP_FORM = "whatsapp_form"


def lint(
    body: TemplateBody, *, sibling: TemplateBody | None, ceiling: DisclosureLevel
) -> tuple[LintRule, ...]:
    """Say why the template may not be published; empty if it may.

    `ceiling` is the channel's own. Length is measured with the catalogue's samples.
    YES and CANCEL are carriers' words for opting in and out and cannot mean anything else.
    """
    broken = _unreadable(body)
    return (broken,) if broken else tuple(_findings(body, sibling, ceiling=ceiling))


def _unreadable(body: TemplateBody) -> LintRule | None:
    try:
        check(body)
    except UnknownVariable:
        return LintRule.UNKNOWN_VARIABLE
    except TemplateSyntax:
        return LintRule.SYNTAX
    except TemplateMalformed:
        return LintRule.MALFORMED
    return None


def _findings(
    body: TemplateBody, sibling: TemplateBody | None, *, ceiling: DisclosureLevel
) -> Iterator[LintRule]:
    text = body.body
    if body.channel is not Channel.EMAIL and _sample_length(body) > MOST_CHARACTERS:
        yield LintRule.TOO_LONG
    if level_of(body) > ceiling and not _is_generic(sibling):
        yield LintRule.NO_SIBLING
    if _SHORTENER.search(text):
        yield LintRule.PUBLIC_SHORTENER
    if _RESERVED_MENU_WORD.search(text):
        yield LintRule.RESERVED_MENU_WORD
    if body.whatsapp is not None and not _meta_accepts(text, body.whatsapp):
        yield LintRule.WHATSAPP_FORM


def _sample_length(body: TemplateBody) -> int:
    return len(render(body, SAMPLES, locale=body.language).text)


def _is_generic(sibling: TemplateBody | None) -> bool:
    if sibling is None or variables_of(sibling) - SAMPLES.keys():
        return False
    return level_of(sibling) is DisclosureLevel.L0


def _meta_accepts(text: str, form: WhatsAppForm) -> bool:
    """No variable first, last or next to another, and Meta's limits of length."""
    bare = text.strip()
    return (
        _META_NAME.fullmatch(form.name) is not None
        and len(bare) <= _META_BODY
        and len(form.buttons) <= _META_BUTTONS
        and all(len(button.text) <= _META_BUTTON for button in form.buttons)
        and not bare.startswith("{{")
        and not bare.endswith("}}")
        and re.search(r"\}\}\s*\{\{", bare) is None
    )
