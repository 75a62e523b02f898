"""Pictures of the pages as a small telephone shows them, taken with Chromium."""

import asyncio
import shutil
import tempfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx

from handbell.actions.html import render
from handbell.actions.types import Page, PageKind
from handbell.links.types import LinkKind
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel, Purpose
from tools.links.stage import BORN, NOW, Actor, Stage

LANGUAGES: Final = ("en", "es", "hi")
WIDTHS: Final = (390, 320)
PROGRAMS: Final = ("chromium", "chromium-browser", "google-chrome")
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
TALL: Final = {"visit": 1900, "day": 2100, "slots": 2300, "sure": 2000, "preferences": 1100}
"""Heights of long pages in pixels; the others fit."""
HEIGHT: Final = 900


def chromium() -> str | None:
    """Where the browser is, if it is installed."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass(frozen=True, slots=True)
class Shot:
    """A page by its name, as it was answered."""

    name: str
    html: str


@dataclass(frozen=True, slots=True)
class Album:
    """Takes pages as they are answered, in the order that they are asked for."""

    browser: httpx.AsyncClient
    shots: list[Shot]

    async def get(self, name: str, path: str) -> None:
        self.shots.append(Shot(name, (await self.browser.get(path)).text))

    async def post(self, name: str, path: str, **data: str) -> None:
        self.shots.append(Shot(name, (await self.browser.post(path, data=data)).text))


async def shots(stage: Stage, organization_id: OrganizationId, language: str) -> list[Shot]:
    """Each page once, in one language."""
    async with stage.browser() as browser:
        album = Album(browser, [])
        actor = await stage.patient(organization_id, language=language)
        await _of_visits(album, actor)
        await _of_unsubscribing(album, actor)
        await _of_ends(album, actor)
        await _of_messages(album, stage, organization_id, language)
    plain = (PageKind.BUSY, PageKind.UNKNOWN, PageKind.LOCKED)
    return album.shots + [
        Shot(kind.value, render(Page(kind=kind, language=language))) for kind in plain
    ]


async def _of_visits(album: Album, actor: Actor) -> None:
    portal = await actor.link(LinkKind.PORTAL)
    await album.get("visit", portal)
    await album.post("sure", portal, choice="cancel")
    await album.post("confirmed", portal, choice="confirm")
    await album.post("used", portal, choice="reschedule")
    await actor.free([NOW + timedelta(days=2 + no, hours=no) for no in range(6)])
    move = await actor.link(LinkKind.RESCHEDULE)
    await album.get("slots", move)
    await album.post("move_wished", move, choice="reschedule", when="any")


async def _of_unsubscribing(album: Album, actor: Actor) -> None:
    stop = await actor.link(LinkKind.UNSUBSCRIBE)
    await album.get("unsubscribe", stop)
    await album.get("preferences", f"{stop}?preferences")
    chosen = {"want": "visits", "language": actor.language}
    await album.post("preferences_saved", f"{stop}?preferences", **chosen)
    await album.post("unsubscribed", stop)


async def _of_ends(album: Album, actor: Actor) -> None:
    late = await actor.link(LinkKind.CONFIRM, now=NOW - timedelta(days=1))
    await album.get("expired", late)
    cancel = await actor.link(LinkKind.CANCEL)
    await album.post("cancelled", cancel, choice="cancel", sure="yes")


async def _of_messages(
    album: Album, stage: Stage, organization_id: OrganizationId, language: str
) -> None:
    day = await stage.patient(organization_id, language=language, visits=2)
    message = await day.message(Purpose.APPT_REMINDER)
    await album.get("day", await day.link(LinkKind.PORTAL, message_id=message))
    reader = await stage.patient(organization_id, language=language, visits=0)
    letter = await reader.message(Purpose.LAB_READY, channel=Channel.EMAIL)
    secure = await reader.link(LinkKind.PORTAL, message_id=letter, channel=Channel.EMAIL)
    await album.get("who", secure)
    await album.post("wrong_year", secure, choice="read", year="1900")
    await album.post("secure", secure, choice="read", year=str(BORN.year))


async def take(html: str, file: Path, *, width: int, height: int = HEIGHT) -> None:
    """Let Chromium draw a page; nothing is loaded from anywhere."""
    program = chromium()
    if program is None:
        raise LookupError("Chromium is not installed.")
    with tempfile.TemporaryDirectory(prefix="handbell-chromium-") as folder:
        page = Path(folder) / "page.html"
        # Headless Chromium makes no window below 500 pixels, so that the page stands in a frame.
        inner = Path(folder) / "inner.html"
        inner.write_text(html, "utf-8")
        page.write_text(
            f'<!DOCTYPE html><body style="margin:0"><iframe src="inner.html"'
            f' style="border:0;display:block;width:{width}px;height:{height}px"></iframe>',
            "utf-8",
        )
        process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={folder}/profile",
            f"--screenshot={file}",
            f"--window-size={width},{height}",
            page.as_uri(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await process.wait()


async def take_all(stage: Stage, folder: Path) -> list[Path]:
    """Every page in every language and width."""
    organization_id = await stage.practice("Riverside Health")
    files = []
    for language in LANGUAGES:
        for shot in await shots(stage, organization_id, language):
            for width in WIDTHS:
                file = folder / f"{shot.name}-{language}-{width}.png"
                height = TALL.get(shot.name, HEIGHT)
                await take(shot.html, file.absolute(), width=width, height=height)
                files.append(file)
    return files
