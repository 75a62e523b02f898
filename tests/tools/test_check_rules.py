"""The rules of sending times against the oracle, in small: the whole run is `make check-rules`."""

import pytest
from tools.check_rules.compare import differences, with_answers
from tools.check_rules.directed import directed_cases
from tools.check_rules.mutants import Fate, run
from tools.check_rules.product import Product
from tools.check_rules.randomly import random_cases
from tools.check_rules.table_mutants import table_mutants

CASES = 1_000
EVERY = 60
"""Of the mutants of the tables every sixtieth."""


@pytest.mark.requirement("R3.1", "R3.3", "R3.4", "R3.7")
def test_product_and_oracle_agree_on_random_cases() -> None:
    cases = sorted(random_cases(CASES, seed=7), key=lambda case: case.now)
    assert [str(one) for one in differences(Product(), with_answers(cases))] == []


def test_faults_in_the_tables_are_caught() -> None:
    asked = list(with_answers(directed_cases()))

    def differs(near: str) -> bool:
        first = sorted(asked, key=lambda one: one[0].near != near)
        return next(differences(Product(), first), None) is not None

    some = list(table_mutants(differs))[::EVERY]
    fates = {mutant.name: fate for mutant, fate in run(some, jobs=2)}
    assert len(fates) == len(some)
    assert set(fates.values()) == {Fate.CAUGHT}
