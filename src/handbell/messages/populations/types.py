"""An order to many, and how far it got."""

from dataclasses import dataclass
from typing import Final

from handbell.messages.types import SendOrder
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import Anchor

CHUNK: Final = 50_000
"""Patients of one transaction: it takes some seconds, and holds no address against a STOP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationOrder:
    """A wish to tell one thing to each patient of a population.

    Each message gets the order key `<order_key>:<patient>`, so that a run that was interrupted
    is simply run again. Everything else is as in `SendOrder`.
    """

    purpose: Purpose
    anchor: Anchor
    order_key: str
    ordered_by: str
    channel: Channel | None = None
    template_id: int | None = None
    not_on: frozenset[Channel] = frozenset()

    def for_patient(self, patient_id: int) -> SendOrder:
        """The same order for one of them."""
        return SendOrder(
            patient_id=patient_id,
            purpose=self.purpose,
            anchor=self.anchor,
            order_key=f"{self.order_key}:{patient_id}",
            ordered_by=self.ordered_by,
            channel=self.channel,
            template_id=self.template_id,
            not_on=self.not_on,
        )

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that it may take, in the order of the vocabulary."""
        return tuple(
            one for one in Channel if self.channel in {None, one} and one not in self.not_on
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationProgress:
    """What became of one chunk. `last_id` is its last patient: give it as `after` to go on there.

    `by_sets` are new messages made in one statement, `one_by_one` those whose patient has
    something personal to decide; `unknown` are patients whom the organisation does not have, or
    not any more. `shapes` were judged in this chunk: what of `by_sets` differs for the gate.
    """

    last_id: int
    patients: int
    by_sets: int
    one_by_one: int
    unknown: int
    shapes: int
