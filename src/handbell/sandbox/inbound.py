"""A patient writes: what the provider makes of it, and the webhook that reports it."""

import secrets
from datetime import datetime, timedelta
from typing import Final

from handbell.platform.vocabulary import Channel
from handbell.sandbox.types import FormPost, Received, Reply, WhatsAppChange
from handbell.sandbox.whatsapp import metadata
from handbell.sandbox.world import World

STOP: Final = frozenset(
    ("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT")
)
START: Final = frozenset(("START", "YES", "UNSTOP"))
HELP: Final = frozenset(("HELP", "INFO"))
_WINDOW: Final = timedelta(hours=24)
_PLACES: Final = ("City", "State", "Zip", "Country")


def receive(world: World, reply: Reply, *, now: datetime) -> FormPost | WhatsAppChange | None:
    """Apply the provider's own rules to a patient's message and build its webhook.

    None for e-mail, where "STOP" is SendGrid's unsubscribe and no text is reported.
    """
    word = reply.body.strip().upper()
    if word in STOP:
        world.silent.add(reply.sender)
    match reply.channel:
        case Channel.SMS:
            return _twilio(world, reply, word, now=now)
        case Channel.WHATSAPP:
            world.window_until[reply.sender] = now + _WINDOW
            return _whatsapp(world, reply, now=now)
        case Channel.EMAIL:
            if word in STOP:
                world.suppressed.add(reply.sender.lower())
            return None


def _twilio(world: World, reply: Reply, word: str, *, now: datetime) -> FormPost:
    service = world.config.twilio_messaging_service_sid
    pairs = {(line, reply.sender) for line in (reply.to, service) if line}
    kind = _opt_out_type(word)
    if kind == "STOP":
        world.blocked |= pairs
    elif kind == "START":
        world.blocked -= pairs
    if kind == "STOP" and world.config.twilio_auto_reply:
        _reply_automatically(world, reply, now=now)
    sid = "SM" + secrets.token_hex(16)
    fields = {
        "MessageSid": sid,
        "SmsSid": sid,
        "SmsMessageSid": sid,
        "AccountSid": world.config.twilio_account_sid,
        "From": reply.sender,
        "To": reply.to,
        "Body": reply.body,
        "NumSegments": "1",
        "NumMedia": "0",
        "SmsStatus": "received",
        "ApiVersion": "2010-04-01",
    }
    fields |= {f"{end}{place}": "" for end in ("From", "To") for place in _PLACES}
    if service:
        fields["MessagingServiceSid"] = service
    if service and kind:
        fields["OptOutType"] = kind
    return FormPost(url=f"{world.config.public_url}/webhooks/twilio/inbound", fields=fields)


def _opt_out_type(word: str) -> str | None:
    kinds = (("STOP", STOP), ("START", START), ("HELP", HELP))
    return next((kind for kind, words in kinds if word in words), None)


def _reply_automatically(world: World, reply: Reply, *, now: datetime) -> None:
    """Twilio's own acknowledgement: it carries no token and no callback follows."""
    world.receive(
        Received(
            at=now,
            channel=Channel.SMS,
            to=reply.sender,
            body="You have successfully been unsubscribed. Reply START to resubscribe.",
            token=None,
            provider_id="SM" + secrets.token_hex(16),
            sender=reply.to,
        )
    )


def _whatsapp(world: World, reply: Reply, *, now: datetime) -> WhatsAppChange:
    wa_id = reply.sender.lstrip("+")
    message: dict[str, object] = {
        "from": wa_id,
        "id": "wamid." + secrets.token_urlsafe(24),
        "timestamp": str(int(now.timestamp())),
        "type": "text",
        "text": {"body": reply.body},
    }
    if reply.context:
        message["context"] = {"from": reply.to.lstrip("+"), "id": reply.context}
    contact = {"profile": {"name": "Sandbox"}, "wa_id": wa_id}
    value = metadata(world, reply.to) | {"contacts": [contact], "messages": [message]}
    return WhatsAppChange(value=value)
