"""How fair it was is computed from the order of arrival alone."""

import pytest
from tools.rush.fairness import at_half, jain, longest_wait


@pytest.mark.requirement("R9.7")
def test_turns_are_fair_and_one_after_the_other_is_not() -> None:
    sizes = {1: 10, 2: 10}
    turns = [1, 2] * 10
    blocks = [1] * 10 + [2] * 10
    assert at_half(turns, sizes) == [0.5, 0.5]
    assert at_half(blocks, sizes) == [1.0, 0.0]
    assert jain(at_half(turns, sizes)) == 1.0
    assert jain(at_half(blocks, sizes)) == 0.5
    assert longest_wait(turns) == 1
    assert longest_wait(blocks) == 10


def test_an_organisation_is_measured_by_its_own_size() -> None:
    order = [1, 2, 2, 2, 1, 2, 2, 2]
    assert at_half(order, {1: 2, 2: 6}) == [0.5, 0.5]
    assert jain([0.0, 0.0]) == 1.0
