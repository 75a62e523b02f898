from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.templates.dates import visit_date, visit_time
from handbell.templates.levels import DisclosureLevel
from handbell.templates.phi import PhiReason, classify, find_phi

NOW = datetime(2026, 12, 1, tzinfo=UTC)


@pytest.mark.requirement("R2.3", "R7.3")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Ann, born 03/14/1962, please call", PhiReason.BIRTH_DATE),
        ("Ann 1962-03-14", PhiReason.BIRTH_DATE),
        ("Ann, March 14, 1962", PhiReason.BIRTH_DATE),
        ("Ana, 14 de marzo de 1962", PhiReason.BIRTH_DATE),
        ("DOB on file", PhiReason.BIRTH_DATE),
        ("Fecha de nacimiento pendiente", PhiReason.BIRTH_DATE),
        ("ID 078-05-1120", PhiReason.SOCIAL_SECURITY_NUMBER),
        ("MRN: 48213", PhiReason.RECORD_NUMBER),
        ("record number A-48213", PhiReason.RECORD_NUMBER),
        ("expediente 48213", PhiReason.RECORD_NUMBER),
        ("account #99871", PhiReason.ACCOUNT_NUMBER),
        ("ref 20481123", PhiReason.ACCOUNT_NUMBER),
        ("You owe $25", PhiReason.AMOUNT),
        ("Debe 25,50 dólares", PhiReason.AMOUNT),
        ("₹ 500", PhiReason.AMOUNT),
    ],
)
def test_an_identifier_is_found_and_named(text: str, reason: PhiReason) -> None:
    assert find_phi(text, now=NOW) == (reason,)


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    "text",
    [
        "Call 212-555-0100 or (212) 555-0100 or +12125550100 or 212.555.0100 or +1 212 555 0100",
        "Call 2125550100. Emergency? Call 911.",
        "Visit Tue, Dec 1, 9:30 AM, or 12/01/2026, or December 1, 2026, or 2027-01-03",
        "Su cita es mar, 1 de dic de 2026 a las 14:30",
        "Read https://m.example.org/p/1234567890123 please",
        "Reply 1 to confirm, 2 to change. For the record, we called 2 times.",
    ],
)
def test_phones_visits_and_links_are_no_hit(text: str) -> None:
    assert find_phi(text, now=NOW) == ()


@given(minutes=st.integers(-43_200, 525_600), locale=st.sampled_from(["en", "es", "hi", "en-GB"]))
def test_no_rendered_visit_is_taken_for_an_identifier(minutes: int, locale: str) -> None:
    at, zone = NOW + timedelta(minutes=minutes), ZoneInfo("America/Chicago")
    text = (
        f"{visit_date(at, zone=zone, locale=locale)}, {visit_time(at, zone=zone, locale=locale)}"
    )
    assert find_phi(text, now=NOW) == ()


@pytest.mark.requirement("R2.3", "R7.3")
@pytest.mark.parametrize(
    ("text", "language", "level", "reason"),
    [
        ("Bring your metformin", "en", 3, PhiReason.DRUG),
        ("Your A1C is 8.2", "en", 3, PhiReason.RESULT),
        ("Westside Oncology, floor 2", "en", 3, PhiReason.SPECIALTY),
        ("Su colonoscopia está confirmada", "es", 3, PhiReason.PROCEDURE),
        ("Sus biopsias", "es", 3, PhiReason.PROCEDURE),
        ("खून की जाँच बाकी है", "hi", 3, PhiReason.TEST),
        ("Khoon kee jaanch", "hi", 3, PhiReason.TEST),
        ("Aapki beemaari", "hi-IN", 3, PhiReason.CONDITION),
        ("Your account is past due", "en", 3, PhiReason.DEBT),
        ("DNI 12345678Z", "es", 3, PhiReason.IDENTITY_NUMBER),
        ("Born 7/22/48", "en", 3, PhiReason.BIRTH_DATE),
        ("Dear Mrs. Appleby", "en", 2, PhiReason.LAST_NAME),
        ("You see Dr. Rivera", "en", 2, PhiReason.CLINICIAN),
        ("Come to the Downtown office", "en", 2, PhiReason.PLACE),
        ("Your results are ready", "en", 2, PhiReason.NOTICE),
        ("Hello Alexandra, read this", "en", 1, PhiReason.FIRST_NAME),
        ("Your visit is Tue, Dec 1", "en", 1, PhiReason.VISIT_TIME),
    ],
)
def test_each_finding_has_its_level(
    text: str, language: str, level: int, reason: PhiReason
) -> None:
    verdict = classify(text, language=language, now=NOW)
    assert verdict.level == level
    assert reason in verdict.reasons
    assert [verdict.is_leak(ceiling) for ceiling in DisclosureLevel] == [
        level > ceiling for ceiling in DisclosureLevel
    ]


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    "written",
    ["diabetes", "DIABETES", "dia\u00adbetes", "diab\u200betes", "diabeties", "Diabétes"],
)
def test_a_word_is_found_however_it_is_written(written: str) -> None:
    assert find_phi(f"About your {written}.", now=NOW) == (PhiReason.CONDITION,)


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("In addition, please cancel by Friday.", "en"),
        ("If you have a fever or a cough, call first.", "en"),
        ("Si tiene fiebre, llame antes.", "es"),
        ("अगर आपको बुखार है तो पहले कॉल करें।", "hi"),
        ("Never text us your Social Security number.", "en"),
        ("Have your date of birth ready.", "en"),
        ("Hola, Asma: lea esto.", "es"),
        ("Sacred Heart Clinic has moved.", "en"),
        ("In a crisis call 988, the Suicide and Crisis Lifeline.", "en"),
        ("अन्य विकल्प चुनें", "hi"),
    ],
)
def test_look_alikes_are_no_clinical_finding(text: str, language: str) -> None:
    assert find_phi(text, language=language, now=NOW) == ()


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    ("text", "language", "reason"),
    [
        ("Your zolbemafloxacin", "en", PhiReason.DRUG),
        ("Su oftalmectomía", "es", PhiReason.PROCEDURE),
        ("आपकी लेवेटिरासेटम", "hi", PhiReason.DRUG),
        ("Your left wrist x-ray", "en", PhiReason.TEST),
        ("यूरिक एसिड ८.२ है", "hi", PhiReason.RESULT),
        ("Potassium is low", "en", PhiReason.RESULT),
        ("MRD-55120", "hi", PhiReason.RECORD_NUMBER),
    ],
)
def test_what_no_list_holds_is_known_by_its_form(
    text: str, language: str, reason: PhiReason
) -> None:
    assert reason in find_phi(text, language=language, now=NOW)


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Find us at 214 Cancer Creek Road.", "en"),
        ("Estamos en la avenida Azúcar.", "es"),
        ("हमारा पता: 17, शक्कर मिल रोड।", "hi"),
        ("Free flu shots for everyone on Saturday.", "en"),
        ("La revisión completa toma tiempo.", "es"),
    ],
)
def test_streets_public_notices_and_everyday_words_are_no_finding(
    text: str, language: str
) -> None:
    assert find_phi(text, language=language, now=NOW) == ()


@pytest.mark.requirement("R2.3")
def test_a_notice_that_speaks_to_somebody_and_a_clinic_at_a_street_are_findings() -> None:
    assert find_phi("Your chemo is free for everyone.", now=NOW) == (PhiReason.PROCEDURE,)
    assert find_phi("See Oncology Main Street", now=NOW) == (PhiReason.SPECIALTY,)


@pytest.mark.requirement("R2.3")
def test_a_condition_sentence_excuses_only_itself() -> None:
    text = "If you have a fever, call. Your fever visit is at 3."
    assert find_phi(text, now=NOW) == (PhiReason.CONDITION,)


@pytest.mark.requirement("R2.3")
def test_a_word_of_two_meanings_counts_in_its_own_language() -> None:
    assert find_phi("Su gota", language="es-MX", now=NOW) == (PhiReason.CONDITION,)
    assert find_phi("Su gota", language="en", now=NOW) == ()
    assert find_phi("Su gota", language="", now=NOW) == (PhiReason.CONDITION,)


@pytest.mark.requirement("R2.3")
def test_known_values_are_not_counted_but_all_else_is() -> None:
    known = ("Riverside Oncology",)
    alone = classify("RIVERSIDE ONCOLOGY: hello", language="en", now=NOW, known=known)
    assert alone.reasons == ()
    beside = classify("Riverside Oncology: your chemo", language="en", now=NOW, known=known)
    assert beside.reasons == (PhiReason.PROCEDURE,)


@given(st.text(max_size=300), st.sampled_from(["en", "es", "hi", ""]))
def test_any_text_can_be_judged(text: str, language: str) -> None:
    verdict = classify(text, language=language, now=NOW)
    assert verdict == classify(text, language=language, now=NOW)
    found = find_phi(text, language=language, now=NOW)
    assert (verdict.level is DisclosureLevel.L3) is bool(found)
