"""What cannot be paused or resumed."""

from handbell.platform.errors import InvalidError, NotFoundError


class PauseNotFound(NotFoundError):
    """There is no such pause, or it is not the organisation's."""

    code = "pause_not_found"

    def __init__(self, pause_id: int) -> None:
        super().__init__("There is no such pause.", pause_id=pause_id)


class PauseEndsInThePast(InvalidError):
    """The pause would be over before it began."""

    code = "pause_ends_in_the_past"

    def __init__(self) -> None:
        super().__init__("A pause ends in the future.", field="until")
