import asyncio
import socket
import sys

import httpx
import pytest

from handbell.platform.settings import Settings
from handbell.sandbox.serve import config_from


def test_the_sandbox_plays_the_accounts_that_the_product_is_set_up_with(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HANDBELL_PUBLIC_URL", "http://127.0.0.1:8700/")
    monkeypatch.setenv("HANDBELL_TWILIO_AUTH_TOKEN", "a token")
    monkeypatch.setenv("HANDBELL_SANDBOX_PATIENTS", "on")
    monkeypatch.setenv("HANDBELL_SANDBOX_SEED", "7")
    config = config_from(Settings())
    assert config.public_url == "http://127.0.0.1:8700"
    assert config.twilio_auth_token == "a token"
    assert (config.patients, config.seed, config.twilio_auto_reply) == (True, 7, False)


async def test_it_serves_on_loopback() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    program = f"from handbell.sandbox.serve import run; run('127.0.0.1', {port})"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    try:
        assert await _first_answer(port) == {"at": None, "due": 0}
    finally:
        process.terminate()
        await process.wait()


async def _first_answer(port: int) -> object:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for _ in range(200):
            try:
                return (await client.get("/_sandbox/next")).json()
            except httpx.ConnectError:
                await asyncio.sleep(0.05)
    return None
