"""A last look at a rendered SMS or WhatsApp text for what must never be in it.

Patterns only: they catch a value that slipped into a free variable, not every disclosure.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Final


class PhiReason(StrEnum):
    """What was found. Stored with the refusal; never the text itself."""

    BIRTH_DATE = "birth_date"
    SOCIAL_SECURITY_NUMBER = "social_security_number"
    RECORD_NUMBER = "record_number"
    ACCOUNT_NUMBER = "account_number"
    AMOUNT = "amount"


_LINK: Final = re.compile(r"https?://\S+", re.IGNORECASE)
_PHONE: Final = re.compile(
    r"(?<![\w-])(?:\+\d{1,3}[ .-]?)?(?:1[ .-])?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\w-])"
    r"|\+\d{8,15}(?!\d)"
    r"|(?<=call )\d{10}(?!\d)|(?<=tel )\d{10}(?!\d)|(?<=tel\. )\d{10}(?!\d)"
    r"|(?<=llame al )\d{10}(?!\d)",
    re.IGNORECASE,
)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|ene|abr|ago|dic)[a-zé]*\.?"
_DATE: Final = re.compile(
    r"\b\d{1,2}[/.-]\d{1,2}[/.-](?P<a>\d{4})\b|\b(?P<b>\d{4})[/.-]\d{1,2}[/.-]\d{1,2}\b"
    rf"|\b{_MONTH} \d{{1,2}},? (?P<c>\d{{4}})\b"
    rf"|\b\d{{1,2}} (?:de )?{_MONTH} (?:de )?(?P<d>\d{{4}})\b",
    re.IGNORECASE,
)
_BIRTH_WORD: Final = re.compile(
    r"\b(?:d\.?o\.?b\b|date of birth|birth ?date|born on|fecha de nacimiento|nacid[oa] el)",
    re.IGNORECASE,
)
_SSN: Final = re.compile(r"(?<![\d-])\d{3}[ -]\d{2}[ -]\d{4}(?![\d-])|\bSSN\b")
_RECORD: Final = re.compile(
    r"\b(?:mrn|record|chart|patient id|expediente|historia cl[ií]nica)"
    r"(?: (?:no|num|number|n[uú]mero))?[ .:#]{1,3}[a-z]{0,4}-?\d{3,}",
    re.IGNORECASE,
)
_ACCOUNT: Final = re.compile(
    r"\b(?:account|acct|policy|member id|claim|cuenta|p[oó]liza)"
    r"(?: (?:no|num|number|n[uú]mero))?[ .:#]{1,3}[a-z]{0,4}-?\d{3,}|(?<![\w-])\d{7,}(?![\w-])",
    re.IGNORECASE,
)
_AMOUNT: Final = re.compile(
    r"[$€£₹]\s?\d|\b\d+(?:[.,]\d+)*\s?(?:usd|eur|inr|dollars?|d[oó]lares|euros?|rupees|pesos)\b",
    re.IGNORECASE,
)
_PATTERNS: Final = (
    (PhiReason.BIRTH_DATE, _BIRTH_WORD),
    (PhiReason.SOCIAL_SECURITY_NUMBER, _SSN),
    (PhiReason.RECORD_NUMBER, _RECORD),
    (PhiReason.ACCOUNT_NUMBER, _ACCOUNT),
    (PhiReason.AMOUNT, _AMOUNT),
)


def find_phi(text: str, *, now: datetime) -> tuple[PhiReason, ...]:
    """Say what the text gives away; empty if nothing was found.

    Links and phone numbers are skipped. A full date counts as a birth date when its year is
    before last year: a visit of ours is never that old.
    """
    bare = _PHONE.sub(" ", _LINK.sub(" ", text))
    return tuple(dict.fromkeys(_reasons(bare, oldest_year=now.year - 1)))


def _reasons(text: str, *, oldest_year: int) -> Iterator[PhiReason]:
    for found in _DATE.finditer(text):
        if int(found[found.lastgroup or 0]) < oldest_year:
            yield PhiReason.BIRTH_DATE
    for reason, pattern in _PATTERNS:
        if pattern.search(text):
            yield reason
