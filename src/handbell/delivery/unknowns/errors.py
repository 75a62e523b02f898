"""What can be wrong with a request about unknown attempts."""

from handbell.platform.errors import ConflictError, NotFoundError


class UnknownAttemptNotFound(NotFoundError):
    """The organisation has no such attempt with an unknown outcome."""

    code = "unknown_attempt_not_found"

    def __init__(self, attempt_id: int) -> None:
        super().__init__("There is no such unknown attempt.", attempt_id=attempt_id)


class AttemptAlreadySettled(ConflictError):
    """The provider has told in the meantime what became of it, or a person has."""

    code = "attempt_already_settled"

    def __init__(self, attempt_id: int, settlement: str) -> None:
        super().__init__(
            f"The attempt is settled already: {settlement}.",
            attempt_id=attempt_id,
            settlement=settlement,
        )
