"""Whatever is decided at once, in whatever order: what holds is what an oracle reads."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.consent.conftest import GRANT, NOW, Ledger, number_of

from handbell.consent import service as consent
from handbell.consent.types import Decision, Intact, Kind, Method
from handbell.platform.vocabulary import MessageClass

NUMBERS = count(100)
DAY = timedelta(days=1)


def decisions() -> st.SearchStrategy[list[Decision]]:
    """Grants for care and for billing, stops of one or of all, told late and at equal times."""
    one = st.builds(
        lambda kind, at, of_class, method: replace(
            GRANT,
            kind=kind,
            at=NOW - 9 * DAY + at * DAY,
            message_class=of_class
            if of_class or kind is Kind.REVOKE
            else MessageClass.BILLING_ADMIN,
            method=method,
        ),
        kind=st.sampled_from([Kind.GRANT, Kind.REVOKE]),
        at=st.integers(0, 4),
        of_class=st.sampled_from([MessageClass.CARE, MessageClass.BILLING_ADMIN, None]),
        method=st.sampled_from([Method.WEB_FORM, Method.STAFF]),
    )
    return st.lists(one, min_size=1, max_size=8)


def holds(told: Sequence[Decision], message_class: MessageClass) -> bool | None:
    """The oracle: the newest decision on the class, a stop before a grant of the same instant;
    None where nobody decided."""
    about = [one for one in told if one.message_class in {None, message_class}]
    if not about:
        return None
    newest = max(one.at for one in about)
    return all(one.kind is Kind.GRANT for one in about if one.at == newest)


def is_stopped(told: Sequence[Decision]) -> bool:
    """The oracle of the suppression: a stop of everything, and no grant after the last one."""
    stops = [one.at for one in told if one.kind is Kind.REVOKE and one.message_class is None]
    grants = [one.at for one in told if one.kind is Kind.GRANT]
    return bool(stops) and not any(at > max(stops) for at in grants)


@pytest.mark.requirement("R7.5", "R7.4")
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(told=decisions())
async def test_what_holds_after_any_interleaving_is_what_the_oracle_says(
    ledger: Ledger, told: list[Decision]
) -> None:
    db, keys, organization = ledger.service.db, ledger.service.keys, ledger.organization
    address = await number_of(db, keys, organization, f"+1212555{next(NUMBERS):04d}")

    async def say(decision: Decision) -> None:
        act = ledger.service.grant if decision.kind is Kind.GRANT else ledger.service.revoke
        await act(organization, address, decision, now=NOW)

    await asyncio.gather(*(say(one) for one in told))

    states = await ledger.service.states(organization, address)
    for message_class in MessageClass:
        state = states.get(message_class)
        assert (state and state.granted) == holds(told, message_class), message_class
    async with db.transaction(organization) as tx:
        stopped_since = await consent.stopped_since(tx, address)
    assert (stopped_since is not None) == is_stopped(told)
    different = len({repr(one) for one in told})
    assert await ledger.service.verify(organization, address) == Intact(entries=different)
