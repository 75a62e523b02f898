"""How much a text tells, how much may be told, and which of two texts is sent."""

from dataclasses import dataclass
from typing import Final

from handbell.channels.types import Baa
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.analysis import variables_of
from handbell.templates.catalogue import CATALOGUE
from handbell.templates.errors import TemplateTooOpen, UnknownVariable
from handbell.templates.levels import DisclosureLevel
from handbell.templates.types import TemplateBody, TemplateKind

_DEFAULT_CEILING: Final = {
    Channel.EMAIL: DisclosureLevel.L2,
    Channel.SMS: DisclosureLevel.L1,
    Channel.WHATSAPP: DisclosureLevel.L1,
}
_FLOOR: Final = {
    Purpose.APPT_CONFIRM: DisclosureLevel.L1,
    Purpose.APPT_REMINDER: DisclosureLevel.L1,
    Purpose.NO_SHOW: DisclosureLevel.L1,
    Purpose.RX_REFILL: DisclosureLevel.L2,
    Purpose.LAB_READY: DisclosureLevel.L2,
    Purpose.PAYMENT_REMINDER: DisclosureLevel.L2,
    Purpose.INSURANCE_UPDATE: DisclosureLevel.L2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class CeilingFacts:
    """What decides how open a message to one patient through one account may be.

    `part2` marks a programme under 42 CFR Part 2, of which nothing may be told (HP-19).
    """

    channel: Channel
    risk_acknowledged: bool
    informs_at_intake: bool
    baa: Baa
    sms_raised: bool = False
    part2: bool = False


def level_of(body: TemplateBody) -> DisclosureLevel:
    """Give the level of the most telling variable, or of the purpose if that tells more.

    The full text of a purpose says what it is about in fixed words; its generic sibling
    does not, so there the variables alone count. Raises `UnknownVariable`.
    """
    names = variables_of(body)
    unknown = names - CATALOGUE.keys()
    if unknown:
        raise UnknownVariable(unknown)
    floor = DisclosureLevel.L0
    if body.kind is TemplateKind.FULL:
        floor = _FLOOR.get(body.purpose, DisclosureLevel.L0)
    return max([floor, *(CATALOGUE[name].level for name in names)])


def ceiling(facts: CeilingFacts) -> DisclosureLevel:
    """Give the highest level that may be sent (HP-02, HP-05, HP-16)."""
    informed = facts.risk_acknowledged or facts.informs_at_intake
    if facts.part2 or not informed or facts.baa is Baa.NONE:
        return DisclosureLevel.L0
    if facts.sms_raised and facts.channel is Channel.SMS:
        return DisclosureLevel.L2
    return _DEFAULT_CEILING[facts.channel]


def channel_ceiling(channel: Channel, *, sms_raised: bool = False) -> DisclosureLevel:
    """Give the ceiling for a patient who knows the risk: what publishing is checked against."""
    if sms_raised and channel is Channel.SMS:
        return DisclosureLevel.L2
    return _DEFAULT_CEILING[channel]


def choose(
    full: TemplateBody, generic: TemplateBody | None, *, ceiling: DisclosureLevel
) -> TemplateBody:
    """Give the full text if it may be sent, else its L0 sibling.

    Raises `TemplateTooOpen` where neither may be.
    """
    if level_of(full) <= ceiling:
        return full
    if generic is None or level_of(generic) > DisclosureLevel.L0:
        raise TemplateTooOpen("The text tells too much and has no L0 sibling.")
    return generic


def public_name(name: str, *, parent: str, sensitive: bool) -> str:
    """Give the name to show: a sensitive clinic goes by its parent organisation's."""
    return parent if sensitive else name
