"""Puts the product together from settings. The only place that knows the concrete classes."""

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from handbell.access.service import AccessService
from handbell.access.types import Role, TokenRules, parse_role_map
from handbell.actions.service import ActionService
from handbell.audit.service import AuditService
from handbell.channels.service import AccountService
from handbell.consent.service import ConsentService, WitnessSource
from handbell.delivery.breakers.service import BreakerService
from handbell.delivery.deadletters.service import FALL_BACK_TOPIC, DeadLetterService
from handbell.delivery.meters.service import Meter
from handbell.delivery.pacing import Pacing, open_valkey
from handbell.delivery.pauses.service import PauseService
from handbell.delivery.service import DeliveryService
from handbell.delivery.tasks import Handler, one_by_one
from handbell.delivery.unknowns.service import SETTLE_TOPIC, UnknownService
from handbell.entrypoints import accounts
from handbell.inbound.holds import HoldService
from handbell.inbound.service import InboundService
from handbell.inbound.suppressing import END_HOLD_TOPIC
from handbell.inbox.listening import InboxListener
from handbell.inbox.live import Bell
from handbell.inbox.service import InboxService
from handbell.integrations.events.service import EventService
from handbell.messages import replanning
from handbell.messages.leaves import AttemptSource
from handbell.messages.previews.service import PreviewService
from handbell.messages.replanner import Replanner
from handbell.messages.service import MessageService
from handbell.monitoring.metrics import MetricsService
from handbell.organizations.service import OrganizationService
from handbell.patients.consents.deciding import PatientConsentService
from handbell.patients.consents.service import ConsentProofService
from handbell.patients.context import PatientContextService
from handbell.patients.relations.service import RelationService
from handbell.patients.restrictions.service import RestrictionService
from handbell.patients.service import PatientService
from handbell.patients.settings.providers import ProviderSettingsService
from handbell.patients.settings.service import SettingsService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.clock import Clock, SimClock, SystemClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, DatabaseUrls, urls_for
from handbell.platform.errors import InvalidError
from handbell.platform.settings import Settings
from handbell.platform.transport import AiohttpTransport
from handbell.preferences.levels import LevelService
from handbell.privacy.service import PrivacyService
from handbell.reminders.forecasting import ForecastService
from handbell.reminders.service import ReminderService
from handbell.scheduling.blackouts.service import BlackoutService
from handbell.staff.service import StaffService
from handbell.templates.approvals.service import ApprovalService
from handbell.templates.prices.service import PriceService
from handbell.templates.service import TemplateService
from handbell.webhooks.dead import DeadWebhookService
from handbell.webhooks.service import WebhookHandler


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
    provider_accounts: AccountService
    audit: AuditService
    organizations: OrganizationService
    patients: PatientService
    contexts: PatientContextService
    consent: ConsentService
    consent_proofs: ConsentProofService
    consents: PatientConsentService
    privacy: PrivacyService
    organization_settings: SettingsService
    provider_settings: ProviderSettingsService
    restrictions: RestrictionService
    relations: RelationService
    preference_levels: LevelService
    templates: TemplateService
    approvals: ApprovalService
    prices: PriceService
    previews: PreviewService
    staff: StaffService
    blackouts: BlackoutService
    messages: MessageService
    replanner: Replanner
    forecasts: ForecastService
    delivery: DeliveryService
    pauses: PauseService
    breakers: BreakerService
    metrics: MetricsService
    dead_letters: DeadLetterService
    unknowns: UnknownService
    actions: ActionService
    holds: HoldService
    inbox: InboxService
    bell: Bell
    webhooks: WebhookHandler
    dead_webhooks: DeadWebhookService
    events: EventService
    handlers: Mapping[str, Handler]
    """What is done with each topic of the outbox."""

    async def first_key(self, organization_name: str, **more: str) -> str:
        """Make the first organisation and give a key of role admin for it."""
        now = await self.clock.now()
        created = await self.organizations.create(name=organization_name, now=now, **more)
        key = await self.access.create_api_key(
            created.id, name="first administrator", role=Role.ADMIN, now=now
        )
        return key.key

    async def write_accounts(self) -> None:
        """Write the environment's provider accounts as rows, once there is whom to give them."""
        await accounts.write_rows(self.db, self.settings, now=await self.clock.now())

    async def close(self) -> None:
        await self.metrics.close()
        await self.bell.close()
        await self.clock.close()
        await self.db.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRuntime:
    """What a worker's jobs need, with the connections to the providers."""

    db: Database
    clock: Clock
    delivery: DeliveryService
    senders: accounts.SenderBook
    handlers: Mapping[str, Handler]
    transport: AiohttpTransport
    pacing: Pacing | None
    meter: Meter | None

    async def close(self) -> None:
        """Close the connections, in the event loop that opened them."""
        await self.transport.close()
        if self.pacing is not None:
            await self.pacing.close()
        if self.meter is not None:
            await self.meter.close()
        await self.clock.close()
        await self.db.close()


async def open_worker_runtime(settings: Settings) -> WorkerRuntime:
    """Assemble the product inside the event loop that sends."""
    runtime = open_runtime(settings)
    await runtime.write_accounts()
    transport = AiohttpTransport()
    senders = accounts.SenderBook(runtime.db.direct, runtime.keys, settings, transport)
    lookups = accounts.LookupBook(senders, settings, transport)
    unknowns = UnknownService(runtime.db, runtime.messages, lookups)
    pacing = _open_pacing(settings, runtime)
    if pacing is not None:
        runtime.delivery.pace_with(pacing)
    meter = None
    if pacing is not None:
        meter = open_meter(settings.redis_url)
        runtime.delivery.count_with(meter)
    return WorkerRuntime(
        db=runtime.db,
        clock=runtime.clock,
        delivery=runtime.delivery,
        senders=senders,
        handlers={**runtime.handlers, SETTLE_TOPIC: one_by_one(unknowns.settle)},
        transport=transport,
        pacing=pacing,
        meter=meter,
    )


def open_meter(redis_url: str) -> Meter:
    """What counts the work of all processes."""
    return Meter(open_valkey(redis_url))


def _open_pacing(settings: Settings, runtime: Runtime) -> Pacing | None:
    """Limits and breakers. Stepped time has none: they go by the real clock."""
    if settings.clock == "simulated" or not settings.redis_url:
        return None
    return Pacing(
        runtime.db.direct,
        open_valkey(settings.redis_url),
        runtime.clock,
        pretended=accounts.pretended_providers(settings),
    )


COLLECTED_AFTER: Final = (20_000, 50, 100)
"""How many new objects make Python look for unreachable cycles. Nearly all of ours go when they
are last used; looking every 700, as is usual, took 9 % of the time of applying an event."""


def open_runtime(settings: Settings) -> Runtime:
    """Assemble the product of one process. Raises `SettingMissing`."""
    gc.set_threshold(*COLLECTED_AFTER)
    urls = database_urls(settings)
    db = Database.open(urls)
    keys = KeyRing(
        encryption_key=settings.encryption_key.get_secret_value(),
        lookup_key=settings.lookup_key.get_secret_value(),
        link_keys=settings.link_key_list(),
    )
    clock: Clock = SimClock(urls.app) if settings.clock == "simulated" else SystemClock()
    audit = AuditService(db, keys)
    audit.add_source(AttemptSource(audit))
    audit.add_source(WitnessSource(audit))
    patients = PatientService(db, keys, InferredWhereabouts())
    messages = MessageService(db, keys, audit, public_url=settings.public_url)
    replanner = Replanner(messages)
    delivery = DeliveryService(db, messages, clock)
    dead_letters = DeadLetterService(db, messages)
    breakers = BreakerService(AccountService(db, keys, audit), settings.redis_url)
    actions = ActionService(db, keys, audit, messages, delivery)
    holds = HoldService(db, audit, delivery)
    approvals = ApprovalService(db, audit)
    templates = TemplateService(db, audit)
    inbound = InboundService(keys, audit, messages, actions)
    inbound.tell(InboxListener(messages))
    webhooks = WebhookHandler(
        db,
        keys,
        accounts.SecretBook(db.direct, keys, settings),
        delivery=delivery,
        inbound=inbound,
        approvals=approvals,
    )
    return Runtime(
        settings=settings,
        db=db,
        keys=keys,
        clock=clock,
        access=AccessService(db, keys, _token_rules(settings)),
        provider_accounts=AccountService(db, keys, audit),
        audit=audit,
        organizations=OrganizationService(db),
        patients=patients,
        contexts=PatientContextService(db, keys, patients, audit),
        consent=ConsentService(db, keys),
        consent_proofs=ConsentProofService(db, keys, audit),
        consents=PatientConsentService(db, keys, audit, delivery),
        privacy=PrivacyService(db, keys, delivery),
        organization_settings=SettingsService(db, audit),
        templates=templates,
        approvals=approvals,
        prices=PriceService(db, audit),
        previews=PreviewService(db, keys, audit, templates, public_url=settings.public_url),
        provider_settings=ProviderSettingsService(db, audit),
        restrictions=RestrictionService(db, keys, audit),
        relations=RelationService(db, keys, patients, audit),
        preference_levels=LevelService(db, audit),
        staff=StaffService(db, keys, audit),
        blackouts=BlackoutService(db, audit),
        messages=messages,
        replanner=replanner,
        forecasts=ForecastService(db),
        delivery=delivery,
        pauses=PauseService(db, audit, clock),
        breakers=breakers,
        metrics=MetricsService(
            db, breakers, open_meter(settings.redis_url) if settings.redis_url else None
        ),
        dead_letters=dead_letters,
        unknowns=UnknownService(db, messages),
        actions=actions,
        holds=holds,
        inbox=InboxService(db, keys, audit, messages),
        bell=Bell(urls.app),
        webhooks=webhooks,
        dead_webhooks=DeadWebhookService(db, audit),
        events=EventService(db, patients, audit),
        handlers={
            replanning.TOPIC: one_by_one(replanner.replan),
            "reminders.plan": one_by_one(ReminderService(db, messages).plan),
            "webhooks.apply": webhooks.apply_many,
            END_HOLD_TOPIC: one_by_one(holds.end),
            FALL_BACK_TOPIC: one_by_one(dead_letters.fall_back),
        },
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
