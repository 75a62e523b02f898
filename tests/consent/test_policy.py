"""Complete agreements, how far a revocation reaches, and the days that the law gives."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.consent import policy
from handbell.consent.policy import AgreementFacts
from handbell.consent.rules import load_rules
from handbell.consent.types import (
    Agreement,
    Decision,
    Element,
    Entry,
    Kind,
    Method,
    Signature,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.service import add_business_days

GRANT = Decision(
    kind=Kind.GRANT,
    message_class=MessageClass.MARKETING,
    method=Method.WEB_FORM,
    source="portal",
    actor="patient",
    at=datetime(2026, 12, 1, 17, tzinfo=UTC),
    text_version="mkt-1",
    evidence="form/831",
)
SIGNED = Agreement(
    signature=Signature.ELECTRONIC,
    seller="Riverside Health",
    number="+12125550123",
    authorises_automated=True,
    not_a_condition=True,
    is_prechecked=False,
)
FITS = AgreementFacts(
    organization_name="Riverside Health", is_number_the_address=True, is_text_published=True
)
RULES = load_rules()


def missing(
    decision: Decision = GRANT, agreement: Agreement = SIGNED, facts: AgreementFacts = FITS
) -> set[Element]:
    return set(policy.missing_elements(decision, agreement, facts))


@pytest.mark.requirement("R7.8")
def test_a_complete_agreement_lacks_nothing() -> None:
    assert missing() == set()
    assert missing(agreement=replace(SIGNED, seller="  riverside   HEALTH ")) == set()


@pytest.mark.requirement("R7.8")
@pytest.mark.parametrize(
    ("decision", "agreement", "facts", "element"),
    [
        ({"method": Method.VERBAL}, {}, {}, Element.METHOD),
        ({"method": Method.KEYWORD}, {}, {}, Element.METHOD),
        ({"text_version": None}, {}, {}, Element.TEXT_VERSION),
        ({}, {}, {"is_text_published": False}, Element.TEXT_VERSION),
        ({"evidence": None}, {}, {}, Element.EVIDENCE),
        ({"evidence": ""}, {}, {}, Element.EVIDENCE),
        ({}, {"signature": None}, {}, Element.SIGNATURE),
        ({}, {"seller": None}, {}, Element.SELLER),
        ({}, {"seller": "Hillside Clinic"}, {}, Element.SELLER),
        ({}, {}, {"is_number_the_address": False}, Element.NUMBER),
        ({}, {"authorises_automated": None}, {}, Element.AUTOMATED),
        ({}, {"authorises_automated": False}, {}, Element.AUTOMATED),
        ({}, {"not_a_condition": None}, {}, Element.NOT_A_CONDITION),
        ({}, {"not_a_condition": False}, {}, Element.NOT_A_CONDITION),
        ({}, {"is_prechecked": None}, {}, Element.UNCHECKED_BOX),
        ({}, {"is_prechecked": True}, {}, Element.UNCHECKED_BOX),
    ],
)
def test_each_element_that_is_missing_or_wrong_is_named(
    decision: dict[str, object],
    agreement: dict[str, object],
    facts: dict[str, object],
    element: Element,
) -> None:
    found = missing(
        replace(GRANT, **decision),  # type: ignore[arg-type]
        replace(SIGNED, **agreement),  # type: ignore[arg-type]
        replace(FITS, **facts),  # type: ignore[arg-type]
    )
    assert found == {element}


@pytest.mark.requirement("R7.8")
def test_of_nothing_everything_is_missing() -> None:
    bare = replace(GRANT, method=Method.STAFF, text_version=None, evidence=None)
    nothing = AgreementFacts(
        organization_name="Riverside Health", is_number_the_address=False, is_text_published=False
    )
    assert missing(bare, Agreement(), nothing) == set(Element)


@pytest.mark.requirement("R7.8")
@pytest.mark.parametrize(
    ("channel", "message_class", "kind", "needed"),
    [
        (Channel.SMS, MessageClass.MARKETING, Kind.GRANT, True),
        (Channel.WHATSAPP, MessageClass.MARKETING, Kind.GRANT, True),
        (Channel.EMAIL, MessageClass.MARKETING, Kind.GRANT, False),
        (Channel.SMS, MessageClass.CARE, Kind.GRANT, False),
        (Channel.SMS, MessageClass.BILLING_ADMIN, Kind.GRANT, False),
        (Channel.SMS, MessageClass.MARKETING, Kind.REVOKE, False),
    ],
)
def test_marketing_texts_alone_need_the_written_agreement(
    channel: Channel, message_class: MessageClass, kind: Kind, *, needed: bool
) -> None:
    decision = replace(GRANT, message_class=message_class, kind=kind)
    assert policy.needs_agreement(decision, channel) is needed


THE_DAY_BEFORE = datetime(2027, 1, 31, 4, 59, tzinfo=UTC)
"""A minute before midnight in New York."""
THE_DAY = THE_DAY_BEFORE + timedelta(minutes=1)


@pytest.mark.parametrize("at", [THE_DAY_BEFORE, THE_DAY])
@pytest.mark.parametrize("channel", list(Channel))
def test_a_stop_without_a_class_ends_everything_on_either_side_of_the_day(
    at: datetime, channel: Channel
) -> None:
    stop = replace(GRANT, kind=Kind.REVOKE, message_class=None, method=Method.KEYWORD, at=at)
    assert policy.widened(stop, channel, RULES) == stop


@pytest.mark.parametrize(
    ("message_class", "method", "channel", "reaches_all"),
    [
        (MessageClass.CARE, Method.KEYWORD, Channel.SMS, True),
        (MessageClass.BILLING_ADMIN, Method.KEYWORD, Channel.WHATSAPP, True),
        (MessageClass.RESEARCH, Method.KEYWORD, Channel.SMS, True),
        (MessageClass.MARKETING, Method.KEYWORD, Channel.SMS, False),
        (MessageClass.CARE, Method.KEYWORD, Channel.EMAIL, False),
        (MessageClass.CARE, Method.PORTAL, Channel.SMS, False),
        (MessageClass.CARE, Method.STAFF, Channel.SMS, False),
    ],
)
def test_from_its_day_on_a_word_against_one_kind_of_care_ends_all(
    message_class: MessageClass, method: Method, channel: Channel, *, reaches_all: bool
) -> None:
    asked = replace(GRANT, kind=Kind.REVOKE, message_class=message_class, method=method)
    before = replace(asked, at=THE_DAY_BEFORE)
    assert policy.widened(before, channel, RULES) == before
    after = policy.widened(replace(asked, at=THE_DAY), channel, RULES)
    assert (after.message_class is None) is reaches_all
    if reaches_all:
        assert after.details == {"asked_class": str(message_class), "widened_by": "TCPA-12"}


@pytest.mark.requirement("R7.10")
@pytest.mark.parametrize(
    ("received", "due"),
    [
        (date(2026, 12, 18), date(2027, 1, 5)),
        (date(2026, 12, 19), date(2027, 1, 5)),
        (date(2026, 11, 24), date(2026, 12, 9)),
        (date(2027, 6, 30), date(2027, 7, 15)),
        (date(2027, 6, 4), date(2027, 6, 21)),
        (date(2027, 12, 10), date(2027, 12, 27)),
    ],
)
def test_ten_business_days_leave_out_weekends_holidays_and_their_observed_days(
    received: date, due: date
) -> None:
    assert add_business_days(received, 10, country="US") == due


FEDERAL_2026_TO_2028 = {
    date.fromisoformat(day)
    for day in (
        *("2026-01-01", "2026-01-19", "2026-02-16", "2026-05-25", "2026-06-19", "2026-07-03"),
        *("2026-07-04", "2026-09-07", "2026-10-12", "2026-11-11", "2026-11-26", "2026-12-25"),
        *("2027-01-01", "2027-01-18", "2027-02-15", "2027-05-31", "2027-06-18", "2027-06-19"),
        *("2027-07-04", "2027-07-05", "2027-09-06", "2027-10-11", "2027-11-11", "2027-11-25"),
        *("2027-12-24", "2027-12-25", "2027-12-31", "2028-01-01", "2028-01-17", "2028-02-21"),
        *("2028-05-29", "2028-06-19", "2028-07-04", "2028-09-04", "2028-10-09", "2028-11-10"),
        *("2028-11-11", "2028-11-23", "2028-12-25"),
    )
}
"""5 U.S.C. 6103: the holidays and the days on which they are observed."""


@given(st.dates(date(2026, 1, 1), date(2028, 11, 1)), st.integers(1, 20))
def test_business_days_agree_with_counting_a_list_of_days(start: date, count: int) -> None:
    days = [start + timedelta(days=no) for no in range(1, 60)]
    weekend = {"Saturday", "Sunday"}
    business = [
        day for day in days if f"{day:%A}" not in weekend and day not in FEDERAL_2026_TO_2028
    ]
    assert add_business_days(start, count, country="US") == business[count - 1]


@pytest.mark.requirement("R7.10")
def test_a_deadline_counts_from_the_day_in_the_organisation_s_zone() -> None:
    late = datetime(2026, 12, 19, 3, tzinfo=UTC)
    stop = replace(GRANT, kind=Kind.REVOKE, message_class=None, method=Method.KEYWORD, at=late)
    entry = Entry(no=2, decision=stop, recorded_at=late, hash=b"")
    phone = policy.deadline_of(entry, Channel.SMS, RULES, zone="America/New_York")
    assert phone is not None
    assert (phone.rule, phone.due_on) == ("TCPA-09", date(2027, 1, 5))
    assert phone.honoured_at == late
    mailbox = policy.deadline_of(entry, Channel.EMAIL, RULES, zone="America/New_York")
    assert mailbox is not None
    assert mailbox.rule == "EM-04"
    granted = replace(entry, decision=GRANT)
    assert policy.deadline_of(granted, Channel.SMS, RULES, zone="America/New_York") is None


@given(st.dates(date(2026, 1, 1), date(2028, 1, 1)))
def test_a_later_receipt_never_has_an_earlier_deadline(start: date) -> None:
    days = [start + timedelta(days=no) for no in range(10)]
    due = [add_business_days(day, 10, country="US") for day in days]
    assert all(one <= later for one, later in pairwise(due))
