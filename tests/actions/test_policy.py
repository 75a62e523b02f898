"""Which page and which buttons follow from a link, a visit and the hour: pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from handbell.actions import policy
from handbell.actions.html import OWN_NAMES
from handbell.actions.limits import network_of
from handbell.actions.preferring import GROUPS
from handbell.actions.types import ActionResult, Choice, Flaw, PageKind
from handbell.actions.wishes import HOURS, WISH_LENGTH, to_wish
from handbell.actions.words import all_words, language_for, preferred_language
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
CANCELLED = replace(VISIT, status=AppointmentStatus.CANCELLED)
SPENT = replace(LINK, used_for=frozenset({"confirm"}))
CANCELLED_BY_IT = replace(LINK, used_for=frozenset({"cancel"}))
PRIVATE = replace(LINK, appointment_id=None, appointment_version=None, message_id=7)
EXPIRED = replace(LINK, expires_at=NOW)
CONFIRM_LINK = replace(LINK, kind=LinkKind.CONFIRM)
ALL = [Choice.CONFIRM, Choice.RESCHEDULE, Choice.CANCEL]


@pytest.mark.parametrize(
    ("link", "visit", "kind", "buttons"),
    [
        (LINK, VISIT, PageKind.VISIT, ALL),
        (LINK, CONFIRMED, PageKind.CONFIRMED, ALL[1:]),
        (
            replace(LINK, used_for=frozenset({"confirm"})),
            CONFIRMED,
            PageKind.CONFIRMED,
            [Choice.FRESH],
        ),
        (CONFIRM_LINK, CONFIRMED, PageKind.CONFIRMED, []),
        (replace(LINK, kind=LinkKind.RESCHEDULE), CONFIRMED, PageKind.VISIT, [Choice.RESCHEDULE]),
        (WISHED, VISIT, PageKind.MOVE_WISHED, []),
        (LINK, MISSED, PageKind.VISIT, [Choice.RESCHEDULE]),
        (CONFIRM_LINK, MISSED, PageKind.PASSED, []),
        (EXPIRED, MISSED, PageKind.PASSED, []),
        (EXPIRED, VISIT, PageKind.EXPIRED, [Choice.FRESH]),
        (EXPIRED, replace(VISIT, version=4), PageKind.EXPIRED, [Choice.FRESH]),
        (LINK, replace(VISIT, version=4), PageKind.CHANGED, [Choice.FRESH]),
        (LINK, replace(MISSED, version=4), PageKind.PASSED, []),
        (LINK, CANCELLED, PageKind.GONE, []),
        (EXPIRED, None, PageKind.GONE, []),
        (
            CANCELLED_BY_IT,
            replace(VISIT, status=AppointmentStatus.CANCELLED, version=4),
            PageKind.CANCELLED,
            [],
        ),
        (CANCELLED_BY_IT, None, PageKind.CANCELLED, []),
        (PRIVATE, None, PageKind.WHO, [Choice.READ]),
        (replace(PRIVATE, expires_at=NOW), None, PageKind.EXPIRED, [Choice.FRESH]),
        (replace(PRIVATE, kind=LinkKind.CONFIRM), None, PageKind.GONE, []),
    ],
)
def test_a_link_leads_to_the_page_that_is_true_now(
    link: Link, visit: VisitFacts | None, kind: PageKind, buttons: list[Choice]
) -> None:
    assert policy.decide_page(link, visit, now=NOW) is kind
    visits = [] if visit is None else [visit]
    assert policy.offers(kind, link, visits, now=NOW) == tuple(buttons)


def test_a_link_acts_once_and_on_nothing_that_it_is_not_for() -> None:
    assert policy.may_spend(LINK, Choice.CONFIRM, now=NOW)
    assert not policy.may_spend(WISHED, Choice.CONFIRM, now=NOW)
    assert not policy.may_spend(WISHED, Choice.RESCHEDULE, now=NOW)
    assert not policy.may_spend(EXPIRED, Choice.CONFIRM, now=NOW)
    assert not policy.may_spend(CONFIRM_LINK, Choice.RESCHEDULE, now=NOW)


@pytest.mark.parametrize(
    ("link", "choice", "is_refused"),
    [
        (WISHED, Choice.CONFIRM, True),
        (WISHED, Choice.CANCEL, True),
        (WISHED, Choice.RESCHEDULE, False),
        (WISHED, Choice.FRESH, False),
        (WISHED, Choice.READ, False),
        (LINK, Choice.CONFIRM, False),
        (replace(WISHED, expires_at=NOW), Choice.CONFIRM, False),
    ],
)
def test_a_second_act_is_refused_and_a_repetition_is_not(
    link: Link, choice: Choice, *, is_refused: bool
) -> None:
    assert policy.is_refused(link, choice, now=NOW) is is_refused


@pytest.mark.parametrize("version", [2, 4, None])
def test_only_the_version_that_was_told_of_is_cancelled(version: int | None) -> None:
    assert policy.decide_cancel(VISIT, version=version, now=NOW) is ActionResult.STALE
    assert policy.decide_cancel(VISIT, version=3, now=NOW) is ActionResult.DONE
    assert policy.decide_cancel(MISSED, version=3, now=NOW) is ActionResult.STALE
    assert policy.decide_cancel(None, version=3, now=NOW) is ActionResult.STALE


@pytest.mark.parametrize(
    ("choice", "result", "kind", "is_told"),
    [
        (Choice.CONFIRM, ActionResult.STALE, PageKind.CHANGED, True),
        (Choice.CONFIRM, ActionResult.STALE, PageKind.PASSED, False),
        (Choice.RESCHEDULE, ActionResult.STALE, PageKind.PASSED, True),
        (Choice.CANCEL, ActionResult.STALE, PageKind.CHANGED, True),
        (Choice.CANCEL, ActionResult.STALE, PageKind.PASSED, False),
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
    flaws = {f"flaw_{one}" for one in Flaw}
    groups = {f"want_{one}" for one in GROUPS}
    assert pages | flaws | groups | set(HOURS) <= english
    assert set(all_words()) == set(OWN_NAMES)
    for words in all_words().values():
        assert words.keys() == english


@pytest.mark.parametrize(
    ("wanted", "given"),
    [("es", "es"), ("es-419", "es"), ("EN-gb", "en"), ("hi", "hi"), ("vi", "en")],
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


@pytest.mark.parametrize(
    ("accepted", "given"),
    [("hi-IN,hi;q=0.9,en;q=0.8", "hi"), ("fr, ES;q=0.5", "es"), ("", "en"), (";;,,-", "en")],
)
def test_a_page_of_nobodys_link_is_in_the_browsers_language(accepted: str, given: str) -> None:
    assert preferred_language(accepted) == given


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("testclient", "unknown"),
        (None, "unknown"),
    ],
)
def test_requests_are_counted_by_household(host: str | None, network: str) -> None:
    assert network_of(host) == network
