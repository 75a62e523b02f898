"""Templates read over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from sqlalchemy import text
from tests.http_client import serving

from handbell.audit.service import AuditService
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.templates.router import templates_router
from handbell.templates.service import TemplateService

Ask = Callable[..., Awaitable[httpx.Response]]
SMS = {
    "name": "Reminder, friendly",
    "purpose": "appt_reminder",
    "channel": "sms",
    "language": "en",
    "body": "{{ organization_name }}: see you {{ appt_date }}. Reply C to confirm, STOP to end.",
}


@pytest.fixture
async def ask(
    db: Database, keys: KeyRing, clock: FrozenClock, organization: OrganizationId
) -> AsyncIterator[Ask]:
    """Ask as an administrator of the organisation, unless told otherwise."""
    router = templates_router(TemplateService(db, AuditService(db, keys)), clock)
    async with serving(router, clock) as client:

        async def send(
            path: str = "",
            method: str = "GET",
            json: object = None,
            *,
            who: str = f"admin@{organization}",
        ) -> httpx.Response:
            headers = {"authorization": f"Bearer {who}"}
            url = path if path.startswith("/") else f"/comm/templates/{path}".rstrip("/")
            return await client.request(method, url, headers=headers, json=json)

        yield send


async def test_the_library_is_listed_page_by_page(ask: Ask) -> None:
    first = (await ask("/comm/templates?limit=200")).json()
    second = (await ask("/comm/templates?limit=200&offset=200")).json()
    assert 0 < len(second) < len(first) == 200
    everything = [*first, *second]
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
        *("preheader", "whatsapp", "generic", "is_default", "status", "has_draft"),
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


async def test_a_template_is_written_as_a_draft_and_then_published(ask: Ask) -> None:
    made = await ask("", "POST", SMS)
    assert made.status_code == 201
    template = made.json()
    assert (template["status"], template["version"], template["is_active"]) == (
        "draft",
        None,
        False,
    )
    path = str(template["id"])
    changed = {"body": SMS["body"].replace("see you", "we see you")}
    assert (await ask(path, "PUT", changed)).json()["has_draft"] is True
    assert (await ask(f"{path}/findings")).json() == []
    published = (await ask(f"{path}/publish", "POST", {})).json()
    assert (published["status"], published["version"], published["level"]) == ("published", 1, 1)
    again = await ask(f"{path}/publish", "POST", {})
    assert (again.status_code, again.json()["code"]) == (409, "template_nothing_to_publish")


async def test_the_clients_whole_object_is_written_and_in_use_at_once(ask: Ask) -> None:
    told = {
        **SMS,
        "subject": None,
        "variables": ["organization_name", "appt_date"],
        "is_marketing": False,
        "provider_id": None,
        "is_active": True,
    }
    made = (await ask("", "POST", told)).json()
    assert (made["is_active"], made["version"]) == (True, 1)
    sent_back = {**made, "body": f"{told['body']} Bye."}
    del sent_back["generic"], sent_back["whatsapp"]
    changed = await ask(str(made["id"]), "PUT", sent_back)
    assert (changed.json()["version"], changed.json()["body"][-4:]) == (2, "Bye.")
    off = await ask(str(made["id"]), "PUT", {"is_active": False})
    assert (off.json()["is_active"], off.json()["status"]) == (False, "archived")
    on = await ask(str(made["id"]), "PUT", {"is_active": True})
    assert (on.json()["is_active"], on.json()["version"]) == (True, 2)
    gone = await ask(str(made["id"]), "DELETE")
    assert (gone.status_code, gone.content) == (204, b"")
    assert made["id"] not in [one["id"] for one in (await ask("/comm/templates?limit=200")).json()]


async def test_versions_never_change_and_can_be_compared(ask: Ask) -> None:
    made = (await ask("", "POST", {**SMS, "is_active": True})).json()
    path = str(made["id"])
    await ask(path, "PUT", {"body": "Hi.\n" + SMS["body"], "is_active": True})
    first, second = (
        (await ask(f"{path}/versions/1")).json(),
        (await ask(f"{path}/versions/2")).json(),
    )
    assert (first["body"], second["body"]) == (SMS["body"], "Hi.\n" + SMS["body"])
    listed = await ask(f"{path}/versions")
    assert ([one["version"] for one in listed.json()], listed.headers["x-total-count"]) == (
        [2, 1],
        "2",
    )
    found = (await ask(f"{path}/diff?old=1&new=2")).json()
    assert list(found) == ["body"]
    assert "+Hi." in found["body"].splitlines()
    assert (await ask(f"{path}/diff?old=1&new=1")).json() == {}
    absent = await ask(f"{path}/versions/3")
    assert (absent.status_code, absent.json()["code"]) == (404, "template_version_not_found")


@pytest.mark.requirement("R2.2")
async def test_an_unknown_variable_is_refused_with_its_place_and_what_was_meant(ask: Ask) -> None:
    body = "Hello.\nSee you on {{ apt_date }}."
    answer = await ask("", "POST", {**SMS, "body": body})
    assert (answer.status_code, answer.json()["code"]) == (422, "template_unknown_variable")
    details = answer.json()["details"]
    assert details["places"] == {"apt_date": {"part": "body", "line": 2, "column": 15}}
    assert details["did_you_mean"] == {"apt_date": "appt_date"}
    declared = await ask("", "POST", {**SMS, "variables": ["nobody"]})
    assert declared.json()["code"] == "template_unknown_variable"


@pytest.mark.requirement("R2.3")
async def test_a_text_that_would_leak_is_refused_with_reason_and_place(ask: Ask) -> None:
    told = {**SMS, "body": "Your HIV test is back.", "is_active": True}
    answer = await ask("", "POST", told)
    assert (answer.status_code, answer.json()["code"]) == (422, "template_not_publishable")
    (finding,) = answer.json()["details"]["findings"]
    assert (finding["rule"], finding["part"]) == ("leaks", "body")
    open_one = {**SMS, "body": "See {{ provider }} on {{ appt_date }}.", "is_active": True}
    (no_sibling,) = (await ask("", "POST", open_one)).json()["details"]["findings"]
    assert no_sibling["rule"] == "no_sibling"
    listed = (await ask("/comm/templates?channel=sms&language=en&limit=200")).json()
    assert all(one["organization_id"] is None for one in listed)
    sibling = {
        "body": "{{ organization_name }}: a message for you. {{ portal_link }} STOP to end."
    }
    assert (await ask("", "POST", {**open_one, "generic": sibling})).status_code == 201


@pytest.mark.requirement("R2.6")
@pytest.mark.parametrize("missing", ["postal_address", "unsubscribe_link", "organization_name"])
async def test_marketing_without_a_required_part_is_not_published(ask: Ask, missing: str) -> None:
    parts = {
        "organization_name": "{{ organization_name }}",
        "postal_address": "{{ postal_address }}",
        "unsubscribe_link": '<a href="{{ unsubscribe_link }}">Unsubscribe</a>',
    }
    told = {
        **SMS,
        "purpose": "campaign_education",
        "channel": "email",
        "subject": "Tips",
        "is_active": True,
    }
    whole = "<p>We have new tips.</p><p>" + " ".join(parts.values()) + "</p>"
    assert (await ask("", "POST", {**told, "body": whole})).status_code == 201
    without = whole.replace(parts[missing], "")
    findings = (await ask("", "POST", {**told, "body": without})).json()["details"]["findings"]
    assert [one["rule"] for one in findings] == ["element_missing"]
    assert {"organization_name": "sender"}.get(missing, missing) in findings[0]["message"]


async def test_only_reading_ease_is_overruled_and_the_log_says_so(ask: Ask, db: Database) -> None:
    hard = "Administrative documentation necessitates comprehensive collaboration."
    told = {**SMS, "body": hard, "is_active": True}
    assert (await ask("", "POST", told)).status_code == 422
    made = await ask("", "POST", {**told, "accept": ["reading_level"]})
    assert made.status_code == 201
    leak = {**told, "body": "Your HIV test is back.", "accept": ["leaks"]}
    assert (await ask("", "POST", leak)).status_code == 422
    async with db.engine_transaction() as tx:
        rows = await tx.execute(text("SELECT action, subject FROM audit_entries ORDER BY id"))
        log = [(row.action, row.subject) for row in rows]
    assert [action for action, _ in log] == ["template.created", "template.published"]
    assert log[1][1]["accepted"] == "reading_level"


async def test_what_opens_a_conversation_on_whatsapp_gets_a_registration(ask: Ask) -> None:
    told = {
        **SMS,
        "channel": "whatsapp",
        "body": "Hello from {{ organization_name }}. See you {{ appt_date }}. Reply STOP to end.",
    }
    made = (await ask("", "POST", told)).json()
    assert made["whatsapp"] == {
        "name": "reminder_friendly",
        "language": "en_US",
        "category": "UTILITY",
        "parameters": ["organization_name", "appt_date"],
        "buttons": [],
        "header": None,
        "footer": None,
    }
    shorter = {"body": "Hello from {{ organization_name }}. See you. Reply STOP to end."}
    changed = (await ask(str(made["id"]), "PUT", shorter)).json()
    assert changed["whatsapp"]["parameters"] == ["organization_name"]


async def test_the_second_text_of_a_place_is_no_default_until_it_is_made_one(ask: Ask) -> None:
    first, second = [(await ask("", "POST", SMS)).json() for _ in range(2)]
    assert (first["is_default"], second["is_default"]) == (True, False)
    await ask(str(second["id"]), "PUT", {"is_default": True})
    defaults = [(await ask(str(one["id"]))).json()["is_default"] for one in (first, second)]
    assert defaults == [False, True]


async def test_the_librarys_texts_and_the_fixed_parts_cannot_be_changed(ask: Ask) -> None:
    library = (await ask("/comm/templates?purpose=appt_reminder&channel=sms")).json()[0]
    for method, path, body in (
        ("PUT", str(library["id"]), {"body": "x"}),
        ("DELETE", str(library["id"]), None),
        ("POST", f"{library['id']}/publish", {}),
    ):
        answer = await ask(path, method, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "template_of_library"), method
    made = (await ask("", "POST", SMS)).json()
    for part, value in (("channel", "email"), ("language", "es"), ("is_marketing", True)):
        answer = await ask(str(made["id"]), "PUT", {part: value})
        assert (answer.json()["code"], answer.json()["details"]["part"]) == (
            "template_malformed",
            part,
        )


async def test_only_authors_write_and_nobody_for_another_organisation(
    ask: Ask, organization: OrganizationId, other_organization: OrganizationId
) -> None:
    for role in ("staff", "provider", "integration", "auditor"):
        answer = await ask("", "POST", SMS, who=f"{role}@{organization}")
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    marketer = await ask("", "POST", SMS, who=f"marketing@{organization}")
    assert marketer.status_code == 201
    theirs = await ask("", "POST", {**SMS, "organization_id": other_organization})
    assert (theirs.status_code, theirs.json()["code"]) == (404, "organization_not_found")
    unknown = await ask("", "POST", {**SMS, "provider_id": 99})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "provider_not_found")
    stranger = f"admin@{other_organization}"
    for path, method, body in (
        ("", "GET", None),
        ("", "PUT", {"name": "x"}),
        ("", "DELETE", None),
        ("/publish", "POST", {}),
        ("/versions", "GET", None),
    ):
        answer = await ask(f"{marketer.json()['id']}{path}", method, body, who=stranger)
        assert answer.json()["code"] == "template_not_found", (path, method)
