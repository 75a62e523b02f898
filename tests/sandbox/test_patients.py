import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest

from handbell.sandbox import patients

MENU = "Your visit is on Tue 1 Dec. Reply C to confirm, R to move, STOP to end."
END = datetime.fromisoformat("2026-12-01T20:00:00+00:00")


def _address(number: int) -> str:
    return f"+1202555{number:04d}"


def test_the_shares_are_those_of_the_model() -> None:
    texts = Counter(patients.answer(7, _address(n), MENU) for n in range(10_000))
    shares = {
        "confirm": sum(n for text, n in texts.items() if text in {"C", "c", "C ", "1"}),
        "move": sum(n for text, n in texts.items() if text in {"R", "r", "2"}),
        "stop": texts["STOP"],
    }
    assert 4300 < shares["confirm"] < 4700
    assert 650 < shares["move"] < 950
    assert 220 < shares["stop"] < 380
    assert 3800 < texts[None] < 4200


@pytest.mark.parametrize("text", ["You are confirmed.", "See you on Dec 1 at 2 PM."])
def test_who_is_asked_nothing_answers_nothing(text: str) -> None:
    assert not any(patients.answer(7, _address(n), text) for n in range(500))


@pytest.mark.parametrize("text", ["1 = yes, 2 = move", "Responda C para confirmar o R para otra"])
def test_a_menu_of_digits_or_in_spanish_is_understood(text: str) -> None:
    assert any(patients.answer(7, _address(n), text) for n in range(50))


def test_a_link_changes_nothing_but_the_seed_does() -> None:
    first = [
        patients.answer(7, _address(n), f"{MENU} https://x.example.org/l/a") for n in range(99)
    ]
    again = [
        patients.answer(7, _address(n), f"{MENU} https://x.example.org/l/b") for n in range(99)
    ]
    other = [
        patients.answer(8, _address(n), f"{MENU} https://x.example.org/l/a") for n in range(99)
    ]
    assert first == again
    assert first != other


async def _run(sandbox: Any, order: list[int]) -> list[tuple[str, str]]:
    async with sandbox(patients=True) as box:
        for number in order:
            await box.sms(To=_address(number), Body=MENU)
        upcoming = datetime.fromisoformat((await box.client.get("/_sandbox/next")).json()["at"])
        assert (upcoming.minute % 10, upcoming.second) == (0, 0)
        await box.release(upcoming - timedelta(minutes=1))
        assert box.hooks == []
        await box.release(END)
        forms = [dict(parse_qsl(hook.body.decode())) for hook in box.hooks]
        return sorted((form["From"], form["Body"]) for form in forms)


async def test_the_order_of_sending_does_not_change_the_answers(sandbox: Any) -> None:
    forth = await _run(sandbox, list(range(100, 140)))
    back = await _run(sandbox, list(range(139, 99, -1)))
    assert forth == back
    assert len(forth) > 10


async def test_who_has_said_stop_never_writes_again(sandbox: Any) -> None:
    wants = next(n for n in range(1000) if patients.answer(7, _address(n), MENU) == "C")
    async with sandbox(patients=True) as box:
        await box.sms(To=_address(wants), Body=MENU)
        await box.reply("sms", "STOP", sender=_address(wants))
        await box.release(END)
        assert len(box.hooks) == 1


async def test_in_real_time_callbacks_come_by_themselves(sandbox: Any) -> None:
    async with sandbox(simulated=False) as box:
        await box.sms(StatusCallback=f"{box.public_url}/webhooks/twilio/status?token=t")
        async with asyncio.timeout(5):
            while len(box.hooks) < 2:  # noqa: ASYNC110 (the receiver is another server)
                await asyncio.sleep(0.02)
        assert (await box.client.get("/_sandbox/next")).json() == {"at": None, "due": 0}


async def test_clearing_forgets_messages_blocks_and_actions(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.sms(StatusCallback=f"{box.public_url}/webhooks/twilio/status?token=t")
        await box.reply("sms", "STOP")
        await box.client.delete("/_sandbox/state")
        assert (await box.client.get("/_sandbox/messages")).text == ""
        assert (await box.client.get("/_sandbox/next")).json() == {"at": None, "due": 0}
        assert (await box.sms()).status_code == 201


async def test_what_patients_wrote_can_be_read_again(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.sms()
        await box.reply("sms", "C")
        (line,) = (await box.client.get("/_sandbox/replies")).text.splitlines()
        written = json.loads(line)
        await box.client.delete("/_sandbox/state")
        assert (await box.client.get("/_sandbox/replies")).text == ""
    assert (written["from"], written["channel"], written["body"]) == ("+12025550123", "sms", "C")
    assert (written["messages_when_sent"], written["messages_when_answered"]) == (1, 1)


async def test_nobody_answers_the_same_text_twice(sandbox: Any) -> None:
    wants = next(n for n in range(1000) if patients.answer(7, _address(n), MENU) == "C")
    async with sandbox(patients=True) as box:
        for _ in range(2):
            await box.sms(To=_address(wants), Body=MENU)
        await box.release(END)
        assert len(box.hooks) == 1
