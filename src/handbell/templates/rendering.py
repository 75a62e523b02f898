"""Filling in a template for its channel. A missing value is an error, never a blank."""

import re
from collections.abc import Mapping
from typing import Final

from liquid.exceptions import LiquidError

from handbell.channels.types import (
    EmailContent,
    MediaKind,
    SmsContent,
    WhatsAppMedia,
    WhatsAppTemplate,
    WhatsAppText,
)
from handbell.platform.vocabulary import Channel
from handbell.templates.analysis import check, compiled, variables_of
from handbell.templates.catalogue import is_link
from handbell.templates.errors import MissingVariable, TemplateSyntax, UnusableLink
from handbell.templates.places import Place
from handbell.templates.types import Rendered, TemplateBody, WhatsAppForm

_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+")
_SPACES: Final = re.compile(r"\s+")
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_WEB: Final = re.compile(r"https?://[^\s\"'<>]+", re.IGNORECASE)


def render(body: TemplateBody, variables: Mapping[str, str], *, locale: str) -> Rendered:
    """Fill in the variables; those that the template does not use are ignored.

    `locale` (BCP 47 or POSIX form) becomes the language of an e-mail's document. Raises what
    `analysis.check` raises, `MissingVariable` for an absent or blank value, and `UnusableLink`.
    """
    check(body)
    values = _values_for(body, variables)
    if body.channel is Channel.EMAIL:
        return _email(body, values, language=locale.replace("_", "-"))
    text = _filled(body.body, values, html=False).strip()
    if body.channel is Channel.SMS:
        return Rendered(content=SmsContent(text=text), text=text)
    return Rendered(content=_whatsapp(body, values, text=text), text=text)


def clean(value: str) -> str:
    """Make a value one line without control or direction-changing characters."""
    return _SPACES.sub(" ", _UNSEEN.sub(" ", value)).strip()


def _values_for(body: TemplateBody, variables: Mapping[str, str]) -> dict[str, str]:
    values = {name: clean(variables.get(name, "")) for name in variables_of(body)}
    missing = [name for name, value in values.items() if not value]
    if missing:
        raise MissingVariable(missing)
    wrong = [name for name, value in values.items() if is_link(name) and not _is_web(value)]
    if wrong:
        raise UnusableLink(wrong)
    return values


def _is_web(value: str) -> bool:
    return _WEB.fullmatch(value) is not None


def _filled(source: str, values: Mapping[str, str], *, html: bool, part: str = "body") -> str:
    try:
        return compiled(source, html=html).render(**values)
    except LiquidError as why:
        raise TemplateSyntax("The template cannot be rendered.", Place(part)) from why


def _email(body: TemplateBody, values: Mapping[str, str], *, language: str) -> Rendered:
    from handbell.templates import email

    source = email.prepared(body.body, preheader=body.preheader, language=language)
    subject = clean(_filled(body.subject or "", values, html=False, part="subject"))
    text = _BLANK_LINES.sub("\n\n", _filled(source.text, values, html=False)).strip()
    html = _filled(source.html, values, html=True)
    content = EmailContent(subject=subject, html=html, text=text)
    return Rendered(content=content, text=f"{subject}\n{text}")


def _whatsapp(
    body: TemplateBody, values: Mapping[str, str], *, text: str
) -> WhatsAppTemplate | WhatsAppText:
    form = body.whatsapp
    if form is None:
        return WhatsAppText(text=text)
    return WhatsAppTemplate(
        name=form.name,
        language=form.language,
        parameters=tuple(values[name] for name in form.parameters),
        button_payloads=form.payloads,
        header=_media(form),
    )


def _media(form: WhatsAppForm) -> WhatsAppMedia | None:
    header = form.header
    if header is None or header.media_url is None:
        return None
    return WhatsAppMedia(kind=MediaKind(header.format.lower()), link=header.media_url)
