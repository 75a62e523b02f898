"""What a rendered text gives away: identifiers, money, illness, drugs, names, times.

Patterns and word lists: they catch what slipped into a text, not every way to say it.
"""

from handbell.templates.phi.reasons import LEVEL_OF, PhiReason
from handbell.templates.phi.verdict import Verdict, classify, find_phi

__all__ = ["LEVEL_OF", "PhiReason", "Verdict", "classify", "find_phi"]
