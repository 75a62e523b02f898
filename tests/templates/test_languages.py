import pytest

from handbell.templates.languages import fallbacks, pick


@pytest.mark.requirement("R2.5")
def test_the_order_is_patient_then_base_then_organisation_then_english() -> None:
    assert fallbacks("es-MX", organization="hi") == ("es-MX", "es", "hi", "en")
    assert fallbacks("es_MX", organization="es") == ("es-MX", "es", "en")
    assert fallbacks(None, organization=None) == ("en",)


@pytest.mark.requirement("R2.5")
def test_the_first_written_language_is_taken() -> None:
    assert pick({"en", "es"}, wanted="es-MX", organization="en") == "es"
    assert pick({"en", "hi"}, wanted="fr", organization="hi") == "hi"
    assert pick({"hi"}, wanted="fr", organization=None) is None
