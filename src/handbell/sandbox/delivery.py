"""Delivers what is due: signed webhooks, in key order, and waits for their answers."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from urllib.parse import urlencode

import aiohttp
from cryptography.hazmat.primitives.asymmetric import ec

from handbell.sandbox import signing
from handbell.sandbox.inbound import receive
from handbell.sandbox.types import (
    Action,
    FormPost,
    MailEvent,
    Reply,
    WhatsAppChange,
    Written,
)
from handbell.sandbox.world import World

_FORM: Final = "application/x-www-form-urlencoded"
_ANY_2XX: Final = range(200, 300)
_TRIES: Final = 4
_PAUSE_SECONDS: Final = 0.2
_AT_ONCE: Final = 8
_BATCH: Final = 200
_POLL_SECONDS: Final = 0.05
_PATIENCE: Final = tuple(timedelta(seconds=seconds) for seconds in (2, 4, 8, 16, 32, 64))


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Carries the sandbox's actions to the product's webhooks over HTTP."""

    world: World
    session: aiohttp.ClientSession
    key: ec.EllipticCurvePrivateKey

    async def release(self, *, until: datetime) -> int:
        """Deliver everything due up to `until`; say how many actions there were.

        What falls due meanwhile is delivered too. Instants follow each other; within one,
        each address's actions keep their order and several addresses travel at once.
        """
        count = 0
        while due := self.world.take_due(until=until):
            for _, group in groupby(due, key=lambda action: action.at):
                count += await self._release_instant(list(group))
        return count

    async def release_forever(self) -> None:
        """Real time: release actions as they fall due, all that are due at once."""
        while True:
            if due := self.world.take_due(until=await self.world.clock.now()):
                await self._release_instant(due)
            await asyncio.sleep(_POLL_SECONDS)

    async def _release_instant(self, actions: list[Action]) -> int:
        mails = [one for one in actions if isinstance(one.deed, MailEvent)]
        for start in range(0, len(mails), _BATCH):
            await self._do_mails(mails[start : start + _BATCH])
        lines: dict[str, list[Action]] = {}
        for action in actions:
            lines.setdefault(action.address, []).append(action)
        gate = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for line in lines.values():
                group.create_task(self._release_line(line, gate))
        return len(actions)

    async def _release_line(self, actions: list[Action], gate: asyncio.Semaphore) -> None:
        async with gate:
            for action in actions:
                await self._do(action)

    async def _do_mails(self, actions: list[Action]) -> None:
        events = [one.deed.event for one in actions if isinstance(one.deed, MailEvent)]
        is_taken = await self._post_mail_events(events)
        for action in actions:
            await self._note(action, is_taken=is_taken)

    async def _do(self, action: Action) -> None:
        match action.deed:
            case FormPost() as post:
                await self._note(action, is_taken=await self._post_form(post))
            case WhatsAppChange() as change:
                await self._note(action, is_taken=await self._post_change(change))
            case Reply() as reply if reply.sender not in self.world.silent:
                await self.reply(reply, now=action.at)
            case _:
                """Mail events travel in batches; who has said STOP writes no more."""

    async def _note(self, action: Action, *, is_taken: bool) -> None:
        """Count what was accepted. SendGrid and Meta go on trying for a day and longer, which
        is a few minutes here; Twilio gives up. In stepped time nothing is put off."""
        if is_taken:
            self.world.told[action.about or ""] += 1
            return
        gives_up = isinstance(action.deed, FormPost) or action.tries >= len(_PATIENCE)
        if not (gives_up or self.world.simulated):
            at = await self.world.clock.now() + _PATIENCE[action.tries]
            self.world.plan(replace(action, at=at, tries=action.tries + 1))

    async def reply(self, reply: Reply, *, now: datetime) -> bool:
        """Let a patient write; say whether the webhook was answered well."""
        before = len(self.world.received)
        is_taken = await self._carry(receive(self.world, reply, now=now))
        written = Written(
            at=now,
            answered_at=await self.world.clock.now(),
            is_taken=is_taken,
            reply=reply,
            messages_when_sent=before,
            messages_when_answered=len(self.world.received),
        )
        self.world.written.append(written)
        return is_taken

    async def _carry(self, webhook: FormPost | WhatsAppChange | None) -> bool:
        match webhook:
            case FormPost():
                return await self._post_form(webhook)
            case WhatsAppChange():
                return await self._post_change(webhook)
            case None:
                return True

    async def _post_form(self, post: FormPost) -> bool:
        token = self.world.config.twilio_auth_token
        signature = signing.twilio_signature(token, post.url, post.fields)
        headers = {"X-Twilio-Signature": signature, "Content-Type": _FORM}
        return await self._post(post.url, urlencode(post.fields).encode(), headers)

    async def _post_change(self, change: WhatsAppChange) -> bool:
        change_row = {"field": "messages", "value": change.value}
        entry = {"id": self.world.config.whatsapp_business_id, "changes": [change_row]}
        envelope = {"object": "whatsapp_business_account", "entry": [entry]}
        body = json.dumps(envelope, separators=(",", ":")).encode()
        signature = signing.whatsapp_signature(self.world.config.whatsapp_app_secret, body)
        headers = {"X-Hub-Signature-256": signature, "Content-Type": "application/json"}
        url = f"{self.world.config.public_url}/webhooks/whatsapp"
        return await self._post(url, body, headers, accepted=range(200, 201))

    async def _post_mail_events(self, events: list[Mapping[str, object]]) -> bool:
        """One batch; as SendGrid writes it, the signed body ends in CRLF."""
        rows = ",\r\n".join(json.dumps(event, separators=(",", ":")) for event in events)
        body = f"[{rows}]\r\n".encode()
        timestamp = str(int((await self.world.clock.now()).timestamp()))
        prefix = "X-Twilio-Email-Event-Webhook"
        headers = {
            f"{prefix}-Signature": signing.sendgrid_signature(self.key, timestamp, body),
            f"{prefix}-Timestamp": timestamp,
            "Content-Type": "application/json",
        }
        url = f"{self.world.config.public_url}/webhooks/sendgrid/events"
        return await self._post(url, body, headers)

    async def _post(
        self, url: str, body: bytes, headers: Mapping[str, str], accepted: range = _ANY_2XX
    ) -> bool:
        """Try a few times; say whether an answer was accepted. Meta takes only 200."""
        for attempt in range(_TRIES):
            if attempt:
                self.world.counts["webhooks_retried"] += 1
                await asyncio.sleep(_PAUSE_SECONDS * 2 ** (attempt - 1))
            if await self._post_once(url, body, headers, accepted):
                self.world.counts["webhooks_delivered"] += 1
                return True
        self.world.counts["webhooks_failed"] += 1
        return False

    async def _post_once(
        self, url: str, body: bytes, headers: Mapping[str, str], accepted: range
    ) -> bool:
        try:
            async with self.session.post(url, data=body, headers=dict(headers)) as answer:
                await answer.read()
                return answer.status in accepted
        except (aiohttp.ClientError, TimeoutError):
            return False
