"""What a finished text gives away keeps it from leaving, by the organisation's own ceiling."""

from typing import Any

import pytest

from handbell.channels.types import Accepted, Outbound, Outcome
from handbell.delivery.service import DeliveryService
from handbell.messages.types import Job, Lifecycle, Reason, SendOrder
from handbell.platform.clock import FrozenClock
from handbell.platform.vocabulary import Lane, Purpose
from handbell.scheduling.types import At


class AcceptingSender:
    async def send(self, out: Outbound) -> Outcome:
        assert out.to
        return Accepted(provider_ref="SM1")


async def delivered(practice: Any, clock: FrozenClock, first_name: str) -> Job:
    """Order a reminder for a patient of this first name and let it go now."""
    patient = await practice.patient(first_name=first_name)
    visit = clock.instant.replace(month=12, day=8)
    order = SendOrder(
        patient_id=patient,
        order_key="key",
        purpose=Purpose.APPT_REMINDER,
        anchor=At(clock.instant, visit),
        ordered_by="tests",
        serves_at=visit,
        appointment_id=await practice.visit(patient, visit),
        appointment_version=1,
    )
    admitted = await practice.messages.admit(practice.id, order, now=clock.instant)
    delivery = DeliveryService(practice.db, practice.messages, clock)
    for leased in await delivery.lease_due(Lane.CARE, now=clock.instant):
        await delivery.deliver(
            practice.id, leased.message_ids, await practice.senders(AcceptingSender())
        )
    job: Job = await practice.messages.get(practice.id, admitted.message_id)
    return job


@pytest.mark.requirement("R2.3", "R7.3")
@pytest.mark.parametrize("slipped", ["Ada MRN 48213", "Ada (HIV)", "Ada: metformina", "आशा मधुमेह"])
async def test_a_value_that_slipped_into_a_name_keeps_the_text_back(
    practice: Any, clock: FrozenClock, slipped: str
) -> None:
    job = await delivered(practice, clock, slipped)
    assert (job.lifecycle, job.reasons) == (Lifecycle.REFUSED, (Reason.LEAKS,))


@pytest.mark.requirement("R2.3")
async def test_a_name_that_looks_like_an_illness_is_still_a_name(
    practice: Any, clock: FrozenClock
) -> None:
    await practice.execute("UPDATE organizations SET name = 'Riverside Cardiology'")
    job = await delivered(practice, clock, "Asma")
    assert job.lifecycle is Lifecycle.ACCEPTED
    assert job.body is not None
    assert "Riverside Cardiology: Asma" in job.body


@pytest.mark.requirement("R2.3")
@pytest.mark.parametrize(
    ("sms_ceiling", "outcome"), [(1, Lifecycle.REFUSED), (2, Lifecycle.ACCEPTED)]
)
async def test_a_clinician_is_named_only_where_the_organisation_allows_it(
    practice: Any, clock: FrozenClock, sms_ceiling: int, outcome: Lifecycle
) -> None:
    await practice.execute(
        "UPDATE organization_settings SET sms_ceiling = :ceiling", ceiling=sms_ceiling
    )
    job = await delivered(practice, clock, "Ada with Dr. Lee")
    assert job.lifecycle is outcome


@pytest.mark.requirement("R2.3", "R7.3")
async def test_an_organisation_that_lowers_its_ceiling_sends_the_text_that_tells_nothing(
    practice: Any, clock: FrozenClock
) -> None:
    await practice.value("UPDATE organization_settings SET sms_ceiling = 0 RETURNING 1")
    job = await delivered(practice, clock, "Ada")
    assert job.lifecycle is Lifecycle.ACCEPTED
    assert job.body is not None
    assert "Ada" not in job.body
    assert "Dec" not in job.body
