"""The breaker opens at 10 % errors, tries again carefully, and closes when it went well."""

from collections import deque
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from handbell.channels.service import is_fault, is_too_fast
from handbell.channels.types import Accepted, Outcome, Provider, Refused, Retry, Unknown
from handbell.delivery.breaker import Breaker, BreakerWord

SECOND = 1_000_000
START = 1_700_000_000 * SECOND
ACCOUNT = 7


def at(seconds: float) -> str:
    return str(START + int(seconds * SECOND))


@pytest.mark.requirement("R9.8")
async def test_it_opens_at_ten_percent_of_enough_calls(valkey: Redis) -> None:
    breaker = Breaker(valkey)
    assert await breaker.tell(ACCOUNT, good=0, bad=19, at=at(0)) is BreakerWord.CLOSED
    assert await breaker.tell(ACCOUNT, good=180, bad=0, at=at(1)) is BreakerWord.CLOSED
    assert await breaker.tell(ACCOUNT, good=0, bad=1, at=at(2)) is BreakerWord.OPEN
    assert await breaker.ask(ACCOUNT, 5, at=at(3)) == (0, timedelta(seconds=4))
    assert (await breaker.ask(ACCOUNT + 1, 5, at=at(3)))[0] == 5


@pytest.mark.requirement("R9.8")
async def test_probes_close_it_again(valkey: Redis) -> None:
    breaker = Breaker(valkey)
    await breaker.tell(ACCOUNT, good=0, bad=20, at=at(0))
    asked = [
        (await breaker.ask(ACCOUNT, 2, at=at(seconds)))[0] for seconds in (4.9, 5.1, 5.2, 5.3)
    ]
    assert asked == [0, 2, 1, 0]
    assert await breaker.tell(ACCOUNT, good=2, bad=0, at=at(5.4)) is BreakerWord.HALF_OPEN
    assert await breaker.tell(ACCOUNT, good=1, bad=0, at=at(5.5)) is BreakerWord.CLOSED
    assert await breaker.ask(ACCOUNT, 32, at=at(5.6)) == (32, timedelta())


async def test_a_failed_probe_opens_it_for_twice_as_long(valkey: Redis) -> None:
    breaker = Breaker(valkey)
    await breaker.tell(ACCOUNT, good=0, bad=20, at=at(0))
    await breaker.ask(ACCOUNT, 1, at=at(5.1))
    assert await breaker.tell(ACCOUNT, good=0, bad=1, at=at(5.2)) is BreakerWord.OPEN
    assert (await breaker.look(ACCOUNT, at=at(5.2))).left == timedelta(seconds=10)
    assert (await breaker.ask(ACCOUNT, 1, at=at(15.1)))[0] == 0
    assert (await breaker.ask(ACCOUNT, 1, at=at(15.3)))[0] == 1


async def test_probes_that_were_lost_or_given_back_are_made_again(valkey: Redis) -> None:
    breaker = Breaker(valkey)
    await breaker.tell(ACCOUNT, good=0, bad=20, at=at(0))
    assert (await breaker.ask(ACCOUNT, 3, at=at(6)))[0] == 3
    assert (await breaker.ask(ACCOUNT, 3, at=at(7)))[0] == 0
    await breaker.give_back(ACCOUNT, 2, at=at(8))
    assert (await breaker.ask(ACCOUNT, 3, at=at(8)))[0] == 2
    assert (await breaker.ask(ACCOUNT, 3, at=at(24)))[0] == 3


@pytest.mark.requirement("R9.8")
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=st.lists(st.tuples(st.integers(0, 12), st.integers(0, 30), st.integers(0, 4)), min_size=1)
)
async def test_it_opens_exactly_when_the_window_says_so(
    valkey: Redis, told: list[tuple[int, int, int]]
) -> None:
    """The oracle keeps every call with its slot of five seconds and counts the last six."""
    await valkey.flushall()
    breaker, calls, second = Breaker(valkey), deque[tuple[int, bool]](), 0
    for pause, good, bad in told:
        second += pause
        word = await breaker.tell(ACCOUNT, good=good, bad=bad, at=at(second))
        calls.extend([(second // 5, False)] * good + [(second // 5, True)] * bad)
        recent = [failed for slot, failed in calls if slot > second // 5 - 6]
        is_open = len(recent) >= 20 and sum(recent) * 10 >= len(recent)
        assert (word is BreakerWord.OPEN) is is_open
        if is_open:
            return


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Accepted(provider_ref="SM1"), False),
        (Refused(code="21211"), False),
        (Refused(code="20003"), True),
        (Retry(code="never_left"), True),
        (Retry(code="20429"), None),
        (Retry(code="http_429"), None),
        (Unknown(code="no_answer"), True),
        (Unknown(code="http_503"), True),
    ],
)
def test_only_what_speaks_of_the_account_counts(outcome: Outcome, *, verdict: bool | None) -> None:
    assert is_fault(Provider.TWILIO, outcome) is verdict


@pytest.mark.requirement("R9.5")
@pytest.mark.parametrize(
    ("provider", "code", "verdict"),
    [
        (Provider.TWILIO, "30022", True),
        (Provider.TWILIO, "63018", True),
        (Provider.TWILIO, "21610", False),
        (Provider.WHATSAPP, "130429", True),
        (Provider.WHATSAPP, "131056", False),
        (Provider.SENDGRID, "http_429", True),
        (Provider.SENDGRID, None, False),
    ],
)
def test_codes_that_slow_a_line(provider: Provider, code: str | None, *, verdict: bool) -> None:
    assert is_too_fast(provider, code) is verdict
