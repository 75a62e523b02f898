"""The table: what was done to a link, what should come of it, and what came of it."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import httpx
from sqlalchemy import text

from handbell.links.service import find
from handbell.links.types import LinkKind
from handbell.platform.crypto import KeyRing
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel, Purpose
from tools.links.stage import BORN, NOW, STARTS_AT, Actor, Stage

CONFIRM: Final = {"choice": "confirm"}
MOVE: Final = {"choice": "reschedule", "when": "mornings"}
CANCEL: Final = {"choice": "cancel", "sure": "yes"}
FRESH: Final = {"choice": "fresh"}
ONE_CLICK: Final = {"List-Unsubscribe": "One-Click"}
SCANNERS: Final = (
    "Mozilla/5.0 (compatible; Microsoft Defender SafeLinks)",
    "Barracuda Sentinel (EE)",
    "WhatsApp/2.24.1 A",
    "Slackbot-LinkExpanding 1.0",
)
TABLES: Final = ("action_links", "appointments", "staff_tasks", "outbox", "consent_entries")
CLICKS: Final = 100
VISIT: Final = 'class="visit"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One line of the table; `is_right` compares both sides, of which people read the words."""

    attack: str
    expected: str
    happened: str

    @property
    def is_right(self) -> bool:
        return self.expected == self.happened


@dataclass(slots=True, kw_only=True)
class Scene:
    """A patient, somebody with a browser, and two practices."""

    stage: Stage
    browser: httpx.AsyncClient
    actor: Actor
    other: OrganizationId

    async def status(self) -> str:
        return ", ".join(await self.actor.statuses())

    async def rows(self) -> list[Any]:
        """Everything that a click could change."""
        async with self.stage.db.engine_transaction() as tx:
            return [
                (
                    await tx.execute(
                        text(f"SELECT array_agg(t::text ORDER BY t.id) FROM {one} t")  # noqa: S608
                    )
                ).scalar_one()
                for one in TABLES
            ]

    async def post(self, path: str, data: dict[str, str]) -> int:
        return (await self.browser.post(path, data=data)).status_code


Attack = Callable[[Scene], Awaitable[tuple[str, str]]]


async def forged(scene: Scene) -> tuple[str, str]:
    before = await scene.rows()
    counted = Counter(
        [await scene.post(f"/l/{secrets.token_urlsafe(18)}", CONFIRM) for _ in range(CLICKS)]
    )
    changed = before != await scene.rows()
    return "100 x 404, nothing changed", _told(counted, changed=changed)


async def foreign_key(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.CONFIRM)
    theirs = KeyRing(encryption_key="x", lookup_key="another installation's look-up key")
    stage = replace(scene.stage, keys=theirs)
    foreign = await replace(scene.actor, stage=stage).link(LinkKind.CONFIRM)
    before = await scene.rows()
    statuses = Counter([await scene.post(foreign, CONFIRM)])
    changed = before != await scene.rows()
    await scene.post(path, CONFIRM)
    return "1 x 404, nothing changed; ours confirms: confirmed v1", (
        f"{_told(statuses, changed=changed)}; ours confirms: {await scene.status()}"
    )


async def altered(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.CONFIRM)
    before = await scene.rows()
    counted: Counter[int] = Counter()
    for place in range(len("/l/"), len(path)):
        other = "B" if path[place] == "A" else "A"
        counted[await scene.post(path[:place] + other + path[place + 1 :], CONFIRM)] += 1
    return "24 x 404, nothing changed", _told(counted, changed=before != await scene.rows())


async def expired(scene: Scene) -> tuple[str, str]:
    await scene.actor.tell(version=2, starts_at=NOW + timedelta(days=5))
    path = await scene.actor.link(LinkKind.PORTAL, version=2)
    scene.stage.clock.advance(timedelta(hours=24))
    refused = await scene.browser.post(path, data=CONFIRM)
    offers = 'value="fresh"' in refused.text
    for _ in range(5):
        await scene.post(path, FRESH)
    fresh = await scene.actor.queued()
    same = {one["address_id"] for one in fresh} <= set(scene.actor.address_ids.values())
    return (
        "410, offers a fresh link: True; 5 presses: 1 message, to the same address: True",
        (
            f"{refused.status_code}, offers a fresh link: {offers}; 5 presses: {len(fresh)}"
            f" message, to the same address: {same}"
        ),
    )


async def repeated(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.PORTAL)
    first = await scene.post(path, CONFIRM)
    before = await scene.rows()
    again = [await scene.post(path, CONFIRM) for _ in range(3)]
    return "200, then 200, 200, 200, nothing changed; confirmed v1", (
        f"{first}, then {_listed(again)}, {_changed(before != await scene.rows())};"
        f" {await scene.status()}"
    )


async def reused(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.PORTAL)
    await scene.post(path, CONFIRM)
    before = await scene.rows()
    again = [await scene.post(path, one) for one in (MOVE, CANCEL)]
    return "409, 409, nothing changed; confirmed v1", (
        f"{_listed(again)}, {_changed(before != await scene.rows())}; {await scene.status()}"
    )


async def for_something_else(scene: Scene) -> tuple[str, str]:
    before_link = await scene.actor.link(LinkKind.CONFIRM)
    before = await scene.rows()
    for data in (MOVE, CANCEL, FRESH):
        await scene.post(before_link, data)
    await scene.post(before_link.replace("/l/", "/u/"), ONE_CLICK)
    return "nothing changed; booked v1", (
        f"{_changed(before != await scene.rows())}; {await scene.status()}"
    )


async def other_version(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.PORTAL)
    await scene.actor.tell(version=2, starts_at=STARTS_AT + timedelta(days=3))
    answer = await scene.browser.post(path, data=CONFIRM)
    tasks = await scene.actor.tasks()
    return "409, shows no visit: True, staff told: 1; booked v2", (
        f"{answer.status_code}, shows no visit: {'Dr. Sam Grey' not in answer.text},"
        f" staff told: {len(tasks)}; {await scene.status()}"
    )


async def other_organisation(scene: Scene) -> tuple[str, str]:
    theirs = await scene.stage.patient(scene.other)
    path = await theirs.link(LinkKind.CONFIRM)
    await scene.post(path, CONFIRM)
    async with scene.stage.db.transaction(scene.actor.organization_id) as tx:
        seen = await tx.execute(
            text("SELECT count(*) FROM action_links WHERE organization_id = :id"),
            {"id": scene.other},
        )
    return "theirs: confirmed v1, ours: booked v1, their links seen from ours: 0", (
        f"theirs: {', '.join(await theirs.statuses())}, ours: {await scene.status()},"
        f" their links seen from ours: {seen.scalar_one()}"
    )


async def scanners(scene: Scene) -> tuple[str, str]:
    paths = [await scene.actor.link(kind) for kind in LinkKind]
    before = await scene.rows()
    counted: Counter[str] = Counter()
    for path in paths:
        for agent in SCANNERS:
            for method in ("HEAD", "GET", "HEAD"):
                answer = await scene.browser.request(method, path, headers={"User-Agent": agent})
                counted[f"{method} {answer.status_code}"] += 1
    shown = await scene.actor.audited()
    return "HEAD 200 x 40, GET 200 x 20, nothing changed; only looks logged: True", (
        f"{', '.join(f'{one} x {counted[one]}' for one in counted)},"
        f" {_changed(before != await scene.rows())};"
        f" only looks logged: {set(shown) == {'link.shown'}}"
    )


async def at_once(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.PORTAL)
    both = [CONFIRM, MOVE] * (CLICKS // 2)
    answers = await asyncio.gather(*(scene.post(path, data) for data in both))
    counted = Counter(answers)
    acted = [one for one in await scene.actor.audited() if one.startswith("appointment.")]
    return "200 x 50, 409 x 50; acts: 1", (
        f"200 x {counted[200]}, 409 x {counted[409]}; acts: {len(acted)}"
    )


async def unsubscribed_at_once(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.UNSUBSCRIBE)
    for _ in range(3):
        await scene.browser.get(path)
    before = await _stops(scene)
    answers = await asyncio.gather(*(scene.post(path, ONE_CLICK) for _ in range(CLICKS)))
    return "after 3 looks 0 stops; 200 x 100, stops: 1", (
        f"after 3 looks {before} stops; 200 x {Counter(answers)[200]},"
        f" stops: {await _stops(scene)}"
    )


async def unsubscribed_late(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.UNSUBSCRIBE)
    scene.stage.clock.advance(timedelta(days=400))
    status = await scene.post(path, ONE_CLICK)
    return "200, stops: 1", f"{status}, stops: {await _stops(scene)}"


async def cancelled_by_a_slip(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.CANCEL)
    slip = await scene.post(path, {"choice": "cancel"})
    between = await scene.status()
    sure = await scene.post(path, CANCEL)
    return "422, booked v1; then 200, cancelled v2, staff told: 1", (
        f"{slip}, {between}; then {sure}, {await scene.status()},"
        f" staff told: {len(await scene.actor.tasks())}"
    )


async def guessed_year(scene: Scene) -> tuple[str, str]:
    scene.actor.visit_ids.clear()
    message = await scene.actor.message(Purpose.LAB_READY)
    paths = [await scene.actor.link(LinkKind.PORTAL, message_id=message) for _ in range(4)]
    data = [{"choice": "read", "year": str(1940 + no)} for no in range(20)]
    answers = await asyncio.gather(
        *(scene.browser.post(paths[no % 4], data=one) for no, one in enumerate(data))
    )
    right = {"choice": "read", "year": str(BORN.year)}
    locked = await scene.browser.post(paths[0], data=right)
    scene.stage.clock.advance(timedelta(hours=24))
    later = await scene.actor.link(
        LinkKind.PORTAL, message_id=message, now=scene.stage.clock.instant
    )
    opened = await scene.browser.post(later, data=right)
    wrong = (await scene.actor.audited()).count("link.wrong_year")
    return (
        "20 guesses, 4 links: 5 heard, read 0; right one: 403; a day later: 200, read: True",
        (
            f"20 guesses, 4 links: {wrong} heard,"
            f" read {sum('results are ready' in one.text for one in answers)};"
            f" right one: {locked.status_code};"
            f" a day later: {opened.status_code}, read: {'results are ready' in opened.text}"
        ),
    )


async def rotated(scene: Scene) -> tuple[str, str]:
    path = await scene.actor.link(LinkKind.CONFIRM)
    newer = "a newer key of the links"
    spoken = {"encryption_key": "x", "lookup_key": "a look-up key for this stage only"}
    token = path.rpartition("/")[2]
    found = []
    for link_keys in ([newer, "derived"], [newer]):
        keys = KeyRing(**spoken, link_keys=link_keys)
        found.append(await _finds(scene, keys, token))
    return "kept beside the new key: found; without it: unknown", (
        f"kept beside the new key: {found[0]}; without it: {found[1]}"
    )


async def merged(scene: Scene) -> tuple[str, str]:
    scene.actor = await scene.stage.patient(scene.actor.organization_id, visits=3)
    for no in range(3):
        later = STARTS_AT + timedelta(days=2, hours=2 * no)
        await scene.actor.tell(no, version=2, starts_at=later)
    message = await scene.actor.message(Purpose.APPT_REMINDER)
    path = await scene.actor.link(LinkKind.PORTAL, message_id=message)
    await scene.post(path, FRESH)
    (fresh,) = await scene.actor.queued()
    path = await scene.actor.link(LinkKind.PORTAL, message_id=fresh["id"], version=2)
    page = await scene.browser.get(path)
    await scene.post(path, CONFIRM)
    return "the fresh page shows 3 visits; one press: confirmed v2, confirmed v2, confirmed v2", (
        f"the fresh page shows {page.text.count(VISIT)} visits; one press: {await scene.status()}"
    )


ATTACKS: Final[dict[str, Attack]] = {
    "100 forged tokens": forged,
    "signed with another installation's key": foreign_key,
    "each character altered": altered,
    "expired (24 h)": expired,
    "the same press again": repeated,
    "used, then pressed for something else": reused,
    "a press that the link is not for": for_something_else,
    "the visit has moved meanwhile": other_version,
    "another organisation's link": other_organisation,
    "HEAD and GET by scanners": scanners,
    "100 clicks at once, two wishes": at_once,
    "100 one-click unsubscribes at once": unsubscribed_at_once,
    "unsubscribe after 400 days": unsubscribed_late,
    "cancel without the tick": cancelled_by_a_slip,
    "year of birth guessed": guessed_year,
    "keys rotated": rotated,
    "a fresh link for a day with three visits": merged,
}


async def play(stage: Stage) -> list[Outcome]:
    """Try everything, each on a patient of its own, from the same instant."""
    ours = await stage.practice("Riverside Health")
    other = await stage.practice("Hillside Clinic")
    outcomes = []
    async with stage.browser() as browser:
        for name, attack in ATTACKS.items():
            stage.clock.instant = NOW
            actor = await stage.patient(ours)
            scene = Scene(stage=stage, browser=browser, actor=actor, other=other)
            expected, happened = await attack(scene)
            outcomes.append(Outcome(attack=name, expected=expected, happened=happened))
    return outcomes


async def _finds(scene: Scene, keys: KeyRing, token: str) -> str:
    return "unknown" if await find(scene.stage.db, keys, token) is None else "found"


async def _stops(scene: Scene) -> int:
    statement = text(
        "SELECT count(*) FROM consent_entries WHERE kind = 'revoke' AND address_id = :id"
    )
    async with scene.stage.db.transaction(scene.actor.organization_id) as tx:
        address_id = scene.actor.address_ids[Channel.EMAIL]
        stops: int = (await tx.execute(statement, {"id": address_id})).scalar_one()
    return stops


def _told(statuses: Counter[int], *, changed: bool) -> str:
    counted = ", ".join(f"{count} x {status}" for status, count in statuses.items())
    return f"{counted}, {_changed(changed)}"


def _changed(changed: bool) -> str:  # noqa: FBT001 - one word for it
    return "something changed" if changed else "nothing changed"


def _listed(statuses: list[int]) -> str:
    return ", ".join(map(str, statuses))
