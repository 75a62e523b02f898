from datetime import UTC, datetime
from itertools import product

import pytest

from handbell.channels.types import WhatsAppTemplate
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose
from handbell.templates import library
from handbell.templates.catalogue import samples_for
from handbell.templates.levels import DisclosureLevel
from handbell.templates.lint import Limits, lint, reading_level, told_level
from handbell.templates.phi import find_phi
from handbell.templates.policy import channel_ceiling, level_of
from handbell.templates.rendering import render
from handbell.templates.segments import Encoding, size_of
from handbell.templates.types import TemplateBody, TemplatePair

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ALL = library.load()
BODIES = [body for one in ALL for body in (one.full, one.generic) if body is not None]


def is_reply(template: TemplatePair) -> bool:
    return CLASS_OF_PURPOSE[template.full.purpose] is MessageClass.INBOUND_REPLY


def label(body: TemplateBody) -> str:
    return f"{body.purpose}-{body.channel}-{body.language}-{body.kind}"


@pytest.mark.requirement("R2.1", "R2.4", "R2.5")
def test_every_purpose_is_written_for_every_channel_in_three_languages() -> None:
    written = [(one.full.purpose, one.full.channel, one.full.language) for one in ALL]
    assert sorted(written) == sorted(product(Purpose, Channel, ("en", "es", "hi")))


def tells_nothing(template: TemplatePair) -> bool:
    """A person's text tells what they like; on WhatsApp one of our own accord is a link."""
    purpose, channel = template.full.purpose, template.full.channel
    if purpose is Purpose.STAFF_MESSAGE:
        return channel is Channel.WHATSAPP
    is_l0 = {Purpose.URGENT, Purpose.CAMPAIGN_EDUCATION, Purpose.STAFF_SECURE}
    return purpose in is_l0 or (is_reply(template) and purpose is not Purpose.REPLY_STAFF)


@pytest.mark.requirement("R2.3")
def test_what_speaks_of_care_has_an_l0_sibling_and_the_rest_is_l0_itself() -> None:
    for one in ALL:
        level = told_level(one.full, now=NOW)
        if tells_nothing(one):
            assert level is DisclosureLevel.L0, label(one.full)
        else:
            assert one.generic is not None
            assert told_level(one.generic, now=NOW) is DisclosureLevel.L0
            assert "portal_link" in one.generic.body
            assert DisclosureLevel.L0 < level <= DisclosureLevel.L2
        assert level == level_of(one.full)


@pytest.mark.requirement("R2.3", "R2.6", "R10.3")
def test_every_text_may_be_published() -> None:
    for one in ALL:
        limits = Limits(ceiling=channel_ceiling(one.full.channel), max_segments=3)
        assert lint(one, limits=limits, now=NOW) == (), label(one.full)


@pytest.mark.requirement("R10.3")
@pytest.mark.parametrize("body", BODIES, ids=label)
def test_every_text_is_easy_to_read(body: TemplateBody) -> None:
    read = reading_level(body)
    assert read is not None
    assert read.is_easy


@pytest.mark.requirement("R2.2", "R2.3")
@pytest.mark.parametrize("body", BODIES, ids=label)
def test_every_text_renders_whole_and_gives_nothing_away(body: TemplateBody) -> None:
    samples = samples_for(body.language)
    text = render(body, samples, locale=body.language).text
    assert "{{" not in text
    assert samples["organization_name"] in text
    assert find_phi(text, now=NOW) == ()


@pytest.mark.parametrize("body", [b for b in BODIES if b.channel is Channel.SMS], ids=label)
def test_an_sms_is_one_gsm_segment_or_two_of_hindi_with_typical_values(
    body: TemplateBody,
) -> None:
    size = size_of(render(body, samples_for(body.language), locale=body.language).text)
    expected = (Encoding.UCS_2, 2) if body.language == "hi" else (Encoding.GSM_7, 1)
    assert (size.encoding, size.segments) == expected


@pytest.mark.parametrize("body", BODIES, ids=label)
def test_texts_that_open_a_conversation_say_how_to_stop(body: TemplateBody) -> None:
    opens = CLASS_OF_PURPOSE[body.purpose] not in {
        MessageClass.INBOUND_REPLY,
        MessageClass.EMERGENCY,
    }
    if body.channel is not Channel.EMAIL and opens:
        assert "STOP" in body.body
    if body.purpose in {Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER} and body.kind == "full":
        assert "C " in body.body
        assert "R " in body.body


@pytest.mark.requirement("R2.1")
def test_whatsapp_starts_with_approved_templates_and_replies_freely() -> None:
    for one in ALL:
        if one.full.channel is Channel.WHATSAPP:
            samples = samples_for(one.full.language)
            content = render(one.full, samples, locale=one.full.language).content
            is_free = is_reply(one) and one.full.purpose is not Purpose.REPLY_SECURE
            assert isinstance(content, WhatsAppTemplate) is not is_free
