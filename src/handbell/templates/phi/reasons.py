"""What can be found in a text, and how much each finding tells."""

from enum import StrEnum
from typing import Final

from handbell.templates.levels import DisclosureLevel


class PhiReason(StrEnum):
    """What was found. Stored with the refusal; never the text itself."""

    BIRTH_DATE = "birth_date"
    SOCIAL_SECURITY_NUMBER = "social_security_number"
    RECORD_NUMBER = "record_number"
    ACCOUNT_NUMBER = "account_number"
    AMOUNT = "amount"
    IDENTITY_NUMBER = "identity_number"
    DEBT = "debt"
    CONDITION = "condition"
    DRUG = "drug"
    PROCEDURE = "procedure"
    TEST = "test"
    RESULT = "result"
    SPECIALTY = "specialty"
    LAST_NAME = "last_name"
    CLINICIAN = "clinician"
    PLACE = "place"
    NOTICE = "notice"
    FIRST_NAME = "first_name"
    VISIT_TIME = "visit_time"


_LOWER: Final = {
    PhiReason.LAST_NAME: DisclosureLevel.L2,
    PhiReason.CLINICIAN: DisclosureLevel.L2,
    PhiReason.PLACE: DisclosureLevel.L2,
    PhiReason.NOTICE: DisclosureLevel.L2,
    PhiReason.FIRST_NAME: DisclosureLevel.L1,
    PhiReason.VISIT_TIME: DisclosureLevel.L1,
}
LEVEL_OF: Final = {reason: _LOWER.get(reason, DisclosureLevel.L3) for reason in PhiReason}
"""Levels follow HP-02 of the regulation table."""
