"""When the inbox is read, and in which words a text may travel."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from handbell.inbox.policy import is_staffed, must_tell_closed, state_after_hearing, way_for
from handbell.inbox.types import ConversationState, Hours, LastHeard, Wording
from handbell.platform.vocabulary import Channel, Purpose
from handbell.staff.types import TaskKind

TUESDAY_NOON = datetime(2026, 12, 1, 17, tzinfo=UTC)
NIGHT = datetime(2026, 12, 2, 3, tzinfo=UTC)
HOURS = Hours()
OPEN, PENDING, CLOSED = ConversationState


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-12-01T13:59:59Z", False),
        ("2026-12-01T14:00:00Z", True),
        ("2026-12-01T21:59:59Z", True),
        ("2026-12-01T22:00:00Z", False),
        ("2026-12-05T17:00:00Z", False),
        ("2026-12-25T17:00:00Z", False),
    ],
)
def test_it_is_read_in_the_practices_hours_but_not_on_weekends_and_holidays(
    at: str, *, expected: bool
) -> None:
    assert is_staffed(HOURS, now=datetime.fromisoformat(at)) is expected


def test_a_practice_may_read_on_holidays() -> None:
    christmas = datetime(2026, 12, 25, 17, tzinfo=UTC)
    assert is_staffed(replace(HOURS, closed_on_holidays=False), now=christmas)


def test_after_hours_a_patient_is_told_once_in_twelve_hours() -> None:
    left = {TaskKind.UNCLEAR_REPLY}
    assert must_tell_closed(HOURS, left, told_at=None, now=NIGHT)
    told_at = NIGHT - timedelta(hours=12) + timedelta(seconds=1)
    assert not must_tell_closed(HOURS, left, told_at=told_at, now=NIGHT)
    assert must_tell_closed(HOURS, left, told_at=NIGHT - timedelta(hours=12), now=NIGHT)


def test_nothing_is_said_in_open_hours_nor_to_grave_texts_nor_where_it_is_off() -> None:
    left = {TaskKind.UNCLEAR_REPLY}
    assert not must_tell_closed(HOURS, left, told_at=None, now=TUESDAY_NOON)
    assert not must_tell_closed(HOURS, set(), told_at=None, now=NIGHT)
    silent = replace(HOURS, answers_after_hours=False)
    assert not must_tell_closed(silent, left, told_at=None, now=NIGHT)
    for grave in (TaskKind.CRISIS, TaskKind.DECEASED, TaskKind.WRONG_NUMBER):
        assert not must_tell_closed(HOURS, {grave, *left}, told_at=None, now=NIGHT)


def test_what_is_left_to_people_opens_and_every_answer_to_a_person_does() -> None:
    assert state_after_hearing(CLOSED, for_people=True) is OPEN
    assert state_after_hearing(PENDING, for_people=False) is OPEN
    assert state_after_hearing(CLOSED, for_people=False) is CLOSED
    assert state_after_hearing(OPEN, for_people=False) is OPEN
    assert state_after_hearing(None, for_people=False) is CLOSED


def heard(ago: timedelta, channel: Channel = Channel.SMS) -> LastHeard:
    return LastHeard(channel=channel, address_id=1, at=TUESDAY_NOON - ago)


@pytest.mark.parametrize(
    ("wording", "ago", "is_private", "purpose"),
    [
        (Wording.AUTO, timedelta(hours=1), False, Purpose.REPLY_STAFF),
        (Wording.AUTO, timedelta(hours=1), True, Purpose.REPLY_SECURE),
        (Wording.SECURE, timedelta(days=3), False, Purpose.REPLY_SECURE),
        (Wording.AUTO, timedelta(days=3, seconds=1), False, Purpose.STAFF_MESSAGE),
        (Wording.AUTO, timedelta(days=4), True, Purpose.STAFF_SECURE),
        (Wording.AUTO, None, False, Purpose.STAFF_MESSAGE),
    ],
)
def test_an_answer_soon_after_is_one_and_what_is_private_goes_behind_a_link(
    wording: Wording, ago: timedelta | None, purpose: Purpose, *, is_private: bool
) -> None:
    last = heard(ago) if ago is not None else None
    way = way_for(wording, Channel.SMS, last, is_private=is_private, now=TUESDAY_NOON)
    assert way.purpose is purpose


def test_outside_its_window_whatsapp_takes_only_the_approved_text() -> None:
    for ago, is_secure in ((timedelta(hours=23, minutes=59), False), (timedelta(days=1), True)):
        last = heard(ago, Channel.WHATSAPP)
        way = way_for(Wording.AUTO, Channel.WHATSAPP, last, is_private=False, now=TUESDAY_NOON)
        assert way.is_secure is is_secure
