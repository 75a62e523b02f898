"""A patient says stop, is erased, and comes in again with the next import: still no message."""

import pytest
from tests.journeys.conftest import Installation, eventually


@pytest.mark.requirement("R7.4", "R7.11")
def test_who_said_stop_and_was_erased_is_still_stopped_after_the_next_import(
    installation: Installation, tmp_path_factory: pytest.TempPathFactory
) -> None:
    patient = installation.patient()
    installation.book(patient)
    installation.message(patient.address)
    installation.write(patient.address, "STOP")
    page = tmp_path_factory.mktemp("proof") / "proof.html"
    installation.handbell("consent", "proof", str(patient.id), "--html", str(page))
    assert "Stopped all messages" in page.read_text()
    assert patient.address in page.read_text()

    answer = installation.call(
        "POST", f"/patients/{patient.id}/erase", json={"reason": "patient_request"}
    )
    assert answer.status_code == 200, answer.text
    assert installation.call("GET", f"/patients/{patient.id}/consents").status_code == 404
    listed = installation.handbell("patient", "erasures")["erasures"]
    assert patient.id in {one["patient_id"] for one in listed}

    again = installation.patient(address=patient.address)
    assert again.id != patient.id
    _, visit_id = installation.book(again)
    told = installation.order(again, appointment_id=visit_id)
    assert told["status"] == "refused"
    assert "opted_out" in told["reasons"]

    def planned() -> list[str]:
        return [job["lifecycle"] for job in installation.jobs(again)]

    assert set(eventually(planned, what="the visit's messages")) == {"refused"}
    assert installation.handbell("consent", "verify")["intact"] is True
