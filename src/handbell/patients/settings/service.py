"""An organisation's facts, decisions and defaults as one thing, read and changed together.

They lie in two domains: the defaults are preferences at the organisation's level.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handbell.audit.service import AuditService
from handbell.audit.types import AuditEntry
from handbell.messages import service as messages
from handbell.organizations import service as organizations
from handbell.organizations.types import Organization, OrganizationSettings
from handbell.platform.db import Database, OrganizationId, Tx
from handbell.preferences import service as preferences
from handbell.preferences.types import DEFAULTS, Level, LevelChange, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsView:
    """What holds for the organisation; zone and language for a patient who has said nothing."""

    organization: Organization
    decisions: OrganizationSettings
    timezone: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsChange:
    """Columns of the organisation, of its settings, and fields of its level of preferences,
    where None is inherited from the global level. `names` are the caller's names of them."""

    facts: Mapping[str, Any]
    decisions: Mapping[str, Any]
    defaults: Mapping[str, Any]
    names: tuple[str, ...]


class SettingsService:
    """The settings of one organisation at a time."""

    def __init__(self, db: Database, audit: AuditService) -> None:
        self.db = db
        self.audit = audit

    async def get(self, organization_id: OrganizationId) -> SettingsView:
        async with self.db.transaction(organization_id) as tx:
            return await _view(tx, organization_id)

    async def change(
        self,
        organization_id: OrganizationId,
        change: SettingsChange,
        *,
        actor: str,
        now: datetime,
    ) -> SettingsView:
        """Write what is said and record the names of the fields.

        Raises `OrganizationNameTaken` or `InvalidPreference`; then nothing changed.
        """
        async with self.db.transaction(organization_id) as tx:
            await organizations.change_in(
                tx, organization_id, facts=change.facts, decisions=change.decisions
            )
            said = LevelChange(
                level=Level.ORGANIZATION,
                level_id=organization_id,
                fields=change.defaults,
                actor=actor,
            )
            changed = await preferences.change_in(tx, organization_id, said, now=now)
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor=actor,
                action="organization.settings_changed",
                subject={"fields": ",".join(change.names)},
            )
            await messages.replan_later_in(tx, organization_id, None, now=now)
            await self.audit.record(tx, entry)
            if changed is not None:
                await self.audit.record(tx, preferences.entry_of(organization_id, said, changed))
            return await _view(tx, organization_id)


async def _level(tx: Tx, organization_id: OrganizationId) -> Settings:
    return await preferences.settings_in(tx, organization_id, Level.ORGANIZATION, organization_id)


async def _view(tx: Tx, organization_id: OrganizationId) -> SettingsView:
    own = await _level(tx, organization_id)
    everybodys = await preferences.settings_in(tx, organization_id, Level.GLOBAL, 0)
    return SettingsView(
        organization=await organizations.organization_in(tx, organization_id),
        decisions=await organizations.settings_in(tx, organization_id),
        timezone=_held("timezone", own, everybodys, DEFAULTS),
        language=_held("language", own, everybodys, DEFAULTS),
    )


def _held(field: str, *levels: Settings) -> str:
    """The first that is said, from the most specific level on."""
    said = (getattr(level, field) for level in levels)
    return next(str(value) for value in said if value is not None)
