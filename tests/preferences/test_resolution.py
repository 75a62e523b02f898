"""Resolution: the pure one, the one in SQL, and a third one written another way."""

from datetime import UTC, datetime, time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handbell.directory.types import Origin
from handbell.patients.service import PatientService
from handbell.patients.types import Registration
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId
from handbell.platform.vocabulary import Channel
from handbell.preferences.errors import InvalidPreference
from handbell.preferences.policy import resolve, sanitise
from handbell.preferences.service import PatientPreferenceService
from handbell.preferences.types import DEFAULTS, FIELDS, Level, LevelSettings, Settings

NOW = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)


@st.composite
def said_by_a_level(draw: st.DrawFn) -> Settings:
    hours = st.times().map(lambda one: one.replace(microsecond=0))
    windows = st.none() | st.tuples(hours, hours)
    quiet, work = draw(windows), draw(windows)
    flags = st.none() | st.booleans()
    return Settings(
        timezone=draw(st.sampled_from([None, "America/Denver", "Europe/Berlin"])),
        language=draw(st.sampled_from([None, "es", "zh-Hant"])),
        quiet_start=quiet and quiet[0],
        quiet_end=quiet and quiet[1],
        work_start=work and work[0],
        work_end=work and work[1],
        best_hour=draw(st.none() | st.integers(0, 23)),
        allow_email=draw(flags),
        allow_sms=draw(flags),
        allow_whatsapp=draw(flags),
        marketing_opt_in_email=draw(flags),
        marketing_opt_in_sms=draw(flags),
        marketing_opt_in_whatsapp=draw(flags),
        channel_order=draw(st.none() | st.permutations(list(Channel)).map(tuple)),
        pause_until=draw(st.sampled_from([None, NOW])),
    )


SAID = st.fixed_dictionaries(
    {level: said_by_a_level() for level in (Level.PATIENT, Level.PROVIDER, Level.ORGANIZATION)}
)


async def _registered(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> tuple[int, int]:
    origin = Origin(source="ehr", external_id="p1", version=1, told_at=NOW)
    registration = Registration(origin=origin, provider_external_id="d1")
    patients = PatientService(db, keys, InferredWhereabouts())
    registered = await patients.register(organization, registration, now=NOW)
    return registered.patient_id, 1


def _level(level: Level, level_id: int, said: Settings) -> LevelSettings:
    return LevelSettings(
        level=level, level_id=level_id, settings=said, version=0, changed_at=None, changed_by="t"
    )


@pytest.mark.requirement("R1.3", "R1.2")
@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(said=SAID)
async def test_sql_and_the_pure_rule_agree_and_the_most_specific_level_wins(
    said: dict[Level, Settings], db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    patient_id, provider_id = await _registered(db, keys, organization)
    service = PatientPreferenceService(db)
    ids = {
        Level.PATIENT: patient_id,
        Level.PROVIDER: provider_id,
        Level.ORGANIZATION: organization,
    }
    for level, said_there in said.items():
        await service.put(organization, _level(level, ids[level], said_there), now=NOW)
    pure = resolve({**said, Level.GLOBAL: DEFAULTS})
    assert await service.resolve_many(organization, [patient_id, 999]) == {patient_id: pure}
    assert await service.resolve(organization, patient_id) == pure
    in_order = [said[one] for one in (Level.PATIENT, Level.PROVIDER, Level.ORGANIZATION)]
    for field in FIELDS:
        spoken = [getattr(one, field) for one in (*in_order, DEFAULTS)]
        assert getattr(pure, field) == next((one for one in spoken if one is not None), None)


@pytest.mark.requirement("R1.3")
async def test_a_patient_of_whom_nobody_said_anything_lives_by_the_defaults(
    db: Database, keys: KeyRing, organization: OrganizationId
) -> None:
    patient_id, _ = await _registered(db, keys, organization)
    held = await PatientPreferenceService(db).resolve(organization, patient_id)
    assert (held.timezone, held.language) == ("America/New_York", "en")
    assert (held.quiet_start, held.quiet_end) == (time(22), time(8))
    assert (held.work_start, held.work_end) == (time(9), time(17))
    assert [held.allows(one) for one in Channel] == [True, True, False]
    assert not any(held.wants_marketing(one) for one in Channel)
    assert set(held.levels.values()) == {Level.GLOBAL}


@pytest.mark.requirement("R1.3")
@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("timezone", Settings(timezone="Mars/Olympus")),
        ("timezone", Settings(timezone="")),
        ("timezone", Settings(timezone=" ")),
        ("language", Settings(language="qqqq")),
        ("language", Settings(language="")),
        ("quiet_end", Settings(quiet_start=time(22))),
        ("best_hour", Settings(best_hour=24)),
        ("channel_order", Settings(channel_order=(Channel.SMS, Channel.SMS))),
    ],
)
def test_what_cannot_be_scheduled_by_is_refused_with_its_field(field: str, said: Settings) -> None:
    with pytest.raises(InvalidPreference) as refused:
        sanitise(said)
    assert refused.value.details == {"field": field}


@pytest.mark.requirement("R1.3")
def test_spelling_is_forgiven() -> None:
    clean = sanitise(Settings(timezone=" america/new_york ", language="ZH_hant_tw"))
    assert (clean.timezone, clean.language) == ("America/New_York", "zh-Hant-TW")
