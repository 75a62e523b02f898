from dataclasses import replace
from itertools import product

import pytest

from handbell.channels.types import Baa
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.errors import TemplateTooOpen, UnknownVariable
from handbell.templates.levels import DisclosureLevel
from handbell.templates.policy import (
    CeilingFacts,
    ceiling,
    channel_ceiling,
    choose,
    level_of,
    public_name,
)
from handbell.templates.types import TemplateBody, TemplateKind

L0, L1, L2 = DisclosureLevel.L0, DisclosureLevel.L1, DisclosureLevel.L2
FINE = CeilingFacts(
    channel=Channel.SMS, risk_acknowledged=True, informs_at_intake=True, baa=Baa.SIGNED
)
FULL = TemplateBody(
    channel=Channel.SMS,
    language="en",
    purpose=Purpose.APPT_REMINDER,
    body="{{ organization_name }}: {{ first_name }}, {{ appt_date }}",
)
GENERIC = replace(
    FULL, kind=TemplateKind.GENERIC, body="{{ organization_name }}: {{ portal_link }}"
)


@pytest.mark.requirement("R2.3")
def test_each_channel_has_its_default_ceiling() -> None:
    found = {channel: ceiling(replace(FINE, channel=channel)) for channel in Channel}
    assert found == {Channel.EMAIL: L2, Channel.SMS: L1, Channel.WHATSAPP: L1}


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize("channel", list(Channel))
def test_a_patient_who_was_never_told_the_risk_gets_the_generic_text(channel: Channel) -> None:
    for acknowledged, informs in product((True, False), repeat=2):
        facts = replace(
            FINE, channel=channel, risk_acknowledged=acknowledged, informs_at_intake=informs
        )
        assert (ceiling(facts) is L0) == (not acknowledged and not informs)


@pytest.mark.requirement("R2.3")
def test_an_account_without_an_agreement_carries_nothing_above_l0() -> None:
    assert ceiling(replace(FINE, baa=Baa.NONE, sms_ceiling=L2)) is L0
    assert ceiling(replace(FINE, baa=Baa.NOT_REQUIRED)) is L1


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize("level", [L0, L1, L2])
def test_an_organisation_may_raise_and_lower_sms_and_nothing_else(level: DisclosureLevel) -> None:
    assert ceiling(replace(FINE, sms_ceiling=level)) is level
    assert ceiling(replace(FINE, channel=Channel.WHATSAPP, sms_ceiling=level)) is L1
    assert channel_ceiling(Channel.SMS, sms_ceiling=level) is level
    assert channel_ceiling(Channel.WHATSAPP, sms_ceiling=level) is L1


def test_of_a_part_2_programme_nothing_is_told() -> None:
    assert ceiling(replace(FINE, part2=True, sms_ceiling=L2)) is L0


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    ("source", "level"),
    [
        ("{{ organization_name }}", L1),
        ("{{ first_name }}", L1),
        ("{{ provider }}", L2),
        ("{% if location %}see us{% endif %}", L2),
    ],
)
def test_a_text_is_as_open_as_its_most_telling_variable(
    source: str, level: DisclosureLevel
) -> None:
    assert level_of(replace(FULL, body=source)) is level


def test_a_notice_that_results_are_ready_is_l2_even_without_variables() -> None:
    ready = replace(FULL, purpose=Purpose.LAB_READY, body="Your results are ready")
    assert level_of(ready) is L2
    assert level_of(replace(ready, kind=TemplateKind.GENERIC)) is L0


def test_the_level_of_an_unknown_variable_is_not_guessed() -> None:
    with pytest.raises(UnknownVariable):
        level_of(replace(FULL, body="{{ diagnosis }}"))


@pytest.mark.requirement("R2.3")
def test_above_the_ceiling_the_generic_sibling_goes() -> None:
    assert choose(FULL, GENERIC, ceiling=L1) is FULL
    assert choose(FULL, GENERIC, ceiling=L0) is GENERIC
    for sibling in (None, replace(GENERIC, body="{{ first_name }}")):
        with pytest.raises(TemplateTooOpen):
            choose(FULL, sibling, ceiling=L0)


@pytest.mark.requirement("R2.3")
def test_a_sensitive_clinic_goes_by_its_parents_name() -> None:
    assert public_name("Oncology", parent="Riverside", sensitive=True) == "Riverside"
    assert public_name("Main Street", parent="Riverside", sensitive=False) == "Main Street"
