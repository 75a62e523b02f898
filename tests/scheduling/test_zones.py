"""What is known of address and phone becomes candidate zones and states."""

import pytest

from handbell.scheduling.state_zones import STATE_OF_AREA_CODE, TERRITORIES, ZONES_OF_STATE
from handbell.scheduling.tz import zone
from handbell.scheduling.zones import ZoneEvidence, ZoneSource, candidate_zones

NY, CHICAGO = "America/New_York", "America/Chicago"


def evidence(
    stated: str | None = None,
    country: str | None = "US",
    state: str | None = None,
    postal_code: str | None = None,
    phone: str | None = None,
) -> ZoneEvidence:
    return candidate_zones(
        stated=stated, country=country, state=state, postal_code=postal_code, phone=phone
    )


@pytest.mark.requirement("R1.4")
def test_a_stated_zone_decides_alone_for_care_and_is_one_of_several_for_marketing() -> None:
    found = evidence(stated="America/Denver", state="GA", phone="+13125550123")
    assert found.zones == ("America/Denver",)
    assert found.marketing_zones == ("America/Denver", NY, CHICAGO)
    assert found.states == ("GA", "IL")
    assert found.source is ZoneSource.STATED


@pytest.mark.requirement("R1.4")
def test_a_zip_code_decides_where_a_state_has_two_zones() -> None:
    assert evidence(state="FL").zones == (NY, CHICAGO)
    pensacola = evidence(state="FL", postal_code="32501-1234")
    assert (pensacola.zones, pensacola.states) == ((CHICAGO,), ("FL",))
    assert pensacola.source is ZoneSource.ADDRESS


@pytest.mark.requirement("R1.4")
def test_an_area_code_stands_for_every_zone_of_its_state() -> None:
    found = evidence(phone="+18505550123")
    assert (found.zones, found.states) == ((NY, CHICAGO), ("FL",))
    assert found.source is ZoneSource.PHONE


@pytest.mark.requirement("R1.4")
def test_address_and_phone_are_joined_with_the_address_first() -> None:
    found = evidence(postal_code="78701", phone="+12125550123")
    assert (found.zones, found.states) == ((CHICAGO, NY), ("TX", "NY"))
    assert found.source is ZoneSource.ADDRESS_AND_PHONE


@pytest.mark.requirement("R1.4")
def test_a_number_abroad_gives_the_zones_of_its_country() -> None:
    found = evidence(country="IN", postal_code="560001", phone="+918045550123")
    assert len(found.zones) == 1
    assert str(zone(found.zones[0])) in {"Asia/Calcutta", "Asia/Kolkata"}
    assert found.states == ()


@pytest.mark.requirement("R1.4")
@pytest.mark.parametrize("phone", [None, "+18005550123", "nonsense", "+1"])
def test_nothing_known_is_said_and_not_guessed(phone: str | None) -> None:
    found = evidence(stated="Mars/Olympus", state="ZZ", postal_code="zip", phone=phone)
    assert found.zones == found.states == ()
    assert found.source is ZoneSource.UNKNOWN


def test_the_tables_name_fifty_states_the_capital_and_real_zones_only() -> None:
    assert len(ZONES_OF_STATE) == 51
    assert set(STATE_OF_AREA_CODE.values()) == set(ZONES_OF_STATE) | set(TERRITORIES)
    for names in (ZONES_OF_STATE | TERRITORIES).values():
        assert all(zone(name) for name in names)
    assert all(len(code) == 3 and code[0] in "23456789" for code in STATE_OF_AREA_CODE)
