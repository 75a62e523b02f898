"""What can be wrong with a request about blackouts."""

from handbell.platform.errors import ForbiddenError, InvalidError, NotFoundError


class BlackoutNotFound(NotFoundError):
    """The organisation has no such blackout."""

    code = "blackout_not_found"

    def __init__(self, blackout_id: int) -> None:
        super().__init__("There is no such blackout.", blackout_id=blackout_id)


class BlackoutHoldsEverywhere(ForbiddenError):
    """It holds for every organisation: only an operator of the installation changes it."""

    code = "blackout_holds_everywhere"

    def __init__(self, blackout_id: int) -> None:
        super().__init__(
            "This blackout holds for every organisation; the installation's operator changes it.",
            blackout_id=blackout_id,
        )


class InvalidBlackout(InvalidError):
    """The window or the place means nothing; `field` names it."""

    code = "invalid_blackout"
