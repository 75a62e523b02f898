import json
from typing import Any

import pytest
from sendgrid.helpers.eventwebhook import EventWebhook


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "nobody"}]}]}, "personalizations.0.to"),
        ({"from": None}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"headers": {"Reply-To": "a@example.org"}}, "headers"),
        ({"custom_args": {"n": 1}}, "custom_args.n"),
        ({"personalizations": 7}, "personalizations"),
        ({"content": [{"type": "text/html", "value": ["x"]}]}, "content.0.value"),
        ({"headers": 7}, "headers"),
        ({"colour": "green"}, "colour"),
        ({"categories": ["twice", "twice"]}, "categories"),
        ({"categories": [str(n) for n in range(11)]}, "categories"),
        (
            {"mail_settings": {"sandbox_mode": {"enable": "true"}}},
            "mail_settings.sandbox_mode.enable",
        ),
        ({"ip_pool_name": "x"}, "ip_pool_name"),
    ],
)
async def test_a_mail_that_breaks_a_rule_is_refused_whole(
    sandbox: Any, changes: dict[str, Any], field: str
) -> None:
    async with sandbox() as box:
        answer = await box.mail(**changes)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == field


async def test_a_mail_that_is_not_json_by_its_type_is_refused(sandbox: Any) -> None:
    async with sandbox() as box:
        headers = {"Authorization": "Bearer SG.key", "Content-Type": "text/plain"}
        answer = await box.client.post("/sendgrid/v3/mail/send", content="{}", headers=headers)
        assert answer.status_code == 415


async def test_events_come_in_one_signed_batch_that_ends_in_crlf(sandbox: Any) -> None:
    async with sandbox() as box:
        sent = await box.mail()
        assert (sent.status_code, sent.content) == (202, b"")
        await box.release()
        (hook,) = box.hooks
        assert hook.body.endswith(b"]\r\n")
        headers = {"Authorization": "Bearer SG.key"}
        url = "/sendgrid/v3/user/webhooks/event/settings/signed"
        shown = (await box.client.get(url, headers=headers)).json()["public_key"]
        verifier = EventWebhook(shown)
        signature = hook.headers["X-Twilio-Email-Event-Webhook-Signature"]
        timestamp = hook.headers["X-Twilio-Email-Event-Webhook-Timestamp"]
        assert verifier.verify_signature(hook.body.decode(), signature, timestamp)
        events = json.loads(hook.body)
        assert [event["event"] for event in events] == ["processed", "delivered"]
        assert {event["attempt_token"] for event in events} == {"t-mail"}
        assert events[1]["ip"] == "192.0.2.1"
        message_id = sent.headers["X-Message-Id"]
        assert all(event["sg_message_id"].startswith(message_id + ".") for event in events)


async def test_mail_to_an_unsubscribed_address_is_dropped(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.reply("email", "STOP", sender="Pat@example.org")
        assert (await box.mail()).status_code == 202
        await box.release()
        assert [event["event"] for event in json.loads(box.hooks[0].body)] == ["dropped"]
        assert (await box.client.get("/_sandbox/messages")).text == ""
