"""FHIR files against the real database: what is taken, what is kept, what is named."""

import gzip
import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import func, select

from handbell.audit.service import AuditService
from handbell.audit.tables import AuditEntryRow
from handbell.directory.tables import (
    AppointmentRow,
    ConditionRow,
    ContactPointRow,
    LocationRow,
    PatientRow,
    ProviderRow,
)
from handbell.integrations.fhir.errors import NothingToImport, PathNotFound
from handbell.integrations.fhir.service import FhirImportService
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform import outbox
from handbell.platform.clock import FrozenClock
from handbell.platform.crypto import KeyRing
from handbell.platform.db import Database, OrganizationId

SNOMED = "http://snomed.info/sct"
NPI = "http://hl7.org/fhir/sid/us-npi"

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"use": "official", "family": "Lovelace", "given": ["Ada", "King"]}],
    "telecom": [
        {"system": "phone", "value": "(212) 555-0123", "use": "mobile"},
        {"system": "phone", "value": "(212) 555-0124", "use": "home"},
        {"system": "email", "value": "ada@example.org"},
    ],
    "birthDate": "1980-02-03",
    "address": [
        {"use": "home", "state": "Massachusetts", "postalCode": "01880", "country": "USA"}
    ],
    "communication": [{"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}}],
    "generalPractitioner": [{"reference": "Practitioner/d1"}],
}
PRACTITIONER: dict[str, Any] = {
    "resourceType": "Practitioner",
    "id": "d1",
    "identifier": [{"system": NPI, "value": "99"}],
    "name": [{"prefix": ["Dr."], "given": ["Meredith"], "family": "Grey"}],
}
LOCATION: dict[str, Any] = {
    "resourceType": "Location",
    "id": "l1",
    "name": "Main street",
    "address": {"state": "CO"},
}
CONDITION: dict[str, Any] = {
    "resourceType": "Condition",
    "id": "c1",
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "code": {"coding": [{"system": SNOMED, "code": "44054006", "display": "Diabetes"}]},
    "subject": {"reference": "Patient/p1"},
    "onsetDateTime": "2019-05",
}
APPOINTMENT: dict[str, Any] = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "start": "2026-12-09T09:00:00-07:00",
    "end": "2026-12-09T09:20:00-07:00",
    "participant": [
        {"actor": {"reference": "Patient/p1"}},
        {"actor": {"reference": "Practitioner/d1"}},
        {"actor": {"reference": "Location/l1"}},
    ],
}
ALL = [APPOINTMENT, CONDITION, PATIENT, LOCATION, PRACTITIONER]


@dataclass
class Importer:
    """Imports for one organisation, and keeps the lines about what was not used."""

    service: FhirImportService
    organization_id: OrganizationId
    clock: FrozenClock
    rejected: list[dict[str, Any]] = field(default_factory=list)

    async def run(self, path: Path) -> dict[str, Any]:
        self.clock.advance(timedelta(minutes=1))
        report = await self.service.run(
            self.organization_id,
            path,
            source="fhir",
            now=self.clock.instant,
            rejects=lambda line: self.rejected.append(dict(line)),
        )
        return report.as_dict()


@pytest.fixture
def service(db: Database, keys: KeyRing) -> FhirImportService:
    patients = PatientService(db, keys, InferredWhereabouts())
    return FhirImportService(db, keys, patients, AuditService(db, keys))


@pytest.fixture
def importer(
    service: FhirImportService, organization: OrganizationId, clock: FrozenClock
) -> Importer:
    return Importer(service, organization, clock)


def ndjson(path: Path, *resources: dict[str, Any] | str) -> Path:
    lines = [one if isinstance(one, str) else json.dumps(one) for one in resources]
    text = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


def bundle(path: Path, *entries: dict[str, Any]) -> Path:
    content = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    path.write_text(json.dumps(content, indent=2))
    return path


def sums(report: dict[str, Any], outcome: str) -> int:
    return sum(int(one[outcome]) for one in report["resources"].values())


def without_reasons(report: dict[str, Any], name: str) -> dict[str, int]:
    counts = report["resources"][name]
    return {outcome: n for outcome, n in counts.items() if outcome != "reasons" and n}


async def count(db: Database, organization_id: OrganizationId, row: Any) -> int:
    async with db.transaction(organization_id) as tx:
        found: int = (await tx.execute(select(func.count(row.id)))).scalar_one()
    return found


async def import_twice(importer: Importer, folder: Path) -> dict[str, Any]:
    """Import a folder, see that a second run finds nothing new, and give the first report."""
    first = await importer.run(folder)
    second = await importer.run(folder)
    assert first["not_used_yet"]
    assert first["unreadable"] == {}
    assert (sums(second, "created"), sums(second, "updated")) == (0, 0)
    assert sums(second, "skipped") == sums(first, "skipped")
    for name, counts in first["resources"].items():
        assert second["resources"][name]["reasons"].keys() == counts["reasons"].keys()
    return first


@pytest.mark.shared_data
async def test_every_patient_of_a_real_export_is_kept_and_none_of_these_can_be_reached(
    importer: Importer, shared_dir: Path, db: Database
) -> None:
    report = await import_twice(importer, shared_dir / "data" / "synthea_fhir_ndjson")
    patients = report["resources"]["Patient"]
    created = patients["created"]
    assert created == await count(db, importer.organization_id, PatientRow) == 148
    assert patients["reasons"]["no_usable_contact"] >= created
    async with db.transaction(importer.organization_id) as tx:
        dead = select(func.count(PatientRow.id)).where(PatientRow.deceased_at.is_not(None))
        died = (await tx.execute(dead)).scalar_one()
    told_twice = patients["unchanged"]
    assert 20 < died <= patients["reasons"]["deceased"] <= died + told_twice
    assert "unknown_code_system" not in report["resources"]["Condition"]["reasons"]


@pytest.mark.shared_data
async def test_the_standards_own_examples_import_without_an_exception(
    importer: Importer, shared_dir: Path
) -> None:
    report = await import_twice(importer, shared_dir / "data" / "fhir_r4_examples")
    assert all(one["created"] for one in report["resources"].values())
    assert report["resources"]["Appointment"]["reasons"]["no_start"] == 1


async def test_what_needs_others_comes_after_them_in_whatever_order_it_stands(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    report = await importer.run(ndjson(tmp_path / "all.ndjson", *ALL))
    assert sums(report, "created") == len(ALL)
    assert report["resources"]["Patient"]["reasons"] == {"landline_not_messageable": 1}
    async with db.transaction(importer.organization_id) as tx:
        visit = (await tx.execute(select(AppointmentRow))).mappings().one()
        patient = (await tx.execute(select(PatientRow))).mappings().one()
        provider = (await tx.execute(select(ProviderRow.id, ProviderRow.name))).one()
        zones = (await tx.execute(select(ContactPointRow.channel, ContactPointRow.zones))).all()
        condition = (await tx.execute(select(ConditionRow))).mappings().one()
    assert visit["timezone"] == "America/Denver"
    assert (visit["duration_minutes"], visit["status"]) == (20, "booked")
    assert visit["provider_id"] == patient["provider_id"] == provider.id
    assert provider.name == "Dr. Meredith Grey"
    assert (patient["state"], patient["country"]) == ("MA", "US")
    assert {one.channel: one.zones for one in zones} == {
        "sms": ["America/New_York"],
        "email": ["America/New_York"],
    }
    assert (condition["code"], condition["status"]) == ("44054006", "active")
    assert str(condition["onset_on"]) == "2019-05-01"


@pytest.mark.requirement("R8.1", "R8.2")
async def test_a_visit_to_come_is_left_to_be_planned_and_history_is_not(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    past = {**APPOINTMENT, "id": "a0", "status": "noshow", "start": "2013-12-09T09:00:00Z"}
    path = ndjson(tmp_path / "all.ndjson", *ALL, past)
    await importer.run(path)
    await importer.run(path)
    work = await outbox.claim(db.direct, now=importer.clock.instant)
    assert [one.topic for one in work] == ["reminders.plan"]
    cancelled = {**APPOINTMENT, "status": "cancelled"}
    report = await importer.run(ndjson(path, cancelled))
    assert without_reasons(report, "Appointment") == {"updated": 1}
    later = await outbox.claim(db.direct, now=importer.clock.instant + timedelta(hours=1))
    assert len({one.id for one in later} - {one.id for one in work}) == 1


async def test_lines_and_bundles_tell_of_the_same_patient(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    folder = tmp_path / "export" / "deeper"
    folder.mkdir(parents=True)
    ndjson(folder / "Patient.ndjson.gz", {**PATIENT, "id": "5e1f"})
    bundle(
        folder.parent / "bundle.json",
        {"fullUrl": "urn:uuid:5e1f", "resource": {**PATIENT, "id": "5e1f"}},
        {
            "fullUrl": "urn:uuid:77aa",
            "resource": {**CONDITION, "id": "c9", "subject": {"reference": "urn:uuid:5e1f"}},
        },
    )
    report = await importer.run(folder.parent)
    assert without_reasons(report, "Patient") == {"created": 1, "unchanged": 1}
    assert without_reasons(report, "Condition") == {"created": 1}
    assert await count(db, importer.organization_id, PatientRow) == 1


async def test_references_by_full_url_and_by_identifier_are_followed(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    nameless = {name: value for name, value in PATIENT.items() if name != "id"}
    nameless["generalPractitioner"] = [{"reference": f"Practitioner?identifier={NPI}|99"}]
    actors = [
        {"reference": "https://ehr.example.org/fhir/Patient/77"},
        {"type": "Practitioner", "identifier": {"system": NPI, "value": "99"}},
        {"reference": "Location?identifier=nobody|1"},
    ]
    visit = {**APPOINTMENT, "participant": [{"actor": one} for one in actors]}
    path = bundle(
        tmp_path / "bundle.json",
        {"resource": visit},
        {"fullUrl": "https://ehr.example.org/fhir/Patient/77", "resource": nameless},
        {"fullUrl": "urn:uuid:0d", "resource": PRACTITIONER},
    )
    report = await importer.run(path)
    assert report["resources"]["Appointment"]["reasons"] == {"unresolved_reference": 1}
    async with db.transaction(importer.organization_id) as tx:
        seen = (await tx.execute(select(AppointmentRow.provider_id))).scalar_one()
        own = (await tx.execute(select(PatientRow.provider_id))).scalar_one()
    assert seen == own is not None
    again = await importer.run(path)
    assert sums(again, "unchanged") == 3


async def test_a_changed_resource_updates_and_an_older_statement_does_not(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    path = tmp_path / "p.ndjson"
    newer = {**PATIENT, "meta": {"lastUpdated": "2026-11-02T00:00:00Z"}, "telecom": []}
    await importer.run(ndjson(path, {**PATIENT, "meta": {"lastUpdated": "2026-11-01T00:00:00Z"}}))
    updated = await importer.run(ndjson(path, newer))
    assert without_reasons(updated, "Patient") == {"updated": 1}
    old = {**PATIENT, "meta": {"lastUpdated": "2026-11-01T00:00:00Z"}}
    report = await importer.run(ndjson(path, old))
    assert report["resources"]["Patient"]["reasons"] == {"older_than_known": 1}
    async with db.transaction(importer.organization_id) as tx:
        current = select(func.count(ContactPointRow.id)).where(ContactPointRow.is_current)
        assert (await tx.execute(current)).scalar_one() == 0


async def test_told_twice_and_differently_in_one_folder_is_settled_once_and_then_stays(
    importer: Importer, tmp_path: Path
) -> None:
    path = ndjson(tmp_path / "p.ndjson", PATIENT, {**PATIENT, "birthDate": "1981-02-03"})
    first, second = await importer.run(path), await importer.run(path)
    assert without_reasons(first, "Patient") == {"created": 1, "updated": 1}
    assert without_reasons(second, "Patient") == {"unchanged": 2}
    back = await importer.run(ndjson(path, {**PATIENT, "birthDate": "1990-02-03"}))
    assert without_reasons(back, "Patient") == {"updated": 1}


@pytest.mark.parametrize(
    "died",
    [
        {"deceasedBoolean": True},
        {"deceasedBoolean": "true"},
        {"deceasedDateTime": "2015"},
        {"deceasedDateTime": "in spring"},
    ],
)
async def test_the_deceased_are_kept_and_named(
    importer: Importer, tmp_path: Path, db: Database, died: dict[str, Any]
) -> None:
    report = await importer.run(ndjson(tmp_path / "p.ndjson", {**PATIENT, **died}))
    assert report["resources"]["Patient"]["reasons"]["deceased"] == 1
    async with db.transaction(importer.organization_id) as tx:
        assert (await tx.execute(select(PatientRow.deceased_at))).scalar_one() is not None


async def test_what_cannot_be_used_is_named_without_a_word_about_the_patient(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    odd = {
        **PATIENT,
        "id": "p2",
        "birthDate": "1974",
        "name": {"family": "Odd", "given": [7, {"no": "name"}]},
        "telecom": [
            {"system": "phone", "value": "555-826-5697"},
            {"system": "sms", "value": "+1 555-826-5697"},
            {"system": "fax", "value": "(212) 555-0125"},
            {"system": "email", "value": "odd@example.org", "use": "old"},
        ],
        "address": [{"country": "Narnia"}],
        "communication": [{"language": {"text": "Elvish"}}],
        "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/timezone",
                       "valueCode": "Mars/Olympus"}],
        "generalPractitioner": [{"reference": "#contained"}],
    }  # fmt: skip
    coded = {"system": "http://example.org/codes", "code": "X1"}
    of_odd = {**CONDITION, "subject": {"reference": "Patient/p2"}}
    path = ndjson(
        tmp_path / "odd.ndjson",
        odd,
        {**PATIENT, "id": "p3", "active": False},
        {**PATIENT, "id": None, "identifier": []},
        {**of_odd, "id": "c2", "code": {"coding": [coded]}},
        {**of_odd, "id": "c3", "code": {"text": "words"}},
        {**CONDITION, "id": "c4"},
        {**LOCATION, "id": "l2", "address": {"country": "Narnia"}},
        {"resourceType": "Organization", "id": "o1", "type": [{"coding": [{"code": "ins"}]}]},
        {**APPOINTMENT, "id": "a2"},
        {**APPOINTMENT, "id": "a3", "status": "waitlist"},
        {"resourceType": "Slot", "id": "s1"},
    )  # fmt: skip
    report = await importer.run(path)
    reasons = {name: one["reasons"] for name, one in report["resources"].items()}
    assert reasons["Patient"] == {
        "inactive": 1,
        "invalid_address": 1,
        "no_id": 1,
        "no_usable_contact": 2,
        "outdated_contact": 1,
        "unknown_channel": 1,
        "unknown_country": 1,
        "unknown_language": 1,
        "unknown_timezone": 1,
        "unknown_zone": 1,
        "unreadable_field": 1,
        "unresolved_reference": 1,
    }
    assert reasons["Condition"] == {"no_code": 1, "unknown_code_system": 1, "unknown_patient": 1}
    assert reasons["Location"] == {"unknown_zone": 1}
    assert reasons["Organization"] == {"not_a_place_of_care": 1}
    assert reasons["Appointment"] == {
        "unknown_location": 2,
        "unknown_patient": 1,
        "unusable_status": 1,
    }
    assert report["not_used_yet"] == {"Slot": 1}
    async with db.transaction(importer.organization_id) as tx:
        kept = (await tx.execute(select(ConditionRow.system))).scalar_one()
    assert kept == coded["system"]
    written = json.dumps(importer.rejected)
    assert ("c3", "no_code") in {(line["id"], line["reason"]) for line in importer.rejected}
    assert not any(word in written for word in ("Odd", "555", "example.org", "Elvish", "X1"))


async def test_a_newer_episode_stands_whatever_the_order_and_a_corrected_code_goes(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    resolved = {"coding": [{"code": "resolved"}]}
    older = {**CONDITION, "id": "c0", "onsetDateTime": "2001-01-01", "clinicalStatus": resolved}
    path = ndjson(tmp_path / "c.ndjson", PATIENT, CONDITION, older)
    await importer.run(path)
    again = await importer.run(path)
    assert sums(again, "updated") == 0

    async def held() -> list[tuple[str, str]]:
        async with db.transaction(importer.organization_id) as tx:
            rows = await tx.execute(select(ConditionRow.code, ConditionRow.status))
            return [(row.code, row.status) for row in rows]

    assert await held() == [("44054006", "active")]
    mended = {"coding": [{"system": SNOMED, "code": "38341003"}]}
    await importer.run(ndjson(path, {**CONDITION, "code": mended}))
    assert await held() == [("38341003", "active")]
    wrong = {"coding": [{"code": "entered-in-error"}]}
    await importer.run(ndjson(path, {**CONDITION, "code": mended, "verificationStatus": wrong}))
    assert await held() == [("38341003", "entered_in_error")]


async def test_a_place_without_an_address_lies_where_its_organisation_does_and_may_be_sensitive(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    owner = {
        "resourceType": "Organization",
        "id": "l1",
        "name": "Riverside",
        "address": [{"country": "NLD"}],
    }
    clinic = {
        "resourceType": "Location",
        "id": "l1",
        "name": "Clinic of the mind",
        "type": [{"coding": [{"code": "PSY"}]}],
        "managingOrganization": {"reference": "Organization/l1"},
    }
    await importer.run(ndjson(tmp_path / "places.ndjson", clinic, owner))
    async with db.transaction(importer.organization_id) as tx:
        statement = select(LocationRow.name, LocationRow.timezone, LocationRow.sensitive)
        rows = {tuple(row) for row in await tx.execute(statement)}
    assert rows == {
        ("Riverside", "Europe/Amsterdam", False),
        ("Clinic of the mind", "Europe/Amsterdam", True),
    }


async def test_two_organisations_share_nothing(
    importer: Importer,
    service: FhirImportService,
    other_organization: OrganizationId,
    clock: FrozenClock,
    tmp_path: Path,
    db: Database,
) -> None:
    path = ndjson(tmp_path / "all.ndjson", *ALL)
    await importer.run(path)
    other = Importer(service, other_organization, clock)
    lone = await other.run(ndjson(tmp_path / "visit.ndjson", APPOINTMENT, CONDITION))
    assert sums(lone, "skipped") == 2
    assert sums(await other.run(path), "created") == len(ALL)
    for row in (PatientRow, ConditionRow, AppointmentRow, LocationRow):
        assert await count(db, other_organization, row) == 1


async def test_each_batch_that_wrote_something_is_one_entry_of_the_log(
    importer: Importer, tmp_path: Path, db: Database
) -> None:
    path = ndjson(tmp_path / "p.ndjson", *({**PATIENT, "id": f"p{n}"} for n in range(30)))
    await importer.run(path)
    await importer.run(path)
    async with db.transaction(importer.organization_id) as tx:
        rows = await tx.execute(select(AuditEntryRow.actor, AuditEntryRow.subject))
        entries = [row for row in rows if row.actor == "import"]
    assert [one.subject["created"] for one in entries] == [25, 5]
    assert len(entries[0].subject["Patient"]) == 25


@pytest.mark.own_database
async def test_one_that_the_database_refuses_costs_no_other_its_place(
    importer: Importer, tmp_path: Path, db: Database, owner_url: str
) -> None:
    owner = await asyncpg.connect(owner_url)
    await owner.execute("ALTER TABLE conditions ADD CHECK (code <> '13')")
    await owner.close()
    unlucky = {**CONDITION, "id": "c5", "code": {"coding": [{"system": SNOMED, "code": "13"}]}}
    report = await importer.run(ndjson(tmp_path / "all.ndjson", unlucky, *ALL))
    assert report["resources"]["Condition"]["reasons"] == {"refused_by_database": 1}
    assert sums(report, "created") == len(ALL)
    assert await count(db, importer.organization_id, ConditionRow) == 1


BROKEN_LINE = '{"resourceType": "Patient", "id": "p'


@pytest.mark.parametrize(
    ("name", "content", "unreadable", "created"),
    [
        ("line.ndjson", f"{json.dumps(PATIENT)}\n{BROKEN_LINE}\n\n", {"not_json": 1}, 1),
        ("first.ndjson", f"{BROKEN_LINE}\n{json.dumps(PATIENT)}", {"not_json": 1}, 1),
        ("first.json", f"{BROKEN_LINE}\n{json.dumps(PATIENT)}", {"not_json": 1}, 1),
        ("bom.json", b"\xef\xbb\xbf" + json.dumps(PATIENT, indent=1).encode(), {}, 1),
        ("list.json", json.dumps([PATIENT, 7]), {"not_a_resource": 1}, 1),
        ("empty.json", "", {"empty_file": 1}, 0),
        ("blank.ndjson", "\n \n", {"empty_file": 1}, 0),
        ("type.json", '{"resourceType": "patient 7"}', {"not_a_resource": 1}, 0),
        ("none.json", '{"hello": "world"}', {"not_a_resource": 1}, 0),
        ("garbage.json", bytes(range(256)) * 9, {"not_json": 1}, 0),
        ("garbage.ndjson", b"\x89PNG" + bytes(9), {"not_json": 1}, 0),
        ("not.ndjson.gz", b"\x1f\x8b" + bytes(99), {"broken_gzip": 1}, 0),
        ("deep.json", "[" * 100_000, {"not_json": 1}, 0),
        ("nul.json", json.dumps({**PATIENT, "name": [{"text": "A\x00da"}]}), {}, 1),
    ],
)  # fmt: skip
async def test_bad_input_is_named_and_its_good_part_kept(
    importer: Importer,
    tmp_path: Path,
    name: str,
    content: str | bytes,
    unreadable: dict[str, int],
    created: int,
) -> None:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    report = await importer.run(path)
    assert report["unreadable"] == unreadable
    assert sums(report, "created") == created
    assert "Lovelace" not in json.dumps(importer.rejected)


async def test_a_file_that_breaks_off_gives_what_came_before(
    importer: Importer, tmp_path: Path
) -> None:
    packed = tmp_path / "cut.ndjson.gz"
    lines = "".join(f"{json.dumps({**PATIENT, 'id': f'p{n}'})}\n" for n in range(9)).encode()
    packed.write_bytes(gzip.compress(lines, compresslevel=0)[:-900])
    report = await importer.run(packed)
    assert report["unreadable"]["broken_gzip"] == 1
    assert 0 < sums(report, "created") < 9
    whole = bundle(tmp_path / "cut.json", *({"resource": one} for one in (PATIENT, PRACTITIONER)))
    whole.write_text(whole.read_text()[:-40])
    report = await importer.run(whole)
    assert report["unreadable"] == {"not_json": 1}
    assert sums(report, "unchanged") + sums(report, "created") + sums(report, "updated") == 1


async def test_a_missing_path_and_a_folder_without_files_are_errors(
    importer: Importer, tmp_path: Path
) -> None:
    with pytest.raises(PathNotFound):
        await importer.run(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("no data")
    with pytest.raises(NothingToImport):
        await importer.run(tmp_path)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["Patient", "Practitioner", "Organization", "Location"])
def test_what_the_strict_models_read_of_the_examples_we_read_whole(
    shared_dir: Path, name: str
) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    from handbell.integrations.fhir import resources

    strict = get_fhir_model_class(name)
    for path in sorted((shared_dir / "data" / "fhir_r4_examples").glob(f"{name}-*.json")):
        body = json.loads(path.read_bytes())
        strict.model_validate(body)
        ours, is_whole = resources.read_as(getattr(resources, name), body)
        assert is_whole, path.name
        assert ours is not None
