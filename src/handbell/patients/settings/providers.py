"""What a clinician has decided for the patients under their care."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.directory import service as directory
from handbell.directory.types import DEFAULT_REMINDER_HOURS, ProviderFacts, ThingKind
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.errors import ProviderNotFound
from handbell.preferences.types import Level, LevelChange

PLATFORM: Final = "ovhi"
"""The source whose tokens name their user by its own id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderView:
    """What holds for a clinician's patients who have said nothing, and how they are reminded."""

    facts: ProviderFacts
    hours_before: tuple[int, ...]
    timezone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderChange:
    """Columns of the provider, and fields of the provider's level of preferences, where None is
    inherited. `names` are the caller's names of them."""

    facts: Mapping[str, Any]
    defaults: Mapping[str, Any]
    names: tuple[str, ...]


class ProviderSettingsService:
    """The settings of one clinician at a time."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def own_id(self, organization_id: OrganizationId, caller: str) -> int:
        """The clinician that a token of the platform speaks for. Raises `ProviderNotFound`."""
        _, _, user_id = caller.partition("user:")
        async with self.db.transaction(organization_id) as tx:
            found = user_id and await directory.find_id(
                tx, organization_id, ThingKind.PROVIDER, PLATFORM, user_id
            )
        if not found:
            raise ProviderNotFound("No clinician is known for who asks; name one by id.")
        return found

    async def get(self, organization_id: OrganizationId, provider_id: int) -> ProviderView:
        """Raises `ProviderNotFound`."""
        async with self.db.transaction(organization_id) as tx:
            return await _view(tx, organization_id, provider_id)

    async def change(
        self,
        organization_id: OrganizationId,
        provider_id: int,
        change: ProviderChange,
        *,
        actor: str,
        now: datetime,
    ) -> ProviderView:
        """Write what is said. How visits are reminded of holds for visits planned from now on.

        Raises `ProviderNotFound` or `InvalidPreference`; then nothing changed.
        """
        said = LevelChange(
            level=Level.PROVIDER, level_id=provider_id, fields=change.defaults, actor=actor
        )
        async with self.db.transaction(organization_id) as tx:
            await _view(tx, organization_id, provider_id)
            await directory.change_provider_in(tx, provider_id, change.facts)
            changed = await preferences.change_in(tx, organization_id, said, now=now)
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="provider.settings_changed",
                subject={
                    "provider_id": provider_id,
                    "fields": ",".join(change.names),
                    **preferences.told(changed),
                },
            )
            await self.audit.record(tx, entry)
            return await _view(tx, organization_id, provider_id)


async def _view(tx: Tx, organization_id: OrganizationId, provider_id: int) -> ProviderView:
    facts = await directory.find_provider_in(tx, provider_id)
    if facts is None:
        raise ProviderNotFound("There is no such provider.", provider_id=provider_id)
    held = await preferences.held_in(tx, organization_id, Level.PROVIDER, provider_id)
    hours = facts.reminder_hours_before
    return ProviderView(
        facts=facts,
        hours_before=DEFAULT_REMINDER_HOURS if hours is None else hours,
        timezone=held.timezone,
        language=held.language,
    )
