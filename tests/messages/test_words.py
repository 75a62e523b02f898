"""What staff read: every outcome and every reason, in every language."""

import pytest

from handbell.messages.types import Lifecycle, Reason
from handbell.messages.words import Language, load_words, summary, words_of

DEVANAGARI = range(0x900, 0x980)


@pytest.mark.parametrize("language", Language)
def test_every_outcome_and_every_reason_has_words_of_its_own(language: Language) -> None:
    known = load_words()
    for enum, told in ((Lifecycle, known.openings), (Reason, known.reasons)):
        assert set(told) == set(enum)
        words = [each[language] for each in told.values()]
        assert all(one.strip() == one != "" for one in words)
        assert len(set(words)) == len(words)


def test_no_language_borrows_the_words_of_another() -> None:
    known = load_words()
    for each in (*known.openings.values(), *known.reasons.values()):
        assert len(set(each.values())) == len(Language)
        assert sum(ord(letter) in DEVANAGARI for letter in each[Language.HI]) > 10


def test_the_same_gaps_are_filled_in_every_language() -> None:
    for each in load_words().openings.values():
        gaps = {("{at}" in one, "{sent}" in one) for one in each.values()}
        assert len(gaps) == 1


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (Language.EN, "It waits until noon: the patient asked for a pause."),
        (Language.ES, "Espera hasta noon: el paciente pidió una pausa."),
        (Language.HI, "यह noon तक प्रतीक्षा में है: रोगी ने कुछ समय के लिए संदेश रोकने को कहा है।"),
    ],
)
def test_a_sentence_is_an_opening_and_its_reasons(language: Language, said: str) -> None:
    told = summary(Lifecycle.SCHEDULED, [Reason.PAUSED], language, at="noon", sent=None)
    assert told == said
    alone = summary(Lifecycle.SCHEDULED, [], language, at="noon", sent=None)
    assert words_of(Reason.PAUSED, language) not in alone
