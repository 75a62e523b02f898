"""Pure rules of the inbox: when it is read, and in which words a person's text may travel."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from handbell.inbox.types import ConversationState, Hours, LastHeard, Wording
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.service import holidays_of
from handbell.staff.types import TaskKind

ANSWERS_WITHIN: Final = timedelta(days=3)
"""So long a text of ours still answers the patient's; later it is one of our own accord, which
consent, caps and hours of care bind."""
WHATSAPP_WINDOW: Final = timedelta(hours=24)
"""So long after a patient's message WhatsApp takes any text; later only an approved one."""
TOLD_CLOSED_FOR: Final = timedelta(hours=12)
"""A patient is told once in this time that nobody reads."""
NOT_TOLD_CLOSED: Final = frozenset(
    {TaskKind.CRISIS, TaskKind.DECEASED, TaskKind.WRONG_NUMBER, TaskKind.POSSIBLE_OPT_OUT}
)
"""What these tell of is not answered with opening hours."""
ALERTS: Final = frozenset({TaskKind.CRISIS})


def is_staffed(hours: Hours, *, now: datetime) -> bool:
    """Whether somebody reads the inbox at this instant."""
    there = now.astimezone(ZoneInfo(hours.timezone))
    if there.isoweekday() not in hours.weekdays:
        return False
    if not hours.opens <= there.time().replace(tzinfo=None) < hours.closes:
        return False
    is_holiday = hours.closed_on_holidays and there.date() in holidays_of("US", None, there.year)
    return not is_holiday


def must_tell_closed(
    hours: Hours, left: Collection[TaskKind], *, told_at: datetime | None, now: datetime
) -> bool:
    """Whether a message that waits for a person is answered with the opening hours."""
    if not hours.answers_after_hours or not left or NOT_TOLD_CLOSED & set(left):
        return False
    is_told = told_at is not None and now - told_at < TOLD_CLOSED_FOR
    return not is_told and not is_staffed(hours, now=now)


def state_after_hearing(was: ConversationState | None, *, for_people: bool) -> ConversationState:
    """A person has to look at what the engine left to people, and at every answer that a person
    waits for; what the engine dealt with by itself opens nothing."""
    if for_people or was is ConversationState.PENDING:
        return ConversationState.OPEN
    return was or ConversationState.CLOSED


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a text goes: as an answer or of our own accord, in clear or behind a link."""

    is_answer: bool
    is_secure: bool

    @property
    def purpose(self) -> Purpose:
        if self.is_answer:
            return Purpose.REPLY_SECURE if self.is_secure else Purpose.REPLY_STAFF
        return Purpose.STAFF_SECURE if self.is_secure else Purpose.STAFF_MESSAGE


def way_for(
    wording: Wording,
    channel: Channel,
    heard: LastHeard | None,
    *,
    is_private: bool,
    now: datetime,
) -> Way:
    """Choose the way of a text. WhatsApp takes no free text outside its window: there it goes
    behind a link, with the approved text. Ask first whether a private text may go in clear."""
    silence = now - heard.at if heard is not None else None
    is_answer = silence is not None and silence <= ANSWERS_WITHIN
    in_window = silence is not None and silence < WHATSAPP_WINDOW
    needs_approved_text = channel is Channel.WHATSAPP and not in_window
    return Way(
        is_answer=is_answer,
        is_secure=wording is Wording.SECURE or is_private or needs_approved_text,
    )
