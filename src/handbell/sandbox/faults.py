"""What the providers do wrong on demand: by rates and a seed, so that a run can be repeated."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Literal

End = Literal["answer", "drop", "json", "page"]
"""How a request that was taken ends: as it should, without an answer, or with a lie."""


@dataclass(slots=True, kw_only=True)
class Fault:
    """The faults of one provider. Rates are parts of 1.

    `latency_ms` is added to every answer, `slow_ms` to those of `rate_slow`. After the requests
    of `status_429` come those of `status_503`, none of which is taken. The next `lost` are taken
    and answered by a page of a broken gateway (502). `rate_5xx` says 5xx, half
    of the time as JSON and half as a page; half of those requests are taken all the same.
    `rate_drop` takes the request and drops the connection. Callbacks are lost, sent twice, or
    late by up to `callback_late_ms`, so that they overtake each other. Twilio's list does not
    show what is younger than a lag of up to `list_lag_ms`, and fails at `rate_list_fails`.
    """

    latency_ms: int = 0
    status_429: int = 0
    status_503: int = 0
    lost: int = 0
    seed: int = 0
    rate_slow: float = 0
    slow_ms: int = 0
    rate_5xx: float = 0
    rate_drop: float = 0
    rate_callback_lost: float = 0
    rate_callback_doubled: float = 0
    rate_callback_late: float = 0
    callback_late_ms: int = 0
    list_lag_ms: int = 0
    rate_list_fails: float = 0
    chance: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.chance = Random(self.seed)  # noqa: S311 - to be repeated, not to be secret

    def delay_ms(self) -> int:
        """How late this answer is."""
        is_slow = self.chance.random() < self.rate_slow
        return self.latency_ms + (self.slow_ms if is_slow else 0)

    def is_down(self) -> bool:
        """Whether this request is refused with 5xx and not taken."""
        return self.chance.random() < self.rate_5xx / 2

    def end(self) -> End:
        """How this request, which was taken, ends."""
        if self.chance.random() < self.rate_drop:
            return "drop"
        is_lie = self.chance.random() < self.rate_5xx / (2 - self.rate_5xx)
        return self.words() if is_lie else "answer"

    def words(self) -> Literal["json", "page"]:
        return "json" if self.chance.random() < 0.5 else "page"  # noqa: PLR2004

    def callback_delays(self) -> Iterator[timedelta]:
        """When a callback is sent beyond its time: never, once or twice."""
        if self.chance.random() < self.rate_callback_lost:
            return
        yield self._late()
        if self.chance.random() < self.rate_callback_doubled:
            yield self._late()

    def _late(self) -> timedelta:
        if self.chance.random() >= self.rate_callback_late:
            return timedelta(0)
        return timedelta(milliseconds=self.chance.randint(0, self.callback_late_ms))

    def list_lag(self) -> timedelta:
        """How old a message has to be for this list to show it."""
        return timedelta(milliseconds=self.chance.randint(0, self.list_lag_ms))

    def is_list_down(self) -> bool:
        return self.chance.random() < self.rate_list_fails
