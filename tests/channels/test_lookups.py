"""What each look-up asks a provider, and what it makes of lists, gaps and other senders."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from handbell.channels.providers.sendgrid.lookup import SendGridLookup
from handbell.channels.providers.sendgrid.sender import SendGridAccount
from handbell.channels.providers.twilio.lookup import PAGE_SIZE, TwilioLookup
from handbell.channels.providers.twilio.sender import TwilioAccount
from handbell.channels.types import Sought
from handbell.platform.transport import Answer, FakeTransport, NeverLeft, NoAnswer

AT: Final = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
SOUGHT: Final = Sought(
    sender="+12025550100",
    to="+12125550123",
    text="See you soon",
    started_at=AT,
    attempt_token="t1",
)
MAIL: Final = replace(SOUGHT, sender="clinic@example.org", to="o'hara@example.org")


def twilio(*answers: Answer | NeverLeft | NoAnswer, service: bool = True) -> TwilioLookup:
    account = TwilioAccount(
        base_url="http://twilio.test",
        account_sid="AC1",
        auth_token="secret",
        public_url="https://outreach.example.org",
        messaging_service_sid="MG1" if service else None,
    )
    return TwilioLookup(transport=FakeTransport(*answers), account=account)


def row(sid: str, *, after: float = 1, **more: Any) -> dict[str, Any]:
    return {
        "sid": sid,
        "direction": "outbound-api",
        "messaging_service_sid": "MG1",
        "from": None,
        "to": SOUGHT.to,
        "body": SOUGHT.text,
        "date_created": format_datetime(AT + timedelta(seconds=after)),
        "date_sent": None,
    } | more


def listing(*rows: dict[str, Any], status: int = 200) -> Answer:
    return Answer(status=status, body=json.dumps({"messages": list(rows)}).encode())


async def test_twilio_is_asked_by_recipient_alone_with_the_accounts_credentials() -> None:
    lookup = twilio(listing())
    assert await lookup.find(SOUGHT) == ()
    assert isinstance(lookup.transport, FakeTransport)
    (asked,) = lookup.transport.posted
    assert parse_qs(urlsplit(asked.url).query) == {"To": [SOUGHT.to], "PageSize": ["50"]}
    assert asked.headers["Authorization"].startswith("Basic ")


async def test_twilios_list_is_matched_by_sender_direction_time_and_text() -> None:
    rows = (
        row("late", after=90),
        row("ours", after=-4),
        row("too early", after=-6),
        row("a reply", direction="outbound-reply"),
        row("inbound", direction="inbound"),
        row("another service", messaging_service_sid="MG2"),
        row("another text", body="See you"),
        row("no date", date_created=None),
    )
    assert await twilio(listing(*rows)).find(SOUGHT) == ("ours", "late")


async def test_without_a_service_the_number_is_the_sender_and_a_discarded_body_fits() -> None:
    rows = (
        row("ours", body="") | {"from": "+12025550100"},
        row("another number") | {"from": "+12025550101"},
    )
    assert await twilio(listing(*rows), service=False).find(SOUGHT) == ("ours",)


@pytest.mark.parametrize(
    "answer",
    [
        NeverLeft("refused"),
        NoAnswer("reset"),
        Answer(status=502, body=b"<html>"),
        Answer(status=429, body=b'{"code":20429}'),
        Answer(status=200, body=b"[]"),
        listing(status=500),
        listing(*(row(f"SM{no}", body="other") for no in range(PAGE_SIZE))),
    ],
)
async def test_a_list_that_was_not_read_to_its_end_cannot_tell(
    answer: Answer | NeverLeft | NoAnswer,
) -> None:
    assert await twilio(answer).find(SOUGHT) is None


async def test_a_full_page_that_goes_back_far_enough_can_tell() -> None:
    rows = [row(f"SM{no}", after=1 - no) for no in range(PAGE_SIZE)]
    found = await twilio(listing(*rows)).find(SOUGHT)
    assert found == ("SM6", "SM5", "SM4", "SM3", "SM2", "SM1", "SM0")


def sendgrid(*answers: Answer | NeverLeft | NoAnswer) -> SendGridLookup:
    account = SendGridAccount(base_url="http://sendgrid.test", api_key="SG.1")
    return SendGridLookup(transport=FakeTransport(*answers), account=account)


def detail(token: str) -> Answer:
    return Answer(
        status=200, body=json.dumps({"custom_args": {"handbell_attempt": token}}).encode()
    )


async def test_sendgrids_logs_are_searched_by_address_and_the_token_decides() -> None:
    hits = listing({"sg_message_id": "X1.recvd-0"}, {"sg_message_id": "X2.recvd/1"})
    lookup = sendgrid(hits, detail("another"), detail("t1"))
    assert await lookup.find(MAIL) == ("X2",)
    assert isinstance(lookup.transport, FakeTransport)
    search, _, second = lookup.transport.posted
    assert json.loads(search.body) == {
        "query": "to_email = 'o''hara@example.org' AND sg_message_id_created_at >"
        ' TIMESTAMP "2026-12-01T16:59:55Z"',
        "limit": 50,
    }
    assert second.url == "http://sendgrid.test/v3/logs/X2.recvd%2F1"
    assert all("example.org" not in asked.url for asked in lookup.transport.posted)


@pytest.mark.parametrize(
    "answers",
    [
        (NoAnswer("reset"),),
        (Answer(status=403, body=b'{"errors":[]}'),),
        (listing({"sg_message_id": "X1"}), Answer(status=404, body=b"{}")),
        (listing({"sg_message_id": "X1"}), NeverLeft("refused")),
        (listing(*({"sg_message_id": f"X{no}"} for no in range(50))),),
    ],
)
async def test_logs_that_were_not_read_to_their_end_cannot_tell(answers: Any) -> None:
    assert await sendgrid(*answers).find(MAIL) is None


async def test_logs_without_a_hit_say_that_sendgrid_does_not_have_it() -> None:
    assert await sendgrid(listing()).find(MAIL) == ()
    without = Answer(status=200, body=b'{"custom_args": null}')
    assert await sendgrid(listing({"sg_message_id": "X1"}), without).find(MAIL) == ()
