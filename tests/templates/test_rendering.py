from dataclasses import replace

import pytest

from handbell.channels.types import (
    EmailContent,
    MediaKind,
    SmsContent,
    WhatsAppMedia,
    WhatsAppTemplate,
    WhatsAppText,
)
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.analysis import check, variables_of
from handbell.templates.errors import (
    MissingVariable,
    TemplateMalformed,
    TemplateSyntax,
    UnknownVariable,
    UnusableLink,
)
from handbell.templates.rendering import render
from handbell.templates.types import (
    HeaderFormat,
    LinkButton,
    QuickReply,
    TemplateBody,
    WhatsAppForm,
    WhatsAppHeader,
)

SMS = TemplateBody(
    channel=Channel.SMS,
    language="en",
    purpose=Purpose.APPT_REMINDER,
    body="Hi {{ first_name }}, {{ appt_time }}.",
)
EMAIL = replace(
    SMS,
    channel=Channel.EMAIL,
    subject="For {{ first_name }}",
    body='<p>Hi {{ first_name }}</p><p><a class="button" href="{{ confirm_link }}">Go</a></p>',
)
LINK = "https://m.example.org/c/1?a=1&b=2"


@pytest.mark.requirement("R2.2")
def test_variables_are_found_on_every_branch_and_in_the_subject() -> None:
    source = "{% if first_name %}{{ phone }}{% else %}{{ portal_link | upcase }}{% endif %}"
    body = replace(EMAIL, body=source, subject="{{ appt_date }}")
    assert variables_of(body) == {"first_name", "phone", "portal_link", "appt_date"}


@pytest.mark.requirement("R2.2")
def test_an_unknown_variable_is_an_error_when_saved_and_when_rendered() -> None:
    body = replace(SMS, body="{{ first_nam }}")
    with pytest.raises(UnknownVariable) as at_save:
        check(body)
    assert at_save.value.details == {
        "variables": ["first_nam"],
        "places": {"first_nam": {"part": "body", "line": 1, "column": 4}},
        "did_you_mean": {"first_nam": "first_name"},
    }
    with pytest.raises(UnknownVariable):
        render(body, {"first_nam": "Ann"}, locale="en")


def test_a_variable_of_another_purpose_is_unknown() -> None:
    with pytest.raises(UnknownVariable):
        check(replace(SMS, purpose=Purpose.CAMPAIGN_EDUCATION))


@pytest.mark.requirement("R2.2")
@pytest.mark.parametrize("value", [None, "", "  ", "\n\u200b"])
def test_a_missing_or_blank_value_is_an_error_never_an_empty_string(value: str | None) -> None:
    given = {"appt_time": "9:30 AM"} | ({} if value is None else {"first_name": value})
    with pytest.raises(MissingVariable) as missing:
        render(SMS, given, locale="en")
    assert missing.value.details == {"variables": ["first_name"]}


@pytest.mark.parametrize(
    "source",
    [
        "{{ first_name",
        "{% include 'x' %}",
        "{% assign a = 1 %}",
        "{{ first_name | default: 'x' }}",
    ],
)
def test_what_cannot_be_parsed_or_is_not_offered_is_refused(source: str) -> None:
    with pytest.raises(TemplateSyntax):
        check(replace(SMS, body=source))


def test_a_property_that_a_value_does_not_have_is_an_error() -> None:
    with pytest.raises(TemplateSyntax):
        render(replace(SMS, body="{{ first_name.nick }}"), {"first_name": "Ann"}, locale="en")


@pytest.mark.requirement("R2.2")
def test_a_value_in_an_sms_stays_one_line_and_is_not_html_escaped() -> None:
    given = {"first_name": "A\nnn\x00 O'B\u202e & Co", "appt_time": "9:30 AM"}
    rendered = render(SMS, given, locale="en")
    assert rendered.content == SmsContent(text="Hi A nn O'B & Co, 9:30 AM.")
    assert rendered.text == "Hi A nn O'B & Co, 9:30 AM."


@pytest.mark.requirement("R2.2")
def test_a_value_is_never_read_as_a_template() -> None:
    given = {"first_name": "{{ phone }}", "appt_time": "9"}
    assert render(SMS, given, locale="en").text == "Hi {{ phone }}, 9."


@pytest.mark.requirement("R2.1", "R2.2")
def test_an_email_has_escaped_html_inline_styles_and_a_text_part() -> None:
    given = {"first_name": "<script>x</script>\r\nBcc: a@example.org", "confirm_link": LINK}
    content = render(EMAIL, given, locale="es_US").content
    assert isinstance(content, EmailContent)
    assert "&lt;script&gt;" in content.html
    assert "<script" not in content.html
    assert '<html lang="es-US">' in content.html
    assert 'style="' in content.html
    assert "<style" not in content.html
    assert "\n" not in content.subject
    assert LINK in content.text


def test_a_link_to_a_local_installation_survives() -> None:
    local = "http://127.0.0.1:8700/c/1"
    given = {"first_name": "Ann", "confirm_link": local}
    content = render(EMAIL, given, locale="en").content
    assert isinstance(content, EmailContent)
    assert f'href="{local}"' in content.html


def test_scripts_and_foreign_schemes_of_the_author_are_dropped() -> None:
    source = (
        '<p onclick="x()">{{ first_name }}</p><script>x()</script><a href="javascript:x">y</a>'
    )
    content = render(replace(EMAIL, body=source), {"first_name": "Ann"}, locale="en").content
    assert isinstance(content, EmailContent)
    assert not any(word in content.html for word in ("script", "onclick"))


@pytest.mark.requirement("R2.1")
def test_a_whatsapp_template_gets_its_parameters_in_metas_order() -> None:
    form = WhatsAppForm(
        name="visit",
        language="en_US",
        parameters=("appt_time", "first_name"),
        buttons=(QuickReply(text="Confirm", payload="C"),),
    )
    body = replace(SMS, channel=Channel.WHATSAPP, whatsapp=form)
    given = {"first_name": "Ann", "appt_time": "9:30 AM"}
    assert render(body, given, locale="en").content == WhatsAppTemplate(
        name="visit", language="en_US", parameters=("9:30 AM", "Ann"), button_payloads=("C",)
    )
    free = render(replace(body, whatsapp=None), given, locale="en")
    assert free.content == WhatsAppText(text="Hi Ann, 9:30 AM.")


def test_parts_that_do_not_fit_together_are_refused() -> None:
    form = WhatsAppForm(name="visit", language="en_US", parameters=("appt_time",))
    for body in (
        replace(EMAIL, subject=None),
        replace(SMS, subject="x"),
        replace(SMS, whatsapp=form),
        replace(SMS, channel=Channel.WHATSAPP, whatsapp=form),
    ):
        with pytest.raises(TemplateMalformed):
            check(body)


@pytest.mark.requirement("R2.1")
def test_the_preheader_is_hidden_in_the_html_and_absent_from_the_text() -> None:
    body = replace(EMAIL, preheader="For {{ first_name }} & others")
    content = render(body, {"first_name": "<Ann>", "confirm_link": LINK}, locale="en").content
    assert isinstance(content, EmailContent)
    assert "display: none" in content.html or "display:none" in content.html
    assert "For &lt;Ann&gt; &amp; others" in content.html
    assert "others" not in content.text
    with pytest.raises(TemplateMalformed):
        check(replace(SMS, preheader="x"))


@pytest.mark.requirement("R2.2")
@pytest.mark.parametrize(
    "value", ["javascript:alert(1)", "x.example.org", 'http://a"onx="', "/l/1"]
)
def test_a_link_is_a_web_address_or_the_text_does_not_leave(value: str) -> None:
    with pytest.raises(UnusableLink) as refused:
        render(EMAIL, {"first_name": "Ann", "confirm_link": value}, locale="en")
    assert refused.value.details == {"variables": ["confirm_link"]}


@pytest.mark.requirement("R2.1")
def test_a_whatsapp_template_carries_its_media_and_only_its_quick_replies_payloads() -> None:
    form = WhatsAppForm(
        name="visit",
        language="en_US",
        parameters=("appt_time", "first_name"),
        header=WhatsAppHeader(
            format=HeaderFormat.IMAGE, media_url="https://m.example.org/map.png"
        ),
        buttons=(
            QuickReply(text="Confirm", payload="C"),
            LinkButton(text="Map", url="https://m.example.org/map"),
        ),
    )
    body = replace(SMS, channel=Channel.WHATSAPP, whatsapp=form)
    content = render(body, {"first_name": "Ann", "appt_time": "9"}, locale="en").content
    assert isinstance(content, WhatsAppTemplate)
    assert content.header == WhatsAppMedia(
        kind=MediaKind.IMAGE, link="https://m.example.org/map.png"
    )
    assert content.button_payloads == ("C",)
    text_header = WhatsAppHeader(
        format=HeaderFormat.TEXT, text="Hi", media_url="https://x.example"
    )
    with pytest.raises(TemplateMalformed):
        check(replace(body, whatsapp=replace(form, header=text_header)))
