"""Limits and breakers around a delivery: what may not go now waits, and nothing is lost."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from redis.asyncio import Redis
from tests.delivery.desk import NOON, Desk
from tests.delivery.test_delivery import event
from tests.http_client import serving

from handbell.channels.service import AccountService, paces
from handbell.channels.tiers import default_tier, tiers
from handbell.channels.types import Accepted, EventKind, Outbound, Outcome, Provider, Retry
from handbell.delivery.breakers.errors import BreakersUnavailable
from handbell.delivery.breakers.router import breakers_router
from handbell.delivery.breakers.service import BreakerService
from handbell.delivery.limits import Bucket
from handbell.delivery.pacing import Pacing
from handbell.messages.types import Lifecycle
from handbell.platform.clock import FrozenClock
from handbell.platform.settings import Tier
from handbell.platform.vocabulary import Channel, Lane


class Counting:
    """Accepts everything, or plays one outcome for ever."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        self.outcome = outcome
        self.sent: list[Outbound] = []

    async def send(self, out: Outbound) -> Outcome:
        self.sent.append(out)
        return self.outcome or Accepted(provider_ref=f"SM{len(self.sent)}")


class PacedDesk(Desk):
    """A practice's delivery with limits; its line begins without one."""

    def __init__(self, practice: Any, clock: FrozenClock, valkey: Redis) -> None:
        super().__init__(practice, clock)
        self.valkey = valkey
        self.counting = Counting()
        self.begin()

    def begin(self) -> None:
        """Be a new worker process, which knows of nothing."""
        self.pacing = Pacing(self.practice.db.direct, self.valkey, self.clock)
        self.delivery.pace_with(self.pacing)

    async def limit(self, **columns: Any) -> None:
        told = {"tier": "unlimited", "rate_per_second": None, "daily_cap": None} | columns
        await self.practice.execute(
            "UPDATE sender_lines SET tier = :tier, rate_per_second = :rate_per_second,"
            " daily_cap = :daily_cap",
            **told,
        )
        self.begin()

    async def wake_limits(self) -> None:
        """A second passes in which nothing has left."""
        buckets = await self.buckets()
        await self.pacing.limits.depart(buckets, left=[], wanted=[], at="1000000")

    async def buckets(self) -> tuple[Bucket, ...]:
        found = await paces(self.practice.db.direct, self.practice.id, pretended=())
        (sms,) = (one for one in found if one.line.channel is Channel.SMS)
        return await self.pacing.buckets_of(sms)

    async def orders(self, count: int) -> list[int]:
        patients = [
            await self.practice.patient(("sms", f"+1212555{100 + no:04d}")) for no in range(count)
        ]
        return [await self.order(one, f"key {one}", **await self.booked(one)) for one in patients]

    async def run(self, lane: Lane = Lane.CARE) -> None:
        senders = await self.practice.senders(self.counting)
        for leased in await self.delivery.lease_due(lane, now=self.clock.instant):
            await self.delivery.deliver(self.practice.id, leased.message_ids, senders)

    async def lifecycles(self) -> dict[str, int]:
        rows = await self.practice.rows("SELECT lifecycle, count(*) FROM messages GROUP BY 1")
        return dict(rows)


@pytest.fixture
def paced(practice: Any, clock: FrozenClock, valkey: Redis) -> PacedDesk:
    return PacedDesk(practice, clock, valkey)


@pytest.mark.requirement("R9.5")
async def test_what_has_no_token_goes_back_untouched_and_is_due_later(paced: PacedDesk) -> None:
    await paced.limit(rate_per_second=4)
    await paced.wake_limits()
    messages = await paced.orders(5)
    before = await paced.practice.rows("SELECT id, reasons, tries FROM messages ORDER BY id")
    await paced.run()
    assert len(paced.counting.sent) == 2
    assert await paced.lifecycles() == {"accepted": 2, "scheduled": 3}
    waits = [(await paced.job(message)).scheduled_at for message in messages[2:]]
    pauses = [(at - NOON).total_seconds() for at in waits if at is not None]
    assert len(pauses) == 3
    assert 0 < pauses[0] < pauses[1] < pauses[2] < 3
    after = await paced.practice.rows("SELECT id, reasons, tries FROM messages ORDER BY id")
    assert after[2:] == before[2:]


@pytest.mark.requirement("R9.5")
async def test_a_flush_of_valkey_loses_no_message(paced: PacedDesk) -> None:
    await paced.limit(rate_per_second=20)
    await paced.orders(3)
    await paced.run()
    assert paced.counting.sent == []
    assert await paced.lifecycles() == {"scheduled": 3}
    while await paced.lifecycles() != {"accepted": 3}:
        await asyncio.sleep(0.1)
        paced.clock.advance(timedelta(minutes=1))
        assert paced.clock.instant - NOON < timedelta(hours=2)
        await paced.run()
    assert len(paced.counting.sent) == 3


async def test_a_line_without_a_limit_asks_no_bucket(paced: PacedDesk) -> None:
    await paced.limit()
    await paced.orders(3)
    await paced.run()
    assert len(paced.counting.sent) == 3
    assert await paced.valkey.keys("*pace*") == []


@pytest.mark.requirement("R9.5")
async def test_a_callback_that_says_too_fast_slows_the_line(paced: PacedDesk) -> None:
    await paced.limit(rate_per_second=20)
    await paced.wake_limits()
    await paced.orders(1)
    await paced.run()
    token = paced.counting.sent[0].attempt_token
    told = event(token, EventKind.FAILED)
    buckets = await paced.buckets()
    (before,) = await paced.pacing.limits.look(buckets)
    await paced.delivery.record_status([_with_code(told, "30022")], now=NOON)
    (after,) = await paced.pacing.limits.look(buckets)
    assert before.rate == 20
    assert 14 <= after.rate < 15


@pytest.mark.requirement("R9.8")
async def test_while_the_breaker_is_open_messages_wait(paced: PacedDesk) -> None:
    await paced.limit()
    messages = await paced.orders(21)
    paced.counting.outcome = Retry(code="never_left")
    await paced.run()
    called = len(paced.counting.sent)
    assert called == 21
    paced.clock.advance(timedelta(seconds=2))
    paced.begin()
    await paced.run()
    assert len(paced.counting.sent) == called
    job = await paced.job(messages[0])
    assert job.lifecycle is Lifecycle.SCHEDULED
    assert job.scheduled_at is not None
    assert timedelta() < job.scheduled_at - paced.clock.instant <= timedelta(seconds=5)
    tries = await paced.practice.value("SELECT max(tries) FROM messages")
    assert tries == 1


@pytest.mark.requirement("R9.5")
@pytest.mark.parametrize(
    ("provider", "address", "tier", "rate"),
    [
        (Provider.TWILIO, "+12125550100", "us_10dlc_score_1_49", 4),
        (Provider.TWILIO, "+18335550100", "toll_free", 3),
        (Provider.TWILIO, "55501", "short_code", 100),
        (Provider.TWILIO, "+442071838750", "other_long_code", 1),
        (Provider.WHATSAPP, "+12025550199", "whatsapp", 80),
    ],
)
def test_a_line_of_no_named_tier_goes_by_its_number(
    provider: Provider, address: str, tier: str, rate: float
) -> None:
    assert default_tier(provider, address) == tier
    assert tiers()[tier].units_per_second == rate


def _with_code(told: Any, code: str) -> Any:
    return replace(told, code=code)


def test_every_tier_can_be_set() -> None:
    assert set(get_args(Tier)) == {"", *tiers()}


@pytest.mark.requirement("R9.8")
async def test_people_see_a_breaker_open_try_and_close(
    paced: PacedDesk, practice: Any, valkey: Redis, valkey_url: str
) -> None:
    """Real instants: the breaker goes by the server's clock, so the tries are told, not waited
    for. 200 calls are reported, the last of which makes 10 % of them errors."""
    account = await practice.value("SELECT id FROM provider_accounts WHERE provider = 'twilio'")
    service = BreakerService(
        AccountService(practice.db, practice.keys, practice.audit), valkey_url
    )
    breaker, started = paced.pacing.breaker, datetime.now(UTC)  # noqa: TID251 - Valkey's clock

    async def seen() -> dict[str, Any]:
        async with serving(breakers_router(service), paced.clock) as client:
            headers = {"authorization": f"Bearer staff@{practice.id}"}
            answer = await client.get("/delivery/breakers", headers=headers)
        (one,) = [one for one in answer.json() if one["account_id"] == account]
        return dict(one)

    await breaker.tell(account, good=180, bad=19)
    before = await seen()
    assert (before["state"], before["calls"], before["errors"]) == ("closed", 199, 19)
    assert (before["opened_at"], before["next_try_in_seconds"]) == (None, None)
    await breaker.tell(account, good=0, bad=1)
    opened = await seen()
    assert (opened["state"], opened["openings"]) == ("open", 1)
    assert (opened["opened_calls"], opened["opened_errors"]) == (200, 20)
    assert abs(datetime.fromisoformat(opened["opened_at"]) - started) < timedelta(minutes=2)
    assert 0 < opened["next_try_in_seconds"] <= 5
    await valkey.hset(f"{{handbell.breaker}}:{account}", "until", "0")
    assert (await seen())["state"] == "half_open"
    assert (await breaker.ask(account, 9))[0] == 3
    await breaker.tell(account, good=3, bad=0)
    closed = await seen()
    assert (closed["state"], closed["openings"], closed["next_try_in_seconds"]) == (
        "closed",
        1,
        None,
    )


async def test_breakers_that_nobody_keeps_are_not_called_closed(practice: Any) -> None:
    accounts = AccountService(practice.db, practice.keys, practice.audit)
    for nowhere in ("", "redis://127.0.0.1:1/0"):
        with pytest.raises(BreakersUnavailable):
            await BreakerService(accounts, nowhere).list(practice.id, limit=50, offset=0)
