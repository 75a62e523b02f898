"""When a try is repeated: held against a second telling of the rule, and for every number."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.delivery.policy import fraction, next_try
from handbell.platform.transport import Answer

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
NAMED = st.none() | st.integers(0, 10**6).map(lambda n: timedelta(seconds=n))
INSTANTS = st.integers(-100_000, 2_000_000).map(lambda n: NOW + timedelta(seconds=n))


def oracle(tries: int, named: float | None, serves_in: float | None) -> tuple[float, float] | None:
    """The seconds between which the next try lies, by plain arithmetic; None for no more."""
    if tries >= 6:
        return None
    low = float(2 ** (tries - 1))
    high = low * 1.5
    if named is not None:
        low, high = max(low, named), max(high, named)
    if serves_in is not None and low >= serves_in - 15 * 60:
        return None
    return low, high


@pytest.mark.requirement("R9.2")
@given(
    key=st.text(max_size=20),
    tries=st.integers(1, 9),
    named=NAMED,
    serves_in=st.none() | st.integers(-100, 10**6),
)
def test_the_next_try_lies_where_the_oracle_says(
    key: str, tries: int, named: timedelta | None, serves_in: int | None
) -> None:
    serves_at = None if serves_in is None else NOW + timedelta(seconds=serves_in)
    at = next_try(key, tries, retry_after=named, serves_at=serves_at, now=NOW)
    wanted = oracle(tries, named.total_seconds() if named is not None else None, serves_in)
    if at is None:
        is_close = wanted is not None and serves_in is not None
        assert wanted is None or (is_close and wanted[1] >= serves_in - 15 * 60)  # type: ignore[operator]
        return
    assert wanted is not None
    assert wanted[0] <= (at - NOW).total_seconds() <= wanted[1]


@given(at=INSTANTS, tries=st.integers(1, 5))
def test_an_instant_that_the_provider_named_is_kept_however_it_was_told(
    at: datetime, tries: int
) -> None:
    as_date = Answer(status=429, headers={"retry-after": format_datetime(at, usegmt=True)})
    by_date = next_try("k", tries, retry_after=as_date.retry_after, serves_at=None, now=NOW)
    assert by_date is not None
    assert by_date >= max(at, NOW + timedelta(seconds=2 ** (tries - 1)))
    if at > NOW + timedelta(minutes=1):
        assert by_date == at
        pause = next_try("k", tries, retry_after=at - NOW, serves_at=None, now=NOW)
        assert pause == at


@given(key=st.text(max_size=20), tries=st.integers(1, 5), seed=st.text(max_size=5))
def test_the_jitter_depends_on_seed_message_and_try_alone(key: str, tries: int, seed: str) -> None:
    one = fraction(key, tries, seed=seed)
    assert 0 <= one < 1
    assert fraction(key, tries, seed=seed) == one


def test_the_jitter_spreads_messages_and_tries() -> None:
    drawn = [fraction(f"message {no}", tries) for no in range(500) for tries in (1, 2)]
    assert len(set(drawn)) > 990
    assert math.isclose(sum(drawn) / len(drawn), 0.5, abs_tol=0.05)
    assert fraction("message", 1, seed="one") != fraction("message", 1, seed="two")
