"""The secure message: its link is one key, the year of birth the other."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from handbell.actions import policy
from handbell.actions.ports import Messages
from handbell.actions.showing import Shelf
from handbell.actions.types import Flaw, Page, PageKind, ShownText
from handbell.directory import service as directory
from handbell.links import service as links
from handbell.links.types import Link, LinkState
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Tx

MOST_TRIES: Final = 5
"""Wrong years on all of a patient's links within a day: a fresh link gives no fresh tries."""
TRIES_COUNT_FOR: Final = timedelta(hours=24)
_YEAR: Final = re.compile(r"\s*(\d{4})\s*")


class Reading:
    """Shows what is private once it is known who reads it."""

    def __init__(self, keys: KeyRing, messages: Messages, shelf: Shelf) -> None:
        self._keys = keys
        self._messages = messages
        self._shelf = shelf

    async def read(self, tx: Tx, link: Link, year: str, *, now: datetime) -> Page:
        """The message, where the year is right. All living links of the patient are held in their
        order; who held one of them before would wait for somebody who waits for it."""
        if not policy.is_private(link) or link.state_at(now) is LinkState.EXPIRED:
            return await self._shelf.page(tx, link, now=now)
        born = await directory.birth_year_in(tx, self._keys, link.patient_id)
        if born is None:
            return await self._shelf.show(tx, link, PageKind.NO_YEAR, now=now)
        since = now - TRIES_COUNT_FOR
        tries = await links.count_tries_in(tx, link.patient_id, since=since, now=now)
        if tries >= MOST_TRIES:
            return await self._shelf.show(tx, link, PageKind.LOCKED, now=now)
        said = _YEAR.fullmatch(year)
        if said is None:
            return await self._ask_again(tx, link, Flaw.NO_YEAR, now=now)
        if int(said[1]) != born:
            return await self._count(tx, link, tries + 1, now=now)
        return await self._open(tx, link, now=now)

    async def _count(self, tx: Tx, link: Link, tries: int, *, now: datetime) -> Page:
        await links.add_try_in(tx, link.id, now=now)
        await self._shelf.record(tx, link, "link.wrong_year", now=now)
        if tries >= MOST_TRIES:
            return await self._shelf.show(tx, link, PageKind.LOCKED, now=now)
        return await self._ask_again(tx, link, Flaw.WRONG_YEAR, now=now)

    async def _ask_again(self, tx: Tx, link: Link, flaw: Flaw, *, now: datetime) -> Page:
        return replace(await self._shelf.show(tx, link, PageKind.WHO, now=now), flaw=flaw)

    async def _open(self, tx: Tx, link: Link, *, now: datetime) -> Page:
        told = None
        if link.message_id is not None:
            told = await self._messages.private_text_in(tx, link.message_id)
        if told is None:
            return await self._shelf.show(tx, link, PageKind.EMPTY, now=now)
        await self._shelf.record(tx, link, "link.read", now=now)
        page = await self._shelf.show(tx, link, PageKind.SECURE, now=now)
        text = ShownText(language=told.language, subject=told.subject, lines=told.lines)
        return replace(page, text=text)
