"""Who is told: the patient whom a message is about, their guardian, or their caregiver. Pure.

A parent speaks for a minor, unless the visit is one that the minor alone consents to (45 CFR
164.502(g)(3)); a caregiver is told what the patient has permitted in writing (164.510(b)).
Neither is ever told of a confidential visit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from handbell.messages.types import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """Somebody who may be told in a patient's place. The first day on which it holds no more:
    `adult_on`, the 18th birthday, for a guardian, and `until_on` where one was named."""

    related_id: int
    kind: Told
    adult_on: date | None
    until_on: date | None

    def holds(self, today: date) -> bool:
        ends = [day for day in (self.adult_on, self.until_on) if day is not None]
        return all(today < day for day in ends)


def who_is_told(
    relations: Sequence[Relation], *, today: date, is_confidential: bool
) -> Relation | None:
    """The guardian first, then the caregiver, of several the oldest; None is the patient.

    `today` is the latest day of those that it may be where the patient is: a guardian ends as
    soon as the patient may be of age.
    """
    if is_confidential:
        return None
    standing = [one for one in relations if one.holds(today)]
    guardians = [one for one in standing if one.kind is Told.GUARDIAN]
    return next(iter(guardians or standing), None)
