"""Templates read over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from sqlalchemy import text
from tests.http_client import serving

from handbell.platform.clock import FrozenClock
from handbell.platform.db import Database, OrganizationId
from handbell.templates.router import templates_router
from handbell.templates.service import TemplateService

Ask = Callable[..., Awaitable[httpx.Response]]


@pytest.fixture
async def ask(
    db: Database, clock: FrozenClock, organization: OrganizationId
) -> AsyncIterator[Ask]:
    """Ask as an auditor of the organisation, unless told otherwise."""
    router = templates_router(TemplateService(db))
    async with serving(router, clock) as client:

        async def send(path: str, *, who: str = f"auditor@{organization}") -> httpx.Response:
            return await client.get(path, headers={"authorization": f"Bearer {who}"})

        yield send


async def test_the_library_is_listed_page_by_page(ask: Ask) -> None:
    everything = (await ask("/comm/templates?limit=200")).json()
    assert everything
    page = await ask("/comm/templates?limit=2&offset=1")
    assert page.json() == everything[1:3]
    assert page.headers["x-total-count"] == str(len(everything))
    assert 'rel="next"' in page.headers["link"]


async def test_a_template_has_the_clients_shape(ask: Ask) -> None:
    query = "purpose=appt_reminder&channel=email&language=en&is_active=true"
    listed = (await ask(f"/comm/templates?{query}")).json()
    assert len(listed) == 1
    template = listed[0]
    assert set(template) == {
        *("id", "name", "purpose", "channel", "language", "subject", "body", "variables"),
        *("is_marketing", "organization_id", "provider_id", "is_active", "level", "version"),
    }
    assert (template["name"], template["is_marketing"]) == ("appt_reminder, email, en", False)
    assert template["subject"]
    assert all(
        f"{{{{ {name}" in template["body"] + template["subject"] for name in template["variables"]
    )
    assert (await ask(f"/comm/templates/{template['id']}")).json() == template


async def test_nothing_that_is_published_is_inactive(ask: Ask) -> None:
    answer = await ask("/comm/templates?is_active=false")
    assert (answer.json(), answer.headers["x-total-count"]) == ([], "0")


@pytest.mark.parametrize("query", ["purpose=gossip", "channel=fax", "language=%00", "limit=0"])
async def test_a_filter_that_means_nothing_is_refused(ask: Ask, query: str) -> None:
    answer = await ask(f"/comm/templates?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_another_organisations_template_does_not_exist(
    ask: Ask, db: Database, other_organization: OrganizationId
) -> None:
    async with db.engine_transaction() as tx:
        theirs = await tx.execute(
            text(
                "INSERT INTO templates (organization_id, purpose, channel, language, created_at)"
                " VALUES (:id, 'appt_reminder', 'sms', 'en', now()) RETURNING id"
            ),
            {"id": other_organization},
        )
        template_id = theirs.scalar_one()
        await tx.execute(
            text(
                "INSERT INTO template_versions (organization_id, template_id, no, content, digest,"
                " level, published_at) SELECT :id, :template, 1, content, digest, level,"
                " published_at FROM template_versions LIMIT 1"
            ),
            {"id": other_organization, "template": template_id},
        )
    answer = await ask(f"/comm/templates/{template_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "template_not_found")
    own = await ask(f"/comm/templates/{template_id}", who=f"staff@{other_organization}")
    assert (own.status_code, own.json()["organization_id"]) == (200, other_organization)
