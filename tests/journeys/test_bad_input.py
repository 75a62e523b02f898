"""Whatever comes in, the answer is a problem document (or a page) and never an error of ours."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import httpx
import pytest
from tests.journeys.conftest import Installation

API: Final = "/api/v1"
BATCH: Final = {"Content-Type": "application/cloudevents-batch+json"}
JSON: Final = {"Content-Type": "application/json"}
TOO_LARGE: Final = 6_000_000

VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1,
    2**31,
    2**63 - 1,
    1.5,
    "",
    " ",
    "\x00",
    "a\x00b",
    "\n\r\t\x1b",
    "'; DROP TABLE patients; --",
    "{{ 7 * 7 }}{% include 'x' %}",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "+1 212 555 01234567890123456789",
    "\u202e\u0661\U0001f600\U000e0041",
    "x" * 20_000,
    [],
    [None],
    ["\x00"],
    {},
    {"\x00": "\x00"},
    [[[[[[]]]]]],
)
"""What no field is made for, or hardly one."""
UNREADABLE: Final = (
    b"",
    b"{",
    b"nonsense",
    b"\xff\xfe\x00",
    b"[]",
    b"null",
    b"17",
    b'"text"',
    b"NaN",
    b'{"id": NaN}',
    b'{"a": 1, "a": 2}',
    b'{"\\u0000": "\\u0000"}',
    b'{"patient_id": "\\ud800"}',
    b'{"language": "\\ud800"}',
    b'[{"specversion": "1.0", "id": "\\ud800", "source": "s", "type": "t", "data": {}}]',
    b'{"patient_id": 1' + b"0" * 5000 + b"}",
    b"[" * 50_000,
    b'{"a":' * 5_000,
)
PLACES: Final = (
    *("0", "-1", "1.5", "NaN", "null", "1e3", "true", str(2**63), "9" * 400, "0x10", "%00"),
    *("1%00", "%D9%A1", "1%20OR%201=1", "..%2F..%2Fetc%2Fpasswd", "%FF%FE", "1;2"),
)
PAGE: Final = "text/html; charset=utf-8"
FORMS: Final = (
    *("multipart/form-data", "multipart/form-data; boundary=x", "text/html; charset=nonsense"),
    "application/x-www-form-urlencoded",
)
BEARERS: Final = (
    *(b"", b"Bearer", b"Basic YTpi", b"Bearer hb_", b"Bearer hb_00000000_x"),
    *(b"Bearer " + b"a" * 8000, b"Bearer \xff\xfe", b"Bearer a.b.c", b"bearer hb_a_b_c"),
    b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIiwicm9sZSI6ImFkbWluIn0.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One operation. `{id}` stands for an id in its path; `valid` is a body it might take."""

    method: str
    path: str
    valid: dict[str, Any] | None = None
    queries: tuple[str, ...] = ()

    def url(self, place: str = "1") -> str:
        return (API + self.path).replace("{id}", place)


BLACKOUT: Final[dict[str, Any]] = {
    **dict.fromkeys(("state", "country", "channel", "message_class", "unheard_of")),
    "starts_at": "2001-01-01T00:00:00Z",
    "ends_at": "2001-01-02T00:00:00Z",
    "reason": "It is long over.",
}
DECISION: Final = (
    *("channel", "address", "method", "text_version", "evidence", "ip", "at", "unheard_of"),
)
"""What every decision about consent may say."""

LEVELS: Final = (
    "/comm/preferences/{id}",
    "/comm/preferences/providers/{id}",
    "/patients/{id}/preferences",
)
LEVEL_FIELDS: Final[dict[str, Any]] = dict.fromkeys(
    (
        *("timezone", "language", "quiet_end", "work_start", "best_hour", "reading_level"),
        *("allow_email", "marketing_opt_in_sms", "channel_order", "pause_until", "choices"),
        "unheard_of",
    )
)


PROVIDER_FIELDS: Final[dict[str, Any]] = dict.fromkeys(
    (
        *("default_timezone", "default_language", "enable_auto_reminders"),
        *("reminder_hours_before", "signature", "unheard_of"),
    )
)
DOORS: Final = (
    Door(method="POST", path="/events"),
    Door(method="GET", path="/provider-accounts", queries=("limit", "offset")),
    Door(
        method="POST",
        path="/provider-accounts",
        valid={
            "reference": "AC" + "0" * 32,
            "baa": "signed",
            "credentials": {"provider": "twilio", "auth_token": "secret"},
            "lines": [],
        },
    ),
    Door(method="GET", path="/provider-accounts/{id}"),
    Door(method="PUT", path="/provider-accounts/{id}", valid={"baa": "none"}),
    Door(method="DELETE", path="/provider-accounts/{id}"),
    Door(method="POST", path="/provider-accounts/{id}/lines", valid={"address": "+12025550142"}),
    Door(method="DELETE", path="/provider-accounts/{id}/lines/{id}"),
    Door(method="GET", path="/patients/{id}/comm-context"),
    Door(method="GET", path="/patients/{id}/consents", queries=("format",)),
    Door(
        method="POST",
        path="/patients/{id}/consents/grant",
        valid=dict.fromkeys((*DECISION, "message_class", "agreement")),
    ),
    Door(
        method="POST",
        path="/patients/{id}/consents/revoke",
        valid=dict.fromkeys((*DECISION, "message_class")),
    ),
    Door(
        method="POST",
        path="/patients/{id}/consents/risk",
        valid=dict.fromkeys((*DECISION, "acknowledged")),
    ),
    Door(method="POST", path="/patients/{id}/erase", valid={"reason": None, "unheard_of": None}),
    Door(
        method="POST",
        path="/consent-wordings",
        valid={"version": "v1", "language": "en", "text": "Words.", "unheard_of": None},
    ),
    Door(method="GET", path="/consent-wordings", queries=("limit", "offset")),
    Door(method="GET", path="/patients/{id}/comm-preferences"),
    Door(
        method="PUT",
        path="/patients/{id}/comm-preferences",
        valid=dict.fromkeys(
            (
                *("id", "timezone", "language", "quiet_start", "work_end", "best_hour"),
                *("allow_whatsapp", "marketing_opt_in_email", "channel_order", "pause_until"),
                *("email_address", "sms_number", "whatsapp_number", "unheard_of"),
            )
        ),
    ),
    *(
        Door(method=method, path=path, valid=LEVEL_FIELDS if method == "PUT" else None)
        for path in LEVELS
        for method in ("GET", "PUT", "DELETE")
    ),
    *(Door(method="GET", path=f"{path}/changes", queries=("limit", "offset")) for path in LEVELS),
    Door(method="GET", path="/patients/{id}/relations", queries=("limit", "offset")),
    Door(
        method="POST",
        path="/patients/{id}/relations",
        valid=dict.fromkeys(
            ("related_patient_id", "contact", "until_on", "permission", "unheard_of")
        )
        | {"kind": "guardian"},
    ),
    Door(method="DELETE", path="/patients/{id}/relations/{id}"),
    Door(method="GET", path="/patients/{id}/restrictions", queries=("limit", "offset")),
    Door(
        method="POST",
        path="/patients/{id}/restrictions",
        valid={"channel": "sms", "address": None, "unheard_of": None},
    ),
    Door(method="DELETE", path="/patients/{id}/restrictions/{id}"),
    Door(
        method="POST",
        path="/comm/schedule",
        valid={
            "patient_id": 1,
            "purpose": "appt_reminder",
            "template_id": None,
            "variables": {},
            "preferred_channel": None,
            "send_at": None,
            "campaign_id": None,
            "is_urgent": False,
            "appointment_id": None,
            "unheard_of": None,
        },
    ),
    Door(
        method="GET",
        path="/comm/jobs",
        queries=("patient_id", "status", "channel", "campaign_id", "limit", "offset"),
    ),
    Door(method="GET", path="/comm/forecast", queries=("days",)),
    Door(method="GET", path="/comm/jobs/{id}"),
    Door(method="GET", path="/comm/jobs/{id}/explain", queries=("lang",)),
    Door(method="POST", path="/comm/jobs/{id}/cancel"),
    Door(
        method="GET",
        path="/comm/templates",
        queries=("purpose", "channel", "language", "is_active", "limit", "offset"),
    ),
    Door(
        method="POST",
        path="/comm/templates",
        valid={
            "name": "A",
            "purpose": "appt_reminder",
            "channel": "sms",
            "language": "en",
            "body": "Hello.",
            **dict.fromkeys(
                (
                    *("subject", "preheader", "whatsapp", "generic", "variables"),
                    *("is_marketing", "is_active", "is_default", "organization_id"),
                    *("provider_id", "unheard_of"),
                )
            ),
            "accept": [],
        },
    ),
    Door(method="GET", path="/comm/templates/{id}"),
    Door(method="GET", path="/dead-letters", queries=("fix", "state", "limit", "offset")),
    Door(method="GET", path="/dead-letters/groups"),
    Door(method="GET", path="/dead-letters/{id}"),
    Door(method="POST", path="/dead-letters/{id}/retry"),
    Door(method="POST", path="/dead-letters/{id}/discard"),
    Door(
        method="POST",
        path="/dead-letters/retry-group",
        valid={"fix": "landline", "unheard_of": None},
    ),
    Door(method="GET", path="/unknown-attempts", queries=("settlement", "limit", "offset")),
    Door(
        method="POST",
        path="/unknown-attempts/{id}/settle",
        valid={"verdict": "sent", "unheard_of": None},
    ),
    Door(
        method="PUT",
        path="/comm/templates/{id}",
        valid=dict.fromkeys(
            (
                *("name", "purpose", "channel", "language", "body", "subject", "generic"),
                *("whatsapp", "is_active", "provider_id", "unheard_of"),
            )
        ),
    ),
    Door(method="DELETE", path="/comm/templates/{id}"),
    Door(
        method="POST",
        path="/comm/templates/{id}/publish",
        valid={"accept": [], "unheard_of": None},
    ),
    Door(method="GET", path="/comm/templates/{id}/preview"),
    Door(
        method="POST",
        path="/comm/templates/{id}/preview",
        valid={
            "patient_id": 1,
            "appointment_id": None,
            "variables": {},
            "unheard_of": None,
        },
    ),
    Door(method="GET", path="/comm/message-prices", queries=("limit", "offset")),
    Door(
        method="PUT",
        path="/comm/message-prices",
        valid={
            "channel": "sms",
            "category": "",
            "effective_on": "2026-01-01",
            "unit_price": "0.01",
            "currency": "USD",
            "unheard_of": None,
        },
    ),
    Door(method="GET", path="/comm/templates/{id}/findings", queries=("limit", "offset")),
    Door(method="GET", path="/comm/templates/{id}/versions", queries=("limit", "offset")),
    Door(method="GET", path="/comm/templates/{id}/versions/{id}"),
    Door(method="GET", path="/comm/templates/{id}/diff", queries=("old", "new")),
    Door(method="GET", path="/comm/template-variables", queries=("purpose", "limit", "offset")),
    Door(method="GET", path="/comm/whatsapp-approvals", queries=("limit", "offset")),
    Door(
        method="PUT",
        path="/comm/whatsapp-approvals",
        valid={
            "name": "a",
            "language": "en",
            "state": "pending",
            "reason": None,
            "unheard_of": None,
        },
    ),
    Door(method="GET", path="/staff/tasks", queries=("limit", "offset")),
    Door(method="POST", path="/staff/tasks/{id}/close"),
    Door(method="POST", path="/inbound/{id}/undo"),
    Door(
        method="GET",
        path="/inbox/conversations",
        queries=(
            *("limit", "offset", "state", "assigned_to", "assigned", "matched", "patient_id"),
        ),
    ),
    Door(method="POST", path="/inbox/conversations", valid={"patient_id": 1, "unheard_of": None}),
    Door(method="GET", path="/inbox/conversations/{id}"),
    Door(
        method="PATCH",
        path="/inbox/conversations/{id}",
        valid={"state": "closed", "assigned_to": None, "unheard_of": None},
    ),
    Door(method="GET", path="/inbox/conversations/{id}/entries", queries=("limit", "offset")),
    Door(
        method="POST",
        path="/inbox/conversations/{id}/replies",
        valid={"text": "a", "wording": "auto", "channel": None, "unheard_of": None},
    ),
    Door(
        method="POST",
        path="/inbox/conversations/{id}/notes",
        valid={"text": "a", "unheard_of": None},
    ),
    Door(
        method="POST",
        path="/inbox/conversations/{id}/match",
        valid={"patient_id": 1, "unheard_of": None},
    ),
    Door(method="GET", path="/inbox/quick-replies", queries=("conversation_id",)),
    Door(method="GET", path="/inbox/hours"),
    Door(
        method="PUT",
        path="/inbox/hours",
        valid={
            "timezone": "America/New_York",
            "opens": "09:00",
            "closes": "17:00",
            "weekdays": [1],
            "closed_on_holidays": True,
            "answers_after_hours": True,
            "unheard_of": None,
        },
    ),
    Door(method="GET", path="/webhooks/dead", queries=("limit", "offset")),
    Door(method="POST", path="/webhooks/dead/{id}/replay"),
    Door(method="GET", path="/blackouts", queries=("limit", "offset")),
    Door(method="POST", path="/blackouts", valid=BLACKOUT),
    Door(method="GET", path="/blackouts/{id}"),
    Door(method="PUT", path="/blackouts/{id}", valid=BLACKOUT),
    Door(method="DELETE", path="/blackouts/{id}"),
    *(
        Door(
            method=method,
            path=f"/comm/settings/provider{whose}",
            valid=PROVIDER_FIELDS if method == "PUT" else None,
        )
        for whose in ("", "/{id}")
        for method in ("GET", "PUT")
    ),
    Door(method="GET", path="/delivery/breakers", queries=("limit", "offset")),
    Door(method="GET", path="/delivery/pauses", queries=("limit", "offset")),
    Door(
        method="POST",
        path="/delivery/pauses",
        valid={
            "reason": "maintenance",
            "lane": "marketing",
            "channel": "email",
            "line_id": None,
            "until": None,
            "new_orders": "hold",
            "unheard_of": None,
        },
    ),
    Door(method="GET", path="/delivery/pauses/{id}"),
    Door(method="POST", path="/delivery/pauses/{id}/resume"),
    Door(method="GET", path="/comm/settings/organization"),
    Door(
        method="PUT",
        path="/comm/settings/organization",
        valid=dict.fromkeys(
            (
                *("business_name", "business_address", "business_phone", "support_email"),
                *("default_timezone", "default_language", "enable_marketing"),
                *("marketing_consent_required", "stop_scope", "care_per_day", "unheard_of"),
            )
        ),
    ),
)
WRITING: Final = tuple(door for door in DOORS if door.method != "GET")
CONTENT_TYPES: Final[tuple[dict[str, str], ...]] = (
    *(BATCH, JSON, {}, {"Content-Type": "text/plain"}, {"Content-Type": "multipart/form-data"}),
    {"Content-Type": "application/json; charset=utf-16"},
)
WEBHOOKS: Final = (
    *("/webhooks/twilio/status", "/webhooks/twilio/inbound", "/webhooks/sendgrid/events"),
    *("/webhooks/sendgrid/inbound", "/webhooks/whatsapp", "/webhooks/twilio/events"),
    *(f"{API}/comm/webhook/outbound-status", f"{API}/comm/webhook/inbound"),
)
OPEN: Final = frozenset({"/health/live", "/health/ready", "/metrics", *WEBHOOKS})
EVENTS: Final[dict[str, dict[str, Any]]] = {
    "patient.registered": dict.fromkeys(
        (
            *("first_name", "last_name", "birth_date", "language", "timezone", "address"),
            *("contacts", "provider_id", "consents", "deceased_at", "version"),
        )
    )
    | {"id": "p"},
    "appointment.booked": dict.fromkeys(
        ("provider_id", "location_id", "timezone", "duration_minutes", "type", "status", "version")
    )
    | {"id": "a", "patient_id": "p", "start": "2099-01-01T10:00:00Z"},
    "location.updated": {
        "id": "l",
        "name": "L",
        "timezone": "UTC",
        "sensitive": True,
        "phone": "",
    },
    "provider.settings_updated": {"id": "d", "name": "D", "defaults": {}},
    "provider.slots_updated": {"id": "d", "slots": []},
}


class Caller:
    """Sends requests as an organisation of its own, and looks at every answer."""

    def __init__(self, installation: Installation, key: str) -> None:
        self.installation = installation
        self.client = httpx.Client(base_url=installation.api_url, timeout=60)
        self.key = key

    def send(self, method: str, url: str, *, key: bool = True, **more: Any) -> httpx.Response:
        """Send it; the answer is never an error of ours, and a refusal has its proper form."""
        headers = dict(more.pop("headers", {}))
        if key:
            headers["Authorization"] = f"Bearer {self.key}"
        answer = self.client.request(method, url, headers=headers, **more)
        about = (
            f"{method} {url[:80]} {str(more)[:200]} gave {answer.status_code} {answer.text[:200]}"
        )
        assert answer.status_code < 500, f"{about}\n{self.installation.last_errors()}"
        if answer.status_code >= 400 and not url.startswith(("/l/", "/u/")):
            assert answer.headers["content-type"] == "application/problem+json", about
            problem = answer.json()
            assert problem["status"] == answer.status_code, about
            assert problem["code"], about
            assert problem["message"], about
        return answer


@pytest.fixture(scope="module")
def caller(running: Installation) -> Iterator[Caller]:
    made = running.handbell("organization", "create", "--name", "A clinic with odd clients")
    arguments = ("--org", str(made["id"]), "--name", "odd", "--role", "admin")
    key = running.handbell("api-key", "create", *arguments)["key"]
    caller = Caller(running, key)
    yield caller
    caller.client.close()


@pytest.fixture(scope="module")
def patient_id(running: Installation, caller: Caller) -> int:
    """The odd clinic's own patient."""
    return running.tell("patient.registered", key=caller.key, id="p", first_name="Ada")


STREAMS: Final = (f"{API}/inbox/events",)
"""These do not end by themselves: what they refuse is tried by itself."""


def test_a_stream_is_refused_without_a_key_and_from_a_foreign_mark(caller: Caller) -> None:
    for url in STREAMS:
        assert caller.send("GET", url, key=False).json()["code"] == "bearer_missing"
        for mark in (b"x", b"1", b"\xff", b"1." + b"9" * 60):
            answer = caller.send("GET", url, headers={"Last-Event-ID": mark})
            assert answer.status_code == 422, mark


def test_every_operation_is_in_the_table(caller: Caller) -> None:
    paths = caller.send("GET", f"{API}/openapi.json").json()["paths"]
    found = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if path not in OPEN and path not in STREAMS
    }
    known = {(door.method, API + door.path) for door in DOORS}
    assert {(method, re.sub(r"\{\w+\}", "{id}", path)) for method, path in found} == known


@pytest.mark.parametrize("door", DOORS, ids=lambda door: f"{door.method} {door.path}")
def test_a_request_without_a_proper_key_is_refused(caller: Caller, door: Door) -> None:
    for bearer in BEARERS:
        headers = {"Authorization": bearer}
        answer = caller.send(door.method, door.url(), key=False, headers=headers)
        assert answer.status_code == 401, bearer
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert caller.send(door.method, door.url(), key=False).json()["code"] == "bearer_missing"


@pytest.mark.parametrize("door", WRITING, ids=lambda door: f"{door.method} {door.path}")
def test_a_body_that_cannot_be_read_is_refused(caller: Caller, door: Door) -> None:
    for raw in UNREADABLE:
        for headers in CONTENT_TYPES if raw in UNREADABLE[:4] else CONTENT_TYPES[:1]:
            answer = caller.send(door.method, door.url(), content=raw, headers=headers)
            if door.valid is not None:
                assert answer.status_code in {200, 400, 404, 409, 422}, raw[:40]


@pytest.mark.parametrize("door", [door for door in DOORS if door.valid], ids=lambda d: d.path)
def test_a_field_of_the_wrong_kind_is_refused(caller: Caller, door: Door, patient_id: int) -> None:
    valid = {name: value for name, value in (door.valid or {}).items() if value is not None}
    if "patient_id" in valid:
        valid["patient_id"] = patient_id
    url = door.url(str(patient_id))
    for field in door.valid or {}:
        for value in VALUES:
            answer = caller.send(door.method, url, json={**valid, field: value})
            if field == "unheard_of":
                assert answer.status_code == 422
    huge = f'{{"{next(iter(door.valid or {}))}": 1{"0" * 400}}}'
    caller.send(door.method, url, content=huge, headers=JSON)


@pytest.mark.parametrize(
    "door", [door for door in DOORS if "{id}" in door.path], ids=lambda d: d.path
)
def test_a_place_that_is_no_id_is_refused(caller: Caller, door: Door) -> None:
    for place in PLACES:
        answer = caller.send(door.method, door.url(place), json=None)
        assert answer.status_code in {404, 422}, place


@pytest.mark.parametrize("door", [door for door in DOORS if door.queries], ids=lambda d: d.path)
def test_a_query_of_the_wrong_kind_is_refused(caller: Caller, door: Door) -> None:
    for name in door.queries:
        for value in (*VALUES[:20], "9" * 400, str(2**63), "-0", "1e3", "\ufffe"):
            caller.send(door.method, door.url(), params={name: value})
    every = [(name, "'") for name in (*door.queries, "unheard_of")] * 50
    caller.send(door.method, door.url(), params=every)


def test_an_odd_idempotency_key_is_refused(caller: Caller, patient_id: int) -> None:
    body = {"patient_id": patient_id, "purpose": "appt_reminder"}
    url = f"{API}/comm/schedule"
    for key, status in ((b"", 422), (b"k" * 129, 422), (b"\xff\xfe", 200), (b"'; --", 200)):
        answer = caller.send("POST", url, json=body, headers={"Idempotency-Key": key})
        assert answer.status_code == status, key


@pytest.mark.parametrize("kind", EVENTS)
def test_odd_events_are_judged_one_by_one_and_the_good_ones_kept(
    caller: Caller, kind: str
) -> None:
    events = list(odd_events(kind))
    for start in range(0, len(events), 200):
        batch = events[start : start + 200]
        answer = caller.send("POST", f"{API}/events", content=json.dumps(batch), headers=BATCH)
        assert answer.status_code == 202
        results = answer.json()["results"]
        assert len(results) == len(batch)
        for result in results:
            assert result["status"] in {"accepted", "duplicate", "stale", "rejected", "ignored"}
            assert (result["code"] is not None) == (result["status"] == "rejected")
    good = event("patient.registered", f"after {kind}", {"id": "after"})
    body = json.dumps([{}, None, good, 17])
    answer = caller.send("POST", f"{API}/events", content=body, headers=BATCH)
    verdicts = [result["status"] for result in answer.json()["results"]]
    assert verdicts == ["rejected", "rejected", "accepted", "rejected"]


def odd_events(kind: str) -> Iterator[dict[str, Any]]:
    """One event for each field and each value that it is not made for."""
    whole = event(kind, "e", EVENTS[kind])
    for no, value in enumerate(VALUES):
        for field in ("specversion", "id", "source", "type", "subject", "time", "version", "data"):
            yield whole | {"id": f"{kind} {field} {no}"} | {field: value}
        for field in EVENTS[kind]:
            data = EVENTS[kind] | {"id": f"{kind} {no}", field: value}
            yield event(kind, f"{kind} data.{field} {no}", data)


def event(kind: str, name: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"specversion": "1.0", "id": name, "source": "odd", "type": kind, "data": data}


@pytest.mark.parametrize("path", WEBHOOKS)
def test_nobody_but_a_provider_gets_into_a_webhook(caller: Caller, path: str) -> None:
    headers: tuple[dict[str, Any], ...] = (
        {},
        JSON | {"X-Hub-Signature-256": "sha256=00"},
        {"X-Twilio-Signature": b"\xff", "Content-Type": "application/x-www-form-urlencoded"},
        {
            "X-Twilio-Email-Event-Webhook-Signature": "AAAA",
            "X-Twilio-Email-Event-Webhook-Timestamp": "9" * 400,
        },
        {"X-Handbell-Signature": "sha256=00", "X-Handbell-Timestamp": "9" * 400},
    )
    for raw in (*UNREADABLE, b"Body=STOP&From=%2B12125550123", b"%00=%00&%ff"):
        for more in headers:
            answer = caller.send("POST", path, key=False, content=raw, headers=more)
            assert answer.status_code == 403
    for mode in ("", "subscribe", "\x00"):
        query = {"hub.mode": mode, "hub.verify_token": "\x00", "hub.challenge": "<script>"}
        assert caller.send("GET", "/webhooks/whatsapp", params=query).status_code == 403


def test_a_signed_webhook_without_sense_is_no_error_of_ours(
    installation: Installation, caller: Caller
) -> None:
    accounts = json.loads((installation.home / "sandbox.json").read_text())
    secret = accounts["HANDBELL_WHATSAPP_APP_SECRET"].encode()
    message = b'{"entry":[{"changes":[{"field":"messages","value":{"messages":[%b]}}]}]}'
    inside = (b"null", b"{}", b'{"from":"\\u0000","id":"\\u0000","type":"text","text":1}', b"[]")
    for raw in (*UNREADABLE, b'{"entry":1}', *(message % part for part in inside)):
        signature = hmac.new(secret, raw, hashlib.sha256).hexdigest()
        headers = JSON | {"X-Hub-Signature-256": f"sha256={signature}"}
        caller.send("POST", "/webhooks/whatsapp", key=False, content=raw, headers=headers)


@pytest.mark.requirement("R5.5")
@pytest.mark.parametrize("start", ["/l/", "/u/"])
def test_an_unknown_link_is_a_page_that_says_so(caller: Caller, start: str) -> None:
    for place in ("x", "", "a/b", "." * 3000, *PLACES):
        for method in ("GET", "POST"):
            answer = caller.send(method, start + place, key=False)
            assert answer.status_code == 404, place
            assert answer.headers["content-type"] == PAGE, place
        assert caller.send("HEAD", start + place, key=False).text == ""
    for raw in UNREADABLE:
        for kind in FORMS:
            headers = {"Content-Type": kind}
            answer = caller.send("POST", start + "x", key=False, content=raw, headers=headers)
            assert answer.headers["content-type"] == PAGE, raw[:40]


POSTED: Final = (*WEBHOOKS, "/l/x", "/u/x")


@pytest.mark.parametrize(
    ("method", "url"),
    [*((door.method, door.url()) for door in WRITING), *(("POST", url) for url in POSTED)],
)
def test_a_body_that_is_too_large_is_refused_declared_or_streamed(
    caller: Caller, method: str, url: str
) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (b" " * 100_000 for _ in range(TOO_LARGE // 100_000))

    for body in (b" " * TOO_LARGE, pieces()):
        try:
            answer = caller.send(method, url, content=body, headers=JSON)
        except httpx.WriteError:
            continue  # the answer came, and the line was closed, while we still spoke
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_unknown_paths_and_methods_are_refused(caller: Caller) -> None:
    for path in (
        "/",
        "/api",
        f"{API}/",
        f"{API}/comm",
        "/../etc/passwd",
        "/api/v2/events",
        "/%00",
    ):
        assert caller.send("GET", path).status_code == 404, path
    offered = {(door.method, door.path) for door in DOORS}
    for path in {door.path for door in DOORS}:
        for method in ("PATCH", "DELETE", "TRACE"):
            if (method, path) not in offered:
                url = Door(method=method, path=path).url()
                assert caller.send(method, url).status_code == 405, (method, path)


def test_after_all_that_the_installation_is_well(installation: Installation) -> None:
    assert installation.is_ready()
    assert installation.handbell("audit", "verify")["intact"] is True
    assert "Traceback" not in installation.log_path.read_text()
