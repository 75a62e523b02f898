from dataclasses import replace

import pytest

from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.levels import DisclosureLevel
from handbell.templates.lint import LintRule, lint
from handbell.templates.types import (
    QuickReply,
    TemplateBody,
    TemplateKind,
    WhatsAppForm,
)

L0, L1 = DisclosureLevel.L0, DisclosureLevel.L1
TEXT = TemplateBody(
    channel=Channel.SMS,
    language="en",
    purpose=Purpose.APPT_REMINDER,
    body="{{ first_name }}, reply C to confirm, STOP to opt out.",
)
GENERIC = replace(TEXT, kind=TemplateKind.GENERIC, body="Read {{ portal_link }} please")


def found(source: str) -> tuple[LintRule, ...]:
    return lint(replace(TEXT, body=source), sibling=GENERIC, ceiling=L1)


@pytest.mark.requirement("R2.2")
@pytest.mark.parametrize(
    ("source", "rule"),
    [
        ("{{ nobody }}", LintRule.UNKNOWN_VARIABLE),
        ("{{ first_name", LintRule.SYNTAX),
        ("x" * 1590 + "{{ first_name }} ok", LintRule.TOO_LONG),
        ("See https://bit.ly/abc", LintRule.PUBLIC_SHORTENER),
        ("Reply YES to confirm", LintRule.RESERVED_MENU_WORD),
        ("Reply C to confirm, CANCEL to cancel", LintRule.RESERVED_MENU_WORD),
        ("Responda CANCELAR", LintRule.RESERVED_MENU_WORD),
    ],
)
def test_a_template_that_breaks_a_rule_is_named(source: str, rule: LintRule) -> None:
    assert found(source) == (rule,)


def test_a_good_template_has_no_findings() -> None:
    assert lint(TEXT, sibling=None, ceiling=L1) == ()
    assert found("To cancel, call {{ phone }}. YES we care. x" + "x" * 1500) == ()
    assert lint(replace(TEXT, subject="x"), sibling=None, ceiling=L1) == (LintRule.MALFORMED,)


@pytest.mark.requirement("R2.3")
def test_above_the_ceiling_an_l0_sibling_is_required() -> None:
    assert lint(TEXT, sibling=GENERIC, ceiling=L0) == ()
    for sibling in (None, TEXT, replace(GENERIC, body="{{ nobody }}")):
        assert lint(TEXT, sibling=sibling, ceiling=L0) == (LintRule.NO_SIBLING,)


@pytest.mark.requirement("R2.1")
@pytest.mark.parametrize(
    ("source", "button"),
    [
        ("{{ first_name }} and {{ phone }} ok", "Go"),
        ("Hello {{ first_name }} and {{ phone }}", "Go"),
        ("Hello {{ first_name }} {{ phone }} ok", "Go"),
        ("Hello {{ first_name }} and {{ phone }} ok", "x" * 26),
    ],
)
def test_what_meta_would_reject_is_found_first(source: str, button: str) -> None:
    form = WhatsAppForm(
        name="visit",
        language="en_US",
        parameters=("first_name", "phone"),
        buttons=(QuickReply(text=button, payload="C"),),
    )
    body = replace(TEXT, channel=Channel.WHATSAPP, whatsapp=form, body=source)
    assert lint(body, sibling=None, ceiling=L1) == (LintRule.WHATSAPP_FORM,)
