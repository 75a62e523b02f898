"""The command line: one sentence for an error, JSON for a program, help for a person."""

import asyncio
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from handbell.audit.types import AuditEntry
from handbell.entrypoints import cli
from handbell.entrypoints.home import open_home, write_private
from handbell.entrypoints.operations import opened
from handbell.messages.types import SendOrder
from handbell.platform.db import OrganizationId
from handbell.platform.settings import Settings
from handbell.platform.vocabulary import Purpose
from handbell.scheduling.types import Free

COMMANDS = [
    ["up"], ["api"], ["dispatcher"], ["sandbox"], ["migrate"], ["doctor"],
    ["organization", "create"],
    ["api-key", "create"], ["audit", "verify"], ["consent", "verify"], ["phi-check"],
    ["parse-replies"], ["reply"], ["undo-reply"],
    ["replay-receipts"], ["replan"], ["simulate"],
]  # fmt: skip


def run(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Run a command as the shell would, and give its exit code."""
    monkeypatch.setattr("sys.argv", ["handbell", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture
def _installed(owner_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of an installation on a fresh database."""
    monkeypatch.setenv("HANDBELL_DATABASE_URL", owner_url)
    monkeypatch.setenv("HANDBELL_ENCRYPTION_KEY", "a key for tests only")
    monkeypatch.setenv("HANDBELL_LOOKUP_KEY", "a look-up key for tests only")


@pytest.fixture
def _home(owner_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home in which `handbell up` has run, and nothing else in the environment."""
    for name in ("DATABASE_URL", "ENCRYPTION_KEY", "LOOKUP_KEY"):
        monkeypatch.delenv(f"HANDBELL_{name}", raising=False)
    home = open_home(tmp_path / "home")
    monkeypatch.setenv("HANDBELL_HOME", str(home))
    own = {"HANDBELL_ENCRYPTION_KEY": "a key for tests only"}
    write_private(home / "secrets.json", json.dumps(own))
    write_private(home / "run.json", json.dumps({"database_url": owner_url}))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*command, "--help"], monkeypatch) == 0
    assert "Usage" in capsys.readouterr().out


def test_a_missing_setting_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDBELL_HOME", str(tmp_path))
    monkeypatch.delenv("HANDBELL_DATABASE_URL", raising=False)
    assert run(["doctor"], monkeypatch) == 1
    assert "HANDBELL_DATABASE_URL is not set" in capsys.readouterr().err


def test_a_wrong_setting_stops_the_start_and_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDBELL_CLOCK", "sundial")
    assert run(["doctor"], monkeypatch) == 2
    said = capsys.readouterr().err
    assert "HANDBELL_CLOCK" in said
    assert "sundial" not in said


@pytest.mark.usefixtures("_installed")
def test_an_organisation_and_a_key_are_made_and_the_log_verifies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["organization", "create", "--name", "Riverside", "--json"], monkeypatch) == 0
    made = json.loads(capsys.readouterr().out)
    create = ["api-key", "create", "--org", str(made["id"]), "--name", "ehr"]
    assert run([*create, "--role", "integration", "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["key"].startswith("hb_")
    assert run(["audit", "verify", "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["intact"] is True
    assert run(["doctor", "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True


@pytest.mark.usefixtures("_home")
def test_every_command_finds_the_installation_by_its_home(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (
        ["migrate"],
        ["doctor"],
        ["organization", "create", "--name", "Riverside"],
        ["api-key", "create", "--org", "1", "--name", "ehr", "--role", "integration"],
        ["audit", "verify"],
        ["consent", "verify"],
        ["replan", "--all"],
        ["blackout", "list"],
        ["simulate", "--days", "3"],
    ):
        assert run(command, monkeypatch) == 0, capsys.readouterr().err
    assert run(["explain", "1", "--lang", "fr"], monkeypatch) == 1
    assert capsys.readouterr().err.startswith("language_unknown: ")
    assert run(["explain", "1"], monkeypatch) == 1
    assert capsys.readouterr().err.startswith("message_not_found: ")
    assert run(["import", "fhir", "/nowhere"], monkeypatch) == 1
    assert "_not_set" not in capsys.readouterr().err


async def seal_a_block() -> None:
    """Let the log of the installation have a head."""
    now = datetime(2026, 12, 1, 17, tzinfo=UTC)
    async with opened(Settings()) as rt:
        made = await rt.organizations.create(name="Riverside", now=now)
        organization_id = OrganizationId(made.id)
        async with rt.db.transaction(organization_id) as tx:
            entry = AuditEntry(
                organization_id=organization_id,
                at=now,
                actor="tests",
                action="patient.read",
                subject={},
            )
            await rt.audit.record(tx, entry)
        assert await rt.audit.seal_once(now=now) is not None


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("arguments", [["--json"], []])
def test_the_head_of_the_log_is_told_in_hexadecimal(
    arguments: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asyncio.run(seal_a_block())
    assert run(["audit", "verify", *arguments], monkeypatch) == 0
    assert re.search(r"['\"]hash['\"]: ['\"][0-9a-f]{64}['\"]", capsys.readouterr().out)


async def plan_one(*, other_window: bool) -> None:
    """Store one message with its receipt; swapped for another's window if asked."""
    now = datetime(2026, 12, 1, 8, tzinfo=UTC)
    async with opened(Settings()) as rt:
        organization = await rt.organizations.create(name="Riverside", now=now)
        patient = {"specversion": "1.0", "id": "1", "source": "tests", "data": {"id": "p"}}
        told = patient | {"type": "patient.registered"}
        known = await rt.events.take(organization.id, told, actor="tests", now=now)
        assert known.internal_id is not None
        orders = [
            SendOrder(
                patient_id=known.internal_id,
                purpose=purpose,
                anchor=Free(),
                order_key=purpose,
                ordered_by="tests",
            )
            for purpose in (Purpose.APPT_REMINDER, Purpose.URGENT)
        ]
        async with rt.db.transaction(organization.id) as tx:
            await rt.messages.admit_in(tx, organization.id, orders, now=now)
            if other_window:
                swap = (
                    "UPDATE messages SET window_part_id = other.window_part_id"
                    " FROM messages other WHERE other.order_key = 'urgent'"
                )
                await tx.execute(text(f"{swap} AND messages.order_key = 'appt_reminder'"))


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("arguments", [["--json"], [], ["--since", "2026-12-01", "--limit", "9"]])
@pytest.mark.parametrize("other_window", [False, True])
def test_receipts_are_replayed_and_one_that_differs_is_exit_code_1(
    arguments: list[str],
    other_window: bool,  # noqa: FBT001
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asyncio.run(plan_one(other_window=other_window))
    assert run(["replay-receipts", *arguments], monkeypatch) == int(other_window)
    said = capsys.readouterr()
    assert said.err == "2 of 2 messages\n"
    if "--json" in arguments:
        told = json.loads(said.out)
        assert told["receipts"] == 2
        assert [one["gates"] for one in told["differences"]] == [["message"]] * other_window
    else:
        assert ("message 1: message" in said.out) is other_window


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--org", "99", "--role", "staff"], "organization_not_found"),
        (["--org", "1", "--role", "boss"], "role_unknown"),
    ],
)
def test_a_key_for_nobody_or_for_no_role_is_refused_in_one_sentence(
    arguments: list[str],
    code: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["api-key", "create", "--name", "x", *arguments], monkeypatch) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{code}: ")
    assert len(said.splitlines()) == 1


@pytest.mark.usefixtures("_installed")
@pytest.mark.parametrize("name", ["", "  ", "a" * 201, "Lake\x07side"])
@pytest.mark.parametrize(
    "command",
    [["organization", "create"], ["api-key", "create", "--org", "1", "--role", "staff"]],
)
def test_a_name_that_nobody_could_read_is_refused(
    command: list[str],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run([*command, "--name", name], monkeypatch) == 1
    assert capsys.readouterr().err.startswith("name_unusable: ")


@pytest.mark.parametrize("command", ["up", "api", "sandbox"])
@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_cannot_be_is_refused(
    command: str, port: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([command, "--port", port], monkeypatch) == 2
    assert "--port" in capsys.readouterr().err


@pytest.mark.usefixtures("_installed")
def test_a_taken_name_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["organization", "create", "--name", "Riverside"], monkeypatch) == 0
    assert run(["organization", "create", "--name", "Riverside"], monkeypatch) == 1
    assert "organization_name_taken" in capsys.readouterr().err


@pytest.mark.usefixtures("_installed")
def test_a_database_that_does_not_answer_is_one_sentence_and_the_doctor_sees_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDBELL_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:9/none")
    for command in (["migrate"], ["audit", "verify"]):
        assert run(command, monkeypatch) == 1
        said = capsys.readouterr().err
        assert said.startswith("database_unavailable: ")
        assert len(said.splitlines()) == 1
        assert "secret" not in said
    assert run(["doctor", "--json"], monkeypatch) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


@pytest.mark.usefixtures("_installed")
def test_blackouts_are_entered_for_one_or_for_all_listed_and_removed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*arguments: str) -> dict[str, Any]:
        assert run(["blackout", *arguments, "--json"], monkeypatch) == 0
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    assert run(["organization", "create", "--name", "Riverside", "--json"], monkeypatch) == 0
    org = str(json.loads(capsys.readouterr().out)["id"])
    window = ("--from", "2027-08-28T12:00:00Z", "--to", "2027-09-04T12:00:00Z")
    storm = asked("enter", *window, "--reason", "storm", "--state", "LA", "--class", "marketing")
    assert (storm["is_everywhere"], storm["entered_by"]) == (True, "operator")
    move = asked("enter", *window, "--reason", "we move", "--org", org)
    assert [one["id"] for one in asked("list", "--org", org)["blackouts"]] == [
        storm["id"],
        move["id"],
    ]
    assert run(["blackout", "list", "--org", org], monkeypatch) == 0
    assert "LA, marketing, every organisation: storm" in capsys.readouterr().out
    assert run(["blackout", "remove", str(storm["id"]), "--org", org], monkeypatch) == 1
    assert capsys.readouterr().err.startswith("blackout_holds_everywhere: ")
    asked("remove", str(storm["id"]))
    asked("remove", str(move["id"]), "--org", org)
    assert asked("list", "--org", org) == {"total": 0, "blackouts": []}
    wrong = ["blackout", "enter", *window, "--reason", "storm", "--state", "la"]
    assert run(wrong, monkeypatch) == 1
    assert capsys.readouterr().err.startswith("invalid_blackout: state ")


@pytest.mark.requirement("R9.6")
@pytest.mark.usefixtures("_installed")
def test_delivery_is_paused_drained_listed_and_resumed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(*arguments: str) -> dict[str, Any]:
        assert run([*arguments, "--json"], monkeypatch) == 0, capsys.readouterr().err
        told: dict[str, Any] = json.loads(capsys.readouterr().out)
        return told

    org = str(asked("organization", "create", "--name", "Riverside")["id"])
    one = asked("pause", "--reason", "we move", "--org", org, "--lane", "marketing", "--refuse")
    assert (one["organization_id"], one["new_orders"]) == (int(org), "refuse")
    all_ = asked("drain", "--reason", "maintenance", "--wait", "5")
    assert (all_["is_of_all"], all_["drained"], all_["in_flight"]) == (True, True, 0)
    assert [pause["id"] for pause in asked("pauses")["pauses"]] == [all_["id"], one["id"]]
    assert run(["pauses"], monkeypatch) == 0
    assert f"marketing, organisation {org}: we move" in capsys.readouterr().out
    assert asked("resume", str(all_["id"]))["ended_by"] == "operator"
    for wrong, code in (
        (["resume", "4711"], "pause_not_found"),
        (["pause", "--reason", "x", "--lane", "jobs"], "lane_without_messages"),
        (["pause", "--reason", "x", "--line", "4711"], "sender_line_not_found"),
        (["pause", "--reason", "x", "--until", "2020-01-01"], "pause_ends_in_the_past"),
        (["pause", "--reason", "x", "--until", "9999-12-31T23:59:59-12:00"], "instant_unusable"),
        (["breakers", "--org", org], "breakers_unavailable"),
    ):
        assert run(wrong, monkeypatch) == 1
        assert capsys.readouterr().err.startswith(f"{code}: ")


@pytest.mark.requirement("R5.1", "R5.3")
@pytest.mark.usefixtures("_installed")
def test_a_reply_can_be_tried_through_the_webhook_s_door_and_its_effect_undone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["organization", "create", "--name", "Riverside", "--json"], monkeypatch) == 0
    org = str(json.loads(capsys.readouterr().out)["id"])
    said = ["reply", "--from", "+12125550123", "--org", org, "--json", "--body"]

    for wrong, code in (
        ([*said, "C"], "no_line"),
        (["reply", "--from", "12", "--org", org, "--body", "C"], "invalid_address"),
        ([*said, "C", "--channel", "fax"], "channel_unknown"),
        ([*said, "x" * 10_001], "text_unusable"),
        (["undo-reply", "1", "--org", org], "inbound_message_not_found"),
    ):
        assert run(wrong, monkeypatch) == 1
        assert capsys.readouterr().err.startswith(code)

    monkeypatch.setenv("HANDBELL_TWILIO_ACCOUNT_SID", "AC" + "a" * 32)
    monkeypatch.setenv("HANDBELL_TWILIO_AUTH_TOKEN", "token")
    monkeypatch.setenv("HANDBELL_TWILIO_FROM", "+12025550100")
    asyncio.run(_write_accounts())
    for body, handled in (
        ("C", "to_staff"),
        ("wrong number", "suppressed"),
        ("STOP", "opted_out"),
    ):
        assert run([*said, body], monkeypatch) == 0
        told = json.loads(capsys.readouterr().out)
        assert told["handled"] == handled
        if handled == "suppressed":
            assert told["tasks"] == ["wrong_number"]
            undo = ["undo-reply", str(told["inbound_message_id"]), "--org", org]
            assert run(undo, monkeypatch) == 0
            assert "undone: True" in capsys.readouterr().out
    assert (
        run(["reply", "--from", "+12125550123", "--org", org, "--body", "HELP"], monkeypatch) == 0
    )
    assert "answered with: reply_help (scheduled" in capsys.readouterr().out


async def _write_accounts() -> None:
    async with opened(Settings()) as rt:
        await rt.write_accounts()
