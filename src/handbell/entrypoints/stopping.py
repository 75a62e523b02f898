"""`handbell pause`, `drain`, `resume`, `pauses` and `breakers`: what stops, and what has."""

from datetime import datetime, timedelta
from typing import Annotated

import typer

from handbell.entrypoints.answering import INSTANTS, AsJson, in_utc, print_answer, run
from handbell.entrypoints.home import installed
from handbell.platform.settings import Settings
from handbell.platform.vocabulary import Channel, Lane

commands = typer.Typer()

Reason = Annotated[str, typer.Option(help="Why; it is shown to everybody who asks.")]
Org = Annotated[int | None, typer.Option(help="The organisation's id; all, where none is given.")]
OnLane = Annotated[Lane | None, typer.Option(help="This lane only; else all but urgent.")]
OnChannel = Annotated[Channel | None, typer.Option(help="This channel only.")]
OnLine = Annotated[int | None, typer.Option(help="This sender line only, by its id.", min=1)]
Until = Annotated[
    datetime | None,
    typer.Option(formats=INSTANTS, help="Until then (UTC); else until `handbell resume`."),
]
Refuse = Annotated[
    bool, typer.Option("--refuse", help="Answer new orders 503 instead of holding them.")
]


@commands.command()
def pause(  # noqa: PLR0913, PLR0917 - a switch each
    reason: Reason,
    org: Org = None,
    lane: OnLane = None,
    channel: OnChannel = None,
    line: OnLine = None,
    until: Until = None,
    refuse: Refuse = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Stop messages from leaving. Nothing is lost: they wait until `handbell resume`."""
    from handbell.entrypoints import pausing

    order = pausing.PauseOrder(
        reason=reason,
        org=org,
        lane=lane,
        channel=channel,
        line=line,
        until=in_utc(until),
        refuse=refuse,
    )
    print_answer(run(pausing.pause(installed(Settings()), order)), as_json)


@commands.command()
def drain(  # noqa: PLR0913, PLR0917 - a switch each
    reason: Reason,
    org: Org = None,
    lane: OnLane = None,
    channel: OnChannel = None,
    line: OnLine = None,
    refuse: Refuse = False,  # noqa: FBT002
    wait: Annotated[int, typer.Option(help="Seconds to wait at most.", min=0, max=3600)] = 60,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Pause, and wait until no message of it is on its way any more. Exit code 1 if one is."""
    from handbell.entrypoints import pausing

    order = pausing.PauseOrder(
        reason=reason, org=org, lane=lane, channel=channel, line=line, refuse=refuse
    )
    told = run(pausing.drain(installed(Settings()), order, patience=timedelta(seconds=wait)))
    print_answer(told, as_json)
    if not told["drained"]:
        raise typer.Exit(1)


@commands.command()
def resume(
    pause_id: Annotated[int, typer.Argument(metavar="PAUSE", help="The pause's id.", min=1)],
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """End a pause; what waited goes on."""
    from handbell.entrypoints import pausing

    print_answer(run(pausing.resume(installed(Settings()), pause_id)), as_json)


@commands.command()
def pauses(as_json: AsJson = False) -> None:  # noqa: FBT002
    """The newest pauses of all organisations, those that have ended too."""
    from handbell.entrypoints import pausing

    told = run(pausing.list_pauses(installed(Settings())))
    print_answer(told if as_json else pausing.in_words(told), as_json)


@commands.command()
def breakers(
    org: Annotated[int, typer.Option(help="The organisation's id.")] = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Whether each provider account is called for now; if not, since when and why."""
    from handbell.entrypoints import pausing

    told = run(pausing.list_breakers(installed(Settings()), org=org))
    print_answer(told if as_json else pausing.breakers_in_words(told), as_json)
