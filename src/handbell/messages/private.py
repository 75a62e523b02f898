"""A message as its patient reads it behind a secure link: the full text, without its links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from handbell.messages.content import compose, material_in
from handbell.messages.showing import LINKS
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx
from handbell.platform.errors import InvalidError
from handbell.platform.vocabulary import Channel
from handbell.templates.service import versions_in

STAFF_TEXT: Final = "staff_text"
"""The variable that holds what a person at the practice wrote: it stands for itself."""
_GONE: Final = "https://link.invalid"
"""Stands where a link was: what says where to click has no place on the page clicked to."""
_SENTENCE: Final = re.compile(r"(?<=[.!?\u0964])\s+")
_STOP: Final = re.compile(r"\bSTOP\b")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PrivateText:
    """What was written, in its own language, line by line. Never stored or logged."""

    language: str
    subject: str | None
    lines: tuple[str, ...]


async def private_text(tx: Tx, keys: KeyRing, message_id: int) -> PrivateText | None:
    """The full text, also where the generic one was sent; None where nothing is left of it."""
    material = (await material_in(tx, keys, [message_id])).get(message_id)
    if material is None or material.template_version_id is None:
        return None
    texts = await versions_in(tx, {material.template_version_id})
    if material.template_version_id not in texts:
        return None
    body, _ = texts[material.template_version_id]
    if (written := material.variables.get(STAFF_TEXT)) is not None:
        own = tuple(line for line in written.splitlines() if line.strip())
        return PrivateText(language=body.language, subject=None, lines=own)
    try:
        made = compose(material, body, dict.fromkeys(LINKS, _GONE))
    except InvalidError:
        return None
    subject = getattr(made.content, "subject", None)
    lines = _readable(made.text, is_mail=material.channel is Channel.EMAIL)
    return PrivateText(
        language=body.language,
        subject=subject,
        lines=tuple(one for one in lines if one != subject),
    )


def _readable(text: str, *, is_mail: bool) -> Iterator[str]:
    """Without the sentences that point at a link, and those that tell how to stop texts."""
    for line in text.splitlines():
        parts = [line] if is_mail and _GONE in line else _SENTENCE.split(line)
        kept = [one for one in parts if _GONE not in one and not _STOP.search(one)]
        if told := " ".join(kept).strip():
            yield told
