"""How many SMS segments a text takes (3GPP TS 23.038; agrees with Twilio's calculator)."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
_LAST_BMP: Final = 0xFFFF


class Encoding(StrEnum):
    """How the text travels: 7-bit units, or 16-bit ones as soon as one character needs it."""

    GSM_7 = "GSM-7"
    UCS_2 = "UCS-2"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsSize:
    """`units` are septets or UTF-16 code units; an empty text takes one segment."""

    encoding: Encoding
    units: int
    segments: int


def size_of(text: str) -> SmsSize:
    """Measure a text. A character of two units is never split between segments."""
    if set(text) <= _BASIC | _EXTENDED:
        widths = [2 if char in _EXTENDED else 1 for char in text]
        return _size(Encoding.GSM_7, widths, single=160, part=153)
    widths = [2 if ord(char) > _LAST_BMP else 1 for char in text]
    return _size(Encoding.UCS_2, widths, single=70, part=67)


def _size(encoding: Encoding, widths: list[int], *, single: int, part: int) -> SmsSize:
    units = sum(widths)
    segments = 1 if units <= single else _parts(widths, room=part)
    return SmsSize(encoding=encoding, units=units, segments=segments)


def _parts(widths: Iterable[int], *, room: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > room:
            parts, used = parts + 1, 0
        used += width
    return parts
