"""Why a run ends before its end."""

from collections.abc import Mapping
from datetime import datetime

from handbell.platform.errors import HandbellError


class StatementRejected(HandbellError):
    """Raised when the product does not take what the record system says."""

    code = "statement_rejected"

    def __init__(self, event_type: str, code: str | None, field: str | None) -> None:
        super().__init__(f"An event {event_type} was not accepted: {code} ({field}).")


class StillBusy(HandbellError):
    """Raised when the product does not come to rest; the message names what is left to do."""

    code = "still_busy"

    def __init__(self, busy: Mapping[str, int], *, at: datetime) -> None:
        left = ", ".join(f"{name} {count}" for name, count in busy.items() if count)
        super().__init__(f"At {at:%Y-%m-%d %H:%M}Z the product did not come to rest: {left}.")


class NeverQuiet(HandbellError):
    """Raised when something is always planned, long after the script's end."""

    code = "never_quiet"

    def __init__(self, at: datetime) -> None:
        super().__init__(f"Something is still planned for {at:%Y-%m-%d %H:%M}Z.")


class UnexpectedAnswer(HandbellError):
    """Raised for an answer that should not be; it names the path and the status, no content."""

    code = "unexpected_answer"

    def __init__(self, method: str, path: str, status: int) -> None:
        super().__init__(f"{method} {path} answered {status}.")
