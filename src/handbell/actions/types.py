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
    """What the buttons of a page ask for. `read`: the secure message."""

    CONFIRM = "confirm"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    FRESH = "fresh"
    READ = "read"


class PageKind(StrEnum):
    """What a page says. `changed`: the visit is not what it was when the link was made; `used`:
    the link has done something else before; `who`: it asks who is reading."""

    VISIT = "visit"
    CONFIRMED = "confirmed"
    MOVE_WISHED = "move_wished"
    CANCELLED = "cancelled"
    CHANGED = "changed"
    USED = "used"
    EXPIRED = "expired"
    PASSED = "passed"
    GONE = "gone"
    WHO = "who"
    LOCKED = "locked"
    NO_YEAR = "no_year"
    SECURE = "secure"
    EMPTY = "empty"
    FRESH_SENT = "fresh_sent"
    FRESH_REFUSED = "fresh_refused"
    UNSUBSCRIBE = "unsubscribe"
    UNSUBSCRIBED = "unsubscribed"
    PREFERENCES = "preferences"
    PREFERENCES_SAVED = "preferences_saved"
    BUSY = "busy"
    UNKNOWN = "unknown"
    BROKEN = "broken"


class Flaw(StrEnum):
    """What has to be mended before a form can be taken. Named as the field it stands at."""

    NOT_SURE = "sure"
    NO_YEAR = "year"
    WRONG_YEAR = "wrong_year"
    SLOT_TAKEN = "slot"


SHOWS_VISIT: Final = frozenset({PageKind.VISIT, PageKind.CONFIRMED})
HAS_CALENDAR: Final = SHOWS_VISIT


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Press:
    """A pressed button with what the form around it says. `slot_id` is a free slot that the
    patient chose, `year` what stands in the field for the year of birth."""

    choice: Choice
    wish: str | None = None
    slot_id: int | None = None
    is_sure: bool = False
    year: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShownVisit:
    """One visit in the patient's language: level L2, and nothing beyond it."""

    time: str
    provider: str | None
    location: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShownDay:
    """The visits of one day, in its order."""

    first_name: str | None
    date: str
    visits: tuple[ShownVisit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSlot:
    """A free slot as the patient reads it."""

    id: int
    says: str


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ShownText:
    """A secure message, in the language that it was written in."""

    language: str
    subject: str | None
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPreferences:
    """What is wanted: each group of messages with whether it is, and the language of them."""

    groups: tuple[tuple[str, bool], ...]
    language: str
    languages: tuple[str, ...]
    is_stopped: bool


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Page:
    """One page. `is_told`: the answer was not carried out, and staff have been told of it.
    `flaw` is what the patient has to mend; `may_prefer`: it leads to the preferences."""

    kind: PageKind
    language: str = "en"
    organization_name: str = ""
    phone: str | None = None
    day: ShownDay | None = None
    offers: tuple[Choice, ...] = ()
    slots: tuple[ShownSlot, ...] = ()
    text: ShownText | None = None
    preferences: ShownPreferences | None = None
    flaw: Flaw | None = None
    is_told: bool = False
    may_prefer: bool = False
