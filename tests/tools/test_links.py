"""The table of attacks on links: each line is as it should be, and a wrong one is told."""

import json

import pytest
from tools.links import __main__ as program
from tools.links import attacks
from tools.links.stage import stage_on


@pytest.mark.requirement("R5.5", "R7.9", "R7.10")
async def test_nothing_that_is_done_to_links_does_harm(owner_url: str) -> None:
    async with stage_on(owner_url, key="a key for tests only") as stage:
        outcomes = await attacks.play(stage)
    assert len(outcomes) == len(attacks.ATTACKS)
    assert [one for one in outcomes if not one.is_right] == []


def test_a_line_that_is_not_as_it_should_be_is_told_and_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def played() -> list[attacks.Outcome]:
        return [attacks.Outcome(attack="forged", expected="404", happened="200")]

    monkeypatch.setattr(program, "_play", played)
    assert program.main(["--json"]) == 1
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["is_right"], line["happened"]) == (False, "200")
    assert program.main([]) == 1
    assert "FAIL forged" in capsys.readouterr().out
