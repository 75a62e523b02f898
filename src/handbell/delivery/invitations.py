"""A visit as a calendar entry (RFC 5545, published as in RFC 5546, 3.2.1).

It says no more than the e-mail that carries it: whose practice, when, and the place under the name
that may be shown. Its UID is a keyed hash; a moved visit keeps it and has a higher SEQUENCE.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

OCTETS: Final = 75
"""The longest line of a calendar file."""
_SUMMARY: Final = {"en": "Appointment", "es": "Cita", "hi": "अपॉइंटमेंट"}
_ESCAPES: Final = {"\\": "\\\\", ";": "\\;", ",": "\\,", "\n": "\\n", "\r": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What of a visit stands in a calendar. `version` grows with each change of it."""

    uid: str
    starts_at: datetime
    duration: timedelta
    version: int
    changed_at: datetime
    practice: str
    place: str | None


def invitation(visit: Visit, *, language: str, organizer: str) -> bytes:
    """The calendar file; `organizer` is a URI of the practice."""
    return calendar([visit], language=language, organizer=organizer)


def calendar(visits: Sequence[Visit], *, language: str, organizer: str) -> bytes:
    """One file with several visits."""
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Handbell//EN", "METHOD:PUBLISH"),
        *(line for one in visits for line in _event(one, language=language, by=organizer)),
        "END:VCALENDAR",
    ]
    return "".join(f"{part}\r\n" for line in lines for part in _folded(line)).encode()


def _event(visit: Visit, *, language: str, by: str) -> Iterator[str]:
    word = _SUMMARY.get(language.split("-", maxsplit=1)[0], _SUMMARY["en"])
    yield from ("BEGIN:VEVENT", f"UID:{visit.uid}", f"SEQUENCE:{visit.version}")
    yield f"DTSTAMP:{_instant(visit.changed_at)}"
    yield f"DTSTART:{_instant(visit.starts_at)}"
    yield f"DTEND:{_instant(visit.starts_at + visit.duration)}"
    yield f"ORGANIZER:{by}"
    yield f"SUMMARY:{_escaped(f'{word}: {visit.practice}')}"
    if visit.place:
        yield f"LOCATION:{_escaped(visit.place)}"
    yield "END:VEVENT"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(char, char) for char in text)


def _folded(line: str) -> Iterator[str]:
    """Break after at most 75 octets, never inside a character."""
    part, room = "", OCTETS
    for char in line:
        size = len(char.encode())
        if size > room:
            yield part
            part, room = " ", OCTETS - 1
        part, room = part + char, room - size
    yield part
