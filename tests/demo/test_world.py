"""The made-up practice: the same seed, the same world, and one in which anything can go wrong."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import phonenumbers
import pytest

from handbell.demo.chance import Chance
from handbell.demo.people import make_person
from handbell.demo.places import CAPACITY, SENSITIVE_NAME
from handbell.demo.script import ChangeKind, Script
from handbell.demo.world import START, WorldTooLarge, make_script
from handbell.platform.vocabulary import Channel


@pytest.fixture(scope="module")
def script() -> Script:
    return make_script(seed=7, patients=200, days=7)


def test_the_same_seed_makes_the_same_world_and_another_seed_another(script: Script) -> None:
    again = make_script(seed=7, patients=200, days=7)
    other = make_script(seed=8, patients=200, days=7)
    assert script.fingerprint() == again.fingerprint() != other.fingerprint()


def test_a_patient_does_not_depend_on_how_many_there_are() -> None:
    few = make_script(seed=3, patients=10, days=7)
    many = make_script(seed=3, patients=300, days=7)
    assert few.patients == {name: many.patients[name] for name in few.patients}


def test_every_number_can_be_dialled_and_is_set_aside_for_fiction(script: Script) -> None:
    numbers = {
        address
        for patient in script.patients.values()
        for channel, address in patient.addresses.items()
        if channel is not Channel.EMAIL
    }
    assert len(numbers) > 100
    for number in numbers:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number))
        assert number[5:10] == "55501"


def test_a_number_is_shared_within_a_family_and_never_otherwise() -> None:
    chance = Chance(5)
    people = [make_person(chance, n, start=START, days=7) for n in range(2000)]
    owners: dict[str, set[int]] = {}
    for number, person in enumerate(people):
        for channel, address in person.addresses.items():
            if channel is not Channel.EMAIL:
                owners.setdefault(address, set()).add(number)
    shared = [sorted(who) for who in owners.values() if len(who) > 1]
    assert 30 < len(shared) < 200
    for who in shared:
        assert len(who) == 2
        assert who[1] == who[0] + 1


def test_every_secret_is_told_to_the_product(script: Script) -> None:
    told = " ".join(str(one.data) for one in (*script.opening, *script.statements))
    for patient in script.patients.values():
        diagnosis, drug, amount, record, born = patient.secrets[:5]
        assert record in told
        assert born in told
        if any(visit.patient_id == patient.id for visit in script.visits.values()):
            assert all(secret in told for secret in (diagnosis, drug, amount))
    assert any(SENSITIVE_NAME in patient.secrets for patient in script.patients.values())


def test_there_is_something_of_everything(script: Script) -> None:
    kinds = Counter(one.type for one in script.statements)
    assert kinds["appointment.booked"] == len(script.visits) > 300
    assert min(kinds[f"appointment.{kind}"] for kind in ChangeKind) >= 5
    assert kinds["patient.deceased"] >= 1
    channels = Counter(
        channel for patient in script.patients.values() for channel in patient.open_channels
    )
    assert min(channels.values()) >= 15
    assert sum(not patient.open_channels for patient in script.patients.values()) >= 5
    assert sum(len(patient.zones) > 1 for patient in script.patients.values()) >= 5
    assert len({patient.zones[0] for patient in script.patients.values()}) >= 5
    assert script.preferences


def test_the_record_system_speaks_when_no_message_is_due(script: Script) -> None:
    later = [one.at for one in script.statements if one.at != script.start]
    assert {at.minute for at in later} == {5}
    assert list(script.statements) == sorted(script.statements, key=lambda one: one.at)
    assert len(set(later)) <= 12 * script.days


def test_a_visit_is_booked_before_it_and_its_story_makes_sense(script: Script) -> None:
    for visit in script.visits.values():
        first, *rest = visit.changes
        assert first.kind is ChangeKind.BOOKED
        assert first.at < first.starts_at
        instants = [change.at for change in visit.changes]
        assert instants == sorted(set(instants))
        assert [change.version for change in visit.changes] == list(range(1, len(instants) + 1))
        for change in rest:
            is_over = change.kind in {ChangeKind.COMPLETED, ChangeKind.NO_SHOW}
            assert (change.at > change.starts_at) is is_over
        died_at = script.patients[visit.patient_id].died_at
        assert died_at is None or all(change.at < died_at for change in rest)


def test_visits_are_on_full_hours_of_their_place_on_both_sides_of_the_clock_change() -> None:
    script = make_script(seed=1, patients=100, days=14)
    forward = datetime(2027, 3, 14, 7, tzinfo=UTC)
    starts = [change.starts_at for one in script.visits.values() for change in one.changes]
    assert min(starts) < forward < max(starts)
    for visit in script.visits.values():
        local = visit.changes[0].starts_at.astimezone(ZoneInfo(visit.zone))
        assert local.minute == 0
        assert 8 <= local.hour <= 17


def test_no_patient_has_two_visits_booked_on_neighbouring_days(script: Script) -> None:
    booked: dict[str, list[datetime]] = {}
    for visit in script.visits.values():
        booked.setdefault(visit.patient_id, []).append(visit.changes[0].starts_at)
    for starts in booked.values():
        starts.sort()
        assert all(later - sooner > timedelta(hours=24) for sooner, later in pairwise(starts))


@pytest.mark.parametrize(("patients", "days"), [(0, 7), (CAPACITY + 1, 7), (10, 0), (10, 61)])
def test_a_world_that_cannot_be_made_up_is_refused(patients: int, days: int) -> None:
    with pytest.raises(WorldTooLarge):
        make_script(seed=1, patients=patients, days=days)


def test_a_single_day_and_a_single_patient_make_a_world() -> None:
    script = make_script(seed=1, patients=1, days=1)
    assert len(script.visits) == 1
