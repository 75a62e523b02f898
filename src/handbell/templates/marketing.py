"""What the law asks of advertising and of the first message of a programme.

CAN-SPAM: sender, postal address, a way out (EM-03); RFC 8058: the one-click headers (EM-05); a
text message names its sender and says STOP (CT-03); an opt-in is confirmed with five elements
(CT-02). Checked when a text is published and again on what is about to leave.
"""

import re
from collections.abc import Iterator
from enum import StrEnum
from html import unescape
from typing import Final

from handbell.channels.types import Content, EmailContent, SmsContent
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose
from handbell.templates.analysis import variables_of
from handbell.templates.rendering import clean
from handbell.templates.types import TemplateBody

ONE_CLICK: Final = "List-Unsubscribe=One-Click"
_STOP: Final = re.compile(r"\bSTOP\b")
_HELP: Final = re.compile(r"\bHELP\b|\{\{\s*phone\s*\}\}")
_RATES: Final = re.compile(
    r"msg ?& ?data rates may apply|message and data rates may apply"
    r"|(?:pueden aplicar|aplican|se aplican) (?:tarifas|cargos)|शुल्क लग सकता",
    re.IGNORECASE,
)
_FREQUENCY: Final = re.compile(
    r"\d+\s?(?:msgs?|messages?|texts?)\s?(?:/|a |per )\s?(?:day|week|month|mo|wk)"
    r"|(?:msg|message) frequency varies"
    r"|\d+\s?(?:mensajes?|msjs?)\s?(?:/|al? |por )\s?(?:d[ií]a|la semana|semana|mes)"
    r"|(?:हफ़्ते|हफ्ते|सप्ताह|महीने|दिन) में [^.\u0964]{0,12}\d+[^.\u0964]{0,12}(?:संदेश|मैसेज)",
    re.IGNORECASE,
)


class Element(StrEnum):
    """A part that a text must have."""

    SENDER = "sender"
    POSTAL_ADDRESS = "postal_address"
    UNSUBSCRIBE_LINK = "unsubscribe_link"
    ONE_CLICK_HEADERS = "one_click_headers"
    STOP = "stop"
    HELP = "help"
    FREQUENCY = "frequency"
    RATES = "rates"


def is_marketing(purpose: Purpose) -> bool:
    """Whether messages of this purpose are advertising for the law."""
    return CLASS_OF_PURPOSE[purpose] is MessageClass.MARKETING


def missing_elements(body: TemplateBody) -> Iterator[Element]:
    """What advertising, or the confirmation of an opt-in, lacks as it is written."""
    if is_marketing(body.purpose):
        yield from _missing_in_advertising(body)
    if body.purpose is Purpose.REPLY_OPTIN and body.channel is not Channel.EMAIL:
        yield from _missing_in_confirmation(body)


def _missing_in_advertising(body: TemplateBody) -> Iterator[Element]:
    names = variables_of(body)
    if "organization_name" not in names:
        yield Element.SENDER
    if body.channel is not Channel.EMAIL:
        if not _STOP.search(body.body):
            yield Element.STOP
        return
    if "postal_address" not in names:
        yield Element.POSTAL_ADDRESS
    if not _has_unsubscribe_link(body.body):
        yield Element.UNSUBSCRIBE_LINK


def _has_unsubscribe_link(fragment: str) -> bool:
    from handbell.templates import email

    link = re.compile(r'<a [^>]*href="\s*\{\{\s*unsubscribe_link\s*\}\}\s*"[^>]*>[^<]*\w')
    return link.search(email.sanitised(fragment)) is not None


def _missing_in_confirmation(body: TemplateBody) -> Iterator[Element]:
    """Programme and sender, help, the way out, how often, and that it may cost."""
    if "organization_name" not in variables_of(body):
        yield Element.SENDER
    for element, pattern in (
        (Element.HELP, _HELP),
        (Element.STOP, _STOP),
        (Element.FREQUENCY, _FREQUENCY),
        (Element.RATES, _RATES),
    ):
        if not pattern.search(body.body):
            yield element


def missing_when_sent(
    content: Content, *, sender: str, postal_address: str | None, unsubscribe_link: str | None
) -> Iterator[Element]:
    """What a finished advertisement lacks; with anything missing it must not leave."""
    sender = clean(sender)
    if isinstance(content, EmailContent):
        yield from _missing_in_mail(content, sender, postal_address, unsubscribe_link)
        return
    text = content.text if isinstance(content, SmsContent) else None
    if text is None:
        return  # a WhatsApp template was checked as it was published, and Meta holds its text
    if sender not in text:
        yield Element.SENDER
    if not _STOP.search(text):
        yield Element.STOP


def _missing_in_mail(
    mail: EmailContent, sender: str, postal_address: str | None, link: str | None
) -> Iterator[Element]:
    shown = unescape(mail.html)
    if sender not in shown or sender not in mail.text:
        yield Element.SENDER
    if not postal_address or clean(postal_address) not in shown:
        yield Element.POSTAL_ADDRESS
    if not link or f'href="{link}"' not in shown:
        yield Element.UNSUBSCRIBE_LINK
    if not link or not _is_one_click(mail, link):
        yield Element.ONE_CLICK_HEADERS


def _is_one_click(mail: EmailContent, link: str) -> bool:
    return (
        mail.headers.get("List-Unsubscribe") == f"<{link}>"
        and mail.headers.get("List-Unsubscribe-Post") == ONE_CLICK
    )


def one_click_headers(unsubscribe_link: str) -> dict[str, str]:
    """The headers of RFC 8058 that let a mailbox unsubscribe with one click."""
    return {
        "List-Unsubscribe": f"<{unsubscribe_link}>",
        "List-Unsubscribe-Post": ONE_CLICK,
    }
