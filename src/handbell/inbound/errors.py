"""What can be wrong about undoing a reply."""

from handbell.platform.errors import ConflictError, NotFoundError


class InboundMessageNotFound(NotFoundError):
    """The organisation has no such message of a patient's."""

    code = "inbound_message_not_found"

    def __init__(self, inbound_message_id: int) -> None:
        super().__init__("There is no such message.", inbound_message_id=inbound_message_id)


class NothingToUndo(ConflictError):
    """The message did nothing that people can take back. An opt-out is the patient's own: only
    the patient's consent ends it."""

    code = "nothing_to_undo"

    def __init__(self) -> None:
        super().__init__("The message did nothing that can be taken back.")
