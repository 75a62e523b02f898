"""What a receipt says of the tables that decided: their versions."""

from handbell.scheduling.rules import RULES_VERSION, has_rules
from handbell.scheduling.tz import TZDATA_VERSION

__all__ = ["RULES_VERSION", "TZDATA_VERSION", "has_rules"]
