"""What Meta would reject in the form of a WhatsApp template (provider contracts, 3.7)."""

import re
from collections.abc import Iterator
from typing import Final

from handbell.templates.analysis import names_in
from handbell.templates.findings import Finding, LintRule
from handbell.templates.places import Place
from handbell.templates.types import (
    LinkButton,
    PhoneButton,
    QuickReply,
    TemplateBody,
    WhatsAppCategory,
    WhatsAppForm,
)

MOST_BODY: Final = 1024
MOST_HEADER: Final = 60
MOST_FOOTER: Final = 60
MOST_BUTTONS: Final = 10
MOST_BUTTON: Final = 25
MOST_URL: Final = 2000
_NAME: Final = re.compile(r"[a-z0-9_]{1,512}")
_ADJACENT: Final = re.compile(r"\}\}\s*\{\{")
_NO_NAME: Final = re.compile(r"[^a-z0-9]+")
_CODES: Final = {"en": "en_US"}


def derived_form(body: TemplateBody, *, name: str, category: WhatsAppCategory) -> WhatsAppForm:
    """A registration made from the text: its variables in the order in which they stand."""
    found = names_in(body.body)
    slug = _NO_NAME.sub("_", name.lower()).strip("_")[:512] or body.purpose.value
    return WhatsAppForm(
        name=slug,
        language=_CODES.get(body.language, body.language.replace("-", "_")),
        category=category,
        parameters=tuple(sorted(found, key=found.__getitem__)),
    )


def findings_of(body: TemplateBody, form: WhatsAppForm) -> Iterator[Finding]:
    """Every breach of Meta's rules, each with its part of the form."""
    yield from _of_text(body.body.strip(), form)
    yield from _of_frame(form)
    for no, button in enumerate(form.buttons):
        part = f"whatsapp.buttons.{no}"
        if not 0 < len(button.text) <= MOST_BUTTON:
            yield _breach(part, f"A button has 1 to {MOST_BUTTON} characters.")
        if isinstance(button, LinkButton) and not _is_link(button.url):
            yield _breach(part, "A button opens an https address without variables.")
        if isinstance(button, PhoneButton) and not re.fullmatch(
            r"\+\d{8,15}", button.phone_number
        ):
            yield _breach(part, "A number to call begins with + and the country's code.")


def _of_text(text: str, form: WhatsAppForm) -> Iterator[Finding]:
    if _NAME.fullmatch(form.name) is None:
        yield _breach("whatsapp.name", "A name has small letters, digits and underscores only.")
    if len(text) > MOST_BODY:
        yield _breach("body", f"Meta takes {MOST_BODY} characters.")
    if text.startswith("{{") or text.endswith("}}"):
        yield _breach("body", "A text neither begins nor ends with a variable.")
    if _ADJACENT.search(text):
        yield _breach("body", "Words stand between two variables.")


def _of_frame(form: WhatsAppForm) -> Iterator[Finding]:
    header, footer = form.header, form.footer
    if header is not None and not _fits(header.text, MOST_HEADER):
        yield _breach("whatsapp.header", f"At most {MOST_HEADER} characters and no variable.")
    if header is not None and header.media_url is not None and not _is_link(header.media_url):
        yield _breach("whatsapp.header", "Media stand at an https address without variables.")
    if not _fits(footer, MOST_FOOTER):
        yield _breach("whatsapp.footer", f"At most {MOST_FOOTER} characters and no variable.")
    if len(form.buttons) > MOST_BUTTONS:
        yield _breach("whatsapp.buttons", f"At most {MOST_BUTTONS} buttons.")
    kinds = [isinstance(button, QuickReply) for button in form.buttons]
    if kinds != sorted(kinds, reverse=True):
        yield _breach("whatsapp.buttons", "Quick replies stand before other buttons.")


def _fits(text: str | None, most: int) -> bool:
    return text is None or (0 < len(text.strip()) <= most and "{{" not in text)


def _is_link(url: str) -> bool:
    return re.fullmatch(r"https://[^\s{}\"<>]+", url) is not None and len(url) <= MOST_URL


def _breach(part: str, message: str) -> Finding:
    return Finding(LintRule.WHATSAPP_FORM, Place(part), message)
