"""What can be wrong with a request about dead letters."""

from handbell.platform.errors import ConflictError, NotFoundError


class DeadLetterNotFound(NotFoundError):
    """The organisation has no such dead letter."""

    code = "dead_letter_not_found"

    def __init__(self, dead_letter_id: int) -> None:
        super().__init__("There is no such dead letter.", dead_letter_id=dead_letter_id)


class DeadLetterClosed(ConflictError):
    """It was retried or discarded before, or the message arrived after all."""

    code = "dead_letter_closed"

    def __init__(self, dead_letter_id: int, state: str) -> None:
        super().__init__(
            f"The dead letter is closed: it was {state}.",
            dead_letter_id=dead_letter_id,
            state=state,
        )
