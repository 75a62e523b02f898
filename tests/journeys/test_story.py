"""A patient's story: told by the record system, written to, answered, and acted upon."""

import re
from typing import Any

import httpx
import pytest
from tests.journeys.conftest import Installation, Patient, Row, eventually, visit

PAGE_LINK = re.compile(r"https?://[^/\s]+(/l/[\w.~-]+)")
STOP_LINK = re.compile(r"https?://[^/\s\"]+(/u/[\w.~-]+)")
TWILIO_ANSWERS = "You have successfully been unsubscribed"


def job_of(installation: Installation, patient: Patient, purpose: str) -> Row:
    """The patient's one job of a purpose, as soon as it is there."""

    def look() -> list[Row]:
        return [one for one in installation.jobs(patient) if one["purpose"] == purpose]

    found = eventually(look, what=f"a job for {purpose}")
    assert len(found) == 1
    return found[0]


def waiting(installation: Installation, patient: Patient) -> list[Row]:
    """The patient's messages that are still to leave."""
    jobs = installation.jobs(patient)
    return [one for one in jobs if one["lifecycle"] in {"scheduled", "queued"}]


def asked(installation: Installation, *channels: str) -> tuple[Patient, int]:
    """A patient who has been asked to confirm a visit, and our id of the visit."""
    patient = installation.patient(*channels)
    _, visit_id = installation.book(patient)
    installation.message(patient.address)
    return patient, visit_id


@pytest.mark.requirement("R5.1", "R5.6", "R8.1")
@pytest.mark.parametrize("text", ["C", " c ", "1", "sí"])
def test_a_booked_patient_is_asked_says_yes_and_is_confirmed(
    installation: Installation, text: str
) -> None:
    patient, visit_id = asked(installation)
    (question,) = installation.received(patient.address)
    assert "please confirm your visit" in question["body"]
    assert installation.visit_status(visit_id) == "booked"

    installation.write(patient.address, text)

    thanks = installation.message(patient.address, no=2)
    assert "you are confirmed" in thanks["body"]
    assert installation.visit_status(visit_id) == "confirmed"
    job = job_of(installation, patient, "reply_confirmed")
    assert job["provider_message_id"] == thanks["provider_id"]


@pytest.mark.requirement("R6.1")
def test_the_confirmation_can_be_explained_over_rest_and_from_the_command_line(
    installation: Installation,
) -> None:
    patient, _ = asked(installation)
    job = job_of(installation, patient, "appt_confirm")

    def look() -> Any:
        told = installation.get(f"/comm/jobs/{job['id']}/explain")
        return told if told["progress"] == "delivered" else None

    told = eventually(look, what="the provider's word that it was delivered")
    assert told["lifecycle"] == "accepted"
    assert told["summary"].startswith("The provider took it at ")
    (attempt,) = told["attempts"]
    assert attempt["provider_message_id"] == job["provider_message_id"]
    assert told["replayed_refusals"] == []
    assert installation.handbell("explain", str(job["id"])) == told


@pytest.mark.requirement("R5.2", "R5.5")
@pytest.mark.parametrize("text", ["R", "٢"])
def test_who_wants_another_time_gets_a_link_and_a_person_hears_of_the_wish(
    installation: Installation, text: str
) -> None:
    patient, visit_id = asked(installation)
    installation.write(patient.address, text)
    answer = installation.message(patient.address, no=2)
    path = PAGE_LINK.search(answer["body"])
    assert path is not None, answer["body"]
    link = installation.api_url + path.group(1)

    assert httpx.head(link).text == ""
    page = httpx.get(link)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert wishes(installation, visit_id) == []

    done = httpx.post(link, data={"choice": "reschedule", "wish": "Any Tuesday"})
    assert done.status_code == 200
    again = httpx.post(link, data={"choice": "reschedule", "wish": "Any Tuesday"})
    assert again.status_code == 200
    (task,) = wishes(installation, visit_id)
    assert (task["kind"], task["patient_id"]) == ("reschedule_wish", patient.id)
    assert b"Tuesday" not in task["note"]
    assert installation.visit_status(visit_id) == "booked"


def wishes(installation: Installation, visit_id: int) -> list[Row]:
    return installation.rows("SELECT * FROM staff_tasks WHERE appointment_id = $1", visit_id)


@pytest.mark.requirement("R1.6", "R1.7", "R5.3")
def test_a_stop_by_text_stops_the_number_on_both_channels(installation: Installation) -> None:
    patient, _ = asked(installation, "sms", "whatsapp")
    allow_whatsapp(installation, patient)
    assert waiting(installation, patient)
    installation.write(patient.address, "STOP")
    assert not waiting(installation, patient)
    for channel in ("sms", "whatsapp"):
        refused = installation.order(patient, preferred_channel=channel)
        assert refused["status"] == "refused"
        assert "opted_out" in refused["reasons"], channel

    _, second = installation.book(patient, days=120)

    def look() -> list[Row]:
        return [one for one in installation.jobs(patient) if one["appointment_id"] == second]

    for job in eventually(look, what="the second visit's messages"):
        assert (job["lifecycle"], "opted_out" in job["reasons"]) == ("refused", True)
    assert not waiting(installation, patient)
    question, told = installation.received(patient.address)
    assert "please confirm" in question["body"]
    assert told["body"].startswith(TWILIO_ANSWERS)
    assert told["token"] is None
    assert installation.handbell("audit", "verify")["intact"] is True


def allow_whatsapp(installation: Installation, patient: Patient) -> None:
    """Switch WhatsApp on for the organisation, and for the patient."""
    body = {"whatsapp_us_enabled": True}
    answer = installation.call("PUT", "/comm/settings/organization", json=body)
    assert answer.status_code == 200, answer.text
    path = f"/patients/{patient.id}/comm-preferences"
    answer = installation.call("PUT", path, json={"allow_whatsapp": True})
    assert answer.status_code == 200, answer.text
    assert answer.json()["allow_whatsapp"] is True


def test_a_patient_on_whatsapp_gets_a_template_and_confirms(installation: Installation) -> None:
    patient = installation.patient("whatsapp")
    allow_whatsapp(installation, patient)
    _, visit_id = installation.book(patient)
    question = installation.message(patient.address)
    assert (question["channel"], question["template"]) == ("whatsapp", "appt_confirm")

    installation.write(patient.address, "C", channel="whatsapp")

    thanks = installation.message(patient.address, no=2)
    assert (thanks["channel"], thanks.get("template")) == ("whatsapp", None)
    assert installation.visit_status(visit_id) == "confirmed"


@pytest.mark.requirement("R5.4", "R7.10")
def test_one_click_in_an_email_stops_the_mailbox(installation: Installation) -> None:
    patient = installation.patient("email", address="ada.story@example.org")
    _, visit_id = installation.book(patient)
    mail = installation.message(patient.address)
    assert mail["channel"] == "email"
    assert mail["subject"].startswith("Please confirm your visit")
    path = STOP_LINK.search(mail["body"])
    assert path is not None
    link = installation.api_url + path.group(1)

    assert httpx.get(link).status_code == 200
    still = installation.order(patient, appointment_id=visit_id, preferred_channel="email")
    assert "opted_out" not in still["reasons"]

    one_click = {"List-Unsubscribe": "One-Click"}
    assert [httpx.post(link, data=one_click).status_code for _ in range(2)] == [200, 200]
    refused = installation.order(patient, appointment_id=visit_id, preferred_channel="email")
    assert (refused["status"], refused["reasons"]) == ("refused", ["opted_out", "no_consent"])
    assert {one["lifecycle"] for one in installation.jobs(patient)} <= {"accepted", "refused"}


@pytest.mark.requirement("R8.2")
def test_a_moved_visit_is_reminded_of_anew_and_a_cancelled_one_not_at_all(
    installation: Installation,
) -> None:
    patient = installation.patient()
    name, visit_id = installation.book(patient)
    installation.message(patient.address)
    before = reminders(installation, patient, version=1)
    assert [one["lifecycle"] for one in before] == ["scheduled", "scheduled"]

    installation.tell("appointment.rescheduled", **visit(name, patient, days=120))
    after = eventually(
        lambda: reminders(installation, patient, version=2), what="the moved visit's reminders"
    )
    old = reminders(installation, patient, version=1)
    assert [one["lifecycle"] for one in old] == ["cancelled", "cancelled"]
    assert [one["lifecycle"] for one in after] == ["scheduled", "scheduled"]
    assert min(one["scheduled_at"] for one in after) > max(one["scheduled_at"] for one in before)
    told_again = installation.message(patient.address, no=2)
    assert told_again["body"] != installation.received(patient.address)[0]["body"]

    installation.tell("appointment.cancelled", id=name, patient_id=patient.name)

    eventually(lambda: not waiting(installation, patient), what="that nothing waits")
    assert installation.visit_status(visit_id) == "cancelled"
    assert len(installation.received(patient.address)) == 2


def reminders(installation: Installation, patient: Patient, *, version: int) -> list[Row]:
    return [
        one
        for one in installation.jobs(patient)
        if (one["purpose"], one["appointment_version"]) == ("appt_reminder", version)
    ]


def test_the_processes_write_no_name_number_text_or_link_into_their_log(
    installation: Installation,
) -> None:
    patient, _ = asked(installation)
    installation.write(patient.address, "R")
    answer = installation.message(patient.address, no=2)
    path = PAGE_LINK.search(answer["body"])
    assert path is not None
    httpx.get(installation.api_url + path.group(1))
    log = installation.log_path.read_text()
    token = path.group(1).removeprefix("/l/")
    for secret in (patient.address, patient.address.lstrip("+"), "Ada", token, answer["body"]):
        assert secret not in log
    assert "Traceback" not in log
