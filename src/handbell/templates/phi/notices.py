"""Announcements to everybody: a fair with free checks tells nothing of who reads of it."""

import re
from typing import Final

from handbell.templates.phi import lists
from handbell.templates.phi.spelling import END, START, plain

_SENTENCE: Final = re.compile(r"[^.!?\n\u0964]+[.!?\n\u0964]*")
_PUBLIC: Final = re.compile(rf"{START}(?:{lists.alternatives('notices', 'public')}){END}")
_PERSONAL: Final = re.compile(rf"{START}(?:{lists.alternatives('notices', 'personal')}){END}")


def without_public(text: str) -> str:
    """Blank out the sentences that announce something to all and speak to nobody."""
    return _SENTENCE.sub(lambda found: " . " if _is_public(found[0]) else found[0], text)


def _is_public(sentence: str) -> bool:
    spelt = plain(sentence)
    return bool(_PUBLIC.search(spelt)) and not _PERSONAL.search(spelt)
