"""Proof of consent over HTTP: what the patient agreed to, and whether it was altered since."""

from collections.abc import AsyncIterator
from datetime import timedelta
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

import asyncpg
import httpx
import pytest
from tests.conftest import NOON
from tests.http_client import serving

from handbell.delivery.service import DeliveryService
from handbell.messages.types import Lifecycle, Reason, SendOrder
from handbell.patients.consents.deciding import PatientConsentService
from handbell.patients.consents.router import consents_router
from handbell.patients.consents.service import ConsentProofService
from handbell.platform.clock import FrozenClock
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import At


@pytest.fixture
async def client(practice: Any, clock: FrozenClock) -> AsyncIterator[httpx.AsyncClient]:
    proofs = ConsentProofService(practice.db, practice.keys, practice.audit)
    delivery = DeliveryService(practice.db, practice.messages, clock)
    consents = PatientConsentService(practice.db, practice.keys, practice.audit, delivery)
    async with serving(consents_router(proofs, consents, clock), clock) as made:
        yield made


async def ask(
    client: httpx.AsyncClient, patient: int, who: str, *, expected: int = 200
) -> list[dict[str, Any]]:
    answer = await client.get(
        f"/patients/{patient}/consents", headers={"authorization": f"Bearer {who}"}
    )
    assert answer.status_code == expected, answer.text
    told: list[dict[str, Any]] = answer.json()
    return told


@pytest.mark.requirement("R7.5", "R7.6")
async def test_the_proof_names_every_decision_and_the_read_is_recorded(
    client: httpx.AsyncClient, practice: Any
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"), ("email", "Ada@Example.org"))
    sms, email = await ask(client, patient, f"staff@{practice.id}")
    assert (sms["channel"], sms["address"]) == ("sms", "+12125550123")
    assert (email["channel"], email["address"]) == ("email", "ada@example.org")
    assert sms["is_current"] is sms["is_intact"] is True
    (entry,) = sms["entries"]
    assert (entry["no"], entry["kind"], entry["message_class"]) == (1, "grant", "care")
    assert entry["method"] == "provided_at_registration"
    assert set(sms["states"]) == {"care"}
    assert sms["states"]["care"]["entry_no"] == 1
    assert sms["states"]["care"]["is_written"] is False
    query = "SELECT actor, subject FROM audit_entries WHERE action = 'consents.read'"
    assert [tuple(row) for row in await practice.rows(query)] == [
        ("key:staff", {"patient_ids": [patient]})
    ]


@pytest.mark.requirement("R7.5")
async def test_an_altered_entry_shows_in_the_proof(
    client: httpx.AsyncClient, practice: Any, owner_url: str
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    owner = await asyncpg.connect(owner_url)
    await owner.execute("UPDATE consent_entries SET source = 'someone else'")
    await owner.close()
    (sms,) = await ask(client, patient, f"staff@{practice.id}")
    assert (sms["is_intact"], sms["first_altered"]) == (False, 1)


async def test_nobody_reads_the_proof_of_another_organisation_s_patient(
    client: httpx.AsyncClient, practice: Any, other_organization: OrganizationId
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    await ask(client, patient, f"staff@{other_organization}", expected=404)
    await ask(client, patient, f"marketing@{practice.id}", expected=403)


AGREEMENT = {
    "signature": "electronic",
    "seller": "Riverside Health",
    "number": "(212) 555-0123",
    "authorises_automated": True,
    "not_a_condition": True,
    "is_prechecked": False,
}
MARKETING = {
    "channel": "sms",
    "message_class": "marketing",
    "method": "web_form",
    "text_version": "mkt-1",
    "evidence": "form/831",
    "ip": "192.0.2.7",
    "agreement": AGREEMENT,
}
WORDS = {"version": "mkt-1", "language": "en", "text": "I agree to texts <b>& more</b>."}


async def post(
    client: httpx.AsyncClient, path: str, who: str, body: Any, *, expected: int = 200
) -> Any:
    headers = {"authorization": f"Bearer {who}"}
    answer = await client.post(path, json=body, headers=headers)
    assert answer.status_code == expected, answer.text
    return answer.json()


@pytest.mark.requirement("R7.8")
async def test_marketing_by_text_is_refused_with_each_missing_element_and_taken_when_whole(
    client: httpx.AsyncClient, practice: Any
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    path, staff = f"/patients/{patient}/consents/grant", f"staff@{practice.id}"
    bare = {"channel": "sms", "message_class": "marketing", "method": "verbal"}
    refused = await post(client, path, staff, bare, expected=422)
    assert refused["code"] == "written_consent_incomplete"
    assert set(refused["details"]["missing"]) == {
        *("method", "text_version", "evidence", "signature", "seller", "number"),
        *("authorises_automated", "not_a_condition", "is_prechecked"),
    }
    wrong = AGREEMENT | {"number": "(212) 555-0124", "is_prechecked": True}
    refused = await post(client, path, staff, MARKETING | {"agreement": wrong}, expected=422)
    assert refused["details"]["missing"] == ["text_version", "number", "is_prechecked"]
    await post(client, "/consent-wordings", f"admin@{practice.id}", WORDS)
    (entry,) = await post(client, path, staff, MARKETING)
    assert (entry["kind"], entry["message_class"], entry["ip"]) == (
        *("grant", "marketing"),
        "192.0.2.7",
    )
    assert entry["details"] == {
        "signature": "electronic",
        "seller": "Riverside Health",
        "number_is_the_address": True,
        "authorises_automated": True,
        "not_a_condition": True,
        "is_prechecked": False,
    }
    (sms,) = await ask(client, patient, staff)
    assert sms["states"]["marketing"]["is_written"] is True
    assert sms["wordings"]["mkt-1"]["text"] == WORDS["text"]
    assert sms["is_intact"] is True


@pytest.mark.requirement("R7.4", "R7.5", "R7.10")
async def test_taken_back_at_once_with_its_deadline_and_given_again(
    client: httpx.AsyncClient, practice: Any, clock: FrozenClock
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    staff = f"staff@{practice.id}"
    order = SendOrder(
        patient_id=patient,
        purpose=Purpose.APPT_CONFIRM,
        anchor=At(NOON + timedelta(hours=1)),
        order_key="later",
        ordered_by="tests",
    )
    admitted = await practice.messages.admit(practice.id, order, now=NOON)
    assert admitted.lifecycle is Lifecycle.SCHEDULED
    path = f"/patients/{patient}/consents"
    await post(client, f"{path}/revoke", staff, {"channel": "sms", "method": "verbal"})
    job = await practice.messages.get(practice.id, admitted.message_id)
    assert (job.lifecycle, job.reasons) == (Lifecycle.REFUSED, (Reason.OPTED_OUT,))
    (sms,) = await ask(client, patient, staff)
    assert not any(state["granted"] for state in sms["states"].values())
    assert sms["deadlines"] == {
        "2": {"rule": "TCPA-09", "due_on": "2026-12-15", "honoured_at": "2026-12-01T17:00:00Z"}
    }
    clock.advance(timedelta(days=1))
    again = {"channel": "sms", "message_class": "care", "method": "verbal"}
    await post(client, f"{path}/grant", staff, again)
    (sms,) = await ask(client, patient, staff)
    assert sms["states"]["care"]["granted"] is True
    assert [entry["kind"] for entry in sms["entries"]] == ["grant", "revoke", "grant"]
    audited = (
        "SELECT subject->>'kind' FROM audit_entries WHERE action = 'consent.decided' ORDER BY id"
    )
    assert [row[0] for row in await practice.rows(audited)] == ["revoke", "grant"]


@pytest.mark.requirement("R2.3")
async def test_without_the_risk_acknowledged_a_text_says_nothing_and_with_it_the_date(
    client: httpx.AsyncClient, practice: Any
) -> None:
    await practice.execute("UPDATE organization_settings SET informs_at_intake = false")
    patient = await practice.patient(("sms", "(212) 555-0123"))
    visit = await practice.visit(patient, NOON + timedelta(days=7))

    async def ceiling(key: str) -> int:
        order = SendOrder(
            patient_id=patient,
            purpose=Purpose.APPT_CONFIRM,
            anchor=At(NOON),
            order_key=key,
            ordered_by="tests",
            appointment_id=visit,
            appointment_version=1,
            serves_at=NOON + timedelta(days=7),
        )
        made = await practice.messages.admit(practice.id, order, now=NOON)
        told = await practice.messages.explain(practice.id, made.message_id)
        found: int = told["eligibility"]["template"]["ceiling"]
        return found

    path, staff = f"/patients/{patient}/consents/risk", f"staff@{practice.id}"
    body = {"channel": "sms", "acknowledged": True, "method": "paper_form"}
    assert await ceiling("before") == 0
    refused = await post(client, path, staff, body, expected=422)
    assert refused["code"] == "needs_text"
    await post(client, path, staff, body | {"text_version": "risk-1"})
    assert await ceiling("acknowledged") == 1
    (sms,) = await ask(client, patient, staff)
    assert sms["risk"]["acknowledged"] is True
    assert set(sms["states"]) == {"care"}
    later = {"channel": "sms", "acknowledged": False, "method": "verbal"}
    await post(client, path, staff, later)
    assert await ceiling("withdrawn") == 0


@pytest.mark.requirement("R7.5")
async def test_a_decision_needs_an_address_and_published_words_never_change(
    client: httpx.AsyncClient, practice: Any, other_organization: OrganizationId
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    path, staff = f"/patients/{patient}/consents/grant", f"staff@{practice.id}"
    care = {"channel": "sms", "message_class": "care", "method": "verbal"}
    for body, code in (
        (care | {"channel": "email"}, "no_such_address"),
        (care | {"address": "+12125550124"}, "no_such_address"),
        (care | {"address": "nonsense"}, "invalid_address"),
        (care | {"at": "2027-01-01T00:00:00Z"}, "decision_in_the_future"),
        (care | {"method": "keyword"}, "invalid_request"),
        (care | {"message_class": "emergency"}, "invalid_request"),
        (care | {"ip": "nonsense"}, "invalid_request"),
    ):
        assert (await post(client, path, staff, body, expected=422))["code"] == code
    await post(client, path, f"staff@{other_organization}", care, expected=404)
    await post(client, path, f"marketing@{practice.id}", care, expected=403)
    admin = f"admin@{practice.id}"
    await post(client, "/consent-wordings", admin, WORDS)
    await post(client, "/consent-wordings", admin, WORDS)
    other = WORDS | {"text": "Other words."}
    assert (await post(client, "/consent-wordings", admin, other, expected=409))["code"] == (
        "wording_differs"
    )
    headers = {"authorization": f"Bearer {staff}"}
    listed = await client.get("/consent-wordings", headers=headers)
    assert [one["version"] for one in listed.json()] == ["mkt-1"]
    assert listed.headers["x-total-count"] == "1"


class Outline(HTMLParser):
    """The tags of a page, with what a reader without eyes and without scripts needs."""

    VOID = frozenset({"meta", "link", "br", "img", "input"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.requirement("R7.5", "R7.6")
@pytest.mark.parametrize(
    ("query", "accept"), [("?format=html", "*/*"), ("", "text/html,application/xhtml+xml")]
)
async def test_the_proof_is_a_page_that_escapes_everything_and_needs_no_script(
    client: httpx.AsyncClient, practice: Any, query: str, accept: str
) -> None:
    patient = await practice.patient(
        ("sms", "(212) 555-0123"), first_name="<script>alert(1)</script>"
    )
    staff = f"staff@{practice.id}"
    await post(client, "/consent-wordings", f"admin@{practice.id}", WORDS)
    await post(client, f"/patients/{patient}/consents/grant", staff, MARKETING)
    revoke = {"channel": "sms", "method": "verbal", "evidence": "<img src=x onerror=alert(1)>"}
    await post(client, f"/patients/{patient}/consents/revoke", staff, revoke)
    headers = {"authorization": f"Bearer {staff}", "accept": accept}
    answer = await client.get(f"/patients/{patient}/consents{query}", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = Outline(answer.text)
    tags = [tag for tag, _ in page.seen]
    assert not {"script", "img", "iframe", "form", "b"}.intersection(tags)
    assert not [name for _, attrs in page.seen for name in attrs if name.startswith("on")]
    assert ("html", {"lang": "en"}) in page.seen
    assert tags.count("h1") == tags.count("title") == tags.count("main") == 1
    levels = [int(tag[1]) for tag in tags if tag in {"h1", "h2", "h3"}]
    assert all(later - one <= 1 for one, later in pairwise(levels))
    for words in (
        *("+12125550123", "Stopped all messages", "Agreed to marketing", "Agreed to care"),
        *("web form", "form/831", "192.0.2.7", "<script>alert(1)</script>"),
        *(WORDS["text"], "2026-12-15 (TCPA-09)", "Verified: each of the 3 entries"),
        *("<img src=x onerror=alert(1)>", "2026-12-01 12:00:00 EST"),
    ):
        assert words in page.text, words
    reads = "SELECT count(*) FROM audit_entries WHERE action = 'consents.read'"
    assert await practice.value(reads) == 1


async def test_the_page_tells_what_was_sent_and_that_an_entry_was_altered(
    client: httpx.AsyncClient, practice: Any, owner_url: str
) -> None:
    patient = await practice.patient(("sms", "(212) 555-0123"))
    order = SendOrder(
        patient_id=patient,
        purpose=Purpose.APPT_CONFIRM,
        anchor=At(NOON),
        order_key="sent",
        ordered_by="tests",
    )
    sent = await practice.messages.admit(practice.id, order, now=NOON)
    await practice.execute(
        "UPDATE messages SET lifecycle = 'accepted', progress = 'delivered', sent_at = :at",
        at=NOON,
    )
    job = await practice.messages.get(practice.id, sent.message_id)
    assert job.template_id is not None
    (sms,) = await ask(client, patient, f"staff@{practice.id}")
    assert sms["sent"] == [
        {
            "message_id": sent.message_id,
            "sent_at": "2026-12-01T17:00:00Z",
            "channel": "sms",
            "purpose": "appt_confirm",
            "message_class": "care",
            "status": "delivered",
            "template_id": job.template_id,
            "template_version": 1,
        }
    ]
    owner = await asyncpg.connect(owner_url)
    await owner.execute("DELETE FROM consent_entries")
    await owner.close()
    headers = {"authorization": f"Bearer staff@{practice.id}"}
    answer = await client.get(f"/patients/{patient}/consents?format=html", headers=headers)
    page = Outline(answer.text)
    assert "Verification failed: entry 1 is missing." in page.text
    assert "appt confirm (care), delivered" in page.text
