"""What makes an agreement complete, how far a revocation reaches, and until when it has time."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from zoneinfo import ZoneInfo

from handbell.consent.rules import ConsentRules
from handbell.consent.types import (
    WRITTEN,
    Agreement,
    Deadline,
    Decision,
    Details,
    Element,
    Entry,
    Kind,
    Method,
)
from handbell.platform.vocabulary import Channel, MessageClass
from handbell.scheduling.service import add_business_days

PHONE: Final = frozenset({Channel.SMS, Channel.WHATSAPP})
INFORMATIONAL: Final = frozenset(
    {MessageClass.CARE, MessageClass.BILLING_ADMIN, MessageClass.RESEARCH}
)
HOLIDAYS_OF: Final = "US"
"""Business days leave out the federal holidays, observed days included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementFacts:
    """What an agreement is held against."""

    organization_name: str
    is_number_the_address: bool
    is_text_published: bool


def needs_agreement(decision: Decision, channel: Channel) -> bool:
    """Whether the grant must be a written agreement (R7.8, TCPA-05)."""
    is_marketing = decision.message_class is MessageClass.MARKETING
    return decision.kind is Kind.GRANT and is_marketing and channel in PHONE


def missing_elements(
    decision: Decision, agreement: Agreement, facts: AgreementFacts
) -> tuple[Element, ...]:
    """Every element of a written agreement that is missing, or says the wrong thing."""
    return tuple(_missing(decision, agreement, facts))


def attestation_lacks(decision: Decision) -> tuple[Element, ...]:
    """What even a system that keeps the agreement must tell: that it is written, and where."""
    return tuple(_missing_in_words(decision))


def _missing(decision: Decision, agreement: Agreement, facts: AgreementFacts) -> Iterator[Element]:
    yield from _missing_in_words(decision)
    is_seller_us = _plain(agreement.seller or "") == _plain(facts.organization_name)
    is_there = {
        Element.TEXT_VERSION: facts.is_text_published or not decision.text_version,
        Element.EVIDENCE: bool(decision.evidence),
        Element.SIGNATURE: agreement.signature is not None,
        Element.SELLER: is_seller_us,
        Element.NUMBER: facts.is_number_the_address,
        Element.AUTOMATED: agreement.authorises_automated is True,
        Element.NOT_A_CONDITION: agreement.not_a_condition is True,
        Element.UNCHECKED_BOX: agreement.is_prechecked is False,
    }
    yield from (element for element, stands in is_there.items() if not stands)


def _missing_in_words(decision: Decision) -> Iterator[Element]:
    if decision.method not in WRITTEN:
        yield Element.METHOD
    if not decision.text_version:
        yield Element.TEXT_VERSION


def _plain(name: str) -> str:
    return " ".join(name.split()).casefold()


def details_of(agreement: Agreement, facts: AgreementFacts) -> Details:
    """What the ledger keeps of a complete agreement: no number, no name of a patient."""
    return {
        "signature": str(agreement.signature),
        "seller": facts.organization_name,
        "number_is_the_address": facts.is_number_the_address,
        "authorises_automated": agreement.authorises_automated is True,
        "not_a_condition": agreement.not_a_condition is True,
        "is_prechecked": agreement.is_prechecked is True,
    }


def widened(decision: Decision, channel: Channel, rules: ConsentRules) -> Decision:
    """The revocation as far as it reaches (TCPA-12).

    A STOP without a class ends everything at any time. From the rule's day on, a *word in a
    reply* against one kind of care message does so too; what was chosen on a form, in the
    portal, or told to a person stays what was chosen, and so does a word against marketing.
    """
    scope = rules.revoke_all_scope
    is_by_word = decision.method is Method.KEYWORD and channel in PHONE
    if decision.kind is not Kind.REVOKE or not is_by_word:
        return decision
    if decision.message_class not in INFORMATIONAL:
        return decision
    if decision.at.astimezone(ZoneInfo(scope.zone)).date() < scope.effective_on:
        return decision
    asked = {"asked_class": str(decision.message_class), "widened_by": scope.rule}
    return replace(decision, message_class=None, details={**(decision.details or {}), **asked})


def deadline_of(
    entry: Entry, channel: Channel, rules: ConsentRules, *, zone: str
) -> Deadline | None:
    """By when the law wants the revocation honoured: the day of receipt is not counted, and
    neither are weekends and federal holidays. `zone` is the organisation's."""
    if entry.decision.kind is not Kind.REVOKE:
        return None
    for rule in rules.deadlines:
        if channel in rule.channels:
            received_on = entry.decision.at.astimezone(ZoneInfo(zone)).date()
            due_on = add_business_days(received_on, rule.business_days, country=HOLIDAYS_OF)
            return Deadline(rule=rule.rule, due_on=due_on, honoured_at=entry.recorded_at)
    return None
