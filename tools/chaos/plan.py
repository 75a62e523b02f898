"""How large a run is, what is killed in it and in which order."""

from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final


class Victim(StrEnum):
    """What is killed. A flushed Valkey forgets every lane before it dies; PostgreSQL is stopped
    at once (`immediate`), so that it recovers from its log."""

    WORKER_CARE = "worker-care"
    WORKER_ANY = "worker-any"
    DISPATCHER = "dispatcher"
    API = "api"
    VALKEY = "valkey"
    VALKEY_FLUSHED = "valkey-flushed"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """`rounds` is how often each victim is killed; a kill comes `gap` seconds after the one
    before. Each patient has `visits`, and each visit is one message."""

    rounds: int
    patients: int
    visits: int = 4
    gap: tuple[float, float] = (3.5, 9.0)
    drain_seconds: float
    most_seconds: float

    @property
    def messages(self) -> int:
        return self.patients * self.visits

    @property
    def kills(self) -> int:
        return self.rounds * len(Victim)

    @property
    def loading_seconds(self) -> float:
        """When no more is ordered, so that there is time to settle."""
        return self.most_seconds - self.drain_seconds - 30

    @property
    def killing_seconds(self) -> float:
        """How long the killing takes, about."""
        return self.kills * sum(self.gap) / 2


SIZES: Final = {
    "full": Size(rounds=20, patients=5_000, drain_seconds=330, most_seconds=1_500),
    "quick": Size(rounds=2, patients=500, drain_seconds=420, most_seconds=900),
}


def victims(size: Size, *, seed: int) -> list[Victim]:
    """All that is to be killed, in an order of chance."""
    order = [victim for victim in Victim for _ in range(size.rounds)]
    Random(seed).shuffle(order)  # noqa: S311 - to be repeated, not to be secret
    return order
