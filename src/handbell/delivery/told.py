"""Stops that a provider keeps in its own list and tells us of, as decisions for the ledger."""

from datetime import datetime
from typing import Final

from handbell.channels.types import CHANNEL_OF_PROVIDER, EventKind, Provider, StatusEvent
from handbell.consent.types import Decision, Kind, Method
from handbell.platform.vocabulary import Channel, MessageClass

_MARKETING_ALONE: Final = frozenset({Provider.WHATSAPP})
"""There a patient stops promotions and nothing else: 131050, and the preference in the
application. A STOP in words comes as a message of theirs and ends everything."""

_PROVIDERS: Final = {channel: provider for provider, channel in CHANNEL_OF_PROVIDER.items()}


def told_by_answer(channel: Channel, code: str, *, at: datetime) -> Decision:
    """A request was refused because the patient is on the provider's list (21610, 131050)."""
    return _decision(_PROVIDERS[channel], Method.PROVIDER_BLOCK, code, at=at)


def told_by_event(event: StatusEvent, *, now: datetime) -> Decision:
    """A callback said so. It counts from when it happened, so that a repetition adds nothing."""
    happened_at = event.occurred_at or now
    return _decision(
        event.provider, _method_of(event.kind), event.code or event.kind, at=min(happened_at, now)
    )


def _method_of(kind: EventKind) -> Method:
    match kind:
        case EventKind.COMPLAINED:
            return Method.COMPLAINT
        case EventKind.UNSUBSCRIBED:
            return Method.UNSUBSCRIBE_LINK
        case _:
            return Method.PROVIDER_BLOCK


def _decision(provider: Provider, method: Method, code: str, *, at: datetime) -> Decision:
    return Decision(
        kind=Kind.REVOKE,
        message_class=MessageClass.MARKETING if provider in _MARKETING_ALONE else None,
        method=method,
        source=f"provider:{provider}",
        actor="patient",
        at=at,
        evidence=code,
    )
