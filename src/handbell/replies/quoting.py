"""What in a text is not the patient's own words: quoted mail, signatures, reactions. Pure."""

import re
from typing import Final

_QUOTED_LINE: Final = re.compile(r"^\s*>.*$", re.MULTILINE)
_NOT_OWN: Final = re.compile(
    r"""
    ^\s*(
        on\b.{0,200}\bwrote:                                    # "On Monday, the clinic wrote:"
      | el\b.{0,200}\bescribi[oó]:
      | .{0,200}ने\ .{0,40}लिखा\s*[:।]
      | -{2,}\s*(original|forwarded)\ message.*
      | -{2,}\s*(mensaje\ (original|reenviado)|मूल\ संदेश).*
      | _{8,}
      | (from|de|प्रेषक):\s.*@.*
      | (from|de):\s[^\n]*\n\s*(sent|to|date|subject|enviado|para|fecha|asunto):
      | --\s*$                                                  # the usual mark of a signature
      | ((best|kind|kindest|warm)\s+)?regards\b.{0,10}$
      | sincerely\b.{0,10}$
      | (saludos(\ cordiales)?|atentamente|cordialmente|un\ saludo),?\s*$
      | (सादर|भवदीय|धन्यवाद\ सहित),?\s*$
    )
  | sent\ (from|via|with)\ (my\ )?(i?phone|ipad|android|samsung|galaxy|mobile|yahoo|outlook|gmail)
  | get\ outlook\ for
  | (enviado|obt[eé]n)\ (desde|outlook)\b
  | mere\ (phone|mobile)\ se\ bheja
  | मेरे\ \S+\ से\ भेजा
    """,
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
QUOTES: Final = "[\"'\u201c\u201d\u201e\u00ab\u00bb\u2018\u2019]"


def own_words(text: str) -> str:
    """The text up to what a mail program or a telephone put below it."""
    own = _QUOTED_LINE.sub("", text.replace("\r", ""))
    found = _NOT_OWN.search(own)
    return own[: found.start()] if found else own
