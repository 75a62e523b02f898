"""Whether a text reads like an advertisement (EM-01: the primary purpose decides its class).

Word patterns: they catch an offer in a care text, not every way to make one.
"""

import re
from typing import Final

_OFFER: Final = re.compile(
    r"\b\d{1,3} ?% ?(?:off|discount|de descuento)\b|\bspecial (?:offer|price|deal)s?\b"
    r"|\b(?:limited|holiday|spring|summer|fall|winter)[ -](?:time )?(?:offer|special|sale)s?\b"
    r"|\bdiscounts?\b|\bcoupons?\b|\bpromo(?:tion)?(?:al)?s?\b|\bgift cards?\b|\bgiveaway\b"
    r"|\bbuy (?:now|one|today)\b|\bon sale\b|\brefer a friend\b|\bwhitening special\b"
    r"|\bfree (?:gift|trial|whitening|sample)s?\b|\bsave \$?\d+|\bdon't miss (?:out|our)\b"
    r"|\bdescuentos?\b|\bofertas?\b|\bpromoci[oó]n(?:es)?\b|\bcup[oó]n(?:es)?\b|\bgratis\b"
    r"|\bcompre (?:ya|hoy|ahora)\b|\baproveche\b|\bregalos?\b"
    r"|छूट|ऑफ़र|ऑफर|कूपन|सेल\b|उपहार|मुफ़्त में पाएँ|मुफ्त में पाएं|खास कीमत",
    re.IGNORECASE,
)


def offer_in(text: str) -> re.Match[str] | None:
    """The first words that advertise, if there are any."""
    return _OFFER.search(text)
