"""Changes of the code that no question can tell from the original, each with the argument."""

from typing import Final

NO_FAULT: Final[dict[str, str]] = {
    "reply confirm.es: si por favor dropped": (
        "politeness at the end is taken off, and what is left, `si`, stands in the same row"
    ),
}
