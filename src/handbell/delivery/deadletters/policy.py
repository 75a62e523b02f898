"""What would mend a failure: data (`fixes.json`) by the provider's code, else by its class."""

import json
from functools import cache
from importlib.resources import files
from typing import Any, Final

from handbell.channels.types import Provider
from handbell.delivery.deadletters.types import Fix, Remedy

OURS: Final = "handbell"
"""Whose the codes are that no provider gave."""


def fix_of(provider: Provider, code: str | None, failure: str | None) -> Fix:
    """Group a failure. `failure` is the class of the code; what nobody has described is a bug,
    so that somebody looks at it."""
    data = _data()
    for source in (provider.value, OURS):
        named = data["codes"][source].get(code or "")
        if named:
            return Fix(named)
    by_class = data["classes"].get(failure or "", {})
    return Fix(by_class.get(provider.value) or by_class.get("*") or Fix.BUG)


def remedy_of(fix: Fix) -> Remedy:
    """What is wrong and what to do about it."""
    return Remedy(**_data()["remedies"][fix])


@cache
def _data() -> dict[str, Any]:
    text = files(__package__).joinpath("fixes.json").read_text(encoding="utf-8")
    told: dict[str, Any] = json.loads(text)
    return told
