"""What a run leaves behind for the checker: the sandbox's records and the product's jobs."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from handbell.demo.script import Script
from handbell.platform.vocabulary import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message that a provider took; `order` counts them from 0.

    `token` None: the provider's own answer to a STOP.
    """

    order: int
    at: datetime
    channel: Channel
    to: str
    body: str
    subject: str
    token: str | None
    provider_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A patient's message. The numbers count the messages received when it was sent to the
    product, and when the product had answered the webhook."""

    at: datetime
    channel: Channel
    sender: str
    body: str
    messages_when_sent: int
    messages_when_answered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What the product says became of a message, as `/comm/jobs` shows it. `visits` are those
    that it tells of, by id and version."""

    id: int
    patient_id: int
    purpose: str
    channel: Channel
    lifecycle: str
    progress: str | None
    reasons: tuple[str, ...]
    reminder_offset: int | None
    provider_message_id: str | None
    visits: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A run. `patients` and `visits` turn the product's ids into the script's."""

    script: Script
    patients: Mapping[int, str]
    visits: Mapping[int, str]
    messages: tuple[Message, ...]
    replies: tuple[Reply, ...]
    jobs: tuple[Job, ...]


def read_messages(lines: str) -> tuple[Message, ...]:
    """The sandbox's `/_sandbox/messages`, which lists them in the order of their receipt."""
    return tuple(
        Message(
            order=order,
            at=datetime.fromisoformat(row["at"]),
            channel=Channel(row["channel"]),
            to=row["to"],
            body=row["body"],
            subject=row.get("subject") or "",
            token=row["token"],
            provider_id=row["provider_id"],
        )
        for order, row in enumerate(_rows(lines))
    )


def read_replies(lines: str) -> tuple[Reply, ...]:
    """The sandbox's `/_sandbox/replies`."""
    return tuple(
        Reply(
            at=datetime.fromisoformat(row["at"]),
            channel=Channel(row["channel"]),
            sender=row["from"],
            body=row["body"],
            messages_when_sent=row["messages_when_sent"],
            messages_when_answered=row["messages_when_answered"],
        )
        for row in _rows(lines)
    )


def read_jobs(rows: Iterable[Mapping[str, Any]]) -> tuple[Job, ...]:
    """The product's `/comm/jobs`."""
    return tuple(
        Job(
            id=int(row["id"]),
            patient_id=int(row["patient_id"]),
            purpose=row["purpose"],
            channel=Channel(row["channel"]),
            lifecycle=row["lifecycle"],
            progress=row["progress"],
            reasons=tuple(row["reasons"]),
            reminder_offset=row["reminder_offset"],
            provider_message_id=row["provider_message_id"],
            visits=tuple(
                (one["appointment_id"], one["appointment_version"]) for one in row["visits"]
            ),
        )
        for row in rows
    )


def _rows(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]
