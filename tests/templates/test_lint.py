from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.findings import Finding, LintRule
from handbell.templates.levels import DisclosureLevel
from handbell.templates.lint import Limits, lint, told_level
from handbell.templates.places import Place
from handbell.templates.types import (
    HeaderFormat,
    LinkButton,
    PhoneButton,
    QuickReply,
    TemplateBody,
    TemplateKind,
    TemplatePair,
    WhatsAppForm,
    WhatsAppHeader,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
L0, L1, L2 = DisclosureLevel.L0, DisclosureLevel.L1, DisclosureLevel.L2
TEXT = TemplateBody(
    channel=Channel.SMS,
    language="en",
    purpose=Purpose.APPT_REMINDER,
    body="{{ first_name }}, reply C to confirm, STOP to opt out.",
)
GENERIC = replace(TEXT, kind=TemplateKind.GENERIC, body="Read {{ portal_link }} please")
EMAIL = replace(TEXT, channel=Channel.EMAIL, subject="Your visit", body="<p>Hi</p>")


def findings(
    full: TemplateBody,
    generic: TemplateBody | None = GENERIC,
    *,
    ceiling: DisclosureLevel = L1,
    max_segments: int = 20,
) -> tuple[Finding, ...]:
    limits = Limits(ceiling=ceiling, max_segments=max_segments)
    return lint(TemplatePair(full=full, generic=generic), limits=limits, now=NOW)


def rules(found: Sequence[Finding]) -> list[LintRule]:
    return [one.rule for one in found]


@pytest.mark.requirement("R2.2")
@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("{{ nobody }}", LintRule.UNKNOWN_VARIABLE),
        ("{{ first_name", LintRule.SYNTAX),
        ("Go. " * 398 + "{{ first_name }} ok", LintRule.TOO_LONG),
        ("See https://bit.ly/abc", LintRule.PUBLIC_SHORTENER),
        ("Reply YES to confirm", LintRule.RESERVED_MENU_WORD),
        ("Reply C to confirm, CANCEL to cancel", LintRule.RESERVED_MENU_WORD),
        ("YES = confirm", LintRule.RESERVED_MENU_WORD),
        ("Responda CANCELAR si no va a ir.", LintRule.RESERVED_MENU_WORD),
        ("पुष्टि के लिए YES भेजें।", LintRule.RESERVED_MENU_WORD),
        ("Your visit is near. Get 20% off a whitening kit.", LintRule.PROMOTIONAL),
        ("Aproveche ya: la oferta es por un mes.", LintRule.PROMOTIONAL),
        ("Your HIV test is back.", LintRule.LEAKS),
    ],
)
def test_a_template_that_breaks_a_rule_is_named(source: str, rule: LintRule) -> None:
    language = "es" if source.startswith(("Responda", "Aproveche")) else "en"
    assert rules(findings(replace(TEXT, language=language, body=source))) == [rule]


@pytest.mark.requirement("R2.2")
def test_a_finding_names_line_and_column_and_what_may_have_been_meant() -> None:
    body = replace(TEXT, body="Hello.\nSee you, {{ frist_name }}. Reply YES to come.")
    (found,) = findings(body)
    assert found.place == Place("body", 2, 13)
    assert "Did you mean first_name?" in found.message
    (menu,) = findings(replace(body, body="Hello.\nReply YES to come."))
    assert menu.place == Place("body", 2, 7)
    (syntax,) = findings(replace(body, body="Hello.\n{% if %}x{% endif %}"))
    assert (syntax.place.line, syntax.rule) == (2, LintRule.SYNTAX)
    (generic,) = findings(TEXT, replace(GENERIC, body="{{ nobody }}"))
    assert generic.place == Place("generic.body", 1, 4)


def test_a_good_template_has_no_findings() -> None:
    assert findings(TEXT, None) == ()
    assert findings(replace(TEXT, body="To cancel, call {{ phone }}. YES we care. Bye.")) == ()
    assert rules(findings(replace(TEXT, subject="x"))) == [LintRule.MALFORMED]


@pytest.mark.requirement("R2.3")
def test_above_the_ceiling_an_l0_sibling_is_required() -> None:
    assert findings(TEXT, GENERIC, ceiling=L0) == ()
    assert rules(findings(TEXT, None, ceiling=L0)) == [LintRule.NO_SIBLING]
    told = findings(TEXT, replace(GENERIC, body=TEXT.body), ceiling=L0)
    assert [(one.rule, one.place.part) for one in told] == [(LintRule.LEAKS, "generic.body")]


@pytest.mark.requirement("R2.3")
def test_fixed_words_raise_the_level_as_variables_do() -> None:
    ready = replace(TEXT, purpose=Purpose.URGENT, body="Your results are ready. Call us.")
    assert told_level(ready, now=NOW) is L2
    assert rules(findings(ready, None)) == [LintRule.NO_SIBLING]
    assert findings(ready, GENERIC) == ()
    sibling = replace(GENERIC, body="Your results are ready: {{ portal_link }} now")
    (leak,) = findings(TEXT, sibling)
    assert (leak.rule, leak.place.part) == (LintRule.LEAKS, "generic.body")
    assert "notice" in leak.message


@pytest.mark.requirement("R2.3")
def test_a_branch_that_the_sample_does_not_take_is_read_too() -> None:
    hidden = "Hi.{% unless first_name %} Your HIV test is back.{% endunless %}"
    assert rules(findings(replace(TEXT, body=hidden))) == [LintRule.LEAKS]


@pytest.mark.requirement("R2.1")
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_more_segments_than_the_organisation_pays_for_are_refused(limit: int) -> None:
    body = replace(TEXT, body="It is so. " * 31)
    expected = [LintRule.TOO_MANY_SEGMENTS] if limit < 3 else []
    assert rules(findings(body, max_segments=limit)) == expected


@pytest.mark.requirement("R2.1")
@pytest.mark.parametrize(
    ("href", "is_safe"),
    [
        ("{{ confirm_link }}", True),
        ("tel:{{ phone }}", True),
        ("https://www.example.org/a?b=1", True),
        ("{{ first_name }}", False),
        ("https://example.org/{{ first_name }}", False),
        ("java{{ first_name }}script:x", False),
    ],
)
def test_a_link_of_an_email_is_one_that_no_value_can_turn(href: str, *, is_safe: bool) -> None:
    body = replace(EMAIL, body=f'<p>Hi</p>\n<a href="{href}">go</a>')
    found = findings(body, None, ceiling=L2)
    assert [(one.rule, one.place) for one in found] == (
        [] if is_safe else [(LintRule.UNSAFE_LINK, Place("body", 2, 4))]
    )


@pytest.mark.requirement("R2.1")
@pytest.mark.parametrize(
    ("source", "form", "part"),
    [
        ("{{ first_name }} and {{ phone }} ok", {}, "body"),
        ("Hello {{ first_name }} and {{ phone }}", {}, "body"),
        ("Hello {{ first_name }} {{ phone }} ok", {}, "body"),
        ("", {"buttons": (QuickReply(text="x" * 26, payload="C"),)}, "whatsapp.buttons.0"),
        ("", {"buttons": (QuickReply(text="Go", payload="YES"),)}, "whatsapp.buttons.0"),
        ("", {"buttons": (LinkButton(text="Go", url="http://a.example"),)}, "whatsapp.buttons.0"),
        ("", {"buttons": (PhoneButton(text="Go", phone_number="555"),)}, "whatsapp.buttons.0"),
        (
            "",
            {
                "buttons": (
                    PhoneButton(text="Call", phone_number="+12125550100"),
                    QuickReply(text="Go", payload="C"),
                )
            },
            "whatsapp.buttons",
        ),
        ("", {"name": "Visit"}, "whatsapp.name"),
        ("", {"footer": "x" * 61}, "whatsapp.footer"),
        (
            "",
            {"header": WhatsAppHeader(format=HeaderFormat.TEXT, text="x {{ phone }}")},
            "whatsapp.header",
        ),
        (
            "",
            {"header": WhatsAppHeader(format=HeaderFormat.IMAGE, media_url="ftp://a.example/x")},
            "whatsapp.header",
        ),
    ],
)
def test_what_meta_would_reject_is_found_first(
    source: str, form: dict[str, Any], part: str
) -> None:
    made = replace(
        WhatsAppForm(name="visit", language="en_US", parameters=("first_name", "phone")), **form
    )
    text = source or "Hello {{ first_name }} and {{ phone }} ok"
    body = replace(TEXT, channel=Channel.WHATSAPP, whatsapp=made, body=text)
    assert [one.place.part for one in findings(body, None)] == [part]


def test_a_hard_text_is_found_in_each_language() -> None:
    hard = {
        "en": "Administrative documentation necessitates comprehensive collaboration.",
        "es": "La documentación administrativa internacional necesita colaboraciones.",
        "hi": " ".join(["कृपया"] * 13) + "।",
    }
    for language, source in hard.items():
        found = findings(replace(TEXT, language=language, body=source))
        assert rules(found) == [LintRule.READING_LEVEL], language
