"""What the sandbox does wrong when it is told to."""

import asyncio
import socket
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import uvicorn
from tests.sandbox.conftest import ACCOUNT, NOON, _config

from handbell.platform.clock import FrozenClock
from handbell.sandbox.app import create_app
from handbell.sandbox.faults import Fault
from handbell.sandbox.record import load

OTHER = "+12025550124"


async def order(box: Any, **faults: Any) -> None:
    answer = await box.client.put("/_sandbox/faults", json={"provider": "twilio"} | faults)
    assert answer.status_code == 200, answer.text


async def received(box: Any) -> int:
    return len((await box.client.get("/_sandbox/messages")).text.splitlines())


async def test_of_those_answered_with_5xx_some_were_taken_and_some_answers_are_pages(
    sandbox: Any,
) -> None:
    async with sandbox() as box:
        await order(box, rate_5xx=1, seed=3)
        answers = [await box.sms() for _ in range(20)]
        assert {answer.status_code for answer in answers} == {503}
        kinds = {answer.headers["content-type"].partition(";")[0] for answer in answers}
        assert kinds == {"application/json", "text/html"}
        assert 0 < await received(box) < 20


@pytest.mark.requirement("R9.2")
async def test_callbacks_are_lost_doubled_and_overtake_each_other(sandbox: Any) -> None:
    callback = {"StatusCallback": "http://127.0.0.1/x"}
    async with sandbox() as box:
        callback = {"StatusCallback": f"{box.public_url}/status?mid=t"}
        await order(box, rate_callback_lost=1)
        await box.sms(**callback)
        assert await box.release(NOON + timedelta(hours=1)) == 0
        await order(box, rate_callback_doubled=1)
        await box.sms(**callback)
        assert await box.release() == 4
        told = (await box.client.get("/_sandbox/told")).json()
        assert told == {"t": 4}
        box.hooks.clear()
        await order(box, rate_callback_late=1, callback_late_ms=60_000, seed=1)
        for _ in range(8):
            await box.sms(**callback)
        await box.release(NOON + timedelta(minutes=2))
        kinds = [b"MessageStatus=sent" in hook.body for hook in box.hooks]
        assert sorted(kinds, reverse=True) != kinds
        assert kinds.count(True) == 8


async def test_twilios_list_lags_and_fails(sandbox: Any) -> None:
    path = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"

    async def listed(box: Any) -> Any:
        answer = await box.client.get(path, auth=(ACCOUNT, "token"))
        return len(answer.json()["messages"]) if answer.status_code == 200 else answer.status_code

    async with sandbox() as box:
        await order(box, list_lag_ms=30_000, seed=2)
        await box.sms()
        assert await listed(box) == 0
        box.clock.advance(timedelta(seconds=30))
        assert await listed(box) == 1
        await order(box, rate_list_fails=1)
        assert await listed(box) == 503


async def test_a_send_to_a_number_that_said_stop_is_noted(sandbox: Any) -> None:
    async with sandbox() as box:
        await box.reply("sms", "STOP")
        assert (await box.sms()).status_code == 400
        assert (await box.sms(To=OTHER)).status_code == 201
        [noted] = (await box.client.get("/_sandbox/blocked")).json()
        assert (noted["to"], noted["at"]) == ("+12025550123", NOON.isoformat())


def test_the_same_seed_does_the_same_wrongs() -> None:
    def draws(seed: int) -> list[object]:
        fault = Fault(seed=seed, rate_5xx=0.5, rate_drop=0.3, rate_callback_doubled=0.5)
        return [(fault.is_down(), fault.end(), len([*fault.callback_delays()])) for _ in range(30)]

    assert draws(1) == draws(1) != draws(2)


@asynccontextmanager
async def served(record: Path) -> AsyncIterator[str]:
    """The sandbox behind a real server, for what only a connection shows."""
    config = _config("http://127.0.0.1:9", patients=False, auto_reply=False, record=str(record))
    app = create_app(config, FrozenClock(NOON), simulated=True)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        await serving


async def test_a_dropped_connection_has_taken_the_message_and_the_record_outlives_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "received.jsonl"
    send = f"/twilio/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    basic = b64encode(f"{ACCOUNT}:token".encode()).decode()
    form = {"To": OTHER, "MessagingServiceSid": "MG" + "b" * 32, "Body": "Hello"}
    async with served(path) as url, aiohttp.ClientSession() as session:
        faults = {"provider": "twilio", "rate_drop": 1}
        async with session.put(f"{url}/_sandbox/faults", json=faults) as answer:
            assert answer.ok
        with pytest.raises(aiohttp.ClientError):
            async with session.post(
                url + send, data=form, headers={"Authorization": f"Basic {basic}"}
            ) as answer:
                await answer.read()
    with path.open("a") as cut:
        cut.write('{"at": "2026-')
    [kept] = load(path)
    assert (kept.to, kept.body, kept.at) == (OTHER, "Hello", NOON)
    async with (
        served(path) as url,
        aiohttp.ClientSession() as session,
        session.get(f"{url}/_sandbox/messages") as answer,
    ):
        assert (await answer.text()).count("Hello") == 1


@pytest.mark.parametrize(
    ("sender", "to", "code"),
    [
        ("+15005550006", OTHER, None),
        ("+15005550001", OTHER, 21212),
        ("+15005550007", OTHER, 21606),
        ("+15005550008", OTHER, 21611),
        ("+12025550100", OTHER, 21606),
        ("+15005550006", "+15005550001", 21211),
        ("+15005550006", "+15005550002", 21612),
        ("+15005550006", "+15005550003", 21408),
        ("+15005550006", "+15005550004", 21610),
        ("+15005550006", "+15005550009", 21614),
        ("+15005550006", "12", 21211),
    ],
)
async def test_twilios_magic_numbers_answer_to_test_credentials_and_nothing_is_sent(
    sandbox: Any, sender: str, to: str, code: int | None
) -> None:
    account = "AC" + "e" * 32
    path = f"/twilio/2010-04-01/Accounts/{account}/Messages.json"
    async with sandbox() as box:
        form = {"From": sender, "To": to, "Body": "Hello"}
        answer = await box.client.post(path, data=form, auth=(account, "test-token"))
        assert answer.json().get("code") == code
        assert answer.status_code == (201 if code is None else 400)
        assert await received(box) == 0
