"""Before a claim: which messages of a group may be taken on, and when the others are due again.

Two questions, each to something that all workers share in Valkey: does the account's breaker
let calls through, and have the line, the account and the recipients room. Lines without a
limit are asked the first only.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic
from typing import Final
from zoneinfo import ZoneInfo

from redis.asyncio import Redis

from handbell.channels.service import is_fault, is_too_fast, line_for, paces
from handbell.channels.types import (
    CHANNEL_OF_PROVIDER,
    LinePace,
    Outbound,
    Outcome,
    PairRate,
    Provider,
    Retry,
    Sender,
    StatusEvent,
)
from handbell.delivery import waiting
from handbell.delivery.breaker import Breaker, BreakerWord
from handbell.delivery.departing import Gate, GatedSender
from handbell.delivery.limits import UNBOUNDED, Bucket, Limits
from handbell.delivery.types import Senders
from handbell.delivery.waiting import Waiting
from handbell.platform.clock import Clock, SystemClock
from handbell.platform.db import OrganizationId
from handbell.platform.direct import Direct
from handbell.platform.vocabulary import Channel, Lane

KNOWN_SECONDS: Final = 5.0
"""How long a worker goes on with what it has read of a line."""
LONGEST_PAUSE: Final = timedelta(minutes=10)
"""A provider may ask for more; then it is asked again after that."""
RANKS: Final = {lane: rank for rank, lane in enumerate(Lane)}


def open_valkey(redis_url: str) -> Redis:
    """Connect to the server that keeps limits and breakers, inside the running loop."""
    return Redis.from_url(redis_url, decode_responses=True)


@dataclass(slots=True, kw_only=True)
class Started:
    """Messages that may be claimed now, with senders that pace and watch their calls.

    Without a line there is no pace: the gate has its own word for that.
    """

    pace: LinePace | None
    buckets: tuple[Bucket, ...] = ()
    message_ids: tuple[int, ...] = ()
    senders: Senders = field(default_factory=dict)
    held: tuple[int, ...] = ()
    """Put back because the account's breaker lets no call through."""
    reservations: list[str] = field(default_factory=list)
    probes: int = 0
    good: int = 0
    bad: int = 0


class Pacing:
    """Limits and breakers as a worker meets them."""

    def __init__(
        self,
        direct: Direct,
        client: Redis,
        clock: Clock,
        *,
        pretended: Collection[Provider] = (),
    ) -> None:
        self._client = client
        self.limits = Limits(client)
        self.breaker = Breaker(client)
        self._direct = direct
        self._clock = clock
        self._real = SystemClock()
        self._pretended = pretended
        self._known: dict[int, tuple[float, dict[int, LinePace]]] = {}
        self._gates: dict[tuple[str, ...], Gate] = {}

    async def start(
        self, organization_id: OrganizationId, message_ids: Sequence[int], senders: Senders
    ) -> tuple[list[Started], list[int]]:
        """Say which of the messages may be claimed now, and which a breaker holds back; all
        others are put back, untouched but for the instant at which they are due again. Call
        `finish` for each `Started`."""
        found = await waiting.queued(self._direct, message_ids)
        known = await self._paces_of(organization_id)
        groups: dict[tuple[int, Lane], list[Waiting]] = defaultdict(list)
        for one in found:
            pace = _pace_for(known, one.channel, one.address_id)
            has_sender = pace is not None and pace.line.account_id in senders
            groups[pace.line.id if pace and has_sender else 0, one.lane].append(one)
        started = [
            await self._start_on(known[line_id], lane, group, senders)
            if line_id
            else Started(pace=None, message_ids=tuple(one.id for one in group), senders=senders)
            for (line_id, lane), group in groups.items()
        ]
        held = [id_ for one in started for id_ in one.held]
        return [one for one in started if one.message_ids], held

    async def finish(self, started: Started) -> None:
        """Report what the calls showed, and give back what was not used."""
        if started.pace is None:
            return
        if started.reservations:
            await self.limits.release(started.buckets, started.reservations)
        account_id = started.pace.line.account_id
        if started.good or started.bad:
            await self.breaker.tell(account_id, good=started.good, bad=started.bad)
        unused = started.probes - started.good - started.bad
        if unused > 0:
            await self.breaker.give_back(account_id, unused)

    async def close(self) -> None:
        """Report all that has left, then disconnect."""
        for gate in self._gates.values():
            await gate.settle()
        await self._client.aclose()

    async def failing(self, organization_id: OrganizationId) -> frozenset[Channel]:
        """The channels on which every account of the organisation has failed too often."""
        works: dict[Channel, bool] = {}
        for pace in (await self._paces_of(organization_id)).values():
            state = await self.breaker.look(pace.line.account_id)
            channel = pace.line.channel
            works[channel] = works.get(channel, False) or state.word is BreakerWord.CLOSED
        return frozenset(channel for channel, does in works.items() if not does)

    async def hear(self, pace: LinePace, code: str | None, *, pause: timedelta | None) -> None:
        """Go slower where a provider's code says that the line was too fast."""
        if is_too_fast(pace.provider, code) and (buckets := await self.buckets_of(pace)):
            await self.limits.slow(buckets, pause=pause and min(pause, LONGEST_PAUSE))

    async def hear_retry(self, pace: LinePace, told: Retry) -> None:
        """The same for the answer to a call, which may name a pause or an instant."""
        pause = told.retry_after
        if isinstance(pause, datetime):
            pause = max(timedelta(), pause - await self._clock.now())
        await self.hear(pace, told.code, pause=pause)

    async def hear_callbacks(
        self, organization_id: OrganizationId, told: Sequence[tuple[StatusEvent, int]]
    ) -> None:
        """The same for what callbacks say of messages that had been accepted; beside each event
        stands the address."""
        known = await self._paces_of(organization_id)
        slow = {
            (pace.line.id, event.code)
            for event, address_id in told
            if event.code is not None
            and (pace := _pace_for(known, CHANNEL_OF_PROVIDER[event.provider], address_id))
        }
        for line_id, code in sorted(slow):
            await self.hear(known[line_id], code, pause=None)

    async def _paces_of(self, organization_id: OrganizationId) -> dict[int, LinePace]:
        """The organisation's lines by their ids, as they were within the last seconds."""
        read_at, known = self._known.get(organization_id, (-KNOWN_SECONDS, {}))
        if monotonic() - read_at > KNOWN_SECONDS:
            found = await paces(self._direct, organization_id, pretended=self._pretended)
            known = {one.line.id: one for one in found}
            self._known[organization_id] = (monotonic(), known)
        return known

    async def buckets_of(self, pace: LinePace) -> tuple[Bucket, ...]:
        """The line's bucket and the account's, where they have a limit."""
        now = await self._real.now()
        line = _bucket(f"line:{pace.line.id}", pace.rate, pace.daily_cap, pace.day_zone, now=now)
        account = _bucket(
            f"account:{pace.line.account_id}",
            pace.account_rate,
            pace.account_cap,
            pace.day_zone,
            now=now,
        )
        return tuple(one for one in (line, account) if one is not None)

    async def _start_on(
        self, pace: LinePace, lane: Lane, group: list[Waiting], senders: Senders
    ) -> Started:
        buckets = await self.buckets_of(pace)
        started = Started(pace=pace, buckets=buckets)
        taken = await self._ask_breaker(started, pace, lane, group)
        if buckets and taken:
            taken = await self._reserve(started, pace, lane, taken)
        if pace.recipient is not None:
            taken = await self._spare(pace.line.id, pace.recipient, taken)
        started.message_ids = tuple(one.id for one in taken)
        watched = WatchedSender(senders[pace.line.account_id], self, pace, started)
        started.senders = {pace.line.account_id: self._gated(watched, started)}
        if not taken:
            await self.finish(started)
        return started

    async def _ask_breaker(
        self, started: Started, pace: LinePace, lane: Lane, group: list[Waiting]
    ) -> list[Waiting]:
        """Those that may be called for. An emergency always is: most calls to a provider that
        fails too often still arrive."""
        if lane is Lane.URGENT:
            return group
        allowed, wait = await self.breaker.ask(pace.line.account_id, len(group))
        if wait:
            started.probes = allowed
        held = group[allowed:]
        await self._put_back((one, wait) for one in held)
        started.held = tuple(one.id for one in held)
        return group[:allowed]

    def _gated(self, sender: Sender, started: Started) -> Sender:
        """The sender behind the gate of its buckets, which this process has once."""
        if not started.buckets:
            return sender
        names = tuple(one.name for one in started.buckets)
        gate = self._gates.setdefault(names, Gate(self.limits))
        gate.buckets = started.buckets
        return GatedSender(sender, gate, started.reservations)

    async def _spare(self, line_id: int, rule: PairRate, group: list[Waiting]) -> list[Waiting]:
        """Those whose recipients may be written to by now; the others wait for that."""
        waits = await self.limits.pairs(
            [f"{line_id}:{one.address_id}" for one in group],
            every=timedelta(seconds=rule.every_seconds),
            burst=rule.burst,
        )
        pairs = list(zip(group, waits, strict=True))
        await self._put_back((one, wait) for one, wait in pairs if wait)
        return [one for one, wait in pairs if not wait]

    async def _reserve(
        self, started: Started, pace: LinePace, lane: Lane, group: list[Waiting]
    ) -> list[Waiting]:
        names = [str(one.id) for one in group]
        reserved = await self.limits.reserve(started.buckets, names, rank=RANKS[lane])
        if reserved.is_unknown:
            await self._seed(started, pace)
            reserved = await self.limits.reserve(started.buckets, names, rank=RANKS[lane])
        started.reservations.extend(names[: reserved.count])
        await self._put_back(
            (one, reserved.wait + place * reserved.spacing)
            for place, one in enumerate(group[reserved.count :])
        )
        return group[: reserved.count]

    async def _seed(self, started: Started, pace: LinePace) -> None:
        """Valkey has forgotten what left today: PostgreSQL knows. An account counts what its
        organisation sent, as a line does."""
        now = await self._real.now()
        midnight = now - _day_gone(pace.day_zone, now=now)
        sent = await waiting.left_since(
            self._direct, pace.line.organization_id, pace.line.channel, midnight
        )
        await self.limits.seed(started.buckets, [sent] * len(started.buckets))

    async def _put_back(self, waits: Iterable[tuple[Waiting, timedelta]]) -> None:
        now = await self._clock.now()
        await waiting.put_back(self._direct, [(one.id, now + wait) for one, wait in waits])


class WatchedSender:
    """A sender whose outcomes are counted for the breaker and the limits."""

    def __init__(self, sender: Sender, pacing: Pacing, pace: LinePace, started: Started) -> None:
        self._sender = sender
        self._pacing = pacing
        self._pace = pace
        self._started = started

    async def send(self, out: Outbound) -> Outcome:
        outcome = await self._sender.send(out)
        fault = is_fault(self._pace.provider, outcome)
        if fault is not None:
            self._started.bad += fault
            self._started.good += not fault
        if isinstance(outcome, Retry):
            await self._pacing.hear_retry(self._pace, outcome)
        return outcome


def _pace_for(
    known: Mapping[int, LinePace], channel: Channel, address_id: int | None
) -> LinePace | None:
    """The line that an address is written to from, as the claim will choose it."""
    lines = [one.line for one in known.values()]
    line = line_for(lines, channel, address_id) if address_id is not None else None
    return None if line is None else known[line.id]


def _bucket(
    name: str, rate: float | None, daily_cap: int | None, zone: str, *, now: datetime
) -> Bucket | None:
    if rate is None and daily_cap is None:
        return None
    day, left = "", timedelta()
    if daily_cap is not None:
        local = now.astimezone(ZoneInfo(zone))
        day, left = local.date().isoformat(), timedelta(days=1) - _day_gone(zone, now=now)
    return Bucket(name=name, rate=rate or UNBOUNDED, daily_cap=daily_cap, day=day, day_left=left)


def _day_gone(zone: str, *, now: datetime) -> timedelta:
    """How long the calendar day has lasted by the wall clock."""
    local = now.astimezone(ZoneInfo(zone))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    return local.replace(tzinfo=None) - midnight.replace(tzinfo=None)
