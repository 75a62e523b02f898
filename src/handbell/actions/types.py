"""What a patient may ask for, what came of it, and the page that says so."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ActionResult(StrEnum):
    """`stale`: the visit was moved, cancelled or is over; nothing was changed."""

    DONE = "done"
    ALREADY_DONE = "already_done"
    STALE = "stale"


class Choice(StrEnum):
    """What the buttons of a page ask for."""

    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    FRESH = "fresh"


class PageKind(StrEnum):
    """What a page says. `changed`: the visit is not what it was when the link was made."""

    VISIT = "visit"
    CONFIRMED = "confirmed"
    MOVE_WISHED = "move_wished"
    CHANGED = "changed"
    EXPIRED = "expired"
    PASSED = "passed"
    GONE = "gone"
    FRESH_SENT = "fresh_sent"
    FRESH_REFUSED = "fresh_refused"
    UNSUBSCRIBE = "unsubscribe"
    UNSUBSCRIBED = "unsubscribed"
    UNKNOWN = "unknown"
    BROKEN = "broken"


SHOWS_VISIT: Final = frozenset({PageKind.VISIT, PageKind.CONFIRMED})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShownVisit:
    """A visit in the patient's language: level L2, and nothing beyond it."""

    first_name: str | None
    date: str
    time: str
    provider: str | None
    location: str | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Page:
    """One page. `is_told`: the answer was not carried out, and staff have been told of it."""

    kind: PageKind
    language: str = "en"
    organization_name: str = ""
    phone: str | None = None
    visit: ShownVisit | None = None
    offers: tuple[Choice, ...] = ()
    is_told: bool = False
