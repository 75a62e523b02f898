"""How much a text tells, how much may be told, and which of two texts is sent."""

from dataclasses import dataclass
from typing import Final

from handbell.channels.types import Baa
from handbell.platform.vocabulary import Channel, Purpose
from handbell.templates.analysis import unknown_variables, variables_of
from handbell.templates.catalogue import CATALOGUE
from handbell.templates.errors import TemplateTooOpen
from handbell.templates.levels import DisclosureLevel
from handbell.templates.types import TemplateBody, TemplateKind

_CEILING: Final = {Channel.EMAIL: DisclosureLevel.L2, Channel.WHATSAPP: DisclosureLevel.L1}
"""Of the channels whose ceiling no organisation changes."""
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

    `sms_ceiling` is the organisation's own for text messages. `part2` marks a programme under
    42 CFR Part 2, of which nothing may be told (HP-19).
    """

    channel: Channel
    risk_acknowledged: bool
    informs_at_intake: bool
    baa: Baa
    sms_ceiling: DisclosureLevel = DisclosureLevel.L1
    part2: bool = False


def level_of(body: TemplateBody) -> DisclosureLevel:
    """Give the level of the most telling variable, or of the purpose if that tells more.

    The full text of a purpose says what it is about in fixed words; its generic sibling
    does not, so there the variables alone count. Raises `UnknownVariable`.
    """
    names = variables_of(body)
    unknown = names - CATALOGUE.keys()
    if unknown:
        raise unknown_variables(dict.fromkeys(unknown), known=CATALOGUE)
    floor = DisclosureLevel.L0
    if body.kind is TemplateKind.FULL:
        floor = _FLOOR.get(body.purpose, DisclosureLevel.L0)
    return max([floor, *(CATALOGUE[name].level for name in names)])


def ceiling(facts: CeilingFacts) -> DisclosureLevel:
    """Give the highest level that may be sent (HP-02, HP-05, HP-16)."""
    informed = facts.risk_acknowledged or facts.informs_at_intake
    if facts.part2 or not informed or facts.baa is Baa.NONE:
        return DisclosureLevel.L0
    return channel_ceiling(facts.channel, sms_ceiling=facts.sms_ceiling)


def channel_ceiling(
    channel: Channel, *, sms_ceiling: DisclosureLevel = DisclosureLevel.L1
) -> DisclosureLevel:
    """Give the ceiling for a patient who knows the risk: what publishing is checked against."""
    return sms_ceiling if channel is Channel.SMS else _CEILING[channel]


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
