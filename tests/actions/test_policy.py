"""Which page and which buttons follow from a link, a visit and the hour: pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from handbell.actions import policy
from handbell.actions.types import ActionResult, Choice, PageKind
from handbell.actions.wishes import HOURS, WISH_LENGTH, to_wish
from handbell.actions.words import all_words, language_for
from handbell.directory.types import AppointmentStatus, VisitFacts
from handbell.links.types import Link, LinkKind
from handbell.platform.db import OrganizationId

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT: Final = VisitFacts(
    appointment_id=1,
    version=3,
    status=AppointmentStatus.BOOKED,
    starts_at=NOW + timedelta(hours=1),
    timezone="America/New_York",
    patient_id=1,
)
LINK: Final = Link(
    id=1,
    organization_id=OrganizationId(1),
    kind=LinkKind.PORTAL,
    patient_id=1,
    address_id=1,
    appointment_id=1,
    appointment_version=3,
    expires_at=NOW + timedelta(hours=1),
    used_at=None,
    used_for=frozenset(),
)
CONFIRMED = replace(VISIT, status=AppointmentStatus.CONFIRMED)
MISSED = replace(VISIT, status=AppointmentStatus.NO_SHOW, starts_at=NOW - timedelta(hours=1))


def test_a_visit_that_begins_now_can_no_longer_be_confirmed() -> None:
    at = VISIT.starts_at
    assert policy.decide_confirm(VISIT, version=3, now=at) is ActionResult.STALE
    just_before = at - timedelta(microseconds=1)
    assert policy.decide_confirm(VISIT, version=3, now=just_before) is ActionResult.DONE


@pytest.mark.parametrize("version", [2, 4, None])
def test_another_version_is_stale_for_either_wish(version: int | None) -> None:
    assert policy.decide_confirm(CONFIRMED, version=version, now=NOW) is ActionResult.STALE
    assert policy.decide_move(VISIT, version=version, now=NOW) is ActionResult.STALE


@pytest.mark.parametrize(
    ("status", "confirm", "move"),
    [
        (AppointmentStatus.BOOKED, ActionResult.DONE, ActionResult.DONE),
        (AppointmentStatus.CONFIRMED, ActionResult.ALREADY_DONE, ActionResult.DONE),
        (AppointmentStatus.CANCELLED, ActionResult.STALE, ActionResult.STALE),
        (AppointmentStatus.COMPLETED, ActionResult.STALE, ActionResult.STALE),
        (AppointmentStatus.NO_SHOW, ActionResult.STALE, ActionResult.DONE),
    ],
)
def test_what_may_be_done_to_a_visit_of_each_status(
    status: AppointmentStatus, confirm: ActionResult, move: ActionResult
) -> None:
    visit = replace(VISIT, status=status)
    assert policy.decide_confirm(visit, version=3, now=NOW) is confirm
    assert policy.decide_move(visit, version=3, now=NOW) is move


WISHED = replace(LINK, used_for=frozenset({"reschedule"}))
EXPIRED = replace(LINK, expires_at=NOW)
CONFIRM_LINK = replace(LINK, kind=LinkKind.CONFIRM)
BOTH = [Choice.CONFIRM, Choice.RESCHEDULE]


@pytest.mark.parametrize(
    ("link", "visit", "kind", "buttons"),
    [
        (LINK, VISIT, PageKind.VISIT, BOTH),
        (LINK, CONFIRMED, PageKind.CONFIRMED, [Choice.RESCHEDULE]),
        (CONFIRM_LINK, CONFIRMED, PageKind.CONFIRMED, []),
        (replace(LINK, kind=LinkKind.RESCHEDULE), CONFIRMED, PageKind.VISIT, BOTH[1:]),
        (WISHED, VISIT, PageKind.MOVE_WISHED, []),
        (LINK, MISSED, PageKind.VISIT, [Choice.RESCHEDULE]),
        (CONFIRM_LINK, MISSED, PageKind.PASSED, []),
        (EXPIRED, MISSED, PageKind.PASSED, []),
        (EXPIRED, VISIT, PageKind.EXPIRED, [Choice.FRESH]),
        (EXPIRED, replace(VISIT, version=4), PageKind.EXPIRED, [Choice.FRESH]),
        (LINK, replace(VISIT, version=4), PageKind.CHANGED, [Choice.FRESH]),
        (LINK, replace(MISSED, version=4), PageKind.PASSED, []),
        (LINK, replace(VISIT, status=AppointmentStatus.CANCELLED), PageKind.GONE, []),
        (EXPIRED, None, PageKind.GONE, []),
    ],
)
def test_a_link_leads_to_the_page_that_is_true_now(
    link: Link, visit: VisitFacts | None, kind: PageKind, buttons: list[Choice]
) -> None:
    assert policy.decide_page(link, visit, now=NOW) is kind
    assert policy.offers(kind, link, visit, now=NOW) == buttons


def test_a_link_is_spent_once_on_each_thing_that_it_is_for() -> None:
    assert policy.may_spend(LINK, Choice.CONFIRM, now=NOW)
    assert policy.may_spend(WISHED, Choice.CONFIRM, now=NOW)
    assert not policy.may_spend(WISHED, Choice.RESCHEDULE, now=NOW)
    assert not policy.may_spend(EXPIRED, Choice.CONFIRM, now=NOW)
    assert not policy.may_spend(CONFIRM_LINK, Choice.RESCHEDULE, now=NOW)


@pytest.mark.parametrize(
    ("choice", "result", "kind", "is_told"),
    [
        (Choice.CONFIRM, ActionResult.STALE, PageKind.CHANGED, True),
        (Choice.CONFIRM, ActionResult.STALE, PageKind.PASSED, False),
        (Choice.RESCHEDULE, ActionResult.STALE, PageKind.PASSED, True),
        (Choice.CONFIRM, ActionResult.DONE, PageKind.CONFIRMED, False),
    ],
)
def test_staff_hear_of_an_answer_that_came_too_late_if_somebody_may_wait(
    choice: Choice, result: ActionResult, kind: PageKind, *, is_told: bool
) -> None:
    assert policy.must_tell(choice, result, kind) is is_told


def test_every_language_has_the_same_words_and_every_page_has_some() -> None:
    pages = {f"{kind}_{part}" for kind in PageKind for part in ("title", "text")}
    english = all_words()["en"].keys()
    assert pages | set(HOURS) <= english
    for words in all_words().values():
        assert words.keys() == english


@pytest.mark.parametrize(
    ("wanted", "given"), [("es", "es"), ("es-419", "es"), ("EN-gb", "en"), ("hi", "en")]
)
def test_the_nearest_language_is_shown(wanted: str, given: str) -> None:
    assert language_for(wanted) == given


@pytest.mark.parametrize(
    ("hours", "words", "wish"),
    [
        ([], "  ", None),
        (["mornings"], "", "mornings"),
        (["any", "mornings", "mornings", "<b>"], "", "mornings, any"),
        ([], "after\n my\tshift", "after my shift"),
        (["any"], "x" * 400, "any: " + "x" * WISH_LENGTH),
    ],
)
def test_a_wish_is_one_line_of_known_hours_and_own_words(
    hours: list[str], words: str, wish: str | None
) -> None:
    assert to_wish(hours, words) == wish
