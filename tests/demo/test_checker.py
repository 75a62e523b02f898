"""The checker on recorded runs: a clean one, and one planted fault for each violation."""

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pytest
from tests.demo.conftest import START, TEXT, VISIT_AT, Tape, a_patient, a_visit, at

from handbell.demo.checker import check
from handbell.demo.report import Findings
from handbell.demo.script import Change, ChangeKind
from handbell.platform.vocabulary import Channel

STOP_ANSWER = "You have successfully been unsubscribed. Reply START to resubscribe."


def violations_of(tape: Tape) -> dict[str, int]:
    """The violations that are not zero."""
    found = asdict(check(tape.recording()).violations)
    return {name: count for name, count in found.items() if count}


def moved(when: datetime, *, version: int = 2) -> Change:
    later = VISIT_AT + timedelta(days=1)
    return Change(version=version, at=when, kind=ChangeKind.MOVED, starts_at=later)


def test_a_clean_run_has_no_violation_and_the_figures_of_what_happened(tape: Tape) -> None:
    findings = check(tape.recording())
    assert violations_of(tape) == {}
    assert (findings.patients, findings.appointments) == (1, 1)
    assert findings.messages.sent == {"email": 0, "sms": 4, "whatsapp": 0}
    assert (findings.delivered, findings.appointments_confirmed) == (4, 1)
    assert asdict(findings.replies) == {"confirm": 1, "reschedule": 0, "stop": 0, "other": 0}
    assert findings.is_good


def test_planned_is_the_sum_of_what_became_of_the_messages(tape: Tape) -> None:
    for lifecycle, *reasons in (
        ("refused", "opted_out", "no_consent"),
        ("refused", "useless"),
        ("cancelled",),
        ("expired",),
        ("failed",),
        ("unknown",),
        ("queued",),
        ("sending",),
    ):
        tape.ended(lifecycle, *reasons)
    counts = check(tape.recording()).messages
    assert counts.planned == 12
    others = counts.cancelled + counts.expired + counts.failed + counts.unknown + counts.pending
    assert counts.planned == sum(counts.sent.values()) + sum(counts.refused.values()) + others
    assert counts.refused == {"opted_out": 1, "useless": 1}
    assert (counts.unknown, counts.pending) == (1, 2)
    assert not check(tape.recording()).is_good


def outside_hours(tape: Tape) -> None:
    tape.sent(at(4, 2, 0), reminder_offset=60)


def after_opt_out(tape: Tape) -> None:
    tape.wrote(at(4, 14), "stop")
    tape.received(at(4, 14), STOP_ANSWER)
    tape.sent(at(4, 14, 10), reminder_offset=30)


def to_deceased(tape: Tape) -> None:
    tape.patient = a_patient(died_at=at(4, 12))


def duplicates(tape: Tape) -> None:
    tape.sent(at(4, 13, 10), reminder_offset=120)


def phi(tape: Tape) -> None:
    tape.sent(at(4, 14), body=f"{TEXT} About your Metformin.", reminder_offset=60)


def stale(tape: Tape) -> None:
    tape.visit = a_visit(moved(at(4, 12)))


def missed(tape: Tape) -> None:
    del tape.jobs[2:], tape.messages[2:]


@pytest.mark.parametrize(
    "plant", [outside_hours, after_opt_out, to_deceased, duplicates, phi, stale, missed]
)
def test_a_planted_fault_raises_its_own_count_and_no_other(
    tape: Tape, plant: Callable[[Tape], None]
) -> None:
    plant(tape)
    assert violations_of(tape) == {plant.__name__: 1}
    findings: Findings = check(tape.recording())
    assert not findings.is_good
    assert list(findings.examples) == [plant.__name__]


def test_an_answer_at_night_is_allowed_within_the_hour_and_not_later(tape: Tape) -> None:
    tape.wrote(at(4, 3), "what do I bring?")
    tape.sent(at(4, 3, 50), "reply_options", "Please call us.")
    assert violations_of(tape) == {}
    tape.wrote(at(4, 3, 55), "hello?")
    tape.sent(at(4, 5), "reply_options", "Please call us.")
    assert violations_of(tape) == {"outside_hours": 1}


def test_hours_hold_wherever_the_patient_may_be(tape: Tape) -> None:
    tape.patient = a_patient(zones=("America/New_York", "America/Los_Angeles"))
    assert violations_of(tape) == {"outside_hours": 3}


def test_an_email_may_come_until_ten_and_a_text_until_nine(tape: Tape) -> None:
    tape.sent(at(4, 2, 30), channel=Channel.EMAIL)
    assert violations_of(tape) == {}
    tape.sent(at(4, 3, 0), channel=Channel.EMAIL, reminder_offset=60)
    assert violations_of(tape) == {"outside_hours": 1}


def test_after_the_clocks_go_forward_the_hours_follow(tape: Tape) -> None:
    tape.sent(at(13, 12, 30), "no_show", "We missed you.")
    assert violations_of(tape) == {"outside_hours": 1}
    tape.sent(at(14, 12, 30), "no_show", "We missed you.", visits=((21, 2),))
    assert violations_of(tape) == {"outside_hours": 1}


def test_one_confirmation_of_a_stop_is_left_out_and_a_second_is_not(tape: Tape) -> None:
    tape.wrote(at(4, 14), "STOP")
    tape.received(at(4, 14), STOP_ANSWER)
    assert violations_of(tape) == {}
    tape.sent(at(4, 14), "reply_optout", "You are unsubscribed.")
    assert violations_of(tape) == {"after_opt_out": 1}


def test_a_message_in_flight_before_the_stop_was_acknowledged_is_no_violation(tape: Tape) -> None:
    tape.wrote(at(4, 14), "STOP")
    tape.sent(at(4, 14), reminder_offset=60)
    stop = replace(tape.replies[-1], messages_when_answered=len(tape.messages))
    tape.replies[-1] = stop
    assert violations_of(tape) == {}


def test_a_stop_by_text_closes_whatsapp_on_the_same_number_and_not_email(tape: Tape) -> None:
    tape.wrote(at(4, 14), "STOP")
    tape.sent(at(4, 14, 5), channel=Channel.EMAIL)
    assert violations_of(tape) == {}
    tape.sent(at(4, 14, 6), channel=Channel.WHATSAPP)
    assert "after_opt_out" in violations_of(tape)


def test_a_channel_that_was_closed_from_the_beginning_stays_closed(tape: Tape) -> None:
    tape.patient = a_patient(open_channels=frozenset({Channel.EMAIL}))
    assert violations_of(tape) == {"after_opt_out": 3}


def test_two_answers_to_two_messages_are_no_duplicates_but_three_are(tape: Tape) -> None:
    tape.wrote(at(3, 15, 30), "yes please")
    tape.wrote(at(3, 15, 30), "C")
    tape.sent(at(3, 15, 30), "reply_confirmed", "Thank you.")
    tape.sent(at(3, 15, 30), "reply_confirmed", "Thank you.")
    assert violations_of(tape) == {}
    tape.sent(at(3, 15, 30), "reply_confirmed", "Thank you.")
    assert violations_of(tape) == {"duplicates": 1}


def test_a_message_that_no_job_speaks_of_is_one_too_many(tape: Tape) -> None:
    tape.received(at(4, 14), TEXT, token="lost")
    assert violations_of(tape) == {"duplicates": 1}


def test_an_email_may_say_what_a_text_may_not(tape: Tape) -> None:
    tape.sent(at(4, 14), body=f"{TEXT} About your metformin.", channel=Channel.EMAIL)
    assert violations_of(tape) == {}


def test_a_text_that_names_the_old_time_is_stale_whatever_the_job_says(tape: Tape) -> None:
    later = Change(version=2, at=at(2, 0), kind=ChangeKind.MOVED, starts_at=at(4, 20, 30))
    tape.visit = a_visit(later)
    right = TEXT.replace("10:00 AM", "3:30 PM")
    tape.messages[2:] = [replace(one, body=right) for one in tape.messages[2:]]
    tape.jobs = [replace(job, visits=((21, 2),)) for job in tape.jobs]
    assert violations_of(tape) == {}
    tape.messages[-1] = replace(tape.messages[-1], body=TEXT)
    assert violations_of(tape) == {"stale": 1}


def test_a_note_about_a_cancelled_visit_is_stale(tape: Tape) -> None:
    cancelled = Change(version=2, at=at(4, 12, 30), kind=ChangeKind.CANCELLED, starts_at=VISIT_AT)
    tape.visit = a_visit(cancelled)
    assert violations_of(tape) == {"stale": 1}


def of_one_day(tape: Tape, *, text: str) -> None:
    """A second visit of the same day, of which the reminders tell as well."""
    later = Change(version=1, at=START, kind=ChangeKind.BOOKED, starts_at=at(4, 20, 30))
    tape.visits.append(replace(a_visit(), id="v-2", changes=(later,)))
    for number, job in enumerate(tape.jobs):
        if job.purpose == "appt_reminder":
            tape.jobs[number] = replace(job, visits=((21, 1), (22, 1)))
            tape.messages[number] = replace(tape.messages[number], body=text)


@pytest.mark.requirement("R8.1")
def test_a_reminder_of_two_visits_is_the_reminder_of_each(tape: Tape) -> None:
    both = TEXT.replace("10:00 AM", "10:00 AM and 3:30 PM")
    of_one_day(tape, text=both)
    assert violations_of(tape) == {}
    tape.sent(at(4, 13, 10), body=both, reminder_offset=120, visits=((22, 1),))
    assert violations_of(tape) == {"duplicates": 1}


@pytest.mark.requirement("R8.1")
def test_a_reminder_that_names_one_visit_only_of_two_is_stale(tape: Tape) -> None:
    of_one_day(tape, text=TEXT)
    assert violations_of(tape) == {"stale": 2}


@pytest.mark.requirement("R8.1")
def test_the_other_visit_of_a_day_is_missed_when_no_reminder_tells_of_it(tape: Tape) -> None:
    of_one_day(tape, text=TEXT)
    tape.jobs = [replace(job, visits=((21, 1),)) for job in tape.jobs]
    assert violations_of(tape) == {"missed": 1}


def _unreachable(tape: Tape) -> None:
    tape.patient = a_patient(open_channels=frozenset(), addresses={})


def _dead_by_then(tape: Tape) -> None:
    tape.patient = a_patient(died_at=VISIT_AT - timedelta(hours=1))


def _stopped_before(tape: Tape) -> None:
    tape.wrote(at(2, 15), "STOP")


def _called_off(tape: Tape) -> None:
    off = Change(version=2, at=at(2, 15), kind=ChangeKind.CANCELLED, starts_at=VISIT_AT)
    tape.visit = a_visit(off)


def _moved_late(tape: Tape) -> None:
    tape.visit = a_visit(moved(VISIT_AT, version=2))


def _booked_late(tape: Tape) -> None:
    booked = Change(
        version=1, at=VISIT_AT - timedelta(hours=25), kind=ChangeKind.BOOKED, starts_at=VISIT_AT
    )
    tape.visit = replace(a_visit(), changes=(booked,))


@pytest.mark.parametrize(
    "excuse",
    [_unreachable, _dead_by_then, _stopped_before, _called_off, _moved_late, _booked_late],
)
def test_nothing_is_missed_where_there_was_a_reason(excuse: Callable[[Tape], None]) -> None:
    tape = Tape()
    excuse(tape)
    assert violations_of(tape) == {}


def test_a_reminder_after_the_visit_or_of_the_old_time_does_not_count() -> None:
    late = Tape()
    late.sent(VISIT_AT + timedelta(minutes=5))
    assert violations_of(late) == {"missed": 1}
    old = Tape(visit=a_visit(moved(START + timedelta(days=1))))
    old.sent(START + timedelta(hours=5))
    assert violations_of(old) == {"missed": 1}
