"""SQL for leases: the one thing that runs on the database's clock, which nobody simulates."""

from typing import Final

UNTIL: Final = "clock_timestamp() + interval '2 minutes'"
"""When a lease that is taken now ends."""

ENDED: Final = "leased_until < clock_timestamp()"
"""Whether a row's lease has ended."""

HELD: Final = "leased_until >= clock_timestamp()"
"""Whether somebody is at work on a row."""
