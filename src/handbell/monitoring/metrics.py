"""The figures of the whole installation in Prometheus's text, whichever API process is asked.

Depths and ages are read from PostgreSQL, counts and breakers from Valkey, when somebody asks:
no process keeps figures that another would have to add up. Only the pools are those of the
process that answers. Nothing tells of a patient or of an organisation.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import Final

import redis
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from handbell.delivery.breakers.service import BreakerService, ProviderBreaker
from handbell.delivery.meters.service import BOUNDS, Counts, Meter
from handbell.monitoring.service import Backlog, backlogs
from handbell.platform.db import Database, PoolUse
from handbell.platform.vocabulary import Lane

_STORED: Final = """
SELECT (SELECT count(*) FROM dead_letters WHERE state = 'open') AS dead_letters,
    (SELECT count(*) FROM message_attempts WHERE outcome = 'unknown' AND settled_at IS NULL)
        AS unknown,
    (SELECT coalesce(pg_sequence_last_value('webhook_deliveries_id_seq'), 0)) AS received,
    webhooks.waiting, webhooks.dead, webhooks.first
FROM (
    SELECT count(*) FILTER (WHERE problem IS NULL) AS waiting,
        count(*) FILTER (WHERE problem IS NOT NULL) AS dead,
        min(received_at) FILTER (WHERE problem IS NULL) AS first
    FROM webhook_deliveries WHERE applied_at IS NULL
) AS webhooks
"""
"""Each of these counts goes by an index that holds nothing else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What waits in PostgreSQL for something else than a lane."""

    dead_letters: int
    unknown: int
    webhooks_received: int
    webhooks_waiting: int
    webhooks_dead: int
    webhooks_age_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything that is told; without Valkey there are neither counts nor breakers."""

    backlogs: dict[Lane, Backlog]
    stored: Stored
    pools: tuple[PoolUse, ...]
    counts: Counts | None
    breakers: tuple[ProviderBreaker, ...] | None


class MetricsService:
    """Gathers the figures when somebody asks for them."""

    def __init__(self, db: Database, breakers: BreakerService, meter: Meter | None) -> None:
        self._db = db
        self._breakers = breakers
        self._meter = meter

    async def text(self, *, now: datetime) -> bytes:
        """The figures as Prometheus reads them."""
        return as_text(await self._gather(now=now))

    async def close(self) -> None:
        if self._meter is not None:
            await self._meter.close()

    async def _gather(self, *, now: datetime) -> Figures:
        waiting = await backlogs(self._db.direct, now=now)
        (row,) = await self._db.direct.rows(_STORED)
        first: datetime | None = row["first"]
        stored = Stored(
            dead_letters=row["dead_letters"],
            unknown=row["unknown"],
            webhooks_received=row["received"],
            webhooks_waiting=row["waiting"],
            webhooks_dead=row["dead"],
            webhooks_age_seconds=(now - first).total_seconds() if first else 0.0,
        )
        counts, breakers = await self._from_valkey()
        return Figures(
            backlogs=dict(waiting),
            stored=stored,
            pools=self._db.pools(),
            counts=counts,
            breakers=breakers,
        )

    async def _from_valkey(self) -> tuple[Counts | None, tuple[ProviderBreaker, ...] | None]:
        if self._meter is None:
            return None, None
        try:
            counts = await self._meter.read()
            return counts, tuple(await self._breakers.all_providers(self._db.direct))
        except redis.RedisError:
            return None, None


def as_text(figures: Figures) -> bytes:
    """Write the figures down."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Told(figures))
    return generate_latest(registry)


class _Told(Collector):
    """Gives the library one set of figures."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        yield from _of_lanes(self._figures.backlogs)
        yield from _of_stored(self._figures.stored)
        yield from _of_pools(self._figures.pools)
        is_there = self._figures.counts is not None
        yield _gauge("handbell_valkey_up", "Whether Valkey answered.", {(): int(is_there)})
        if self._figures.counts is not None:
            yield from _of_counts(self._figures.counts)
        if self._figures.breakers is not None:
            yield from _of_breakers(self._figures.breakers)


def _of_lanes(backlogs: dict[Lane, Backlog]) -> Iterator[Metric]:
    yield _gauge(
        "handbell_queue_depth",
        "Messages (lane jobs: pieces of work) that are due, handed out, or being sent.",
        {
            (lane.value, state): getattr(found, state)
            for lane, found in backlogs.items()
            for state in ("due", "queued", "sending")
        },
        labels=("lane", "state"),
    )
    yield _gauge(
        "handbell_queue_age_seconds",
        "How long the longest has been due that nobody has been handed; the outbox is jobs.",
        {(lane.value,): found.age.total_seconds() for lane, found in backlogs.items()},
        labels=("lane",),
    )


def _of_stored(stored: Stored) -> Iterator[Metric]:
    for name, text, value in (
        ("dead_letters_open", "Messages that wait for a person.", stored.dead_letters),
        ("attempts_unknown", "Calls of which nobody knows the outcome.", stored.unknown),
        (
            "webhooks_waiting",
            "Callbacks that are stored and not applied.",
            stored.webhooks_waiting,
        ),
        ("webhooks_dead", "Callbacks that were given up.", stored.webhooks_dead),
        (
            "webhooks_age_seconds",
            "How long the oldest callback that is not applied has been here.",
            stored.webhooks_age_seconds,
        ),
    ):
        yield _gauge(f"handbell_{name}", text, {(): value})
    received = CounterMetricFamily(
        "handbell_webhooks_received", "Verified callbacks, repetitions counted too."
    )
    received.add_metric((), stored.webhooks_received)
    yield received


def _of_pools(pools: Iterable[PoolUse]) -> Iterator[Metric]:
    pools = tuple(pools)
    yield _gauge(
        "handbell_pool_in_use",
        "Connections to PostgreSQL in use in the process that answers.",
        {(pool.name,): pool.in_use for pool in pools},
        labels=("pool",),
    )
    yield _gauge(
        "handbell_pool_size",
        "The most that it may use.",
        {(pool.name,): pool.size for pool in pools},
        labels=("pool",),
    )
    refused = CounterMetricFamily(
        "handbell_pool_refused", "Transactions refused: no connection was free.", labels=("pool",)
    )
    for pool in pools:
        refused.add_metric((pool.name,), pool.refused)
    yield refused


def _of_counts(counts: Counts) -> Iterator[Metric]:
    sends = CounterMetricFamily(
        "handbell_sends",
        "Calls to providers by what they answered.",
        labels=("channel", "outcome"),
    )
    for key, count in sorted(counts.sends.items()):
        sends.add_metric(key, count)
    yield sends
    work = CounterMetricFamily(
        "handbell_work", "Pieces of work that were taken from the outbox.", labels=("topic",)
    )
    for topic, count in sorted(counts.work.items()):
        work.add_metric((topic,), count)
    yield work
    items = CounterMetricFamily(
        "handbell_job_items", "Messages or pieces of work in jobs that are done.", labels=("lane",)
    )
    times = HistogramMetricFamily(
        "handbell_job_seconds", "How long a worker took for a job.", labels=("lane",)
    )
    for lane, found in counts.jobs.items():
        items.add_metric((lane.value,), found.items)
        bounds = [*(str(bound) for bound in BOUNDS), "+Inf"]
        under = list(zip(bounds, accumulate(found.buckets), strict=True))
        times.add_metric((lane.value,), under, sum_value=found.seconds)
    yield items
    yield times


def _of_breakers(breakers: Iterable[ProviderBreaker]) -> Iterator[Metric]:
    breakers = tuple(breakers)
    states = Counter((one.provider.value, one.state.word.value) for one in breakers)
    yield _gauge(
        "handbell_breakers",
        "Provider accounts by how their breaker stands.",
        dict(sorted(states.items())),
        labels=("provider", "state"),
    )
    openings = CounterMetricFamily(
        "handbell_breaker_openings", "How often breakers have opened.", labels=("provider",)
    )
    opened: Counter[str] = Counter()
    for one in breakers:
        opened[one.provider.value] += one.state.openings
    for provider, count in sorted(opened.items()):
        openings.add_metric((provider,), count)
    yield openings


def _gauge(
    name: str, text: str, values: dict[tuple[str, ...], float], *, labels: tuple[str, ...] = ()
) -> Metric:
    made = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        made.add_metric(key, value)
    return made
