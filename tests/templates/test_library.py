from datetime import UTC, datetime
from itertools import product

import pytest

from handbell.channels.types import WhatsAppTemplate
from handbell.platform.vocabulary import CLASS_OF_PURPOSE, Channel, MessageClass, Purpose
from handbell.templates import library
from handbell.templates.catalogue import SAMPLES
from handbell.templates.levels import DisclosureLevel
from handbell.templates.lint import lint
from handbell.templates.phi import find_phi
from handbell.templates.policy import channel_ceiling, level_of
from handbell.templates.rendering import render
from handbell.templates.segments import Encoding, size_of
from handbell.templates.types import LibraryTemplate, TemplateBody

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ALL = library.load()
BODIES = [body for one in ALL for body in (one.full, one.generic) if body is not None]


def is_reply(template: LibraryTemplate) -> bool:
    return CLASS_OF_PURPOSE[template.full.purpose] is MessageClass.INBOUND_REPLY


def label(body: TemplateBody) -> str:
    return f"{body.purpose}-{body.channel}-{body.language}-{body.kind}"


@pytest.mark.requirement("R2.1", "R2.5")
def test_every_purpose_is_written_for_every_channel_in_english_and_spanish() -> None:
    written = [(one.full.purpose, one.full.channel, one.full.language) for one in ALL]
    purposes = {Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER, Purpose.NO_SHOW} | {
        purpose for purpose in Purpose if purpose.startswith("reply_")
    }
    assert sorted(written) == sorted(product(purposes, Channel, ("en", "es")))


@pytest.mark.requirement("R2.3")
def test_what_speaks_of_a_visit_has_an_l0_sibling_and_a_reply_is_l0_itself() -> None:
    for one in ALL:
        if is_reply(one):
            assert level_of(one.full) is DisclosureLevel.L0
        else:
            assert one.generic is not None
            assert level_of(one.generic) is DisclosureLevel.L0
            assert "portal_link" in one.generic.body
            assert DisclosureLevel.L0 < level_of(one.full) <= channel_ceiling(one.full.channel)


def test_every_text_may_be_published() -> None:
    for one in ALL:
        for body in (one.full, one.generic):
            if body is not None:
                ceiling = channel_ceiling(body.channel)
                assert lint(body, sibling=one.generic, ceiling=ceiling) == (), label(body)


@pytest.mark.requirement("R2.2", "R2.3")
@pytest.mark.parametrize("body", BODIES, ids=label)
def test_every_text_renders_whole_and_gives_nothing_away(body: TemplateBody) -> None:
    text = render(body, SAMPLES, locale=body.language).text
    assert "{{" not in text
    assert SAMPLES["organization_name"] in text
    assert find_phi(text, now=NOW) == ()


@pytest.mark.parametrize("body", [b for b in BODIES if b.channel is Channel.SMS], ids=label)
def test_an_sms_is_one_gsm_segment_with_typical_values(body: TemplateBody) -> None:
    size = size_of(render(body, SAMPLES, locale=body.language).text)
    assert (size.encoding, size.segments) == (Encoding.GSM_7, 1)


@pytest.mark.parametrize("body", BODIES, ids=label)
def test_texts_that_open_a_conversation_say_how_to_stop(body: TemplateBody) -> None:
    if body.channel is not Channel.EMAIL and not body.purpose.startswith("reply_"):
        assert "STOP" in body.body
    if body.purpose in {Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER} and body.kind == "full":
        assert "C " in body.body
        assert "R " in body.body


@pytest.mark.requirement("R2.1")
def test_whatsapp_starts_with_approved_templates_and_replies_freely() -> None:
    for one in ALL:
        if one.full.channel is Channel.WHATSAPP:
            content = render(one.full, SAMPLES, locale=one.full.language).content
            assert isinstance(content, WhatsAppTemplate) is not is_reply(one)
