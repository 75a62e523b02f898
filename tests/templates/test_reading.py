"""The formulas against texts counted by hand."""

import pytest

from handbell.templates.reading import (
    count_sentences,
    english_syllables,
    flesch_kincaid,
    inflesz,
    masked,
    reading_of,
    spanish_syllables,
    words_of,
    words_per_sentence,
)

ENGLISH = {
    **dict.fromkeys(("please", "called", "times", "you", "are", "missed", "care", "use"), 1),
    **dict.fromkeys(("confirm", "table", "needed", "changes", "people", "statement", "quiet"), 2),
    **dict.fromkeys(("reschedule", "appointment", "area", "idea", "radio", "unsubscribed"), 3),
    **dict.fromkeys(("emergency", "medication", "information"), 4),
}
SPANISH = {
    **dict.fromkeys(("que", "hoy", "muy", "y", "al", "bien"), 1),
    **dict.fromkeys(("cita", "día", "leer", "aquí", "país", "quiere", "guía", "ciudad"), 2),
    **dict.fromkeys(("confirmar", "mensaje", "farmacia", "atención", "cuídese", "agüero"), 3),
    **dict.fromkeys(("recordamos", "emergencia", "resultados"), 4),
}


@pytest.mark.requirement("R10.3")
def test_syllables_are_those_of_the_dictionary() -> None:
    assert {word: english_syllables(word) for word in ENGLISH} == ENGLISH
    assert {word: spanish_syllables(word) for word in SPANISH} == SPANISH


@pytest.mark.requirement("R10.3")
def test_the_english_grade_is_the_one_computed_by_hand() -> None:
    text = "The cat sat on the mat. Please call us now."
    # 10 words, 2 sentences, 10 syllables: 0.39 * 5 + 11.8 * 1 - 15.59
    assert flesch_kincaid(text) == pytest.approx(-1.84)
    harder = "Your appointment is confirmed. Information about medication is available."
    # 9 words, 2 sentences; 1+3+1+2 and 4+2+4+1+4 are 22 syllables
    assert flesch_kincaid(harder) == pytest.approx(0.39 * 4.5 + 11.8 * 22 / 9 - 15.59)


@pytest.mark.requirement("R10.3")
def test_inflesz_is_the_one_computed_by_hand() -> None:
    text = "Su cita es hoy. Llame al portal seguro."
    # 8 words, 2 sentences; 1+2+1+1 and 2+1+2+3 are 13 syllables
    assert inflesz(text) == pytest.approx(206.835 - 62.3 * 13 / 8 - 4)
    accented = "Mañana leerá la guía del país."
    # 6 words, 1 sentence; 3+3+1+2+1+2 are 12 syllables
    assert inflesz(accented) == pytest.approx(206.835 - 62.3 * 2 - 6)


@pytest.mark.requirement("R10.3")
def test_a_hindi_sentence_ends_at_the_danda() -> None:
    text = "आपका अपॉइंटमेंट कल है। कृपया पुष्टि करें।"
    assert words_of(text)[1] == "अपॉइंटमेंट"
    assert words_per_sentence(text) == pytest.approx(7 / 2)


def test_names_addresses_and_numbers_do_not_count_against_the_author() -> None:
    source = "Hi {{ first_name }}, [Confirm]({{ confirm_link }}) 1 or https://a.example.org/x"
    assert words_of(masked(source)) == ["Hi", "x", "Confirm", "or", "x"]
    assert count_sentences("One: two.\nThree") == 3


def test_a_language_without_a_measure_is_not_judged() -> None:
    assert reading_of("Bonjour", language="fr") is None
    spanish = reading_of("Su cita es hoy.", language="es-MX")
    assert spanish is not None
    assert spanish.formula == "inflesz"
    empty = reading_of("123", language="en")
    assert empty is not None
    assert empty.is_easy


@pytest.mark.parametrize(
    ("language", "text", "is_easy"),
    [
        ("hi", "क " * 12 + "।", True),
        ("hi", "क " * 13 + "।", False),
    ],
)
def test_the_limit_itself_is_still_easy(language: str, text: str, *, is_easy: bool) -> None:
    read = reading_of(text, language=language)
    assert read is not None
    assert read.is_easy is is_easy
