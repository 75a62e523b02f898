"""The `handbell` command. Every command has help; those that answer have `--json`."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar

import typer
from pydantic import ValidationError

from handbell.entrypoints import conversing, stopping, undelivered
from handbell.entrypoints.answering import INSTANTS, in_utc
from handbell.entrypoints.home import installed
from handbell.platform.errors import HandbellError
from handbell.platform.settings import Settings

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Patient outreach for medical practices.",
)
organization = typer.Typer(no_args_is_help=True, help="Organisations: the tenants.")
account = typer.Typer(no_args_is_help=True, help="Accounts with providers, and their lines.")
api_key = typer.Typer(no_args_is_help=True, help="API keys and their roles.")
audit = typer.Typer(no_args_is_help=True, help="The audit log.")
consent = typer.Typer(no_args_is_help=True, help="What patients agreed to.")
webhooks = typer.Typer(no_args_is_help=True, help="What providers reported.")
blackout = typer.Typer(no_args_is_help=True, help="Windows in which nothing leaves.")
patient = typer.Typer(no_args_is_help=True, help="What patients may ask of their data.")
template = typer.Typer(no_args_is_help=True, help="The texts of messages.")
imports = typer.Typer(no_args_is_help=True, help="Files of a record system.")
app.add_typer(organization, name="organization")
app.add_typer(account, name="account")
app.add_typer(api_key, name="api-key")
app.add_typer(audit, name="audit")
app.add_typer(consent, name="consent")
app.add_typer(webhooks, name="webhooks")
app.add_typer(blackout, name="blackout")
app.add_typer(patient, name="patient")
app.add_typer(template, name="template")
app.add_typer(imports, name="import")
app.add_typer(stopping.commands)
app.add_typer(undelivered.dead_letters, name="dead-letters")
app.add_typer(undelivered.unknown, name="unknown")
app.add_typer(conversing.inbox, name="inbox")

Answer = TypeVar("Answer")
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]


@app.command()
def up(
    port: Annotated[
        int, typer.Option(help="Port of the API; the next free one if taken.", min=1, max=65535)
    ] = 8700,
) -> None:
    """Start everything on this machine: database, queue server, API."""
    from handbell.entrypoints.supervisor import preload

    preload()
    from handbell.entrypoints.up import run

    run(Settings(), port=port)


@app.command()
def api(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8700,
) -> None:
    """Serve the REST API."""
    from handbell.entrypoints.api import serve

    serve(Settings(), host=host, port=port)


@app.command()
def dispatcher() -> None:
    """Hand out what is due, take back ended leases, seal the audit log."""
    from handbell.entrypoints.dispatcher import run

    _run(run(Settings()))


@app.command()
def worker(
    lanes: Annotated[
        str,
        typer.Option(help="Lanes with commas between, or groups: urgent, care, bulk."),
    ] = "urgent,replies,care,billing,marketing,jobs",
    concurrency: Annotated[int, typer.Option(help="Jobs at once.", min=1, max=64)] = 8,
) -> None:
    """Do the jobs of some lanes: plan, send, apply callbacks."""
    from handbell.entrypoints.worker import lanes_of, run

    run(Settings(), lanes=lanes_of(lanes), concurrency=concurrency)


@app.command()
def explain(
    message: Annotated[int, typer.Argument(help="The message's id.")],
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    lang: Annotated[str, typer.Option(help="The language of the words: en, es or hi.")] = "en",
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say why a message went, waits or never will: its decision receipt."""
    from handbell.entrypoints import operations

    language = operations.as_language(lang)
    work = operations.explain(installed(Settings()), org=org, message=message, language=language)
    told = _run(work)
    _print(told if as_json else operations.in_words(told), as_json=as_json)


@app.command()
def simulate(
    days: Annotated[int, typer.Option(help="How many days to look ahead.", min=1, max=60)] = 7,
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Look ahead: sends per day and channel, and why others will not go. Nothing is stored."""
    from handbell.entrypoints import operations

    told = _run(operations.simulate(installed(Settings()), org=org, days=days))
    _print(told if as_json else operations.forecast_in_words(told), as_json=as_json)


@app.command()
def replan(
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    everything: Annotated[  # noqa: FBT002
        bool, typer.Option("--all", help="All that waits, not only what other rules planned.")
    ] = False,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Plan anew what waits and was planned with other rules or other time-zone data."""
    from handbell.entrypoints import operations

    work = operations.replan(installed(Settings()), org=org, everything=everything)
    _answer(work, as_json=as_json)


@app.command("replay-receipts")
def replay_receipts(
    since: Annotated[
        datetime | None,
        typer.Option(help="Only decisions from this instant on, in UTC.", formats=INSTANTS),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(help="Only so many messages, the newest.", min=1)
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Decide stored receipts again, each by the rules of its own day, and name what differs."""
    from handbell.entrypoints import operations

    work = operations.replay_receipts(installed(Settings()), since=in_utc(since), limit=limit)
    found = _run(work)
    _print(found if as_json else operations.replay_in_words(found), as_json=as_json)
    if not found["genuine"]:
        raise typer.Exit(1)


@app.command()
def sandbox(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8701,
) -> None:
    """Play Twilio, SendGrid and WhatsApp on loopback; nothing leaves this machine."""
    from handbell.entrypoints.pretended import stepped_clock
    from handbell.sandbox.serve import run

    run(host=host, port=port, clock=stepped_clock(Settings()))


@app.command()
def demo(
    days: Annotated[int, typer.Option(help="How many days to play.")] = 14,
    patients: Annotated[int, typer.Option(help="How many patients to make up.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed gives the same run.")] = 1,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
    from_fhir: Annotated[
        Path | None, typer.Option(help="Take the patients from this folder of FHIR files.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Stay up afterwards.")] = False,  # noqa: FBT002
) -> None:
    """Play a made-up practice in stepped time and check what its patients got."""
    from handbell.entrypoints.supervisor import preload

    preload()
    from handbell.entrypoints.demo import DemoOrder, run

    order = DemoOrder(
        days=days,
        patients=patients,
        seed=seed,
        json_file=json_file,
        from_fhir=from_fhir,
        keep=keep,
    )
    if not run(order):
        raise typer.Exit(1)


@app.command()
def migrate(as_json: AsJson = False) -> None:  # noqa: FBT002 - a command-line switch
    """Bring the database to the newest shape. Safe to repeat."""
    from handbell.entrypoints import operations

    _answer(operations.migrate(installed(Settings())), as_json=as_json)


@app.command()
def doctor(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Check settings and database, and say what is in the way."""
    from handbell.entrypoints import operations

    found = _run(operations.examine(installed(Settings())))
    _print(found, as_json=as_json)
    if not found["ok"]:
        raise typer.Exit(1)


@organization.command("create")
def organization_create(
    name: Annotated[str, typer.Option(help="The name patients know; safe to show to anybody.")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Create an organisation with the default settings."""
    from handbell.entrypoints import operations

    _answer(operations.create_organization(installed(Settings()), name=name), as_json=as_json)


@account.command("list")
def account_list(
    org: Annotated[int, typer.Option(help="The organisation's id.")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List an organisation's accounts with providers; secrets are never shown."""
    from handbell.entrypoints import operations

    _answer(operations.list_accounts(installed(Settings()), org=org), as_json=as_json)


@account.command("lend")
def account_lend(
    org: Annotated[int, typer.Option(help="The organisation that shall send with it.")],
    provider: Annotated[str, typer.Option(help="twilio, sendgrid or whatsapp.")],
    line: Annotated[str, typer.Option(help="Its own number or mailbox on that account.")],
    line_id: Annotated[
        str | None, typer.Option(help="WhatsApp: the phone number id of that number.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Let an organisation send with the environment's account, from a number of its own."""
    from handbell.channels.types import NewLine
    from handbell.entrypoints import operations

    lent = operations.lend_account(
        installed(Settings()),
        org=org,
        provider=provider,
        line=NewLine(address=line, reference=line_id),
    )
    _answer(lent, as_json=as_json)


@api_key.command("create")
def api_key_create(
    org: Annotated[int, typer.Option(help="The organisation's id.")],
    name: Annotated[str, typer.Option(help="What the key is for.")],
    role: Annotated[
        str, typer.Option(help="admin, provider, staff, marketing, integration or auditor.")
    ],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Create an API key. It is shown once and stored as a keyed hash."""
    from handbell.entrypoints import operations

    settings = installed(Settings())
    _answer(operations.create_api_key(settings, org=org, name=name, role=role), as_json=as_json)


@audit.command("verify")
def audit_verify(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Check every entry and block; name the first altered or missing entry."""
    from handbell.entrypoints import operations

    result = _run(operations.verify_audit(installed(Settings())))
    _print(result, as_json=as_json)
    if not result["intact"]:
        raise typer.Exit(1)


@consent.command("verify")
def consent_verify(as_json: AsJson = False) -> None:  # noqa: FBT002
    """Check the consent ledger of every address; name the first altered entry of each."""
    from handbell.entrypoints import operations

    result = _run(operations.verify_consent(installed(Settings())))
    _print(result, as_json=as_json)
    if not result["intact"]:
        raise typer.Exit(1)


@webhooks.command("dead")
def webhooks_dead(
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    limit: Annotated[int, typer.Option(help="How many to show.", min=1, max=1000)] = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show callbacks that could not be applied, newest first."""
    from handbell.entrypoints import operations

    settings = installed(Settings())
    _answer(operations.dead_webhooks(settings, org=org, limit=limit), as_json=as_json)


@webhooks.command("replay")
def webhooks_replay(
    webhook: Annotated[int, typer.Argument(help="The callback's id.")],
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Have a callback that was given up applied again."""
    from handbell.entrypoints import operations

    settings = installed(Settings())
    _answer(operations.replay_webhook(settings, org=org, webhook=webhook), as_json=as_json)


Everywhere = Annotated[
    int | None, typer.Option("--org", help="The organisation's id; left out, it holds for all.")
]


@blackout.command("enter")
def blackout_enter(  # noqa: PLR0913, PLR0917 - one option a limit
    starts_at: Annotated[str, typer.Option("--from", help="First instant held, with offset.")],
    ends_at: Annotated[str, typer.Option("--to", help="First instant free again.")],
    reason: Annotated[str, typer.Option(help="Why, in a line.")],
    org: Everywhere = None,
    state: Annotated[str | None, typer.Option(help="Only this US state, such as LA.")] = None,
    country: Annotated[str | None, typer.Option(help="Only this country, such as FR.")] = None,
    channel: Annotated[str | None, typer.Option(help="email, sms or whatsapp.")] = None,
    message_class: Annotated[
        str | None,
        typer.Option("--class", help="care, billing_admin, research or marketing."),
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Let nothing of a kind leave for a while, but emergencies and answers."""
    from handbell.entrypoints import blackouts

    told = {
        "starts_at": starts_at,
        "ends_at": ends_at,
        "state": state,
        "country": country,
        "channel": channel,
        "message_class": message_class,
        "reason": reason,
    }
    _answer(blackouts.enter(installed(Settings()), org=org, told=told), as_json=as_json)


@blackout.command("list")
def blackout_list(
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say which blackouts hold for an organisation, the latest first."""
    from handbell.entrypoints import blackouts

    told = _run(blackouts.listed(installed(Settings()), org=org))
    _print(told if as_json else blackouts.in_words(told), as_json=as_json)


@blackout.command("remove")
def blackout_remove(
    number: Annotated[int, typer.Argument(help="The blackout's id.")],
    org: Everywhere = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Take a blackout away."""
    from handbell.entrypoints import blackouts

    _answer(blackouts.remove(installed(Settings()), org=org, blackout=number), as_json=as_json)


@consent.command("proof")
def consent_proof(
    patient: Annotated[int, typer.Argument(help="The patient's id.")],
    html: Annotated[
        Path | None, typer.Option(help="Write the proof as a page to this file.")
    ] = None,
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Show what a patient agreed to and was sent, and whether the record was altered."""
    from handbell.entrypoints import rights

    proof = rights.prove_consent(installed(Settings()), org=org, patient=patient, html=html)
    _answer(proof, as_json=as_json)


@patient.command("erase")
def patient_erase(
    patient: Annotated[int, typer.Argument(help="The patient's id.")],
    reason: Annotated[
        str,
        typer.Option(
            help="patient_request, guardian_request, court_order or registered_by_mistake."
        ),
    ],
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Erase a patient for good; the ledger, the audit log and opt-outs stay."""
    from handbell.entrypoints import rights

    erasing = rights.erase_patient(installed(Settings()), org=org, patient=patient, reason=reason)
    _answer(erasing, as_json=as_json)


@patient.command("erasures")
def patient_erasures(
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """List who was erased; keep the JSON outside the database, to replay it after a restore."""
    from handbell.entrypoints import rights

    _answer(rights.list_erasures(installed(Settings()), org=org), as_json=as_json)


@patient.command("replay-erasures")
def patient_replay_erasures(
    file: Annotated[Path, typer.Argument(help="What `patient erasures --json` wrote.")],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Erase again whom a restored backup brought back. Run it before traffic."""
    from handbell.entrypoints import rights

    _answer(rights.replay_erasures(installed(Settings()), file=file), as_json=as_json)


@imports.command("fhir")
def import_fhir(
    path: Annotated[
        Path, typer.Argument(help="A bundle, NDJSON, either packed with gzip, or a folder.")
    ],
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    source: Annotated[str, typer.Option(help="Whose ids the files use.")] = "fhir",
    rejects: Annotated[
        Path | None, typer.Option(help="Write a line for each thing not used to this file.")
    ] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Import FHIR R4 files: patients, their clinicians, places, conditions and visits."""
    from handbell.entrypoints import importing

    wanted = importing.FhirImport(path=path, org=org, source=source, rejects=rejects)
    report = _run(importing.import_fhir(installed(Settings()), wanted))
    _print(report if as_json else importing.in_words(report), as_json=as_json)
    if not importing.has_resources(report):
        raise typer.Exit(1)


@template.command("lint")
def template_lint(
    file: Annotated[Path | None, typer.Argument(help="A file in the library's form.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every packaged text.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Judge texts as publishing does: what is wrong, and where."""
    from handbell.entrypoints.template_lint import in_words, lint_file, lint_library
    from handbell.platform.clock import SystemClock

    if (file is None) is not everything:
        raise typer.BadParameter("Say either a file or --all.")
    now = _run(SystemClock().now())
    report = lint_library(now=now) if file is None else lint_file(file, now=now)
    _print(report if as_json else in_words(report), as_json=as_json)
    if report["findings"]:
        raise typer.Exit(1)


@app.command("phi-check")
def phi_check(
    jsonl: Annotated[  # noqa: FBT002
        bool, typer.Option("--jsonl", help="One JSON object a line, in and out; the only form.")
    ] = False,
) -> None:
    """Judge texts on the standard input as the filter does before they are sent."""
    from handbell.entrypoints.phi_check import check_stream
    from handbell.platform.clock import SystemClock

    if not jsonl:
        raise typer.BadParameter("Say --jsonl; there is no other form.")
    if not check_stream(sys.stdin.buffer, sys.stdout, now=_run(SystemClock().now())):
        raise typer.Exit(1)


@app.command("parse-replies")
def parse_replies(
    jsonl: Annotated[  # noqa: FBT002
        bool, typer.Option("--jsonl", help="One JSON object a line, in and out; the only form.")
    ] = False,
) -> None:
    """Read patients' texts on the standard input as they are read when they come in."""
    from handbell.entrypoints.parse_replies import parse_stream

    if not jsonl:
        raise typer.BadParameter("Say --jsonl; there is no other form.")
    if not parse_stream(sys.stdin.buffer, sys.stdout):
        raise typer.Exit(1)


@app.command()
def reply(
    sender: Annotated[str, typer.Option("--from", help="The number or mailbox that writes.")],
    body: Annotated[str, typer.Option(help="What is written.")],
    channel: Annotated[str, typer.Option(help="sms, whatsapp or email.")] = "sms",
    org: Annotated[int, typer.Option(help="The organisation that is written to.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Let somebody write, as through a provider's webhook; say what was understood and done."""
    from handbell.entrypoints import replying

    work = replying.reply(
        installed(Settings()), org=org, channel=channel, sender=sender, body=body
    )
    told = _run(work)
    _print(told if as_json else replying.in_words(told), as_json=as_json)


@app.command("undo-reply")
def undo_reply(
    inbound_message: Annotated[int, typer.Argument(help="The id of what the patient wrote.")],
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """The number is the patient's, who lives and wants messages: take back what a reply did."""
    from handbell.entrypoints import replying

    work = replying.undo(installed(Settings()), org=org, inbound_message=inbound_message)
    _answer(work, as_json=as_json)


def _answer(work: Coroutine[Any, Any, dict[str, Any]], *, as_json: bool) -> None:
    _print(_run(work), as_json=as_json)


def _run(work: Coroutine[Any, Any, Answer]) -> Answer:
    return asyncio.run(work)


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(result, default=str))
        return
    for name, value in result.items():
        print(f"{name.replace('_', ' ')}: {value}")


def _stop(code: str, sentence: str) -> NoReturn:
    print(f"{code}: {sentence}", file=sys.stderr)
    sys.exit(1)


def _is_of_the_database(error: Exception) -> bool:
    import asyncpg
    from sqlalchemy.exc import DBAPIError

    return isinstance(error, OSError | DBAPIError | asyncpg.PostgresError)


def main(*arguments: str) -> None:
    """Run the command that is given, else that of the command line; a known error is one
    sentence and exit code 1, a bad setting 2."""
    try:
        app(args=arguments or None)
    except HandbellError as error:
        _stop(error.code, error.message)
    except ValidationError as error:
        wrong = ", ".join(f"HANDBELL_{e['loc'][0]!s}".upper() for e in error.errors())
        print(f"bad_setting: {wrong} has a value that cannot be used.", file=sys.stderr)
        sys.exit(2)
    except Exception as error:
        if not _is_of_the_database(error):
            raise
        why = f"The database does not do its part ({type(error).__name__}); ask `handbell doctor`."
        _stop("database_unavailable", why)


if __name__ == "__main__":
    main()
