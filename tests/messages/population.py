"""A practice with patients of all kinds, made at random from a seed."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, Final

from sqlalchemy import insert, select

from handbell.consent.tables import ConsentEntryRow, SuppressionRow
from handbell.directory.tables import (
    AddressRow,
    ContactPointRow,
    PatientRelationRow,
    PatientRow,
    ProviderRow,
)
from handbell.messages.tables import MessageRow
from handbell.platform.tables import SubjectKeyRow
from handbell.platform.vocabulary import Channel
from handbell.preferences.tables import ContactRestrictionRow, PreferenceSettingsRow
from handbell.templates.tables import TemplateRow, TemplateVersionRow

CHANNELS: Final = tuple(channel.value for channel in Channel)
ZONES: Final = ("America/New_York", "America/Chicago", "America/Los_Angeles", "Asia/Kolkata")
STATES: Final = ("NY", "TX", "FL", "CA", "WA", "OK")
CLASSES: Final = ("care", "marketing", "billing_admin")
METHODS: Final = ("provided_at_registration", "web_form", "verbal", "keyword", "paper_form")


class Crowd:
    """Writes rows that a practice of some years would have, most of them plain."""

    def __init__(self, practice: Any, seed: int, *, now: datetime) -> None:
        self._practice = practice
        self._random = Random(seed)
        self._now = now

    def _sometimes(self, share: float) -> bool:
        return self._random.random() < share

    async def _insert(self, tx: Any, row: Any, values: Sequence[dict[str, Any]]) -> list[int]:
        if not values:
            return []
        own = [{"organization_id": self._practice.id} | one for one in values]
        returning = insert(row).returning(row.id, sort_by_parameter_order=True)
        return list((await tx.execute(returning, own)).scalars())

    async def make(self, count: int) -> list[int]:
        """So many patients; the ids of them all, erased ones and relatives too."""
        async with self._practice.db.engine_transaction() as tx:
            key = {"wrapped_key": b"", "kek_version": 1, "created_at": self._now}
            (key_id,) = await self._insert(tx, SubjectKeyRow, [key])
            providers = await self._insert(tx, ProviderRow, [{"name": "A"}, {"name": "B"}])
            await self._texts_of(tx, providers[0])
            patients = await self._insert(
                tx, PatientRow, [self._patient(key_id, providers) for _ in range(count)]
            )
            addresses = await self._addresses(tx, patients)
            await self._ledgers(tx, [one for some in addresses.values() for one in some])
            await self._preferences(tx, patients, providers)
            await self._relations(tx, patients, addresses)
            await self._sent(tx, patients)
        return patients

    def _patient(self, key_id: int, providers: Sequence[int]) -> dict[str, Any]:
        return {
            "subject_key_id": None if self._sometimes(0.03) else key_id,
            "provider_id": self._random.choice([None, *providers]),
            "deceased_at": self._now if self._sometimes(0.04) else None,
            "is_contact": self._sometimes(0.03),
            "created_at": self._now,
        }

    async def _texts_of(self, tx: Any, provider_id: int) -> None:
        """A text of its own for one clinician, with the content of a packaged one."""
        packaged = (
            select(TemplateRow.language, TemplateVersionRow)
            .join(TemplateVersionRow, TemplateVersionRow.template_id == TemplateRow.id)
            .where(
                TemplateRow.purpose == "rx_refill",
                TemplateRow.channel == "sms",
                TemplateRow.organization_id.is_(None),
            )
            .limit(1)
        )
        found = (await tx.execute(packaged)).mappings().one()
        place = {"purpose": "rx_refill", "channel": "sms", "language": found["language"]}
        (template_id,) = await self._insert(
            tx, TemplateRow, [place | {"provider_id": provider_id, "created_at": self._now}]
        )
        copied = ("no", "content", "digest", "level", "sibling_level", "published_at")
        version = {name: found[name] for name in copied}
        await self._insert(tx, TemplateVersionRow, [version | {"template_id": template_id}])

    async def _addresses(self, tx: Any, patients: Sequence[int]) -> dict[int, list[int]]:
        """Up to two contact points on each channel; some addresses are shared."""
        wanted = [
            (patient, channel)
            for patient in patients
            for channel in CHANNELS
            for _ in range(self._random.choice((0, 1, 1, 2)))
        ]
        hashes = {place: self._random.randbytes(8) for place in range(len(wanted))}
        rows = [
            {
                "channel": channel,
                "address_hash": hashes[place],
                "wrong_number_at": self._now if self._sometimes(0.05) else None,
            }
            for place, (_, channel) in enumerate(wanted)
        ]
        ids = await self._insert(tx, AddressRow, rows)
        stops = [
            {
                "channel": row["channel"],
                "address_hash": row["address_hash"],
                "since": self._now,
                "lifted_at": self._now if self._sometimes(0.3) else None,
            }
            for row in rows
            if self._sometimes(0.06)
        ]
        await self._insert(tx, SuppressionRow, stops)
        points = [
            self._point(patient, channel, address)
            for (patient, channel), address in zip(wanted, ids, strict=True)
        ]
        shared = [
            self._point(self._random.choice(patients), one["channel"], one["address_id"])
            for one in points
            if self._sometimes(0.03)
        ]
        known = {(one["patient_id"], one["address_id"]) for one in points}
        shared = [one for one in shared if (one["patient_id"], one["address_id"]) not in known]
        await self._insert(tx, ContactPointRow, points + shared)
        found: dict[int, list[int]] = {}
        for one in points:
            found.setdefault(one["patient_id"], []).append(one["address_id"])
        return found

    def _point(self, patient: int, channel: str, address_id: int) -> dict[str, Any]:
        pick = self._random.sample
        return {
            "patient_id": patient,
            "address_id": address_id,
            "channel": channel,
            "address": b"",
            "country": self._random.choice(("US", "US", "US", "IN", "FR", None)),
            "zones": pick(ZONES, self._random.choice((0, 1, 1, 2))),
            "states": pick(STATES, self._random.choice((0, 1, 1, 2))),
            "is_current": not self._sometimes(0.15),
            "created_at": self._now,
        }

    async def _ledgers(self, tx: Any, addresses: Sequence[int]) -> None:
        """Most have granted care; others came late, twice, at one instant, or took it back."""
        rows = [
            entry
            for address in addresses
            for entry in self._ledger(address, self._random.choice((0, 1, 1, 2, 3, 4)))
        ]
        await self._insert(tx, ConsentEntryRow, rows)

    def _ledger(self, address_id: int, count: int) -> list[dict[str, Any]]:
        kinds = ("grant", "grant", "grant", "revoke", "acknowledge_risk", "withdraw_risk")
        return [
            {
                "address_id": address_id,
                "no": no,
                "kind": (kind := self._random.choice(kinds) if no > 1 else "grant"),
                "message_class": (
                    None
                    if kind.endswith("risk") or (kind == "revoke" and self._sometimes(0.5))
                    else self._random.choice(CLASSES)
                ),
                "method": self._random.choice(METHODS),
                "text_version": self._random.choice((None, "2026-01")),
                "source": "tests",
                "actor": "tests",
                "at": self._now - timedelta(days=self._random.randrange(4)),
                "recorded_at": self._now,
                "hash": b"",
            }
            for no in range(1, count + 1)
        ]

    async def _preferences(
        self, tx: Any, patients: Sequence[int], providers: Sequence[int]
    ) -> None:
        levels = [("provider", one) for one in providers]
        levels += [("organization", self._practice.id)]
        levels += [("patient", one) for one in patients if not self._sometimes(0.2)]
        await self._insert(
            tx, PreferenceSettingsRow, [self._said(level, one) for level, one in levels]
        )

    def _said(self, level: str, level_id: int) -> dict[str, Any]:
        maybe, pick = self._sometimes, self._random.choice
        pause = self._now + timedelta(hours=pick((-30, 5, 100)), microseconds=pick((0, 7)))
        quiet, work = maybe(0.2), maybe(0.2)
        choice = {"enabled": maybe(0.6), "channels": pick((None, ["email"], ["whatsapp", "sms"]))}
        order = pick((["email", "sms"], ["whatsapp", "email", "sms"], ["sms"]))
        opt_ins = {
            f"{what}_{channel}": pick((True, True, False)) if maybe(0.5) else None
            for what in ("allow", "marketing_opt_in")
            for channel in CHANNELS
        }
        return {
            "level": level,
            "level_id": level_id,
            "timezone": pick(ZONES) if maybe(0.4) else None,
            "language": pick(("en", "es", "hi", "fr")) if maybe(0.4) else None,
            "quiet_start": pick((time(20, 30), time(23))) if quiet else None,
            "quiet_end": pick((time(7), time(9, 15))) if quiet else None,
            "work_start": pick((time(9), time(13))) if work else None,
            "work_end": pick((time(13), time(17))) if work else None,
            "best_hour": self._random.randrange(24) if maybe(0.5) else None,
            "channel_order": order if maybe(0.3) else None,
            "pause_until": pause if maybe(0.05) else None,
            "reading_level": 6 if maybe(0.1) else None,
            "choices": {pick(("rx_refill", "campaign_education")): choice} if maybe(0.1) else None,
            "changed_at": self._now,
            "changed_by": "tests",
            **opt_ins,
        }

    async def _relations(
        self, tx: Any, patients: Sequence[int], addresses: dict[int, list[int]]
    ) -> None:
        relations, restrictions = [], []
        for patient in patients:
            if self._sometimes(0.05):
                related = self._random.choice([one for one in patients if one != patient])
                relations.append(self._relation(patient, related))
            if self._sometimes(0.05):
                address = self._random.choice([None, *addresses.get(patient, ())])
                restrictions.append(
                    {
                        "patient_id": patient,
                        "channel": self._random.choice(CHANNELS),
                        "address_id": address,
                        "set_at": self._now,
                        "set_by": "tests",
                        "lifted_at": self._now if self._sometimes(0.3) else None,
                    }
                )
        await self._insert(tx, PatientRelationRow, relations)
        await self._insert(tx, ContactRestrictionRow, restrictions)

    def _relation(self, patient: int, related: int) -> dict[str, Any]:
        return {
            "patient_id": patient,
            "related_id": related,
            "kind": self._random.choice(("guardian", "caregiver")),
            "adult_on": self._random.choice((date(2020, 1, 1), date(2030, 1, 1))),
            "permitted_at": self._now,
            "permission_text": "words",
            "created_at": self._now,
            "created_by": "tests",
            "ended_at": self._now if self._sometimes(0.3) else None,
        }

    async def _sent(self, tx: Any, patients: Sequence[int]) -> None:
        """Messages of the last days, up to more than the caps allow."""
        counts = (0, 0, 0, 1, 2, 6)
        rows: list[dict[str, Any]] = [
            {
                "order_key": f"earlier {patient} {no}",
                "ordered_by": "tests",
                "patient_id": patient,
                "is_address_named": False,
                "channel": "sms",
                "purpose": "rx_refill",
                "message_class": self._random.choice(CLASSES),
                "lane": "care",
                "anchor": {"kind": "free"},
                "lifecycle": "accepted",
                "reasons": [],
                "progress": self._random.choice((None, "delivered", "bounced")),
                "preference_levels": {},
                "decided_at": self._now,
                "created_at": self._now,
                "changed_at": self._now,
                "sent_at": self._now
                - timedelta(
                    hours=self._random.randrange(200), microseconds=self._random.choice((0, 5))
                ),
            }
            for patient in patients
            for no in range(self._random.choice(counts))
        ]
        await self._insert(tx, MessageRow, rows)
