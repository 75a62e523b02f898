"""What became of a patient's message."""

from enum import StrEnum


class Handled(StrEnum):
    """How a patient's message was dealt with. Values are stored and shown: append only."""

    CONFIRMED = "confirmed"
    LINK_SENT = "link_sent"
    OPTED_OUT = "opted_out"
    HELPED = "helped"
    OPTIONS_SENT = "options_sent"
    TO_STAFF = "to_staff"
    NOTED = "noted"
    """It asks for nothing, and nothing was done."""
