"""Patients of a FHIR folder: read without the importer, and given what they lack."""

import gzip
import json
from pathlib import Path

import pytest

from handbell.demo.fhir import NoPatients, read_patients
from handbell.demo.world import START, make_script_from_fhir

LIVING = {
    "resourceType": "Patient",
    "id": "ada",
    "name": [{"family": "Brandt", "given": ["Ada"]}],
    "birthDate": "1961-05-09",
    "identifier": [{"value": "REC-00042"}, {"value": "7"}],
    "communication": [{"language": {"coding": [{"code": "es"}]}}],
    "telecom": [{"system": "phone", "value": "555-826-5697", "use": "home"}],
}
DEAD = {
    "resourceType": "Patient",
    "id": "ben",
    "name": [{"family": "Carver", "given": ["Ben"]}],
    "deceasedDateTime": "2019-01-01T00:00:00Z",
}
NAMELESS = {"resourceType": "Patient", "id": "nobody"}
ILLNESS = {
    "resourceType": "Condition",
    "code": {"text": "Pulmonary emphysema (disorder)"},
    "subject": {"reference": "urn:uuid:ada"},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = "\n".join(json.dumps(one) for one in (LIVING, NAMELESS, "not a resource"))
    with gzip.open(tmp_path / "Patient.ndjson.gz", "wt") as file:
        file.write(f"{lines}\nnot json\n")
    (tmp_path / "Condition.ndjson").write_text(json.dumps(ILLNESS))
    entries = [{"resource": DEAD}, {"resource": LIVING}, {"fullUrl": "urn:x"}]
    bundle = {"resourceType": "Bundle", "entry": entries}
    (tmp_path / "bundles").mkdir()
    (tmp_path / "bundles" / "one.json").write_text(json.dumps(bundle))
    return tmp_path


def test_people_are_read_out_of_lines_and_bundles_each_once(folder: Path) -> None:
    ada, ben = read_patients(folder)
    assert (ada.first_name, ada.last_name, ada.language) == ("Ada", "Brandt", "es")
    assert ada.secrets == ("Pulmonary emphysema", "REC-00042")
    assert (ada.is_deceased, ben.is_deceased, ben.born_on) == (False, True, None)


def test_a_folder_without_patients_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoPatients):
        read_patients(tmp_path)


def test_the_living_get_contacts_and_visits_and_the_dead_nothing(folder: Path) -> None:
    script = make_script_from_fhir(folder, seed=1, days=7)
    told = {one.subject: one.data for one in script.opening if one.type == "patient.updated"}
    assert told["ben"] == {"id": "ben"}
    assert told["ada"]["contacts"]
    assert {visit.patient_id for visit in script.visits.values()} == {"ada"}
    ada, ben = script.patients["ada"], script.patients["ben"]
    assert {"1961-05-09", "REC-00042", "Pulmonary emphysema"} <= set(ada.secrets)
    assert ada.open_channels
    assert ben.died_at is not None
    assert ben.died_at < START
    assert script.source == "fhir"


@pytest.mark.shared_data
def test_the_patients_of_synthea_are_all_read(shared_dir: Path) -> None:
    folder = shared_dir / "data" / "synthea_fhir_ndjson"
    script = make_script_from_fhir(folder, seed=1, days=14)
    dead = [one for one in script.patients.values() if one.died_at is not None]
    assert (len(script.patients), len(dead)) == (148, 31)
    assert {visit.patient_id for visit in script.visits.values()}.isdisjoint(
        patient.id for patient in dead
    )


@pytest.mark.shared_data
def test_the_examples_of_the_specification_are_read_without_an_exception(
    shared_dir: Path,
) -> None:
    assert len(read_patients(shared_dir / "data" / "fhir_r4_examples")) > 10
