"""`handbell dead-letters …` and `handbell unknown …`: what did not arrive, or may not have."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from handbell.entrypoints.answering import AsJson, print_answer, print_rows, run
from handbell.entrypoints.home import installed
from handbell.platform.settings import Settings

dead_letters = typer.Typer(no_args_is_help=True, help="Messages that failed on every channel.")
unknown = typer.Typer(no_args_is_help=True, help="Attempts whose answer was lost.")

Org = Annotated[int, typer.Option(help="The organisation's id.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=200)]
LetterId = Annotated[int, typer.Argument(help="The dead letter's id.")]
Fix = Annotated[str, typer.Option(help="The group of what would mend it, such as landline.")]
SHOWN = ("id", "fix", "message_id", "channel", "code", "minutes_left", "what_to_do")
DOUBTED = ("id", "message_id", "channel", "code", "since", "looks", "minutes_left")


@dead_letters.command("list")
def list_letters(
    org: Org = 1,
    fix: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """What waits for a person, the soonest visit first, and how many there are of each group."""
    from handbell.entrypoints import undelivered_work as work

    told = run(work.list_letters(installed(Settings()), org=org, fix=fix, limit=limit))
    _print(told, as_json=as_json, columns=SHOWN, rows="dead_letters")


@dead_letters.command("show")
def show_letter(letter: LetterId, org: Org = 1, as_json: AsJson = False) -> None:  # noqa: FBT002
    """One of them, with every attempt on every channel."""
    from handbell.entrypoints import undelivered_work as work

    print_answer(run(work.show_letter(installed(Settings()), org=org, letter=letter)), as_json)


@dead_letters.command("retry")
def retry_letter(letter: LetterId, org: Org = 1, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Send it once more, through the gate; exit code 1 where the gate refuses."""
    from handbell.entrypoints import undelivered_work as work

    made = run(work.retry_letter(installed(Settings()), org=org, letter=letter))
    print_answer(made, as_json)
    if made["status"] != "retried":
        raise typer.Exit(1)


@dead_letters.command("discard")
def discard_letter(letter: LetterId, org: Org = 1, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Take it off the list without sending."""
    from handbell.entrypoints import undelivered_work as work

    print_answer(run(work.discard_letter(installed(Settings()), org=org, letter=letter)), as_json)


@dead_letters.command("retry-group")
def retry_group(fix: Fix, org: Org = 1, as_json: AsJson = False) -> None:  # noqa: FBT002
    """Send what one repair has mended once more, 500 at a time."""
    from handbell.entrypoints import undelivered_work as work

    print_answer(run(work.retry_group(installed(Settings()), org=org, fix=fix)), as_json)


@unknown.command("list")
def list_unknown(
    org: Org = 1,
    settlement: Annotated[
        str | None, typer.Option(help="Those settled in this way, such as closed.")
    ] = None,
    limit: Limit = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Attempts that nobody has settled, the soonest visit first."""
    from handbell.entrypoints import undelivered_work as work

    told = run(
        work.list_unknown(installed(Settings()), org=org, settlement=settlement, limit=limit)
    )
    _print(told, as_json=as_json, columns=DOUBTED, rows="unknown_attempts")


@unknown.command("settle")
def settle_unknown(
    attempt: Annotated[int, typer.Argument(help="The attempt's id.")],
    verdict: Annotated[str, typer.Option(help="sent, or not_sent: then it is sent once more.")],
    org: Org = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Say what became of an attempt, having looked at the provider."""
    from handbell.entrypoints import undelivered_work as work

    told = run(
        work.settle_unknown(installed(Settings()), org=org, attempt=attempt, verdict=verdict)
    )
    print_answer(told, as_json)


def _print(told: Mapping[str, Any], *, as_json: bool, columns: tuple[str, ...], rows: str) -> None:
    if as_json:
        print_answer(told, as_json)
    else:
        print_rows(told[rows], columns)
