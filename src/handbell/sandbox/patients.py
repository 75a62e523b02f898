"""Patients who answer: a function of the seed, the address and the message, never of chance."""

import hashlib
import re
from datetime import datetime, timedelta
from typing import Final

_LINK: Final = re.compile(r"https?://\S+")
_DIGITS: Final = r"\b1\s*(?:[=:)]|to\b|para\b).*\b2\s*(?:[=:)]|to\b|para\b)"
_MENU: Final = re.compile(rf"\bC\b.*\bR\b|{_DIGITS}", re.DOTALL)
_HOUR: Final = timedelta(hours=1)
_CONFIRM: Final = ("C", "c", "1", "C ", "C")
_RESCHEDULE: Final = ("R", "2", "r")
_OTHER: Final = ("what do I bring?", "Is there parking?")
_ANSWERS: Final = ((45, _CONFIRM), (53, _RESCHEDULE), (56, ("STOP",)), (60, _OTHER))


def body_key(body: str) -> str:
    """What identifies a text: links are left out, for they carry random tokens."""
    return hashlib.sha256(_LINK.sub("", body).encode()).hexdigest()[:24]


def digest(*parts: object) -> int:
    """A number that depends on the parts alone."""
    joined = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(joined.encode()).digest()[:8])


def answer(seed: int, address: str, body: str) -> str | None:
    """What the patient writes back, or None: confirm 45 %, move 8 %, STOP 3 %, other 4 %."""
    if not _MENU.search(_LINK.sub("", body)):
        return None
    draw = digest(seed, address, body_key(body))
    percent, choice = draw % 100, draw // 100
    for below, texts in _ANSWERS:
        if percent < below:
            return texts[choice % len(texts)]
    return None


def answers_at(seed: int, address: str, body: str, *, now: datetime, simulated: bool) -> datetime:
    """When: at the next full hour, or in real time after 1 to 3 seconds.

    In stepped time every instant costs the run a step, so patients share few of them.
    """
    if not simulated:
        draw = digest(seed, address, body_key(body), "delay")
        return now + timedelta(milliseconds=1000 + draw % 2000)
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR
