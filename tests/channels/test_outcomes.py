"""Every row of the providers' errors, as the answer to a request and as a webhook.

What each row means is said here a second time, by its class and advice, without the product's
own reading of the table.
"""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.channels.providers.failures import post_once
from handbell.channels.providers.sendgrid import codes as sendgrid_codes
from handbell.channels.providers.sendgrid import webhooks as sendgrid
from handbell.channels.providers.twilio import codes as twilio_codes
from handbell.channels.providers.twilio import webhooks as twilio
from handbell.channels.providers.whatsapp import codes as whatsapp_codes
from handbell.channels.providers.whatsapp import webhooks as whatsapp
from handbell.channels.types import Accepted, Outcome, Refused, Retry, StatusEvent, Unknown
from handbell.platform.transport import Answer, FakeTransport, NeverLeft, NoAnswer

Row = dict[str, Any]
ROWS: Final[list[Row]] = json.loads(
    files("handbell.channels.providers").joinpath("errors.json").read_text()
)["rows"]
AT_ONCE: Final = [
    row for row in ROWS if "sync" in row["where"].split("+") and row["code"] != "timeout"
]
LATER: Final = [row for row in ROWS if "async" in row["where"].split("+")]
READ: Final = {
    "twilio": twilio_codes.read,
    "sendgrid": sendgrid_codes.read,
    "whatsapp": whatsapp_codes.read,
}
KIND: Final = {
    "ambiguous": Unknown,
    "rate_limit": Retry,
    "policy_time": Retry,
    "transient": Retry,
    "accepted": Accepted,
}
"""By class; a class that is not here is a refusal."""


def named(row: Row) -> str:
    return f"{row['provider']} {row['code']}"


def wanted_kind(row: Row) -> type[Outcome]:
    """What the row says: advice to wait for a repair is a refusal, of whatever class."""
    if (row["provider"], row["code"]) == ("whatsapp", 131000):
        return Unknown  # the row's own note: ambiguous as the answer to a request
    if row["retry"] in {"after_fix", "never", "other_channel"}:
        return Refused
    if row["retry"] in {"backoff", "next_day", "after_24h"}:
        return Retry
    return KIND[row["class"]]


def answer_of(row: Row) -> Answer:
    """The row as its provider would answer it."""
    code, status = row["code"], row["http"] or 400
    if row["provider"] == "sendgrid":
        body: object = {"errors": [{"message": "no", "field": None, "help": None}]}
        headers = {"x-message-id": "Xj5LmNkWSOqRbdvOpR34BA"} if status < 300 else {}
        return Answer(status=status, headers=headers, body=json.dumps(body).encode())
    body = {"code": code, "message": "no", "more_info": "", "status": status}
    if row["provider"] == "whatsapp":
        body = {"error": {"message": "no", "type": "OAuthException", "code": code}}
    return Answer(status=status, body=json.dumps(body).encode())


@pytest.mark.shared_data
def test_the_table_is_the_one_of_the_reference(shared_dir: Path) -> None:
    path = shared_dir / "reference" / "providers" / "fixtures" / "errors.json"
    columns = ("provider", "code", "http", "where", "class", "retry")
    wanted = [
        {name: row[name] for name in columns} for row in json.loads(path.read_text())["rows"]
    ]
    assert len(wanted) == 162
    assert [{name: row[name] for name in columns} for row in ROWS] == wanted


@pytest.mark.requirement("R9.2")
@pytest.mark.parametrize("row", AT_ONCE, ids=named)
def test_an_answer_means_what_its_row_says(row: Row) -> None:
    outcome = READ[row["provider"]](answer_of(row))
    assert type(outcome) is wanted_kind(row)
    if isinstance(outcome, Refused):
        assert outcome.opted_out == (row["class"] == "opt_out")
        assert outcome.bad_address == (row["class"] == "invalid_recipient")


@pytest.mark.parametrize("provider", READ)
async def test_no_answer_is_the_row_that_nobody_sends(provider: str) -> None:
    (row,) = [r for r in ROWS if (r["provider"], r["code"]) == (provider, "timeout")]
    assert (row["class"], row["retry"]) == ("ambiguous", "reconcile")
    for error, outcome in (
        (NoAnswer("reset"), Unknown(code="no_answer")),
        (NeverLeft("refused"), Retry(code="never_left")),
    ):
        transport = FakeTransport(error)
        said = await post_once(transport, "http://provider.test", headers={}, body=b"")
        assert said == outcome


@pytest.mark.parametrize("row", LATER, ids=named)
def test_a_webhook_with_a_code_says_who_opted_out_and_which_address_is_bad(row: Row) -> None:
    event = webhook_of(row)
    assert event.opted_out == (row["class"] == "opt_out")
    assert event.bad_address == (row["class"] == "invalid_recipient")


def webhook_of(row: Row) -> StatusEvent:
    code = str(row["code"])
    if row["provider"] == "twilio":
        form = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": code}
        (item,) = twilio.parse_status(urlencode(form).encode(), mid="t")
    elif row["provider"] == "whatsapp":
        status = {"id": "wamid.1", "status": "failed", "errors": [{"code": row["code"]}]}
        change = {"field": "messages", "value": {"statuses": [status]}}
        (item,) = whatsapp.parse_envelope(json.dumps({"entry": [{"changes": [change]}]}).encode())
    else:
        name, _, more = code.partition(":")
        told = {"event": name, "sg_event_id": "e", "type": more, "reason": more}
        (item,) = sendgrid.parse_events(json.dumps([told]).encode())
    assert isinstance(item, StatusEvent)
    return item


PAGE: Final = b"<html><body>Bad Gateway</body></html>"


@pytest.mark.parametrize("provider", READ)
@pytest.mark.parametrize("status", [200, 202, 301, 400, 403, 404, 500, 502, 503, 504])
def test_a_page_of_html_says_nothing_of_the_message(provider: str, status: int) -> None:
    answer = Answer(status=status, headers={"content-type": "text/html"}, body=PAGE)
    assert type(READ[provider](answer)) is Unknown


def test_sendgrids_413_is_a_page_and_a_refusal_all_the_same() -> None:
    assert sendgrid_codes.read(Answer(status=413, body=PAGE)) == Refused(code="413")


@pytest.mark.parametrize("provider", READ)
def test_a_bare_answer_is_unknown_unless_it_was_refused_at_the_door(provider: str) -> None:
    kinds = {
        status: type(READ[provider](Answer(status=status)))
        for status in (204, 302, 400, 401, 408, 429, 500, 502, 503, 599)
    }
    assert kinds == {
        **dict.fromkeys((204, 302, 500, 502, 503, 599), Unknown),
        **dict.fromkeys((400, 401, 408), Refused),
        429: Retry,
    }


def test_a_code_that_nobody_knows_is_judged_by_the_status() -> None:
    assert twilio_codes.read(error(400, 77777)) == Refused(code="77777")
    assert twilio_codes.read(error(500, 77777)) == Unknown(code="77777")
    assert twilio_codes.read(error(429, 77777)) == Retry(code="77777")


def error(status: int, code: int, **headers: str) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=sent, body=json.dumps({"code": code}).encode())


DATE: Final = "Tue, 24 Nov 2026 10:00:00 GMT"
LATE: Final = "Tue, 24 Nov 2026 10:01:30 GMT"


@pytest.mark.requirement("R9.2")
@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"retry_after": "7"}, timedelta(seconds=7)),
        ({"retry_after": " 0 "}, timedelta(0)),
        ({"retry_after": LATE, "date": DATE}, timedelta(seconds=90)),
        ({"retry_after": DATE, "date": LATE}, timedelta(0)),
        ({"retry_after": LATE}, datetime(2026, 11, 24, 10, 1, 30, tzinfo=UTC)),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-3"}, None),
        ({"retry_after": "9" * 5000}, timedelta(seconds=10**7)),
        ({}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date(
    headers: dict[str, str], pause: timedelta | datetime | None
) -> None:
    answer = error(429, 20429, **headers)
    assert twilio_codes.read(answer) == Retry(code="20429", retry_after=pause)


def test_sendgrid_names_the_instant_in_a_header_of_its_own() -> None:
    headers = {"x-ratelimit-reset": "1795514400"}
    answer = Answer(status=429, headers=headers, body=b'{"errors":[]}')
    reset = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
    assert sendgrid_codes.read(answer) == Retry(code="429", retry_after=reset)
    named = Answer(status=429, headers=headers | {"retry-after": "3"}, body=b'{"errors":[]}')
    assert sendgrid_codes.read(named) == Retry(code="429", retry_after=timedelta(seconds=3))


@given(
    status=st.integers(100, 599),
    body=st.binary(max_size=30) | st.builds(lambda v: json.dumps(v).encode(), st.integers()),
    header=st.text(max_size=30),
)
def test_no_answer_makes_a_reader_raise(status: int, body: bytes, header: str) -> None:
    headers = {"retry-after": header, "date": header, "x-ratelimit-reset": header}
    for read in READ.values():
        outcome = read(Answer(status=status, headers=headers, body=body))
        assert isinstance(outcome, Accepted | Refused | Retry | Unknown)
