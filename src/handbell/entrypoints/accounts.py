"""The environment's provider accounts: as rows, as senders, as what webhooks are signed with."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import text

from handbell.access.types import FIRST_ORGANIZATION
from handbell.channels.providers.sendgrid.sender import SendGridAccount, SendGridSender
from handbell.channels.providers.twilio.sender import TwilioAccount, TwilioSender
from handbell.channels.providers.whatsapp.sender import WhatsAppAccount, WhatsAppSender
from handbell.channels.service import EnvironmentAccount, ensure_accounts
from handbell.channels.types import Baa, Provider, Sender
from handbell.platform.db import Database
from handbell.platform.settings import Settings
from handbell.platform.transport import Transport
from handbell.platform.vocabulary import Channel
from handbell.webhooks.types import Secrets


async def write_rows(db: Database, settings: Settings, *, now: datetime) -> None:
    """Make the accounts the first organisation's, once it exists. Safe to repeat.

    A process whose environment names no provider knows nothing of them and leaves the rows.
    """
    named = tuple(_accounts(settings))
    first = text("SELECT id FROM organizations WHERE id = :id")
    async with db.engine_transaction() as tx:
        found = (await tx.execute(first, {"id": FIRST_ORGANIZATION})).scalar_one_or_none()
        if found is not None and named:
            await ensure_accounts(tx, FIRST_ORGANIZATION, named, now=now)


def _accounts(settings: Settings) -> Iterator[EnvironmentAccount]:
    if settings.twilio_account_sid:
        yield EnvironmentAccount(
            provider=Provider.TWILIO,
            reference=settings.twilio_account_sid,
            baa=Baa(settings.twilio_baa),
            lines=_given(settings.twilio_from),
        )
    if settings.sendgrid_api_key.get_secret_value():
        yield EnvironmentAccount(
            provider=Provider.SENDGRID,
            reference=settings.sendgrid_from_email,
            baa=Baa(settings.sendgrid_baa),
            lines=_given(settings.sendgrid_from_email),
        )
    if settings.whatsapp_access_token.get_secret_value():
        yield EnvironmentAccount(
            provider=Provider.WHATSAPP,
            reference=settings.whatsapp_phone_number_id,
            baa=Baa(settings.whatsapp_baa),
            lines=_given(settings.whatsapp_number),
        )


def _given(*values: str) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def senders(settings: Settings, transport: Transport) -> dict[Channel, Sender]:
    """A sender for each channel that the environment has an account for."""
    found: dict[Channel, Sender] = {}
    if settings.twilio_account_sid:
        found[Channel.SMS] = TwilioSender(
            transport=transport,
            account=TwilioAccount(
                base_url=settings.twilio_base_url,
                account_sid=settings.twilio_account_sid,
                auth_token=settings.twilio_auth_token.get_secret_value(),
                public_url=settings.public_url,
                messaging_service_sid=settings.twilio_messaging_service_sid or None,
                from_number=settings.twilio_from or None,
            ),
        )
    if settings.sendgrid_api_key.get_secret_value():
        found[Channel.EMAIL] = SendGridSender(
            transport=transport,
            account=SendGridAccount(
                base_url=settings.sendgrid_base_url,
                api_key=settings.sendgrid_api_key.get_secret_value(),
                from_email=settings.sendgrid_from_email,
                from_name=settings.sendgrid_from_name,
            ),
        )
    if settings.whatsapp_access_token.get_secret_value():
        found[Channel.WHATSAPP] = WhatsAppSender(
            transport=transport,
            account=WhatsAppAccount(
                base_url=settings.whatsapp_base_url,
                phone_number_id=settings.whatsapp_phone_number_id,
                access_token=settings.whatsapp_access_token.get_secret_value(),
            ),
        )
    return found


def secrets(settings: Settings) -> Secrets:
    """What the accounts sign their webhooks with."""
    return Secrets(
        public_url=settings.public_url,
        twilio_auth_token=settings.twilio_auth_token.get_secret_value(),
        sendgrid_public_key=settings.sendgrid_webhook_public_key,
        whatsapp_app_secret=settings.whatsapp_app_secret.get_secret_value(),
        whatsapp_verify_token=settings.whatsapp_verify_token.get_secret_value(),
    )
