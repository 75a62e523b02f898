"""How much a text tells: the scale that variables, texts and ceilings share."""

from enum import IntEnum


class DisclosureLevel(IntEnum):
    """How much a text tells a stranger who reads it.

    L0 the sender and an opaque link; L1 also first name, date and time; L2 also who and
    where, or that something is ready; L3 what it is about (a test, a drug, an amount).
    """

    L0 = 0
    L1 = 1
    L2 = 2
    L3 = 3
