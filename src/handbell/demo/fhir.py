"""Reads people out of a folder of FHIR R4 resources, without the product's importer.

Files are bundles or single resources (`.json`), or one resource a line (`.ndjson`,
`.ndjson.gz`). What is not a patient, or says nothing of one, is passed over.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Final

from handbell.platform.errors import InvalidError

SECRET_LENGTH: Final = 5
"""A shorter secret would be found in innocent words."""


class NoPatients(InvalidError):
    """Raised when a folder holds nobody."""

    code = "no_patients"

    def __init__(self) -> None:
        super().__init__("There is no such folder, or no FHIR patient with a name in it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirPatient:
    """A patient as the resource tells. `secrets`: identifiers, diagnoses and drugs."""

    id: str
    first_name: str
    last_name: str
    born_on: date | None
    language: str
    is_deceased: bool
    secrets: tuple[str, ...] = field(repr=False)


def read_patients(folder: Path) -> list[FhirPatient]:
    """Everybody with a name, each once, sorted by id. Raises `NoPatients`."""
    patients: dict[str, Mapping[str, Any]] = {}
    facts: dict[str, set[str]] = defaultdict(set)
    for resource in _resources(folder):
        if resource.get("resourceType") == "Patient" and resource.get("id"):
            patients.setdefault(str(resource["id"]), resource)
        elif subject := _subject(resource):
            facts[subject].update(_facts(resource))
    found = [
        patient
        for patient_id, resource in sorted(patients.items())
        if (patient := _to_patient(resource, facts[patient_id]))
    ]
    if not found:
        raise NoPatients
    return found


def _resources(folder: Path) -> Iterator[Mapping[str, Any]]:
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".json":
            yield from _unbundled(_parsed(path.read_text()))
        elif path.suffixes[-1:] == [".ndjson"] or path.suffixes[-2:] == [".ndjson", ".gz"]:
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt") as lines:
                for line in lines:
                    yield from _unbundled(_parsed(line))


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _unbundled(content: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if content.get("resourceType") != "Bundle":
        yield content
        return
    for entry in _list(content.get("entry")):
        if isinstance(resource := entry.get("resource"), dict):
            yield resource


def _subject(resource: Mapping[str, Any]) -> str | None:
    """The id of the patient that a condition or a prescription is about."""
    if resource.get("resourceType") not in {"Condition", "MedicationRequest"}:
        return None
    reference = str(_dict(resource.get("subject")).get("reference", ""))
    return reference.replace("urn:uuid:", "").rpartition("/")[2] or None


def _facts(resource: Mapping[str, Any]) -> Iterator[str]:
    concept = resource.get("code") or resource.get("medicationCodeableConcept")
    text = _dict(concept).get("text")
    if isinstance(text, str):
        yield text.partition(" (")[0]


def _to_patient(resource: Mapping[str, Any], facts: set[str]) -> FhirPatient | None:
    name = next(iter(_list(resource.get("name"))), {})
    given = [part for part in name.get("given") or [] if isinstance(part, str)]
    if not given or not isinstance(name.get("family"), str):
        return None
    secrets = {str(one.get("value", "")) for one in _list(resource.get("identifier"))} | facts
    return FhirPatient(
        id=str(resource["id"]),
        first_name=given[0],
        last_name=name["family"],
        born_on=_date(resource.get("birthDate")),
        language=_language(resource),
        is_deceased=bool(resource.get("deceasedBoolean") or resource.get("deceasedDateTime")),
        secrets=tuple(sorted(one for one in secrets if len(one) >= SECRET_LENGTH)),
    )


def _date(value: object) -> date | None:
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def _language(resource: Mapping[str, Any]) -> str:
    for one in _list(resource.get("communication")):
        for coding in _list(_dict(one.get("language")).get("coding")):
            if isinstance(coding.get("code"), str):
                return str(coding["code"])
    return "en"


def _list(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
