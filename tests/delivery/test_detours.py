"""A breaker opens: what cannot wait takes another channel, and the rest waits."""

import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from redis.asyncio import Redis
from tests.delivery.desk import NOON
from tests.delivery.test_pacing import Counting, PacedDesk

from handbell.channels.types import Retry
from handbell.delivery.breaker import BreakerWord
from handbell.delivery.policy import cannot_wait
from handbell.messages.types import Lifecycle, Reason
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Channel, Lane, MessageClass, Purpose
from handbell.scheduling.types import At

SOON = NOON + timedelta(minutes=55)
LATER = NOON + timedelta(hours=3)
DOWN = Retry(code="never_left")


class Account:
    """The practice's accounts; those of the named channels fail."""

    def __init__(self, desk: "FailingDesk", channel: Channel) -> None:
        self.desk = desk
        self.channel = channel

    async def send(self, out: Any) -> Any:
        self.desk.calls.append((self.channel, out.to))
        good = Counting()
        return DOWN if self.channel in self.desk.down else await good.send(out)


class FailingDesk(PacedDesk):
    """A practice whose accounts may fail one by one."""

    down: frozenset[Channel] = frozenset()

    def __init__(self, practice: Any, clock: FrozenClock, valkey: Redis) -> None:
        super().__init__(practice, clock, valkey)
        self.calls: list[tuple[Channel, str]] = []

    async def senders(self) -> dict[int, Any]:
        query = "SELECT account_id, channel FROM sender_lines WHERE organization_id = :id"
        rows = await self.practice.rows(query, id=self.practice.id)
        return {row.account_id: Account(self, Channel(row.channel)) for row in rows}

    async def account(self, channel: Channel) -> int:
        found: int = await self.practice.value(
            "SELECT account_id FROM sender_lines"
            " WHERE organization_id = :id AND channel = :channel",
            id=self.practice.id,
            channel=channel,
        )
        return found

    async def open_breaker(self, channel: Channel) -> None:
        """Twenty calls that failed, as workers would report them."""
        self.down |= {channel}
        await self.pacing.breaker.tell(await self.account(channel), good=0, bad=20)

    async def run(self, lane: Lane = Lane.CARE) -> None:
        senders = await self.senders()
        for leased in await self.delivery.lease_due(lane, now=self.clock.instant):
            await self.delivery.deliver(self.practice.id, leased.message_ids, senders)

    async def reminders(self, count: int, *, at: Any = SOON, mail: bool = True) -> list[int]:
        made = []
        for no in range(count):
            key = f"{at:%H%M}-{no}-{mail}"
            number = f"+1212555{100 + no:04d}" if mail else f"+1718555{100 + no:04d}"
            mailbox = [("email", f"p{key}@example.org")] if mail else []
            patient = await self.practice.patient(("sms", number), *mailbox)
            made.append(await self.order(patient, key, **await self.booked(patient, at)))
        return made


@pytest.fixture
def failing(practice: Any, clock: FrozenClock, valkey: Redis) -> FailingDesk:
    return FailingDesk(practice, clock, valkey)


@pytest.mark.requirement("R9.8")
async def test_a_breaker_opens_and_what_cannot_wait_arrives_on_another_channel(
    failing: FailingDesk, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prints its figures: forty reminders of visits within the hour, and Twilio is down."""
    await failing.limit()
    failing.down = frozenset({Channel.SMS})
    with_mail = await failing.reminders(40)
    without = await failing.reminders(5, mail=False)
    rounds = 0
    while rounds < 3:
        await failing.run()
        failing.clock.advance(timedelta(seconds=2))
        rounds += 1
    state = await failing.pacing.breaker.look(await failing.account(Channel.SMS))
    tried = Counter(channel for channel, _ in failing.calls)
    jobs = [await failing.job(one) for one in with_mail]
    gone = [job for job in jobs if job.reasons == (Reason.PROVIDER_DOWN,)]
    with capsys.disabled():
        sys.stdout.write(
            f"\nbreaker {state.word} after {state.opened_errors} errors of {state.opened_calls} "
            f"calls; {len(gone)} of {len(jobs)} reminders fell back, "
            f"{tried[Channel.EMAIL]} mails arrived; {len(without)} with no other channel wait\n"
        )
    assert (state.word, state.openings) == (BreakerWord.OPEN, 1)
    assert tried[Channel.SMS] == state.opened_calls == state.opened_errors == 32
    assert (
        len(gone) == len({to for channel, to in failing.calls if channel is Channel.EMAIL}) == 40
    )
    assert tried[Channel.EMAIL] == 40
    assert {(await failing.job(one)).lifecycle for one in without} == {Lifecycle.SCHEDULED}


@pytest.mark.requirement("R9.8")
async def test_the_receipts_say_so_and_no_dead_letter_is_left(failing: FailingDesk) -> None:
    await failing.limit()
    (message,) = await failing.reminders(1)
    await failing.open_breaker(Channel.SMS)
    await failing.run()
    receipt = await failing.practice.messages.explain(failing.practice.id, message)
    assert receipt["lifecycle"] == "refused"
    assert receipt["reasons"][0]["code"] == "provider_down"
    (other,) = await failing.practice.rows("SELECT id FROM messages WHERE channel = 'email'")
    other_receipt = await failing.practice.messages.explain(failing.practice.id, other.id)
    assert other_receipt["falls_back_from"] == message
    noted = await failing.practice.value(
        "SELECT subject FROM audit_entries WHERE action = 'message.fell_back'"
    )
    assert noted["reason"] == "provider_down"
    assert await failing.practice.value("SELECT count(*) FROM dead_letters") == 0
    assert failing.calls == []


@pytest.mark.requirement("R9.8")
async def test_a_visit_some_hours_away_waits_ten_minutes_for_its_first_channel(
    failing: FailingDesk,
) -> None:
    await failing.limit()
    (message,) = await failing.reminders(1, at=LATER)
    await failing.open_breaker(Channel.SMS)
    await failing.run()
    assert (await failing.job(message)).lifecycle is Lifecycle.SCHEDULED
    failing.clock.advance(timedelta(minutes=10))
    await failing.pacing.breaker.tell(await failing.account(Channel.SMS), good=0, bad=20)
    await failing.run()
    assert (await failing.job(message)).reasons == (Reason.PROVIDER_DOWN,)


@pytest.mark.requirement("R9.8", "R1.3")
async def test_what_the_gate_admits_nowhere_else_is_not_given_up(failing: FailingDesk) -> None:
    await failing.limit()
    (message,) = await failing.reminders(1)
    await failing.practice.execute(
        "UPDATE preference_settings SET allow_email = false WHERE level = 'patient'"
    )
    await failing.open_breaker(Channel.SMS)
    await failing.run()
    job = await failing.job(message)
    assert (job.lifecycle, job.reasons) == (Lifecycle.SCHEDULED, ())
    assert await failing.practice.value("SELECT count(*) FROM messages") == 1


@pytest.mark.requirement("R9.8")
async def test_a_channel_whose_own_account_fails_is_not_taken(failing: FailingDesk) -> None:
    await failing.limit()
    (message,) = await failing.reminders(1)
    await failing.open_breaker(Channel.EMAIL)
    await failing.open_breaker(Channel.SMS)
    await failing.run()
    assert (await failing.job(message)).lifecycle is Lifecycle.SCHEDULED
    assert await failing.practice.value("SELECT count(*) FROM messages") == 1


@pytest.mark.requirement("R9.8", "R11.7")
async def test_an_emergency_is_called_for_although_the_breaker_is_open(
    failing: FailingDesk,
) -> None:
    await failing.limit()
    patient = await failing.practice.patient()
    emergency = await failing.order(
        patient, "urgent", purpose=Purpose.URGENT, anchor=At(NOON), serves_at=None
    )
    await failing.pacing.breaker.tell(await failing.account(Channel.SMS), good=0, bad=20)
    await failing.run(Lane.URGENT)
    assert (await failing.job(emergency)).lifecycle is Lifecycle.ACCEPTED


@pytest.mark.parametrize(
    ("message_class", "left", "waited", "expected"),
    [
        (MessageClass.CARE, timedelta(minutes=59), timedelta(), True),
        (MessageClass.CARE, timedelta(hours=1), timedelta(), False),
        (MessageClass.CARE, timedelta(hours=3), timedelta(minutes=10), True),
        (MessageClass.CARE, timedelta(hours=4), timedelta(minutes=10), False),
        (MessageClass.CARE, None, timedelta(hours=9), False),
        (MessageClass.MARKETING, timedelta(minutes=1), timedelta(hours=9), False),
        (MessageClass.INBOUND_REPLY, timedelta(minutes=1), timedelta(hours=9), False),
    ],
)
def test_what_cannot_wait(
    message_class: MessageClass, left: timedelta | None, waited: timedelta, *, expected: bool
) -> None:
    serves_at = None if left is None else NOON + left
    assert cannot_wait(message_class, serves_at, planned_at=NOON - waited, now=NOON) is expected
