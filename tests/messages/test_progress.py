"""The state of an attempt: the rules one by one, in every order and with any repetition."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.channels.types import EventKind as K
from handbell.messages.progress import AttemptEvent, ProgressState, progress_of

START = datetime(2026, 11, 24, 10, tzinfo=UTC)
EVENTS = st.lists(
    st.builds(
        AttemptEvent,
        kind=st.sampled_from(K),
        occurred_at=st.integers(0, 3).map(lambda s: START + timedelta(seconds=s)),
        code=st.sampled_from([None, "30003", "30008", "131000"]),
    ),
    max_size=7,
)


def _at(kind: K, second: int = 0) -> AttemptEvent:
    return AttemptEvent(kind=kind, occurred_at=START + timedelta(seconds=second))


@pytest.mark.requirement("R6.2", "R6.3")
@given(events=EVENTS, data=st.data())
def test_order_and_repetition_change_nothing(
    events: list[AttemptEvent], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(events + events[: len(events) // 2]))
    assert progress_of(again) == progress_of(events)


@pytest.mark.requirement("R6.2")
@given(events=EVENTS, late=st.sampled_from([K.QUEUED, K.SENDING, K.SENT, K.DELIVERED]))
def test_a_success_never_lowers_the_state(events: list[AttemptEvent], late: K) -> None:
    scale = list(ProgressState)[1:7]
    before = progress_of(events).state
    after = progress_of([*events, _at(late, 9)]).state
    if before in scale:
        assert scale.index(after) >= scale.index(before)


@pytest.mark.parametrize(
    ("kinds", "state", "is_anomalous"),
    [
        ((), ProgressState.QUEUED, False),
        ((K.MACHINE_OPENED,), ProgressState.DELIVERED, False),
        ((K.SENT, K.FAILED), ProgressState.FAILED, False),
        ((K.DELIVERED, K.FAILED), ProgressState.DELIVERED, True),
        ((K.DELIVERED, K.BOUNCED), ProgressState.BOUNCED, False),
        ((K.MACHINE_OPENED, K.BOUNCED), ProgressState.BOUNCED, False),
        ((K.CLICKED, K.BOUNCED), ProgressState.CLICKED, True),
        ((K.EXPIRED, K.SENT), ProgressState.EXPIRED, False),
    ],
)
def test_the_set_decides(
    kinds: tuple[K, ...], state: ProgressState, *, is_anomalous: bool
) -> None:
    progress = progress_of([_at(kind) for kind in kinds])
    assert (progress.state, progress.is_anomalous) == (state, is_anomalous)


def test_a_lost_answer_is_unknown_until_any_event() -> None:
    assert progress_of([], is_ambiguous=True).state is ProgressState.UNKNOWN
    assert progress_of([_at(K.SENT)], is_ambiguous=True).state is ProgressState.SENT


def test_a_reply_proves_delivery_and_outweighs_a_bounce() -> None:
    progress = progress_of([_at(K.BOUNCED)], replies=[START])
    assert (progress.state, progress.is_anomalous) == (ProgressState.DELIVERED, True)
    assert progress.replied_at == START


def test_the_first_failure_by_time_gives_the_state() -> None:
    failures = [_at(K.FAILED, 2), _at(K.EXPIRED, 1)]
    assert progress_of(failures).state is ProgressState.EXPIRED
