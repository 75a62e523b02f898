"""The preferences that an unsubscribe link leads to: what to hear of, and in which language.

The link is opaque and lives long, so the page tells nothing of the patient but these choices.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Final

from handbell.actions.ports import Delivery
from handbell.actions.showing import Shelf
from handbell.actions.types import Page, PageKind, ShownPreferences
from handbell.actions.visiting import PATIENT
from handbell.actions.words import all_words, language_for
from handbell.audit.service import AuditService
from handbell.consent import service as consent
from handbell.consent.types import ClassState, Decision
from handbell.links.types import Link, LinkState
from handbell.platform.db import Tx
from handbell.platform.vocabulary import MessageClass, Purpose
from handbell.preferences import service as preferences
from handbell.preferences.types import Choice, Level, LevelChange, Preferences

GROUPS: Final[Mapping[str, tuple[Purpose, ...]]] = {
    "visits": (Purpose.APPT_CONFIRM, Purpose.APPT_REMINDER, Purpose.NO_SHOW),
    "care": (Purpose.RX_REFILL, Purpose.LAB_READY),
    "money": (Purpose.PAYMENT_REMINDER, Purpose.INSURANCE_UPDATE),
    "tips": (Purpose.CAMPAIGN_EDUCATION,),
}
TIPS: Final = "tips"
"""Advertising is switched off here, never on: that needs a consent of its own (R7.8)."""


class Preferring:
    """Shows and writes the patient's own choices."""

    def __init__(self, audit: AuditService, delivery: Delivery, shelf: Shelf) -> None:
        self._audit = audit
        self._delivery = delivery
        self._shelf = shelf

    async def show(
        self, tx: Tx, link: Link, *, kind: PageKind = PageKind.PREFERENCES, now: datetime
    ) -> Page:
        """The choices as they stand. After its 60 days a link only stops."""
        if link.state_at(now) is LinkState.EXPIRED:
            return await self._shelf.show(tx, link, PageKind.UNSUBSCRIBE, now=now)
        held = await self._held(tx, link)
        states = await _states(tx, link)
        shown = ShownPreferences(
            groups=tuple(
                (name, _is_wanted(held, name))
                for name in _groups(held, has_tips=_has_tips(states))
            ),
            language=language_for(held.language),
            languages=tuple(all_words()),
            is_stopped=bool(states) and not any(one.granted for one in states.values()),
        )
        return replace(await self._shelf.show(tx, link, kind, now=now), preferences=shown)

    async def write(
        self,
        tx: Tx,
        link: Link,
        wanted: AbstractSet[str],
        language: str,
        stop: Decision,
        *,
        now: datetime,
    ) -> Page:
        """Write what changed. Who wants no more advertising takes back the consent to it, too."""
        if link.state_at(now) is LinkState.EXPIRED:
            return await self.show(tx, link, now=now)
        held = await self._held(tx, link)
        choices = {
            purpose: replace(held.choice_of(purpose), enabled=name in wanted)
            for name in _groups(held, has_tips=_has_tips(await _states(tx, link)))
            for purpose in GROUPS[name]
            if _is_wanted(held, name) is not (name in wanted)
        }
        await self._change(tx, link, _fields(held, choices, language), now=now)
        if Purpose.CAMPAIGN_EDUCATION in choices:
            of_marketing = replace(stop, message_class=MessageClass.MARKETING)
            await self._delivery.opt_out_in(
                tx, link.organization_id, [link.address_id], of_marketing, now=now
            )
        return await self.show(tx, link, kind=PageKind.PREFERENCES_SAVED, now=now)

    async def _held(self, tx: Tx, link: Link) -> Preferences:
        held = await preferences.resolve_many_in(tx, link.organization_id, [link.patient_id])
        return held[link.patient_id]

    async def _change(
        self, tx: Tx, link: Link, fields: Mapping[str, object], *, now: datetime
    ) -> None:
        if not fields:
            return
        said = LevelChange(
            level=Level.PATIENT, level_id=link.patient_id, fields=fields, actor=PATIENT
        )
        change = await preferences.change_in(tx, link.organization_id, said, now=now)
        if change is not None:
            await self._audit.record(tx, preferences.entry_of(link.organization_id, said, change))


async def _states(tx: Tx, link: Link) -> Mapping[MessageClass, ClassState]:
    return (await consent.states_in(tx, [link.address_id]))[link.address_id]


def _has_tips(states: Mapping[MessageClass, ClassState]) -> bool:
    """Whether the patient agreed to advertising at this address, and has not taken it back."""
    return MessageClass.MARKETING in states and states[MessageClass.MARKETING].granted


def _groups(held: Preferences, *, has_tips: bool) -> list[str]:
    return [name for name in GROUPS if name != TIPS or (has_tips and _is_wanted(held, name))]


def _is_wanted(held: Preferences, name: str) -> bool:
    return any(held.choice_of(purpose).enabled for purpose in GROUPS[name])


def _fields(
    held: Preferences, choices: Mapping[Purpose, Choice], language: str
) -> dict[str, object]:
    """What of the preferences is said anew. A language of the same family stays as it is, so
    that es-MX is not made es by a press of the button."""
    fields: dict[str, object] = {"choices": choices} if choices else {}
    if language in all_words() and language != language_for(held.language):
        fields["language"] = language
    return fields
