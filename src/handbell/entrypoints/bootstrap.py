"""Puts the product together from settings. The only place that knows the concrete classes."""

from dataclasses import dataclass

from handbell.access.service import AccessService
from handbell.access.types import Role, TokenRules, parse_role_map
from handbell.audit.service import AuditService
from handbell.integrations.events.service import EventService
from handbell.organizations.service import OrganizationService
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.clock import Clock, SimClock, SystemClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, DatabaseUrls, urls_for
from handbell.platform.errors import InvalidError
from handbell.platform.settings import Settings


class SettingMissing(InvalidError):
    """The start is refused; the message names the variable."""

    code = "setting_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The assembled product of one process."""

    settings: Settings
    db: Database
    keys: KeyRing
    clock: Clock
    access: AccessService
    audit: AuditService
    organizations: OrganizationService
    events: EventService

    async def first_key(self, organization_name: str) -> str:
        """Make the first organisation and give a key of role admin for it."""
        now = await self.clock.now()
        created = await self.organizations.create(name=organization_name, now=now)
        key = await self.access.create_api_key(
            created.id, name="first administrator", role=Role.ADMIN, now=now
        )
        return key.key

    async def close(self) -> None:
        await self.db.close()


def open_runtime(settings: Settings) -> Runtime:
    """Assemble the product of one process. Raises `SettingMissing`."""
    db = Database.open(database_urls(settings))
    keys = KeyRing(
        encryption_key=settings.encryption_key.get_secret_value(),
        lookup_key=settings.lookup_key.get_secret_value(),
    )
    audit = AuditService(db, keys)
    return Runtime(
        settings=settings,
        db=db,
        keys=keys,
        clock=SimClock(db.app_pool) if settings.clock == "simulated" else SystemClock(),
        access=AccessService(db, keys, _token_rules(settings)),
        audit=audit,
        organizations=OrganizationService(db),
        events=EventService(db, PatientService(db, keys, InferredWhereabouts()), audit),
    )


def _token_rules(settings: Settings) -> TokenRules:
    return TokenRules(
        secret=settings.jwt_secret.get_secret_value(),
        allow_no_exp=settings.jwt_allow_no_exp,
        roles=parse_role_map(settings.jwt_role_map),
    )


def database_urls(settings: Settings) -> DatabaseUrls:
    """Where each role connects, or a sentence that says which variable is missing."""
    for name, value in (
        ("HANDBELL_DATABASE_URL", settings.database_url),
        ("HANDBELL_ENCRYPTION_KEY", settings.encryption_key.get_secret_value()),
        ("HANDBELL_LOOKUP_KEY", settings.lookup_key.get_secret_value()),
    ):
        if not value:
            raise SettingMissing(f"{name} is not set. `handbell up` sets it on one machine.")
    return urls_for(
        settings.database_url,
        settings.encryption_key.get_secret_value(),
        app=settings.database_app_url,
        engine=settings.database_engine_url,
    )
