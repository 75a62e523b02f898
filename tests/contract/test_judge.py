"""The judge sees each way of breaking a document, and nothing in what keeps it."""

import json
from typing import Any

import pytest
from tests.contract.conftest import asked, made
from tools.contract.broken import mutations
from tools.contract.errors import ErrorTable
from tools.contract.judge import Judge
from tools.contract.openapi import JSON, Document
from tools.contract.types import Asked, Asker, Exchange, Scenario

from handbell.channels.types import Provider
from handbell.platform.transport import Answer

REFUSAL = {
    "code": 21211,
    "message": "Invalid 'To' Phone Number",
    "more_info": "https://www.twilio.com/docs/errors/21211",
    "status": 400,
}


def _judge(document: Document) -> Judge:
    table = ErrorTable({("twilio", 21211): 400, ("sendgrid", 429): 429, ("whatsapp", 100): 400})
    return Judge(documents=dict.fromkeys(Provider, document), errors=table)


def _faults(
    document: Document, request: Asked, answer: Answer, asker: Asker = Asker.OURS
) -> list[str]:
    scenario = Scenario(provider=Provider.TWILIO, asker=asker, name="a test")
    exchange = Exchange(scenario=scenario, asked=request, answer=answer)
    return list(_judge(document).faults(exchange))


def test_what_keeps_the_document_has_no_fault(document: Document) -> None:
    assert _faults(document, asked(), made()) == []
    listing = asked(method="GET", query="Size=5&Day=today", body=b"")
    assert _faults(document, listing, Answer(status=200)) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"path": "/v1/AC1/Massages.json"}, "POST /v1/AC1/Massages.json is not in the document"),
        ({"method": "PUT"}, "PUT /v1/AC1/Messages.json is not in the document"),
        ({"path": "/v1/XX1/Messages.json"}, "path Account: 'XX1' does not match"),
        ({"headers": {}}, "authorization is not basic"),
        ({"body": b"Media=a"}, "$: 'To' is a required property"),
        ({"body": b"To=2025550123&Media=a"}, "$.To: '2025550123' is not a 'phone-number'"),
        ({"body": b"To=%2B12025550123&Hook=nowhere"}, "$.Hook: 'nowhere' is not a 'uri'"),
        ({"body": b"To=%2B12025550123&Media=a&Validity=10"}, "$.Validity: 10 is greater"),
        ({"body": b"To=%2B12025550123&Media=a&Validity=soon"}, "$.Validity: 'soon' is not of"),
        ({"body": b"To=%2B12025550123&Media=a&Short=yes"}, "$.Short: 'yes' is not of"),
        ({"body": b"To=%2B12025550123"}, "is not valid under any of the given schemas"),
        ({"body": b"To=%2B12025550123&Media=a&Colour=green"}, "$.Colour is unknown"),
        ({"body": b"To=%2B12025550123&To=%2B12025550124&Media=a"}, "the body is not"),
        ({"body": b"To=%C3%28&Media=a"}, "the body is not"),
        ({"method": "GET", "body": b"", "query": "Size=0&Day=x"}, "query Size: 0 is less"),
        ({"method": "GET", "body": b"", "query": "Size=1"}, "query Day is missing"),
        ({"method": "GET", "body": b"", "query": "Day=x&Page=2"}, "query Page is unknown"),
        ({"method": "GET", "query": "Day=x"}, "the request has no body"),
    ],
)
def test_a_request_that_breaks_the_document_is_a_violation(
    document: Document, changes: dict[str, Any], fault: str
) -> None:
    request = asked(**changes)
    found = _faults(document, request, made())
    assert any(one.startswith("request: ") and fault in one for one in found), found
    broken = _faults(document, request, made(400, REFUSAL), Asker.BROKEN)
    assert broken == []


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (made(200), "status 200 is not documented"),
        (made(body={"sid": "MM1"}), "$.sid: 'MM1' does not match"),
        (made(body={"from": None}), "'sid' is a required property"),
        (made(body={"sid": "SM1", "from": 7}), "$.from: 7 is not of type"),
        (made(body={"sid": "SM1", "parts": [{"n": 1, "m": 2}]}), "$.parts[0].m is unknown"),
        (made(body={"sid": "SM1", "colour": "green"}), "$.colour is unknown"),
        (Answer(status=201, headers={"content-type": JSON}, body=b"<p>"), "the body is not JSON"),
        (Answer(status=201, headers={"content-type": "text/html"}), "content type 'text/html'"),
        (made(202), "an answer of status 202 has no body"),
        (Answer(status=500, body=b"oops"), "an error is not JSON"),
        (made(400, REFUSAL | {"code": 21212}), "code 21212 comes with status None"),
        (made(404, REFUSAL | {"status": 404}), "code 21211 comes with status 400, not 404"),
        (made(400, REFUSAL | {"status": 401}), "$.status says 401"),
        (made(400, REFUSAL | {"detail": "no"}), "'detail' was unexpected"),
    ],
)
def test_an_answer_that_the_provider_does_not_give_is_a_violation(
    document: Document, answer: Answer, fault: str
) -> None:
    found = _faults(document, asked(), answer)
    assert any(one.startswith("answer: ") and fault in one for one in found), found


def test_a_broken_request_must_be_broken_and_be_refused(document: Document) -> None:
    (said,) = _faults(document, asked(), made(400, REFUSAL), Asker.BROKEN)
    assert said == "request: made to break the document, and does not"
    (said,) = _faults(document, asked(body=b"Media=a"), made(), Asker.BROKEN)
    assert said.startswith("answer: 201 to a broken request")


def test_each_provider_says_no_in_its_own_shape(document: Document) -> None:
    judge = _judge(document)
    meta = {
        "error": {
            "message": "(#100) Invalid parameter",
            "type": "OAuthException",
            "code": 100,
            "error_data": {"messaging_product": "whatsapp", "details": "to"},
            "fbtrace_id": "x",
        }
    }
    assert list(judge.errors.faults(Provider.WHATSAPP, made(400, meta), document)) == []
    late = {"errors": [{"message": "too many requests", "field": None}]}
    found = list(judge.errors.faults(Provider.SENDGRID, made(429, late), document))
    assert found == [
        f"header x-ratelimit-{name} is missing" for name in ("limit", "remaining", "reset")
    ]
    for provider in (Provider.TWILIO, Provider.SENDGRID):
        assert list(judge.errors.faults(provider, made(400, meta), document)) != []


def test_a_mutation_changes_one_thing() -> None:
    body = {"to": [{"email": "pat@example.org"}]}
    made_of = dict(mutations(body))
    assert made_of["without to.0.email"] == {"to": [{}]}
    assert made_of["number at to"] == {"to": 7}
    assert made_of["with a key that does not exist"] == body | {"colour": "green"}
    assert len(made_of) == 10
    assert all(changed != body for changed in made_of.values())
    assert json.dumps(body) == '{"to": [{"email": "pat@example.org"}]}'
