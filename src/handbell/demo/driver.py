"""Plays a script against the running product: steps its clock from one event to the next.

At an instant what is due is sent first, then the script's events are told and followed, then
the sandbox's patients act, until nothing is left to do; only then does time go on. So it is never
left to chance whether a reminder leaves before its visit is moved at the same instant.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from handbell.demo.clients import Idle, Product, Sandbox, SteppedClock
from handbell.demo.errors import NeverQuiet, StillBusy
from handbell.demo.recording import Recording, read_jobs, read_messages, read_replies
from handbell.demo.script import Script, Statement
from handbell.demo.story import Story

GIVE_UP_SECONDS: Final = 60.0
TAIL: Final = timedelta(days=21)
"""How long after the script's end something may still be planned."""
PRACTICE: Final = {
    "business_name": "Riverside Health",
    "business_address": "1 Main St, Albany, NY 12207",
    "business_phone": "+15185550100",
    "whatsapp_us_enabled": True,
}


class Driver:
    """One run of one script."""

    def __init__(
        self,
        script: Script,
        product: Product,
        sandbox: Sandbox,
        clock: SteppedClock,
        story: Story,
    ) -> None:
        self.script = script
        self.product = product
        self.sandbox = sandbox
        self.clock = clock
        self.story = story
        self.waiting = deque(script.statements)
        self.now = script.start
        self.patience_seconds = GIVE_UP_SECONDS
        self.patients: dict[int, str] = {}
        self.visits: dict[int, str] = {}

    async def play(self) -> Recording:
        """Play everything and give back what was received. The clock must stand at the start.

        Raises `StatementRejected`, `StillBusy`, `NeverQuiet` or `UnexpectedAnswer`.
        """
        await self._open()
        next_at: datetime | None = self.now
        while next_at is not None:
            await self._step_to(next_at)
            next_at = await self._finish_instant()
        await self.story.end(self.script.end, self.sandbox)
        return await self._record()

    async def _open(self) -> None:
        """Tell the product of the practice and its patients."""
        await self.product.set_practice(PRACTICE)
        opening = self.script.opening
        ids = await self.product.tell(self.script.source, opening)
        known = {
            said.subject: internal_id
            for said, internal_id in zip(opening, ids, strict=True)
            if said.type.startswith("patient.")
        }
        self.patients = {internal_id: subject for subject, internal_id in known.items()}
        for patient_id, wishes in self.script.preferences.items():
            await self.product.prefer(known[patient_id], wishes)

    async def _step_to(self, at: datetime) -> None:
        if at > self.script.end + TAIL:
            raise NeverQuiet(at)
        await self.story.step(at, self.sandbox)
        self.now = at
        await self.clock.step_to(at)

    async def _finish_instant(self) -> datetime | None:
        """Do all that is due now; say when the next thing is, None when there is none."""
        if statements := list(self._due()):
            await self._until_idle()
            await self._tell(statements)
        while True:
            idle = await self._until_idle()
            upcoming = await self.sandbox.upcoming()
            if not upcoming.due:
                break
            await self.sandbox.release(self.now)
        scripted = self.waiting[0].at if self.waiting else None
        ahead = (scripted, idle.next_at, upcoming.at)
        return min((at for at in ahead if at is not None), default=None)

    def _due(self) -> Iterator[Statement]:
        while self.waiting and self.waiting[0].at <= self.now:
            yield self.waiting.popleft()

    async def _tell(self, statements: list[Statement]) -> None:
        ids = await self.product.tell(self.script.source, statements)
        for said, internal_id in zip(statements, ids, strict=True):
            self.story.hear(said)
            if said.type == "appointment.booked":
                self.visits[internal_id] = said.subject

    async def _until_idle(self) -> Idle:
        """Wait for the product to come to rest, in real time."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self.patience_seconds
        while not (idle := await self.product.idle()).is_idle:
            if loop.time() > give_up:
                raise StillBusy(idle.busy, at=self.now)
        return idle

    async def _record(self) -> Recording:
        return Recording(
            script=self.script,
            patients=self.patients,
            visits=self.visits,
            messages=read_messages(await self.sandbox.messages()),
            replies=read_replies(await self.sandbox.replies()),
            jobs=read_jobs(await self.product.jobs()),
        )
