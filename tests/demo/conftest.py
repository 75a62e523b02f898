"""A small recorded run, made by hand: one patient, one visit, what was sent and answered."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handbell.demo.recording import Job, Message, Recording, Reply
from handbell.demo.script import Change, ChangeKind, Patient, Script, Visit
from handbell.platform.vocabulary import Channel

START = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
VISIT_AT = datetime(2027, 3, 4, 15, 0, tzinfo=UTC)
PHONE = "+12125550123"
EMAIL = "ada@example.org"
TEXT = "Riverside Health: Ada, your visit is Thu, Mar 4, 10:00 AM. Reply C to confirm."


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of March 2027, UTC; New York is five hours behind until the 14th."""
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC)


def a_patient(**changes: Any) -> Patient:
    usual = Patient(
        id="p-1",
        zones=("America/New_York",),
        addresses={Channel.SMS: PHONE, Channel.EMAIL: EMAIL},
        open_channels=frozenset({Channel.SMS, Channel.EMAIL}),
        secrets=("type 2 diabetes", "metformin", "1961-05-09", "MRN-00042", "145.20"),
    )
    return replace(usual, **changes)


def a_visit(*more: Change) -> Visit:
    booked = Change(version=1, at=START, kind=ChangeKind.BOOKED, starts_at=VISIT_AT)
    return Visit(id="v-1", patient_id="p-1", zone="America/New_York", changes=(booked, *more))


@dataclass
class Tape:
    """Builds a recording. Messages get their order from the calls."""

    patient: Patient = field(default_factory=a_patient)
    visit: Visit = field(default_factory=a_visit)
    visits: list[Visit] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def sent(
        self, when: datetime, purpose: str = "appt_reminder", body: str = TEXT, **changes: Any
    ) -> None:
        """A message that was sent and received."""
        number = len(self.messages)
        channel = changes.pop("channel", Channel.SMS)
        job = Job(
            id=number + 1,
            patient_id=11,
            purpose=purpose,
            channel=channel,
            lifecycle="accepted",
            progress="delivered",
            reasons=(),
            reminder_offset=1440 if purpose == "appt_reminder" else None,
            provider_message_id=f"SM{number}",
            visits=((21, 1),),
        )
        self.jobs.append(replace(job, **changes))
        self.received(when, body, channel=channel, token="t")

    def received(
        self, when: datetime, body: str, channel: Channel = Channel.SMS, token: str | None = None
    ) -> None:
        """A message that the sandbox holds, whatever the product says of it."""
        number = len(self.messages)
        message = Message(
            order=number,
            at=when,
            channel=channel,
            to=EMAIL if channel is Channel.EMAIL else PHONE,
            body=body,
            subject="",
            token=token,
            provider_id=f"SM{number}",
        )
        self.messages.append(message)

    def wrote(self, when: datetime, body: str) -> None:
        """The patient's own message."""
        count = len(self.messages)
        reply = Reply(
            at=when,
            channel=Channel.SMS,
            sender=PHONE,
            body=body,
            messages_when_sent=count,
            messages_when_answered=count,
        )
        self.replies.append(reply)

    def ended(self, lifecycle: str, *reasons: str) -> None:
        """A job that sent nothing."""
        job = replace(
            self.jobs[0],
            id=len(self.jobs) + 100,
            lifecycle=lifecycle,
            reasons=reasons,
            progress=None,
            provider_message_id=None,
        )
        self.jobs.append(job)

    def recording(self) -> Recording:
        script = Script(
            source="practice",
            start=START,
            end=START + timedelta(days=7),
            opening=(),
            preferences={},
            statements=(),
            patients={self.patient.id: self.patient},
            visits={one.id: one for one in (self.visit, *self.visits)},
        )
        return Recording(
            script=script,
            patients={11: "p-1"},
            visits={21: "v-1", 22: "v-2"},
            messages=tuple(self.messages),
            replies=tuple(self.replies),
            jobs=tuple(self.jobs),
        )


@pytest.fixture
def tape() -> Tape:
    """A run in which nobody was wronged: asked, confirmed, reminded twice."""
    tape = Tape()
    tape.sent(at(1, 13), "appt_confirm")
    tape.wrote(at(1, 13, 40), "C ")
    tape.sent(at(1, 13, 40), "reply_confirmed", "Thank you, you are confirmed.")
    tape.sent(at(3, 15))
    tape.sent(at(4, 13), reminder_offset=120)
    return tape
