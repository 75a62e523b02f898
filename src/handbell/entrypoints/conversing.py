"""`handbell inbox …`: the conversations with patients."""

from typing import Annotated

import typer

from handbell.entrypoints.answering import AsJson, print_answer, print_rows, run
from handbell.entrypoints.home import installed
from handbell.platform.settings import Settings

inbox = typer.Typer(no_args_is_help=True, help="What patients wrote, and what is answered.")

Org = Annotated[int, typer.Option(help="The organisation's id.")]
Limit = Annotated[int, typer.Option(help="At most so many.", min=1, max=200)]
ConversationId = Annotated[int, typer.Argument(help="The conversation's id.")]
Text = Annotated[str, typer.Argument(help="The text.")]
LISTED = ("id", "patient_id", "state", "assigned_to", "waiting_since", "open_tasks", "is_alert")
SHOWN = ("at", "kind", "channel", "author", "status", "text")


@inbox.command("list")
def list_conversations(
    org: Org = 1,
    state: Annotated[str | None, typer.Option(help="open, pending or closed.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """The conversations, what changed last first."""
    from handbell.entrypoints import conversing_work as work

    told = run(work.list_conversations(installed(Settings()), org=org, state=state, limit=limit))
    if as_json:
        print_answer(told, as_json)
        return
    print_rows(told["conversations"], LISTED)


@inbox.command("show")
def show_conversation(
    conversation: ConversationId,
    org: Org = 1,
    limit: Limit = 50,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """What stands in one of them, newest first."""
    from handbell.entrypoints import conversing_work as work

    told = run(
        work.show_conversation(
            installed(Settings()), org=org, conversation=conversation, limit=limit
        )
    )
    if as_json:
        print_answer(told, as_json)
        return
    print_rows(told["entries"], SHOWN)


@inbox.command("reply")
def reply(
    conversation: ConversationId,
    text: Text,
    org: Org = 1,
    secure: Annotated[bool, typer.Option("--secure", help="Send only a link to it.")] = False,  # noqa: FBT002
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Write to the patient; what is private goes behind a link. Exit code 1 where the gate
    refuses."""
    from handbell.entrypoints import conversing_work as work

    sent = run(
        work.reply(
            installed(Settings()), org=org, conversation=conversation, text=text, secure=secure
        )
    )
    print_answer(sent, as_json)
    if sent["status"] == "refused":
        raise typer.Exit(1)


@inbox.command("note")
def note(
    conversation: ConversationId,
    text: Text,
    org: Org = 1,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Tell the colleagues something; no patient sees it."""
    from handbell.entrypoints import conversing_work as work

    made = run(work.note(installed(Settings()), org=org, conversation=conversation, text=text))
    print_answer(made, as_json)


@inbox.command("set")
def change(
    conversation: ConversationId,
    org: Org = 1,
    state: Annotated[str | None, typer.Option(help="open, pending or closed.")] = None,
    assign: Annotated[str | None, typer.Option(help="To whom, such as user:5.")] = None,
    as_json: AsJson = False,  # noqa: FBT002
) -> None:
    """Open, close or assign it."""
    from handbell.entrypoints import conversing_work as work

    made = run(
        work.change(
            installed(Settings()), org=org, conversation=conversation, state=state, assign=assign
        )
    )
    print_answer(made, as_json)
