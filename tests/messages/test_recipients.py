"""Who is told: the rule alone, against a table written by hand, and then through the gate."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handbell.messages.recipients import Relation, who_is_told
from handbell.messages.types import Lifecycle, Reason, SendOrder, Told
from handbell.patients.relations.errors import NotAMinor, PermissionMissing, RelationStands
from handbell.patients.relations.service import RelationService
from handbell.patients.relations.types import (
    ContactPerson,
    Kind,
    NewRelation,
    Permission,
    adult_on,
)
from handbell.patients.service import PatientService
from handbell.patients.whereabouts import InferredWhereabouts
from handbell.platform.vocabulary import Channel, Purpose
from handbell.scheduling.types import At

NOON = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
VISIT = datetime(2026, 12, 8, 14, 30, tzinfo=UTC)
DAY = date(2026, 12, 1)
DAYS = st.none() | st.dates(DAY - timedelta(days=2), DAY + timedelta(days=2))
RELATIONS = st.lists(
    st.builds(
        Relation,
        related_id=st.integers(1, 5),
        kind=st.sampled_from([Told.GUARDIAN, Told.CAREGIVER]),
        adult_on=DAYS,
        until_on=DAYS,
    ),
    max_size=4,
)


@pytest.mark.requirement("R1.3")
@given(relations=RELATIONS, is_confidential=st.booleans())
def test_the_guardian_comes_first_and_nobody_else_hears_of_a_confidential_visit(
    relations: list[Relation], *, is_confidential: bool
) -> None:
    expected = None
    for kind in (Told.CAREGIVER, Told.GUARDIAN):
        for one in reversed(relations):
            over = {one.adult_on, one.until_on} & {DAY, DAY - timedelta(1), DAY - timedelta(2)}
            if one.kind is kind and not over and not is_confidential:
                expected = one
    assert who_is_told(relations, today=DAY, is_confidential=is_confidential) == expected


@pytest.mark.parametrize(
    ("born", "of_age"),
    [
        (date(2008, 12, 2), date(2026, 12, 2)),
        (date(2008, 2, 29), date(2026, 3, 1)),
        (date(2012, 2, 28), date(2030, 2, 28)),
    ],
)
def test_the_eighteenth_birthday(born: date, of_age: date) -> None:
    assert adult_on(born) == of_age


def mother(**more: Any) -> NewRelation:
    told: dict[str, Any] = {
        "kind": Kind.GUARDIAN,
        "related_patient_id": None,
        "contact": ContactPerson(
            first_name="Grace",
            last_name=None,
            language="es",
            addresses={Channel.SMS: "+12125550124"},
        ),
        "until_on": None,
        "permission": None,
    }
    return NewRelation(**(told | more))


class Family:
    """A practice whose staff add relations and order reminders."""

    def __init__(self, practice: Any) -> None:
        self.practice = practice
        patients = PatientService(practice.db, practice.keys, InferredWhereabouts())
        self.relations = RelationService(practice.db, practice.keys, patients, practice.audit)
        self.no = 0

    async def add(self, patient: int, new: NewRelation, now: datetime = NOON) -> Any:
        return await self.relations.add(self.practice.id, patient, new, actor="staff", now=now)

    async def remind(
        self, patient: int, visit: int | None = None, *, now: datetime = NOON, **more: Any
    ) -> Any:
        """The job that a reminder becomes, with the receipt's half about the recipient."""
        self.no += 1
        order = SendOrder(
            patient_id=patient,
            purpose=Purpose.APPT_REMINDER,
            anchor=At(now),
            order_key=f"order {self.no}",
            ordered_by="tests",
            appointment_id=visit,
            serves_at=VISIT if visit else None,
            **more,
        )
        messages = self.practice.messages
        admitted = await messages.admit(self.practice.id, order, now=now)
        job = await messages.get(self.practice.id, admitted.message_id)
        receipt = await messages.explain(self.practice.id, admitted.message_id)
        return job, receipt["eligibility"]


@pytest.fixture
def family(practice: Any) -> Family:
    return Family(practice)


@pytest.mark.requirement("R1.3")
async def test_a_minors_messages_go_to_the_guardian_until_the_eighteenth_birthday(
    practice: Any, family: Family
) -> None:
    child = await practice.patient(birth_date="2008-12-04")
    visit = await practice.visit(child, VISIT)
    grace = await family.add(child, mother())
    assert (grace.is_contact, grace.first_name, grace.adult_on) == (
        True,
        "Grace",
        date(2026, 12, 4),
    )
    job, receipt = await family.remind(child, visit)
    assert (job.patient_id, job.recipient) == (child, "+12125550124")
    assert job.body.startswith("Riverside Health: Ada, ")
    assert "visita" in job.body or "cita" in job.body
    assert (receipt["told"], receipt["is_confidential"]) == ("guardian", False)

    eve = datetime(2026, 12, 4, 4, 59, tzinfo=UTC)
    job, _ = await family.remind(child, visit, now=eve)
    assert job.recipient == "+12125550124"
    birthday = datetime(2026, 12, 4, 5, 0, tzinfo=UTC)
    job, receipt = await family.remind(child, visit, now=birthday)
    assert (job.recipient, receipt["told"]) == ("+12125550123", "self")
    with pytest.raises(NotAMinor):
        await family.add(child, mother(), now=birthday)

    job, _ = await family.remind(grace.related_id)
    assert (job.lifecycle, job.reasons) == (Lifecycle.REFUSED, (Reason.NOT_A_PATIENT,))


@pytest.mark.requirement("R1.3", "R2.3")
@pytest.mark.parametrize("how", [{"confidential": True}, {"location_id": "l1"}])
async def test_a_confidential_visit_goes_to_the_minor_or_to_nobody(
    practice: Any, family: Family, how: dict[str, Any]
) -> None:
    clinic = {"id": "l1", "name": "HIV Clinic", "timezone": "America/New_York"}
    await practice.tell("location.updated", **clinic, sensitive=True)
    child = await practice.patient(birth_date="2012-05-01")
    grace = await family.add(child, mother())
    visit = await practice.visit(child, VISIT, **how)
    job, receipt = await family.remind(child, visit)
    assert (job.recipient, job.lifecycle) == ("+12125550123", Lifecycle.SCHEDULED)
    assert (receipt["told"], receipt["is_confidential"]) == ("self", True)

    hers = await practice.patient(("sms", "+12125550124"), birth_date="2013-05-01")
    await practice.execute(
        "INSERT INTO patient_relations (organization_id, patient_id, related_id, kind, adult_on,"
        " created_at, created_by) VALUES (:o, :p, :r, 'guardian', '2031-05-01', :at, 'tests')",
        o=practice.id,
        p=hers,
        r=grace.related_id,
        at=NOON,
    )
    visit = await practice.visit(hers, VISIT, **how)
    job, _ = await family.remind(hers, visit)
    assert (job.lifecycle, job.reasons) == (Lifecycle.REFUSED, (Reason.CONFIDENTIAL,))


@pytest.mark.requirement("R1.3")
async def test_a_caregiver_is_told_what_was_permitted_in_writing_until_the_staff_end_it(
    practice: Any, family: Family
) -> None:
    patient = await practice.patient()
    permission = Permission(text_version="caregiver-2026", at=NOON, evidence="scan 7")
    with pytest.raises(NotAMinor):
        await family.add(patient, mother())
    with pytest.raises(PermissionMissing):
        await family.add(patient, mother(kind=Kind.CAREGIVER))
    carer = await family.add(patient, mother(kind=Kind.CAREGIVER, permission=permission))
    assert carer.permission == permission
    job, receipt = await family.remind(patient)
    assert (job.recipient, receipt["told"]) == ("+12125550124", "caregiver")
    assert receipt["template"]["ceiling"] == 1
    other = await practice.patient(("sms", "+12125550125"))
    again = mother(
        kind=Kind.CAREGIVER, permission=permission, contact=None, related_patient_id=other
    )
    await family.add(patient, again)
    with pytest.raises(RelationStands):
        await family.add(patient, again)

    who: dict[str, Any] = {"actor": "staff", "now": NOON}
    views, total = await family.relations.page(practice.id, patient, limit=9, offset=0, **who)
    assert (total, [one.is_contact for one in views]) == (2, [False, True])
    for one in views:
        await family.relations.end(practice.id, patient, one.id, **who)
        await family.relations.end(practice.id, patient, one.id, **who)
    job, receipt = await family.remind(patient)
    assert (job.recipient, receipt["told"]) == ("+12125550123", "self")
    entries = await practice.rows(
        "SELECT action FROM audit_entries WHERE action LIKE 'relation%' ORDER BY id"
    )
    assert [row.action for row in entries] == [
        *["relation.added"] * 2,
        "relations.read",
        *["relation.ended"] * 2,
    ]


@pytest.mark.requirement("R2.3")
async def test_siblings_on_their_mothers_number_are_named_to_her_and_nobody_elses_child_is(
    practice: Any, family: Family
) -> None:
    number = ("sms", "+12125550124")
    grace = await practice.patient(number, first_name="Grace")
    children = [await practice.patient(number, birth_date="2012-05-01") for _ in range(2)]
    visits = {one: await practice.visit(one, VISIT) for one in (grace, *children)}

    async def is_named(patient: int, name: str) -> bool:
        job, _ = await family.remind(patient, visits[patient])
        assert job.recipient == "+12125550124"
        return name in job.body

    assert not await is_named(children[0], "Ada")
    for child in children:
        await family.add(child, mother(contact=None, related_patient_id=grace))
    assert await is_named(children[0], "Ada")
    assert not await is_named(grace, "Grace")
    await practice.patient(number, first_name="Alan")
    assert not await is_named(children[0], "Ada")
