"""Plays every scenario and judges what passed."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from handbell.channels.types import Provider
from tools.contract import broken, ours, sdks
from tools.contract.hooks import HookJudge, Secrets
from tools.contract.judge import GAPS, Judge
from tools.contract.report import Verdict
from tools.contract.stage import Stage, opened
from tools.contract.types import Scenario, Violation


async def run(folder: Path) -> Verdict:
    """`folder` is the reference on providers: `openapi` and `fixtures`."""
    judge = Judge.read(folder)
    async with opened() as stage:
        await ours.play(stage)
        await sdks.play(stage)
        await broken.play(stage, judge)
        hooks = HookJudge.read(folder, await _secrets(stage))
        return verdict(stage, judge, hooks)


def verdict(stage: Stage, judge: Judge, hooks: HookJudge) -> Verdict:
    found = list(_violations(stage, judge, hooks))
    return Verdict(
        exchanges=Counter((e.scenario.provider, e.scenario.asker) for e in stage.exchanges),
        webhooks=Counter(h.scenario.provider for h in stage.hooks),
        violations=[*stage.surprises, *(one for one in found if not _is_gap(one))],
        gaps=[one for one in found if _is_gap(one)],
    )


def _violations(stage: Stage, judge: Judge, hooks: HookJudge) -> Iterator[Violation]:
    for exchange in stage.exchanges:
        for fault in judge.faults(exchange):
            yield _violation(exchange.scenario, fault)
    for hook in stage.hooks:
        for fault in hooks.faults(hook):
            yield _violation(hook.scenario, f"webhook: {fault}")


def _is_gap(one: Violation) -> bool:
    return (one.provider, one.what) in GAPS


def _violation(scenario: Scenario, what: str) -> Violation:
    return Violation(
        provider=scenario.provider, asker=scenario.asker, scenario=scenario.name, what=what
    )


async def _secrets(stage: Stage) -> Secrets:
    path = f"{stage.sandbox_url}/{Provider.SENDGRID}/v3/user/webhooks/event/settings/signed"
    headers = {"Authorization": f"Bearer {stage.config.sendgrid_api_key}"}
    async with stage.session.get(path, headers=headers) as answer:
        public_key = (await answer.json())["public_key"]
    return Secrets(
        twilio_auth_token=stage.config.twilio_auth_token,
        sendgrid_public_key=public_key,
        whatsapp_app_secret=stage.config.whatsapp_app_secret,
    )
