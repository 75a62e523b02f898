"""Which of an organisation's lines a patient is written to from."""

from hypothesis import given
from hypothesis import strategies as st

from handbell.channels.service import line_for
from handbell.channels.types import Line
from handbell.platform.db import OrganizationId
from handbell.platform.vocabulary import Channel

ids = st.integers(1, 2**40)


def _line(line_id: int, channel: Channel = Channel.SMS) -> Line:
    return Line(
        id=line_id,
        organization_id=OrganizationId(1),
        account_id=1,
        channel=channel,
        address=f"+1212555{line_id:04}",
    )


@given(st.sets(ids, min_size=1, max_size=8), ids, ids)
def test_a_new_line_takes_patients_over_for_itself_alone(
    known: set[int], added: int, address_id: int
) -> None:
    lines = [_line(one) for one in sorted(known)]
    before = line_for(lines, Channel.SMS, address_id)
    after = line_for([*lines, _line(added)], Channel.SMS, address_id)
    assert after in (before, _line(added))


@given(st.sets(ids, min_size=2, max_size=8), ids)
def test_the_order_of_the_lines_decides_nothing(known: set[int], address_id: int) -> None:
    lines = [_line(one) for one in known]
    assert line_for(lines, Channel.SMS, address_id) == line_for(
        lines[::-1], Channel.SMS, address_id
    )


def test_patients_are_spread_over_the_lines_of_the_channel() -> None:
    lines = [_line(1), _line(2), _line(3), _line(4, Channel.WHATSAPP)]
    counts = dict.fromkeys(range(1, 5), 0)
    for address_id in range(3_000):
        found = line_for(lines, Channel.SMS, address_id)
        assert found is not None
        counts[found.id] += 1
    assert counts[4] == 0
    assert all(800 < counts[one] < 1_200 for one in (1, 2, 3))
    assert line_for(lines, Channel.EMAIL, 1) is None
