"""The sandbox's memory: what was received, what providers block, and what happens next."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from handbell.platform.clock import Clock
from handbell.platform.vocabulary import Channel
from handbell.sandbox import patients
from handbell.sandbox.faults import Fault
from handbell.sandbox.record import Record
from handbell.sandbox.types import (
    PROVIDER_OF_CHANNEL,
    Action,
    BlockedSend,
    Deed,
    Received,
    Reply,
    SandboxConfig,
    Written,
)


@dataclass(slots=True, kw_only=True)
class World:
    """All that the sandbox knows. One event loop owns it; nothing here awaits mid-change."""

    config: SandboxConfig
    clock: Clock
    simulated: bool
    received: list[Received] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)
    texts: dict[str, dict[str, object]] = field(default_factory=dict)
    taken_at: dict[str, datetime] = field(default_factory=dict)
    blocked: set[tuple[str, str]] = field(default_factory=set)
    suppressed: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    answered: set[tuple[str, str]] = field(default_factory=set)
    window_until: dict[str, datetime] = field(default_factory=dict)
    templates: dict[tuple[str, str], str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    """Further numbers of the accounts, by what a client sends from: the number itself, or a
    WhatsApp phone number id."""
    faults: dict[str, Fault] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    """Accepted callbacks by the token of the message."""
    blocked_sends: list[BlockedSend] = field(default_factory=list)
    record: Record | None = None
    heap: list[tuple[datetime, str, int, Action]] = field(default_factory=list)
    _number: int = 0

    def clear(self) -> None:
        """Forget everything but the templates and numbers, which are the accounts' own."""
        for kept in (self.texts, self.window_until, self.faults, self.counts, self.told):
            kept.clear()
        for kept_set in (self.blocked, self.suppressed, self.silent, self.answered):
            kept_set.clear()
        self.blocked_sends.clear()
        self.received.clear()
        self.written.clear()
        self.heap.clear()

    def phone_id(self, number: str) -> str:
        """The phone number id of a WhatsApp number of the account."""
        others = (one for one, shown in self.numbers.items() if shown == number != one)
        return next(others, self.config.whatsapp_phone_number_id)

    def plan(self, action: Action) -> None:
        self._number += 1
        heapq.heappush(self.heap, (action.at, action.key, self._number, action))

    def plan_callbacks(self, message: Received, deeds: tuple[Deed, ...]) -> None:
        """Status callbacks: at the send's own instant, or in real time 200 ms apart."""
        step = timedelta(0) if self.simulated else timedelta(milliseconds=200)
        base = f"1:{message.to}:{patients.body_key(message.body)}"
        fault = self.faults.get(PROVIDER_OF_CHANNEL[message.channel], Fault())
        for number, deed in enumerate(deeds, start=1):
            for delay in fault.callback_delays():
                self.plan(
                    Action(
                        at=message.at + step * number + delay,
                        key=f"{base}:{number:02d}",
                        address=message.to,
                        deed=deed,
                        about=message.token,
                    )
                )

    def keep(self, message: Received) -> None:
        """Keep a message that reaches its patient, who may answer it later.

        Nobody answers the same text twice: a repeated answer to a repeated question would have
        no end.
        """
        self.receive(message)
        if not self.config.patients or message.channel is Channel.EMAIL:
            return
        seed = self.config.seed
        text = patients.answer(seed, message.to, message.body)
        question = (message.to, patients.body_key(message.body))
        if text is None or message.to in self.silent or question in self.answered:
            return
        self.answered.add(question)
        at = patients.answers_at(
            seed, message.to, message.body, now=message.at, simulated=self.simulated
        )
        reply = Reply(
            channel=message.channel,
            sender=message.to,
            to=message.sender,
            body=text,
            context=message.provider_id,
        )
        key = f"2:{message.to}:{patients.body_key(message.body)}"
        self.plan(Action(at=at, key=key, address=message.to, deed=reply))

    def receive(self, message: Received) -> None:
        """Put a message into the record, where a file is kept too."""
        self.received.append(message)
        if self.record is not None:
            self.record.add(message)

    def take_due(self, *, until: datetime) -> list[Action]:
        due: list[Action] = []
        while self.heap and self.heap[0][0] <= until:
            due.append(heapq.heappop(self.heap)[3])
        return due
