"""The environment's provider accounts: as rows, as senders, as what webhooks are signed with."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import text

from handbell.access.types import FIRST_ORGANIZATION
from handbell.channels.credentials import (
    Credentials,
    SendGridCredentials,
    TwilioCredentials,
    WhatsAppCredentials,
)
from handbell.channels.providers.sendgrid.lookup import SendGridLookup
from handbell.channels.providers.sendgrid.sender import SendGridAccount, SendGridSender
from handbell.channels.providers.twilio.lookup import TwilioLookup
from handbell.channels.providers.twilio.sender import TwilioAccount, TwilioSender
from handbell.channels.providers.whatsapp.sender import WhatsAppAccount, WhatsAppSender
from handbell.channels.service import (
    EnvironmentAccount,
    Opened,
    accounts_named,
    accounts_of,
    ensure_accounts,
)
from handbell.channels.types import Baa, Lookup, NewLine, Provider, Sender
from handbell.delivery.types import Senders
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.direct import Direct
from handbell.platform.settings import Settings
from handbell.platform.transport import AiohttpTransport, Transport
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
            lines=_lines(
                settings.twilio_from or settings.twilio_messaging_service_sid,
                tier=settings.twilio_tier,
            ),
        )
    if settings.sendgrid_api_key.get_secret_value():
        yield EnvironmentAccount(
            provider=Provider.SENDGRID,
            reference=settings.sendgrid_from_email,
            baa=Baa(settings.sendgrid_baa),
            lines=_lines(settings.sendgrid_from_email, tier=settings.sendgrid_tier),
        )
    if settings.whatsapp_access_token.get_secret_value():
        yield EnvironmentAccount(
            provider=Provider.WHATSAPP,
            reference=settings.whatsapp_phone_number_id,
            baa=Baa(settings.whatsapp_baa),
            lines=_lines(
                settings.whatsapp_number or settings.whatsapp_phone_number_id,
                reference=settings.whatsapp_phone_number_id,
                tier=settings.whatsapp_tier,
            ),
        )


def _lines(address: str, *, reference: str | None = None, tier: str) -> tuple[NewLine, ...]:
    if not address:
        return ()
    return (NewLine(address=address, reference=reference, tier=tier or None),)


def pretended_providers(settings: Settings) -> frozenset[Provider]:
    """Those whose address is not their own: the sandbox, a proxy, a stub."""
    fields = type(settings).model_fields
    return frozenset(
        provider
        for provider in Provider
        if getattr(settings, f"{provider}_base_url") != fields[f"{provider}_base_url"].default
    )


class SenderBook:
    """The senders of each organisation: its own accounts, and the environment's lent to it."""

    def __init__(
        self, direct: Direct, keys: KeyRing, settings: Settings, transport: Transport
    ) -> None:
        self._direct = direct
        self._keys = keys
        self._settings = settings
        self._transport = transport

    async def of(self, organization_id: OrganizationId) -> Senders:
        """A sender for each account, by the account's id."""
        found = await accounts_of(self._direct, self._keys, organization_id)
        return {
            account.id: sender
            for account in found
            if (sender := self._sender(account, organization_id)) is not None
        }

    def _sender(self, account: Opened, organization_id: OrganizationId) -> Sender | None:
        credentials = account.credentials
        if credentials is None:
            is_own = organization_id == FIRST_ORGANIZATION
            credentials = of_environment(self._settings, account.provider, is_own=is_own)
        match credentials:
            case TwilioCredentials():
                return self._twilio(account.reference, credentials)
            case SendGridCredentials():
                return self._sendgrid(credentials)
            case WhatsAppCredentials():
                return self._whatsapp(credentials)
            case None:
                return None

    def _twilio(self, account_sid: str, credentials: TwilioCredentials) -> Sender:
        account = TwilioAccount(
            base_url=self._settings.twilio_base_url,
            account_sid=account_sid,
            auth_token=credentials.auth_token,
            public_url=self._settings.public_url,
            messaging_service_sid=credentials.messaging_service_sid,
        )
        return TwilioSender(transport=self._transport, account=account)

    def _sendgrid(self, credentials: SendGridCredentials) -> Sender:
        account = SendGridAccount(
            base_url=self._settings.sendgrid_base_url,
            api_key=credentials.api_key,
            from_name=credentials.from_name,
            reply_to=credentials.reply_to,
        )
        return SendGridSender(transport=self._transport, account=account)

    def _whatsapp(self, credentials: WhatsAppCredentials) -> Sender:
        account = WhatsAppAccount(
            base_url=self._settings.whatsapp_base_url, access_token=credentials.access_token
        )
        return WhatsAppSender(transport=self._transport, account=account)


class LookupBook:
    """What can be asked of lost answers: Twilio's list, and SendGrid's logs where the accounts
    have them. WhatsApp has no list."""

    def __init__(
        self, senders: SenderBook, settings: Settings, transport: AiohttpTransport
    ) -> None:
        self._senders = senders
        self._settings = settings
        self._transport = transport

    async def of(self, organization_id: OrganizationId) -> dict[int, Lookup]:
        """A look-up for each account that can be asked, by the account's id."""
        senders = await self._senders.of(organization_id)
        return {
            account_id: lookup
            for account_id, sender in senders.items()
            if (lookup := self._lookup(sender)) is not None
        }

    def _lookup(self, sender: Sender) -> Lookup | None:
        match sender:
            case TwilioSender(account=account):
                return TwilioLookup(transport=self._transport, account=account)
            case SendGridSender(account=mailer) if self._settings.sendgrid_email_logs:
                return SendGridLookup(transport=self._transport, account=mailer)
            case _:
                return None


def of_environment(settings: Settings, provider: Provider, *, is_own: bool) -> Credentials | None:
    """The environment's credentials. Its messaging service and name are the first
    organisation's own: another would be sending from its numbers."""
    match provider:
        case Provider.TWILIO if settings.twilio_account_sid:
            return TwilioCredentials(
                auth_token=settings.twilio_auth_token.get_secret_value(),
                messaging_service_sid=settings.twilio_messaging_service_sid or None
                if is_own
                else None,
            )
        case Provider.SENDGRID if settings.sendgrid_api_key.get_secret_value():
            return SendGridCredentials(
                api_key=settings.sendgrid_api_key.get_secret_value(),
                from_name=settings.sendgrid_from_name if is_own else "",
                reply_to=settings.sendgrid_reply_to if is_own else "",
            )
        case Provider.WHATSAPP if settings.whatsapp_access_token.get_secret_value():
            return WhatsAppCredentials(
                access_token=settings.whatsapp_access_token.get_secret_value()
            )
        case _:
            return None


class SecretBook:
    """What webhooks are signed with: the environment's secrets, and those of further accounts."""

    def __init__(self, direct: Direct, keys: KeyRing, settings: Settings) -> None:
        self._direct = direct
        self._keys = keys
        self.environment = Secrets(
            public_url=settings.public_url,
            twilio_auth_token=settings.twilio_auth_token.get_secret_value(),
            sendgrid_public_key=settings.sendgrid_webhook_public_key,
            whatsapp_app_secret=settings.whatsapp_app_secret.get_secret_value(),
            whatsapp_verify_token=settings.whatsapp_verify_token.get_secret_value(),
            twilio_shared_key=settings.twilio_shared_key.get_secret_value(),
            relay_secret=settings.webhook_secret.get_secret_value(),
        )

    async def named(
        self, provider: Provider, reference: str
    ) -> list[tuple[OrganizationId, Secrets]]:
        """The secrets of the accounts that go by this name at the provider, and whose they
        are."""
        found = await accounts_named(self._direct, self._keys, provider, reference)
        return [
            (one.organization_id, self._secrets(one.credentials))
            for one in found
            if one.credentials is not None
        ]

    def _secrets(self, credentials: Credentials) -> Secrets:
        match credentials:
            case TwilioCredentials(auth_token=token):
                return replace(self.environment, twilio_auth_token=token, twilio_shared_key="")
            case SendGridCredentials(webhook_public_key=key):
                return replace(self.environment, sendgrid_public_key=key)
            case WhatsAppCredentials(app_secret=secret):
                return replace(self.environment, whatsapp_app_secret=secret)
