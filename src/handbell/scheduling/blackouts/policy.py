"""Which blackouts bind a message. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from handbell.platform.vocabulary import MessageClass
from handbell.scheduling.types import Blackout, WindowFacts

HOME: Final = "US"
NEVER_HELD: Final = frozenset({MessageClass.EMERGENCY, MessageClass.INBOUND_REPLY})


def with_blackouts(facts: WindowFacts, blackouts: Iterable[Blackout]) -> WindowFacts:
    """The facts with those of the blackouts that bind this message, over or not."""
    return replace(facts, blackouts=tuple(one for one in blackouts if _binds(one, facts)))


def _binds(blackout: Blackout, facts: WindowFacts) -> bool:
    if facts.message_class in NEVER_HELD:
        return False
    if blackout.channel not in {None, facts.channel}:
        return False
    if blackout.message_class not in {None, facts.message_class}:
        return False
    return _is_there(blackout, facts)


def _is_there(blackout: Blackout, facts: WindowFacts) -> bool:
    """Whether the patient may be where it holds. Nobody knows the state: marketing is bound by
    the strictest (ST-03), and care is not held back on a guess. No country means ours."""
    country = facts.country or HOME
    if blackout.state is None:
        return blackout.country in {None, country}
    if facts.states:
        return blackout.state in facts.states
    return country == HOME and facts.message_class is MessageClass.MARKETING
