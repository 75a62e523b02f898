"""What others use of the rules of time: their versions, for receipts, and business days."""

from handbell.scheduling.business_days import add_business_days
from handbell.scheduling.holiday_calendar import holidays_of
from handbell.scheduling.rules import RULES_VERSION, has_rules
from handbell.scheduling.tz import TZDATA_VERSION

__all__ = ["RULES_VERSION", "TZDATA_VERSION", "add_business_days", "has_rules", "holidays_of"]
