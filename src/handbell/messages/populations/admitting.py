"""The steps of one chunk: facts, shapes, answers, messages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select

from handbell.messages.admission import Texts, planned
from handbell.messages.parts import ReceiptParts
from handbell.messages.policy import fewest_that_bind, joined
from handbell.messages.populations import store
from handbell.messages.populations.halves import (
    Own,
    Profile,
    Timing,
    Timings,
    Verdict,
    profile_on,
    settled_channel,
    standing_bits,
    standings_from,
    verdict_on,
)
from handbell.messages.populations.store import Written
from handbell.messages.populations.tables import (
    CHOICES,
    DECISIONS,
    PROFILES,
    TIMINGS,
    VERDICTS,
)
from handbell.messages.populations.types import PopulationOrder
from handbell.messages.receipts import AskedWhen, answer_to_json
from handbell.messages.types import Decision, Refuse
from handbell.platform.db import OrganizationId, Tx
from handbell.platform.vocabulary import Channel
from handbell.templates.approvals.service import approvals_in
from handbell.templates.service import shelf_in

NOBODY: Final = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """What one transaction did, and whom it left."""

    last_id: int
    patients: int
    unknown: int
    written: Written
    one_by_one: Sequence[int]
    shapes: int


@dataclass(slots=True)
class _Numbers:
    """Gives equal things one small number, which stands for them in the database."""

    found: dict[Any, int] = field(default_factory=dict)

    def of(self, thing: Any) -> int:
        return self.found.setdefault(thing, len(self.found))

    def things(self) -> list[Any]:
        return list(self.found)


class PopulationRun:
    """Admits one population, chunk by chunk; remembers the timings that it has judged."""

    def __init__(
        self,
        organization_id: OrganizationId,
        order: PopulationOrder,
        *,
        parts: ReceiptParts,
        now: datetime,
    ) -> None:
        self.organization_id = organization_id
        self.order = order
        self.now = now
        self._parts = parts
        self._one = order.for_patient(NOBODY)
        self._timings = Timings(self._one, now=now)

    async def admit_chunk(
        self, tx: Tx, population: Select[Any], *, after: int, limit: int
    ) -> Chunk | None:
        """Admit the population's next patients in this transaction; None where none is left."""
        last = await store.begin(tx, population, after=after, limit=limit)
        if last is None:
            return None
        own = Own(await store.by_channel(tx, self.organization_id, now=self.now))
        shapes = await self._judge(tx, own)
        written = await store.write(
            tx, self.organization_id, self._one, order_key=self.order.order_key, now=self.now
        )
        return await self._chunk(tx, last, written, shapes)

    async def _judge(self, tx: Tx, own: Own) -> int:
        shelf = await shelf_in(tx, self.organization_id, {self.order.purpose})
        texts = Texts(shelf, await approvals_in(tx), None)
        await store.gather(
            tx,
            self.organization_id,
            self._one,
            self.order.channels,
            owners={view.provider_id for view in shelf.views if view.provider_id is not None},
            now=self.now,
        )
        verdicts, wanted = _Numbers(), _Numbers()
        judged = await self._verdicts(tx, own, texts, verdicts)
        await self._profiles(tx, own, wanted)
        await self._choose(tx, own, wanted)
        return judged + await self._decide(tx, own, verdicts)

    async def _verdicts(self, tx: Tx, own: Own, texts: Texts, numbers: _Numbers) -> int:
        found = {
            digest: verdict_on(shape, self._one, own, texts)
            for digest, shape in (await store.verdict_shapes(tx)).items()
        }
        part_ids = await self._part_ids(found.values())
        rows = [
            {
                "shape": digest,
                "verdict": numbers.of(one.decision),
                "standing": standing_bits(one),
                "part_id": part_ids[one.part.digest],
                "version_id": one.version_id,
                "consent_entry_no": one.consent_entry_no,
            }
            for digest, one in found.items()
        ]
        await store.answer(tx, VERDICTS, rows)
        return len(rows)

    async def _profiles(self, tx: Tx, own: Own, numbers: _Numbers) -> None:
        found: dict[UUID, Profile] = {
            digest: profile_on(shape, self._one, own)
            for digest, shape in (await store.profile_shapes(tx)).items()
        }
        rows = [
            {"shape": digest, "wanted": numbers.of(one.wanted), "levels": dict(one.levels)}
            for digest, one in found.items()
        ]
        await store.answer(tx, PROFILES, rows)

    async def _choose(self, tx: Tx, own: Own, wanted: _Numbers) -> None:
        """No timing is known yet. One that refuses what the verdict allows is rare, and its
        patients are admitted one by one: another channel may be the answer."""
        orders: list[tuple[Channel, ...]] = wanted.things()
        rows = [
            {
                "wanted": no,
                "standing": bits,
                "channel": settled_channel(orders[no], standings_from(bits)),
            }
            for no, bits in await store.standings(tx)
        ]
        await store.answer(tx, CHOICES, rows)
        await store.choose(tx, fewest_that_bind=fewest_that_bind(own.caps(self._one)))

    async def _decide(self, tx: Tx, own: Own, verdicts: _Numbers) -> int:
        shapes = await store.timing_shapes(tx)
        found = {digest: self._timings.on(shape, own) for digest, shape in shapes.items()}
        part_ids = await self._part_ids(found.values())
        timings = _Numbers()
        rows = [
            {
                "shape": digest,
                "timing": timings.of(one.decision),
                "part_id": part_ids[one.part.digest],
                "own_facts": dict(one.own_facts),
            }
            for digest, one in found.items()
        ]
        await store.answer(tx, TIMINGS, rows)
        first, second = verdicts.things(), timings.things()
        decisions = [
            {"verdict": one, "timing": other} | self._decision(first[one], second[other])
            for one, other in await store.decided(tx)
        ]
        await store.answer(tx, DECISIONS, decisions)
        return len(rows)

    def _decision(self, verdict: Any, timing: Decision) -> dict[str, Any]:
        decision = joined(verdict, timing)
        return {
            "is_personal": isinstance(timing, Refuse) and not isinstance(verdict, Refuse),
            "answer": answer_to_json(decision, asked=AskedWhen.PLANNED),
            **planned(decision, now=self.now),
        }

    async def _part_ids(self, judged: Iterable[Verdict | Timing]) -> dict[bytes, int]:
        return await self._parts.ids(self.organization_id, [one.part for one in judged])

    async def _chunk(self, tx: Tx, last: int, written: Written, shapes: int) -> Chunk:
        ids = await store.count_ids(tx)
        return Chunk(
            last_id=last,
            patients=ids,
            unknown=ids - await store.count_known(tx),
            written=written,
            one_by_one=await store.one_by_one(tx),
            shapes=shapes,
        )
