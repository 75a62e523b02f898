"""What the pages behind links show, and that looking at them changes nothing."""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from handbell.directory.types import AppointmentStatus
from handbell.links.types import LinkKind
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
Open = Callable[..., Awaitable[Any]]


@pytest.mark.requirement("R5.5")
@pytest.mark.parametrize("kind", LinkKind)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(
    client: httpx.AsyncClient, practice: Any, kind: LinkKind, method: str
) -> None:
    path = await practice.link(kind)
    before = await practice.rows()
    answers = [await client.request(method, path) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert await practice.rows() == before


@pytest.mark.requirement("R7.6")
async def test_that_a_visit_was_shown_is_logged_and_a_head_shows_nothing(
    client: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.PORTAL)
    assert (await client.head(path)).text == ""
    assert await practice.audited() == []
    await client.get(path)
    assert await practice.audited() == ["link.shown"]


@pytest.mark.requirement("R7.3")
async def test_the_secure_message_tells_who_when_and_where(
    client: httpx.AsyncClient, practice: Any
) -> None:
    page = await client.get(await practice.link(LinkKind.PORTAL))
    for told in ("Ada", "Wed, Dec 2", "11:30 AM", "Dr. Grey", "Main Street Clinic"):
        assert told in page.text
    assert page.text.count('name="choice"') == 3


@pytest.mark.parametrize(
    ("kind", "buttons"),
    [
        (LinkKind.CONFIRM, ["confirm"]),
        (LinkKind.RESCHEDULE, ["reschedule"]),
        (LinkKind.CANCEL, ["cancel"]),
    ],
)
async def test_a_link_offers_what_it_is_for(
    client: httpx.AsyncClient, practice: Any, kind: LinkKind, buttons: list[str]
) -> None:
    page = await client.get(await practice.link(kind))
    assert re.findall(r'name="choice" value="(\w+)"', page.text) == buttons


async def test_a_sensitive_clinic_goes_by_its_parents_name(
    client: httpx.AsyncClient, practice: Any
) -> None:
    practice.sensitive, practice.location = True, "Hope Addiction Centre"
    await practice.tell(version=2)
    page = await client.get(await practice.link(LinkKind.PORTAL))
    assert page.status_code == 200
    assert "Addiction" not in page.text
    assert "<dd>Riverside Health</dd>" in page.text


async def test_hostile_names_are_text_and_nothing_else(
    client: httpx.AsyncClient, open_practice: Open, organization: OrganizationId
) -> None:
    practice = await open_practice(
        organization,
        first_name="<script>alert(1)</script>{0}",
        provider='<img src=x onerror="alert(1)">',
        location="<b>Main</b> {{ 7 * 7 }}",
    )
    page = await client.get(await practice.link(LinkKind.PORTAL))
    assert page.status_code == 200
    for markup in ("<script", "<img", "<b>"):
        assert markup not in page.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{0}" in page.text


@pytest.mark.parametrize(
    ("status", "starts_in", "expected"),
    [
        (AppointmentStatus.BOOKED, timedelta(days=3), (409, "Your visit has changed")),
        (AppointmentStatus.CANCELLED, timedelta(days=1), (410, "This visit is no longer planned")),
        (AppointmentStatus.BOOKED, timedelta(hours=-1), (410, "The visit has passed")),
        (AppointmentStatus.COMPLETED, timedelta(hours=-1), (410, "The visit has passed")),
        (AppointmentStatus.NO_SHOW, timedelta(hours=-1), (410, "The visit has passed")),
    ],
)
async def test_a_visit_that_is_another_now_is_not_shown(
    client: httpx.AsyncClient,
    practice: Any,
    status: AppointmentStatus,
    starts_in: timedelta,
    expected: tuple[int, str],
) -> None:
    path = await practice.link(LinkKind.PORTAL)
    await practice.tell(version=2, status=status, starts_at=NOW + starts_in)
    page = await client.get(path)
    title = re.search(r"<h1>(.*)</h1>", page.text)
    assert title is not None
    assert (page.status_code, title[1]) == expected
    assert "Ada" not in page.text
    assert "Dr. Grey" not in page.text


async def test_a_missed_visit_may_be_asked_for_anew(
    client: httpx.AsyncClient, practice: Any, clock: FrozenClock
) -> None:
    clock.advance(timedelta(days=2))
    await practice.tell(version=2, status=AppointmentStatus.NO_SHOW)
    path = await practice.link(LinkKind.RESCHEDULE, version=2, now=clock.instant)
    assert "Ask for another time" in (await client.get(path)).text
    page = await client.post(path, data={"choice": "reschedule", "when": "mornings"})
    assert "We have your wish" in page.text
    assert [task.note for task in await practice.tasks()] == ["mornings"]


@pytest.mark.parametrize(
    "token", ["x", "A" * 22, "A" * 24, "A" * 5000, "etc/passwd", "%00", "ñ" * 24, "A" * 23 + "%0A"]
)
@pytest.mark.parametrize("place", ["l", "u"])
@pytest.mark.requirement("R5.5")
async def test_a_token_that_nobody_made_says_nothing(
    client: httpx.AsyncClient, practice: Any, place: str, token: str
) -> None:
    before = await practice.rows()
    for answer in (
        await client.get(f"/{place}/{token}"),
        await client.post(f"/{place}/{token}", data={"choice": "confirm"}),
    ):
        assert answer.status_code == 404
        assert "<h1>This page does not exist</h1>" in answer.text
        assert "Riverside" not in answer.text
    assert await practice.rows() == before


async def test_a_link_of_one_place_is_unknown_at_the_other(
    client: httpx.AsyncClient, practice: Any
) -> None:
    care = await practice.link(LinkKind.CONFIRM)
    stop = await practice.link(LinkKind.UNSUBSCRIBE)
    assert (await client.post(care.replace("/l/", "/u/"))).status_code == 404
    assert (await client.get(stop.replace("/u/", "/l/"))).status_code == 404


async def test_a_spanish_patient_reads_spanish(
    client: httpx.AsyncClient, open_practice: Open, organization: OrganizationId
) -> None:
    practice = await open_practice(organization, language="es-MX")
    page = await client.get(await practice.link(LinkKind.PORTAL))
    assert '<html lang="es">' in page.text
    assert page.headers["content-language"] == "es"
    for told in ("Hola, Ada:", "mié, 2 de dic", "Confirmar mi cita", "Pedir otra hora"):
        assert told in page.text


async def test_a_language_that_the_pages_lack_falls_back_to_english(
    client: httpx.AsyncClient, open_practice: Open, organization: OrganizationId
) -> None:
    practice = await open_practice(organization, language="vi")
    assert '<html lang="en">' in (await client.get(await practice.link(LinkKind.PORTAL))).text


async def test_the_address_of_a_page_is_not_passed_on_kept_or_indexed_and_no_script_runs(
    client: httpx.AsyncClient, practice: Any
) -> None:
    path = await practice.link(LinkKind.PORTAL)
    for answer in (await client.get(path), await client.head(path), await client.get("/l/x")):
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; style")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-robots-tag"].startswith("noindex")
        assert "set-cookie" not in answer.headers
    shown = await client.get(path)
    page, policy = shown.text, shown.headers["content-security-policy"]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in policy
    assert path.rpartition("/")[2] not in page
    assert not re.search(r"<script|<link|style=|https?://|onclick", page)


async def test_every_field_has_a_label_and_a_page_its_title(
    client: httpx.AsyncClient, practice: Any
) -> None:
    page = (await client.get(await practice.link(LinkKind.PORTAL))).text
    assert re.search(r"<title>Your visit - Riverside Health</title>", page)
    assert page.count("<h1>") == 1
    assert page.count("<label") == page.count("<input") + page.count("<textarea") == 5
    assert "width=device-width" in page
