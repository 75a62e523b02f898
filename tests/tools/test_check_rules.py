"""The rules of sending times against the oracle, in small: the whole run is `make check-rules`."""

import pytest
from tools.check_rules.compare import differences, with_answers
from tools.check_rules.directed import directed_cases
from tools.check_rules.keyword_mutants import keyword_mutants, misread, same_reading
from tools.check_rules.mutants import Fate, run
from tools.check_rules.product import Product
from tools.check_rules.randomly import random_cases
from tools.check_rules.table_mutants import table_mutants

from handbell.replies.policy import ReplyParser
from handbell.replies.rules import RuleTable, load_rules

CASES = 1_000
EVERY = 60
"""Of the mutants of the tables every sixtieth."""
EVERY_WORD = 15


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


def test_every_question_of_words_is_answered_as_it_must_be() -> None:
    assert list(misread()) == []


def test_a_dropped_word_is_caught_or_read_the_same_by_another_rule() -> None:
    some = list(keyword_mutants())[::EVERY_WORD]
    fates = [fate for _, fate in run(some, jobs=2)]
    assert len(fates) == len(some)
    assert set(fates) == {Fate.CAUGHT, Fate.EQUIVALENT}


def test_a_word_is_the_same_without_its_row_only_where_no_sentence_differs() -> None:
    running = ReplyParser()
    assert same_reading(running, ReplyParser(_without("basta ya")), "basta ya") == (
        "stop by optout.word.es"
    )
    assert same_reading(running, ReplyParser(_without("works for me")), "works for me") == ""


def _without(word: str) -> RuleTable:
    table = load_rules()
    rows = (
        row.model_copy(update={"words": tuple(one for one in row.words if one != word)})
        for row in table.rows
    )
    return table.model_copy(update={"rows": tuple(rows)})
