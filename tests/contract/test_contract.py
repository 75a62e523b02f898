"""`make contract` as a test, and its judges against the recorded samples."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.contract.conftest import SCENARIO
from tools.contract.__main__ import main
from tools.contract.hooks import HookJudge, Secrets, hook_from
from tools.contract.report import Verdict
from tools.contract.run import run
from tools.contract.types import Asker

from handbell.channels.types import Provider

_UNSIGNED = "the signature is not accepted by the SDK"


@pytest.fixture(scope="session")
def providers(shared_dir: Path) -> Path:
    return shared_dir / "reference" / "providers"


@pytest.fixture(scope="session")
async def verdict(providers: Path) -> Verdict:
    return await run(providers)


@pytest.mark.shared_data
@pytest.mark.requirement("R6.1")
@pytest.mark.requirement("R9.2")
async def test_clients_sdks_and_sandbox_keep_the_providers_documents(verdict: Verdict) -> None:
    assert verdict.violations == []
    assert {one.provider for one in verdict.gaps} <= {Provider.WHATSAPP}
    assert {one.asker for one in verdict.gaps} <= {Asker.SDK}


@pytest.mark.shared_data
async def test_every_provider_is_asked_by_everyone_and_calls_back(verdict: Verdict) -> None:
    for provider in Provider:
        assert verdict.webhooks[provider] >= 20
        for asker in Asker:
            assert verdict.exchanges[provider, asker] >= 6, (provider, asker)
    assert json.loads(json.dumps(verdict.as_json()))["violations"] == []


@pytest.mark.shared_data
def test_the_recorded_webhooks_are_taken_and_the_forged_ones_are_not(providers: Path) -> None:
    secrets = json.loads((providers / "fixtures/index.json").read_text())["secrets"]
    judge = HookJudge.read(
        providers,
        Secrets(
            twilio_auth_token=secrets["twilio_auth_token"],
            sendgrid_public_key=secrets["sendgrid_public_key"],
            whatsapp_app_secret=secrets["whatsapp_app_secret"],
        ),
    )
    counts = {"taken": 0, "refused": 0}
    for sample in _samples(providers):
        found = list(judge.faults(hook_from(sample, SCENARIO)))
        is_forged = _is_forged(sample)
        assert found == ([_UNSIGNED] if is_forged else []), sample["name"]
        counts["refused" if is_forged else "taken"] += 1
    assert counts["taken"] > 40
    assert counts["refused"] >= 3


def _samples(providers: Path) -> list[dict[str, Any]]:
    """Those that a schema describes, and the forged ones."""
    files = sorted((providers / "fixtures").glob("*/*.json"))
    samples = [json.loads(file.read_text()) for file in files]
    return [one for one in samples if one.get("schema") or _is_forged(one)]


def _is_forged(sample: dict[str, Any]) -> bool:
    is_webhook = sample["request"]["method"] == "POST"
    return is_webhook and sample["expect"].get("http") in {401, 403}


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_without_the_reference_folder_it_is_skipped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments, reference=tmp_path) == 0
    assert "skipped" in capsys.readouterr().out
