"""Changes of the code that no question can tell from the original, each with the argument."""

from typing import Final

NO_FAULT: Final[dict[str, str]] = {
    "scheduling.policy.closes_at: low <= end < high → low <= end <= high": (
        "an end that equals `high` is set to `high`"
    ),
    "scheduling.policy._last_between: start <= at < end → start <= at <= end": (
        "it is asked only before an instant that is closed, and an end of grace is open"
    ),
}
