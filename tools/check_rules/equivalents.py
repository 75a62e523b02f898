"""Changes of the code that no question can tell from the original, each with the argument."""

from typing import Final

NO_FAULT: Final[dict[str, str]] = {}
