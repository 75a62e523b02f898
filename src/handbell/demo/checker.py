"""Checks a recorded run against the script: what did patients really get?

It shares no rule with the product. Everything here is told from what the sandbox received, the
patients' own messages and the script; the product's jobs only say which patient and which visit
a received message was about.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from handbell.demo.recording import Job, Message, Recording, Reply
from handbell.demo.report import Findings, MessageCounts, ReplyCounts, Violations
from handbell.demo.script import Change, ChangeKind, Patient, Visit
from handbell.platform.vocabulary import Channel

PHONE: Final = frozenset({Channel.SMS, Channel.WHATSAPP})
PHONE_HOURS: Final = range(8, 21)
EMAIL_HOURS: Final = range(8, 22)
"""Outside the quiet hours from 22:00 to 08:00."""
ANSWER_WITHIN: Final = timedelta(hours=1)
GOOD_TIME: Final = timedelta(hours=26)
MEANINGS: Final = {"c": "confirm", "1": "confirm", "r": "reschedule", "2": "reschedule"} | (
    dict.fromkeys(("stop", "stopall", "unsubscribe", "cancel", "end", "quit"), "stop")
)
DELAYS: Final = frozenset({"planned", "outside_window", "over_cap", "paused", "retrying"})
PENDING: Final = frozenset({"scheduled", "queued", "sending"})
ARRIVED: Final = frozenset({"delivered", "opened", "clicked"})
ABOUT_A_VISIT: Final = frozenset({"appt_confirm", "appt_reminder", "no_show", "reply_confirmed"})
NAMES_A_START: Final = frozenset({"appt_confirm", "appt_reminder"})

_LINK: Final = re.compile(r"https?://\S+")
_TIME: Final = re.compile(r"\b(\d{1,2}):(\d{2})\b")
_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A message that was received, with the job, patient and visits that belong to it; each
    visit with the version that the job names."""

    message: Message
    job: Job | None
    patient: Patient | None
    visits: tuple[tuple[Visit, int | None], ...]

    @property
    def is_answer(self) -> bool:
        return self.job is not None and self.job.purpose.startswith("reply_")


def check(recording: Recording) -> Findings:
    """Count what happened and every wrong done to a patient."""
    case = _Case(recording)
    found = {
        "outside_hours": list(_outside_hours(case)),
        "after_opt_out": list(_after_opt_out(case)),
        "to_deceased": list(_to_deceased(case)),
        "duplicates": list(_duplicates(case)),
        "phi": list(_phi(case)),
        "stale": list(_stale(case)),
        "missed": list(_missed(case)),
    }
    return Findings(
        patients=len(recording.script.patients),
        appointments=len(recording.script.visits),
        messages=_count_messages(recording.jobs),
        delivered=sum(job.progress in ARRIVED for job in recording.jobs),
        replies=ReplyCounts(**Counter(meaning_of(one) for one in recording.replies)),
        appointments_confirmed=_count_confirmed(case),
        violations=Violations(**{key: len(names) for key, names in found.items()}),
        simulated_days=recording.script.days,
        examples={key: tuple(names[:_EXAMPLES]) for key, names in found.items() if names},
    )


def meaning_of(reply: Reply) -> str:
    return MEANINGS.get(reply.body.strip().lower(), "other")


class _Case:
    """A recording, joined."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        jobs = {job.provider_message_id: job for job in recording.jobs}
        self.receipts = [self._join(one, jobs) for one in recording.messages]
        self.replies: dict[str, list[Reply]] = defaultdict(list)
        for reply in sorted(recording.replies, key=lambda one: one.messages_when_sent):
            self.replies[reply.sender].append(reply)

    def _join(self, message: Message, jobs: Mapping[str | None, Job]) -> Receipt:
        job = jobs.get(message.provider_id)
        script, ids = self.recording.script, self.recording
        if job is None:
            return Receipt(message=message, job=None, patient=None, visits=())
        told = ((ids.visits.get(number, ""), version) for number, version in job.visits)
        return Receipt(
            message=message,
            job=job,
            patient=script.patients.get(ids.patients.get(job.patient_id, "")),
            visits=tuple(
                (script.visits[name], version) for name, version in told if name in script.visits
            ),
        )

    @cached_property
    def stops(self) -> dict[str, Reply]:
        """The first STOP of each number."""
        return {
            sender: stop
            for sender, written in self.replies.items()
            if (stop := next((one for one in written if meaning_of(one) == "stop"), None))
        }

    def own_messages(self, message: Message) -> list[Reply]:
        """What the owner of the address had written before this message came."""
        return [
            reply
            for reply in self.replies.get(message.to, ())
            if reply.messages_when_sent <= message.order
        ]

    def is_providers_own(self, receipt: Receipt) -> bool:
        """Whether the provider itself answered a STOP."""
        if receipt.job is not None or receipt.message.token is not None:
            return False
        written = self.own_messages(receipt.message)
        return any(meaning_of(reply) == "stop" for reply in written)


def _outside_hours(case: _Case) -> Iterator[str]:
    """SMS and WhatsApp from 08:00 to 21:00, e-mail outside the quiet hours, wherever the
    patient may be; an answer within the hour is exempt."""
    for receipt in case.receipts:
        if receipt.patient is None or _is_prompt_answer(case, receipt):
            continue
        message = receipt.message
        hours = PHONE_HOURS if message.channel in PHONE else EMAIL_HOURS
        if any(_hour(message.at, zone) not in hours for zone in receipt.patient.zones):
            yield message.provider_id


def _is_prompt_answer(case: _Case, receipt: Receipt) -> bool:
    at = receipt.message.at
    written = case.own_messages(receipt.message)
    return receipt.is_answer and any(at - one.at <= ANSWER_WITHIN for one in written)


def _hour(at: datetime, zone: str) -> int:
    return at.astimezone(ZoneInfo(zone)).hour


def _after_opt_out(case: _Case) -> Iterator[str]:
    """A STOP closes the number on both phone channels for everybody who has it; one text may
    confirm it. What a patient closed before is closed too."""
    confirmed: set[str] = set()
    for receipt in case.receipts:
        message = receipt.message
        stop = case.stops.get(message.to)
        if stop is not None and message.order >= stop.messages_when_sent:
            is_confirmation = case.is_providers_own(receipt) or _purpose(receipt) == "reply_optout"
            if is_confirmation and message.to not in confirmed:
                confirmed.add(message.to)
            elif is_confirmation or message.order >= stop.messages_when_answered:
                yield message.provider_id
        elif _is_closed(receipt):
            yield message.provider_id


def _is_closed(receipt: Receipt) -> bool:
    patient = receipt.patient
    if patient is None or receipt.is_answer:
        return False
    return receipt.message.channel not in patient.open_channels


def _purpose(receipt: Receipt) -> str | None:
    return receipt.job.purpose if receipt.job else None


def _to_deceased(case: _Case) -> Iterator[str]:
    for receipt in case.receipts:
        patient = receipt.patient
        if patient is None or patient.died_at is None:
            continue
        if receipt.message.at >= patient.died_at:
            yield receipt.message.provider_id


def _duplicates(case: _Case) -> Iterator[str]:
    """The same patient, visit version, purpose, offset and channel twice. An answer may be
    repeated once for each message of the patient's own. A message that no job speaks of is one
    too many."""
    seen: Counter[tuple[object, ...]] = Counter()
    for receipt in case.receipts:
        job = receipt.job
        if job is None:
            if not case.is_providers_own(receipt):
                yield receipt.message.provider_id
            continue
        keys = {
            (
                job.patient_id,
                visit,
                job.purpose,
                job.reminder_offset,
                receipt.message.channel,
            )
            for visit in job.visits or (None,)
        }
        seen.update(keys)
        allowed = len(case.own_messages(receipt.message)) if receipt.is_answer else 1
        if any(seen[key] > allowed for key in keys):
            yield receipt.message.provider_id


def _phi(case: _Case) -> Iterator[str]:
    for receipt in case.receipts:
        if receipt.patient is None or receipt.message.channel not in PHONE:
            continue
        text = f"{receipt.message.subject} {receipt.message.body}".casefold()
        if any(secret.casefold() in text for secret in receipt.patient.secrets):
            yield receipt.message.provider_id


def _stale(case: _Case) -> Iterator[str]:
    """About a visit that was moved or cancelled before the message came: by the version that
    the job names, and by the time that the text names."""
    for receipt in case.receipts:
        if _purpose(receipt) in ABOUT_A_VISIT and any(
            _is_old_news(visit, version, receipt) for visit, version in receipt.visits
        ):
            yield receipt.message.provider_id


def _is_old_news(visit: Visit, version: int | None, receipt: Receipt) -> bool:
    at = receipt.message.at
    gone = {ChangeKind.MOVED, ChangeKind.CANCELLED}
    newer = [c for c in visit.changes if c.at <= at and c.kind in gone]
    if any(version is None or change.version > version for change in newer):
        return True
    return _purpose(receipt) in NAMES_A_START and _names_another_time(visit, receipt.message)


def _names_another_time(visit: Visit, message: Message) -> bool:
    local = visit.as_of(message.at).starts_at.astimezone(ZoneInfo(visit.zone))
    right = {(local.hour, local.minute), (local.hour % 12 or 12, local.minute)}
    named = {(int(h), int(m)) for h, m in _TIME.findall(_LINK.sub("", message.body))}
    return bool(named) and not named & right


def _missed(case: _Case) -> Iterator[str]:
    """A visit of somebody alive, reachable and not opted out, booked 26 hours before and
    unchanged since, of which no reminder came before it."""
    came: dict[str, list[datetime]] = defaultdict(list)
    for receipt in case.receipts:
        if _purpose(receipt) == "appt_reminder":
            for visit, _ in receipt.visits:
                came[visit.id].append(receipt.message.at)
    for visit in case.recording.script.visits.values():
        standing = _standing(visit)
        if standing is None or not _wants_reminder(case, visit, standing):
            continue
        if not any(standing.at <= at < standing.starts_at for at in came[visit.id]):
            yield visit.id


def _standing(visit: Visit) -> Change | None:
    """The change that fixed the visit's start for good; None when it was called off."""
    if any(change.kind is ChangeKind.CANCELLED for change in visit.changes):
        return None
    fixing = {ChangeKind.BOOKED, ChangeKind.MOVED}
    return [change for change in visit.changes if change.kind in fixing][-1]


def _wants_reminder(case: _Case, visit: Visit, standing: Change) -> bool:
    patient = case.recording.script.patients[visit.patient_id]
    starts_at = standing.starts_at
    is_alive = patient.died_at is None or patient.died_at > starts_at
    stopped = (case.stops.get(address) for address in patient.addresses.values())
    has_stopped = any(stop is not None and stop.at < starts_at for stop in stopped)
    in_good_time = starts_at - standing.at >= GOOD_TIME
    return in_good_time and is_alive and bool(patient.open_channels) and not has_stopped


def _count_messages(jobs: Iterable[Job]) -> MessageCounts:
    ends: Counter[str] = Counter()
    sent: Counter[str] = Counter(dict.fromkeys(Channel, 0))
    refused: Counter[str] = Counter()
    for job in jobs:
        ends["pending" if job.lifecycle in PENDING else job.lifecycle] += 1
        if job.lifecycle == "accepted":
            sent[job.channel] += 1
        elif job.lifecycle == "refused":
            refused[_main_reason(job)] += 1
    return MessageCounts(
        planned=ends.total(),
        sent={str(channel): count for channel, count in sent.items()},
        refused=dict(sorted(refused.items())),
        cancelled=ends["cancelled"],
        expired=ends["expired"],
        failed=ends["failed"],
        unknown=ends["unknown"],
        pending=ends["pending"],
    )


def _main_reason(job: Job) -> str:
    """The first that is more than a delay: a refusal may name what it would have waited for."""
    named = [*(reason for reason in job.reasons if reason not in DELAYS), *job.reasons]
    return next(iter(named), "no_reason")


def _count_confirmed(case: _Case) -> int:
    """Visits whose patients were told that they are confirmed, after they had said so."""
    return len(
        {
            visit.id
            for receipt in case.receipts
            for visit, _ in receipt.visits
            if _purpose(receipt) == "reply_confirmed"
            and any(meaning_of(one) == "confirm" for one in case.own_messages(receipt.message))
        }
    )
