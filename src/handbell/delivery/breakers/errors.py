"""Why breakers cannot be seen."""

from handbell.platform.errors import UnavailableError


class BreakersUnavailable(UnavailableError):
    """The server that keeps the breakers does not answer, or none is set."""

    code = "breakers_unavailable"

    def __init__(self) -> None:
        super().__init__("The server that keeps the breakers does not answer.")
