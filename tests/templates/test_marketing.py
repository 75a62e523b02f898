"""What the law asks of advertising, taken away piece by piece."""

from dataclasses import replace

import pytest

from handbell.channels.types import EmailContent, SmsContent
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates import library
from handbell.templates.catalogue import SAMPLES
from handbell.templates.marketing import (
    Element,
    missing_elements,
    missing_when_sent,
    one_click_headers,
)
from handbell.templates.rendering import render
from handbell.templates.types import TemplateBody

SENDER, ADDRESS = "O'Hara & Sons Health", "1 Main St <Suite 2>,\nAlbany, NY 12207"
LINK = "https://m.example.org/u/1?a=1&b=2"
TIPS = next(
    pair.full
    for pair in library.load()
    if (pair.full.purpose, pair.full.channel, pair.full.language)
    == (Purpose.CAMPAIGN_EDUCATION, Channel.EMAIL, "en")
)
CONFIRMATION = TemplateBody(
    purpose=Purpose.REPLY_OPTIN,
    channel=Channel.SMS,
    language="en",
    body="{{ organization_name }} visit texts: up to 6 msgs/week. Msg&data rates may apply."
    " Reply HELP for help, STOP to opt out.",
)


def mail() -> EmailContent:
    values = {
        **SAMPLES,
        "organization_name": SENDER,
        "postal_address": ADDRESS,
        "unsubscribe_link": LINK,
    }
    content = render(TIPS, values, locale="en").content
    assert isinstance(content, EmailContent)
    return replace(content, headers=one_click_headers(LINK))


def gaps(content: EmailContent | SmsContent, **more: str | None) -> list[Element]:
    told = {"sender": SENDER, "postal_address": ADDRESS, "unsubscribe_link": LINK} | more
    return list(missing_when_sent(content, **told))  # type: ignore[arg-type]


@pytest.mark.requirement("R2.6")
def test_a_whole_advertisement_may_leave() -> None:
    assert gaps(mail()) == []
    assert list(missing_elements(TIPS)) == []


@pytest.mark.requirement("R2.6")
def test_the_header_lines_are_those_of_the_standard() -> None:
    assert one_click_headers(LINK) == {
        "List-Unsubscribe": f"<{LINK}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.requirement("R2.6")
@pytest.mark.parametrize("header", ["List-Unsubscribe", "List-Unsubscribe-Post"])
def test_without_either_header_it_does_not_leave(header: str) -> None:
    whole = mail()
    without = {name: value for name, value in whole.headers.items() if name != header}
    assert gaps(replace(whole, headers=without)) == [Element.ONE_CLICK_HEADERS]
    other = {**whole.headers, header: "<https://elsewhere.example.org>"}
    assert gaps(replace(whole, headers=other)) == [Element.ONE_CLICK_HEADERS]


@pytest.mark.requirement("R2.6")
def test_without_a_part_of_the_footer_it_does_not_leave() -> None:
    whole = mail()
    no_link = replace(whole, html=whole.html.replace("/u/1", "/x"))
    assert gaps(no_link) == [Element.UNSUBSCRIBE_LINK]
    no_address = replace(whole, html=whole.html.replace("Albany", ""))
    assert gaps(no_address) == [Element.POSTAL_ADDRESS]
    assert Element.POSTAL_ADDRESS in gaps(whole, postal_address=None)
    no_sender = replace(whole, text=whole.text.replace(SENDER, ""))
    assert gaps(no_sender) == [Element.SENDER]
    assert set(gaps(whole, unsubscribe_link=None)) == {
        Element.UNSUBSCRIBE_LINK,
        Element.ONE_CLICK_HEADERS,
    }


@pytest.mark.requirement("R2.6")
def test_an_advertising_text_names_its_sender_and_the_way_out() -> None:
    whole = SmsContent(text=f"{SENDER}: new tips. Reply STOP to opt out.")
    assert gaps(whole) == []
    assert gaps(SmsContent(text="New tips. Stop by.")) == [Element.SENDER, Element.STOP]


@pytest.mark.requirement("R2.6")
@pytest.mark.parametrize(
    ("part", "element"),
    [
        ("{{ organization_name }}", Element.SENDER),
        ("HELP", Element.HELP),
        ("STOP", Element.STOP),
        ("up to 6 msgs/week", Element.FREQUENCY),
        ("Msg&data rates may apply", Element.RATES),
    ],
)
def test_the_confirmation_of_an_opt_in_has_five_elements(part: str, element: Element) -> None:
    assert list(missing_elements(CONFIRMATION)) == []
    without = replace(CONFIRMATION, body=CONFIRMATION.body.replace(part, "-"))
    assert list(missing_elements(without)) == [element]
