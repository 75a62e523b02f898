import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from handbell.platform.clock import FrozenClock

TEMPLATE = {
    "name": "reminder",
    "language": {"code": "en_US"},
    "components": [{"type": "BODY", "parameters": [{"type": "text", "text": "Ann"}]}],
}

TEXT_AT_BODY = {"type": "body", "parameters": [{"type": "text"}]}


def value_of(hook: Any) -> dict[str, Any]:
    """The change's value, once the signature over the raw body has been checked."""
    wanted = "sha256=" + hmac.new(b"secret", hook.body, hashlib.sha256).hexdigest()
    assert hook.headers["X-Hub-Signature-256"] == wanted
    value: dict[str, Any] = json.loads(hook.body)["entry"][0]["changes"][0]["value"]
    return value


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"messaging_product": "sms"}, 100),
        ({"to": None}, 131008),
        ({"to": "Ann"}, 131009),
        ({"type": "poem"}, 131051),
        ({"text": {"body": ""}}, 100),
        ({"type": "template", "template": TEMPLATE}, 132001),
        ({"type": ["text"], "text": {"body": "Hello"}}, 131051),
        ({"type": "text"}, 131008),
        ({"text": {"body": "x" * 4097}}, 100),
        ({"text": {"body": "Hello", "shout": True}}, 100),
        ({"text": {"body": "Hello"}, "colour": "green"}, 100),
        ({"text": {"body": "Hello"}, "biz_opaque_callback_data": "x" * 513}, 100),
        ({"type": "template", "template": {"name": "reminder"}}, 100),
        ({"type": "template", "template": TEMPLATE | {"components": [{"type": "button"}]}}, 100),
        ({"type": "template", "template": TEMPLATE | {"components": [TEXT_AT_BODY]}}, 100),
    ],
)
async def test_a_wrong_request_gets_metas_error_envelope(
    sandbox: Any, body: dict[str, Any], code: int
) -> None:
    async with sandbox() as box:
        answer = await box.whatsapp(**body)
        assert answer.json()["error"]["code"] == code
        assert answer.json()["error"]["error_data"]["messaging_product"] == "whatsapp"


@pytest.mark.parametrize("version", ["", "/v23.0"])
async def test_a_template_is_approved_at_once_and_rendered(sandbox: Any, version: str) -> None:
    async with sandbox() as box:
        template = {
            "name": "reminder",
            "language": "en_US",
            "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Hello {{1}}, see you."}],
        }
        made = await box.whatsapp(f"{version}/777/message_templates", **template)
        assert made.json()["status"] == "APPROVED"
        sent = await box.whatsapp(
            f"{version}/555/messages",
            type="template",
            template=TEMPLATE,
            biz_opaque_callback_data="t-wa",
        )
        assert sent.json()["messages"][0]["message_status"] == "accepted"
        row = json.loads((await box.client.get("/_sandbox/messages")).text)
        assert (row["body"], row["template"]) == ("Hello Ann, see you.", "reminder")
        await box.release()
        rows = [value_of(hook)["statuses"][0] for hook in box.hooks]
        assert [one["status"] for one in rows] == ["sent", "delivered"]
        assert {one["biz_opaque_callback_data"] for one in rows} == {"t-wa"}
        few = TEMPLATE | {"components": []}
        refused = await box.whatsapp(type="template", template=few)
        assert refused.json()["error"]["code"] == 132000


async def test_templates_are_listed_with_samples_and_the_summary_that_is_asked_for(
    sandbox: Any,
) -> None:
    async with sandbox() as box:
        known = [
            {"name": "numbered", "language": "en_US", "body": "Hello {{1}}, {{2}}."},
            {"name": "named", "language": "en_US", "body": "Hello {{first_name}}."},
        ]
        await box.client.put("/_sandbox/templates", json=known)
        answer = await box.client.get(
            "/whatsapp/v23.0/777/message_templates",
            params={"summary": "total_count,nothing"},
            headers={"Authorization": "Bearer wa-token"},
        )
        named, numbered = answer.json()["data"]
        assert named["parameter_format"] == "NAMED"
        samples = [{"param_name": "first_name", "example": "sample"}]
        assert named["components"][0]["example"] == {"body_text_named_params": samples}
        assert numbered["parameter_format"] == "POSITIONAL"
        assert numbered["components"][0]["example"] == {"body_text": [["sample", "sample"]]}
        assert answer.json()["summary"] == {"total_count": 2}


async def test_the_rate_is_told_by_metas_code_and_not_by_the_status(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.client.put("/_sandbox/faults", json={"provider": "whatsapp", "status_429": 1})
        answer = await box.whatsapp(text={"body": "Hello"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 130429)


async def test_free_text_arrives_only_within_24_hours_of_the_patients_own(sandbox: Any) -> None:
    async with sandbox() as box:
        clock: FrozenClock = box.clock
        text = {"type": "text", "text": {"body": "Thank you"}}
        assert (await box.whatsapp(**text)).status_code == 200
        await box.release()
        assert value_of(box.hooks[-1])["statuses"][0]["errors"][0]["code"] == 131047
        await box.reply("whatsapp", "C")
        message = value_of(box.hooks[-1])["messages"][0]
        assert (message["from"], message["text"]) == ("12025550123", {"body": "C"})
        clock.advance(timedelta(hours=23))
        await box.whatsapp(**text)
        clock.advance(timedelta(hours=1))
        await box.whatsapp(**text)
        assert len((await box.client.get("/_sandbox/messages")).text.splitlines()) == 1


async def test_a_further_number_is_named_by_its_id_in_what_comes_back(sandbox: Any) -> None:
    async with sandbox() as box:
        template = {"name": "reminder", "language": "en_US", "body": "Hi {{1}}"}
        await box.client.put("/_sandbox/templates", json=[template])
        number = {"sender": "777", "number": "+12025550177"}
        await box.client.put("/_sandbox/numbers", json=[number])
        body = {"to": "12025550123", "type": "template", "template": TEMPLATE}
        answer = await box.client.post(
            "/whatsapp/v23.0/777/messages",
            json={"messaging_product": "whatsapp", **body},
            headers={"Authorization": "Bearer wa-token"},
        )
        assert answer.status_code == 200
        await box.release()
        told = {"display_phone_number": "12025550177", "phone_number_id": "777"}
        assert [value_of(hook)["metadata"] for hook in box.hooks] == [told, told]
