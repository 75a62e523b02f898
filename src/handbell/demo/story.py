"""Tells a run as it happens: a bar, a line for each day, and the figures at the end."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from handbell.demo.checker import meaning_of
from handbell.demo.clients import Sandbox
from handbell.demo.recording import read_messages, read_replies
from handbell.demo.report import Findings
from handbell.demo.script import Script, Statement

_DAY: Final = timedelta(days=1)
_TOLD: Final = (
    ("appointment.booked", "booked"),
    ("appointment.rescheduled", "moved"),
    ("appointment.cancelled", "cancelled"),
    ("appointment.no_show", "not come"),
    ("patient.deceased", "died"),
)


class Story:
    """Writes to a console; reads of the day's messages from the sandbox when a day is over."""

    def __init__(self, script: Script, console: Console) -> None:
        self.console = console
        self.opening = (
            f"{len(script.patients)} patients and {len(script.visits)} visits in {script.days} "
            f"days from {script.start:%A, %B %d, %Y}, in stepped time."
        )
        self.day = 1
        self.since = script.start
        self.days = script.days
        self.heard: Counter[str] = Counter()
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self.task = self.bar.add_task("The practice opens", total=script.days)

    def __enter__(self) -> Self:
        self.console.print(self.opening)
        self.bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.stop()

    def hear(self, statement: Statement) -> None:
        """Something that the record system has just said."""
        self.heard[statement.type] += 1

    async def step(self, at: datetime, sandbox: Sandbox) -> None:
        """Time goes on to `at`; tell of each day that this ends."""
        while at >= self.since + _DAY and self.day <= self.days:
            await self._end_day(sandbox)
        self.bar.update(self.task, description=f"{at:%a %b %d, %H:%M} UTC")

    async def end(self, at: datetime, sandbox: Sandbox) -> None:
        """The run is over."""
        await self.step(at, sandbox)

    async def _end_day(self, sandbox: Sandbox) -> None:
        until = self.since + _DAY
        messages = read_messages(await sandbox.messages(since=self.since))
        sent = sum(one.at < until for one in messages)
        replies = read_replies(await sandbox.replies())
        written = Counter(meaning_of(one) for one in replies if self.since <= one.at < until)
        self.console.print(_line(self.day, self.since, sent, written, self.heard))
        self.heard.clear()
        self.day, self.since = self.day + 1, until
        self.bar.advance(self.task)


def _line(
    day: int, since: datetime, sent: int, written: Mapping[str, int], heard: Mapping[str, int]
) -> str:
    told = ", ".join(f"{heard[name]} {word}" for name, word in _TOLD if heard.get(name))
    answers = (
        f"{written.get('confirm', 0)} confirmed, {written.get('reschedule', 0)} want to move, "
        f"{written.get('stop', 0)} STOP, {written.get('other', 0)} wrote something else"
    )
    visits = f" Visits: {told}." if told else ""
    return f"Day {day} ({since:%a %b %d}): {sent} messages, {answers}.{visits}"


def show(findings: Findings, console: Console, *, wall_seconds: float) -> None:
    """The figures, and the ids of what went wrong if anything did."""
    messages, violations = findings.messages, findings.violations
    table = Table(title="What happened", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    figures: dict[str, object] = {
        "patients": findings.patients,
        "appointments": findings.appointments,
        "messages planned": messages.planned,
        **{f"  sent by {channel}": count for channel, count in messages.sent.items()},
        **{f"  refused: {reason}": count for reason, count in messages.refused.items()},
        "  cancelled": messages.cancelled,
        "  expired": messages.expired,
        "  failed": messages.failed,
        "  unknown": messages.unknown,
        "  pending": messages.pending,
        "delivered": findings.delivered,
        **{f"replies: {name}": count for name, count in asdict(findings.replies).items()},
        "appointments confirmed": findings.appointments_confirmed,
        **{f"violations: {name}": count for name, count in asdict(violations).items()},
        "simulated days": findings.simulated_days,
        "seconds": f"{wall_seconds:.1f}",
    }
    for name, value in figures.items():
        table.add_row(name, str(value))
    console.print(table)
    for name, ids in findings.examples.items():
        console.print(f"{name}, for example: {', '.join(ids)}")
