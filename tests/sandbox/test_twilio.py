from time import monotonic
from typing import Any
from urllib.parse import parse_qsl

import pytest
from twilio.request_validator import RequestValidator

VALIDATOR = RequestValidator("token")


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "+1202555"}, 21211),
        ({"MessagingServiceSid": ""}, 21603),
        ({"From": "+12025550177"}, 21606),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"StatusCallback": "nowhere"}, 21609),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "soon"}, 21624),
    ],
)
async def test_a_form_that_breaks_a_rule_gets_twilios_error_body(
    sandbox: Any, form: dict[str, str], code: int
) -> None:
    async with sandbox() as box:
        answer = await box.sms(**form)
        assert answer.status_code == 400
        assert answer.json()["code"] == code
        assert set(answer.json()) == {"code", "message", "more_info", "status"}
        assert (await box.client.get("/_sandbox/messages")).text == ""


async def test_a_wrong_token_is_not_let_in(sandbox: Any) -> None:
    async with sandbox() as box:
        url = "/twilio/2010-04-01/Accounts/AC/Messages.json"
        answer = await box.client.post(url, data={}, auth=("AC", "wrong"))
        assert (answer.status_code, answer.json()["code"]) == (401, 20003)


async def test_a_message_is_kept_and_found_again(sandbox: Any) -> None:
    async with sandbox() as box:
        made = (await box.sms(Body="Hi \u00e9")).json()
        assert (made["status"], made["from"], made["num_segments"]) == ("accepted", None, "0")
        base = f"/twilio/2010-04-01/Accounts/{made['account_sid']}/Messages"
        auth = (made["account_sid"], "token")
        fetched = await box.client.get(f"{base}/{made['sid']}.json", auth=auth)
        assert fetched.json()["body"] == "Hi \u00e9"
        listed = await box.client.get(f"{base}.json", params={"To": made["to"]}, auth=auth)
        assert [row["sid"] for row in listed.json()["messages"]] == [made["sid"]]
        other = await box.client.get(f"{base}.json", params={"To": "+12025550199"}, auth=auth)
        assert other.json()["messages"] == []


async def test_callbacks_come_signed_in_order_and_without_the_fragment(sandbox: Any) -> None:
    async with sandbox() as box:
        url = f"{box.public_url}/webhooks/twilio/status?token=t-1"
        await box.sms(StatusCallback=f"{url}#rc=3&rp=all")
        assert box.hooks == []
        assert (await box.client.get("/_sandbox/next")).json()["due"] == 2
        assert await box.release() == 2
        statuses = []
        for hook in box.hooks:
            assert hook.url == url
            fields = dict(parse_qsl(hook.body.decode(), keep_blank_values=True))
            assert VALIDATOR.validate(hook.url, fields, hook.headers["X-Twilio-Signature"])
            statuses.append(fields["MessageStatus"])
        assert statuses == ["sent", "delivered"]
        assert '"token": "t-1"' in (await box.client.get("/_sandbox/messages")).text


async def test_stop_blocks_the_pair_and_start_opens_it(sandbox: Any) -> None:
    async with sandbox() as box:
        assert await box.reply("sms", " stop ")
        fields = dict(parse_qsl(box.hooks[0].body.decode(), keep_blank_values=True))
        signature = box.hooks[0].headers["X-Twilio-Signature"]
        assert box.hooks[0].url == f"{box.public_url}/webhooks/twilio/inbound"
        assert VALIDATOR.validate(box.hooks[0].url, fields, signature)
        assert (fields["Body"], fields["OptOutType"]) == (" stop ", "STOP")
        assert (await box.sms()).json()["code"] == 21610
        assert (await box.sms(To="+12025550124")).status_code == 201
        await box.reply("sms", "START")
        assert (await box.sms()).status_code == 201


@pytest.mark.parametrize(("auto_reply", "kept"), [(False, 0), (True, 1)])
async def test_twilio_answers_a_stop_itself_only_when_told_to(
    sandbox: Any, *, auto_reply: bool, kept: int
) -> None:
    async with sandbox(auto_reply=auto_reply) as box:
        await box.reply("sms", "STOP")
        lines = (await box.client.get("/_sandbox/messages")).text.splitlines()
        assert len(lines) == kept


async def test_a_callback_that_fails_is_tried_again_and_counted(sandbox: Any) -> None:
    async with sandbox() as box:
        box.answers.extend([500, 503])
        assert await box.reply("sms", "C")
        assert len({hook.body for hook in box.hooks}) == 1
        counts = (await box.client.get("/_sandbox/counts")).json()
        assert counts == {"webhooks_retried": 2, "webhooks_delivered": 1}


async def test_ordered_refusals_are_given_and_then_end(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.client.put("/_sandbox/faults", json={"provider": "twilio", "status_429": 1})
        refused = await box.sms()
        assert (refused.status_code, refused.json()["code"]) == (429, 20429)
        assert (await box.sms()).status_code == 201


async def test_ordered_outages_come_after_the_refusals_and_accept_nothing(sandbox: Any) -> None:
    async with sandbox() as box:
        fault = {"provider": "twilio", "status_429": 1, "status_503": 1}
        await box.client.put("/_sandbox/faults", json=fault)
        answers = [await box.sms() for _ in range(3)]
        assert [one.status_code for one in answers] == [429, 503, 201]
        assert answers[1].json()["code"] == 20503
        assert len((await box.client.get("/_sandbox/messages")).text.splitlines()) == 1


async def test_a_body_that_is_no_form_has_no_fields(sandbox: Any) -> None:
    async with sandbox() as box:
        made = (await box.sms()).json()
        url = f"/twilio/2010-04-01/Accounts/{made['account_sid']}/Messages.json"
        auth = (made["account_sid"], "token")
        answer = await box.client.post(url, json={"To": "+12025550123"}, auth=auth)
        assert answer.json()["code"] == 21604


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/twilio/2010-04-01/Accounts/AC/Nothing.json", 404, {"code": 20404}),
        ("PUT", "/twilio/2010-04-01/Accounts/AC/Messages.json", 405, {"code": 20004}),
        (
            "GET",
            "/sendgrid/v3/nothing",
            404,
            {"errors": [{"message": "not found", "field": None}]},
        ),
        ("PUT", "/whatsapp/v23.0/555/messages", 400, {"error": {"code": 33}}),
        ("GET", "/_sandbox/nothing", 404, {"detail": "Not Found"}),
    ],
)
async def test_what_does_not_exist_is_refused_in_the_providers_own_words(
    sandbox: Any, method: str, path: str, status: int, said: dict[str, Any]
) -> None:
    async with sandbox() as box:
        answer = await box.client.request(method, path)
        body = answer.json()
        kept = {name: body[name] for name in said}
        if "error" in kept:
            kept = {"error": {"code": kept["error"]["code"]}}
        assert (answer.status_code, kept) == (status, said)


async def test_ordered_latency_delays_the_answer(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.client.put("/_sandbox/faults", json={"provider": "twilio", "latency_ms": 150})
        began = monotonic()
        assert (await box.sms()).status_code == 201
        assert monotonic() - began >= 0.15


async def test_a_further_number_of_the_account_sends_and_is_named(sandbox: Any) -> None:
    async with sandbox() as box:
        number = {"sender": "+12025550177", "number": "+12025550177"}
        await box.client.put("/_sandbox/numbers", json=[number])
        back = f"{box.public_url}/webhooks/twilio/status"
        made = await box.sms(From="+12025550177", MessagingServiceSid="", StatusCallback=back)
        assert made.json()["from"] == "+12025550177"
        await box.release()
        forms = [dict(parse_qsl(hook.body.decode())) for hook in box.hooks]
        assert [form["From"] for form in forms] == ["+12025550177"] * 2
