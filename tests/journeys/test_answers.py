"""One patient's year in each language: asked, answered, moved, stopped, and back again."""

import re
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from tests.journeys.conftest import Installation, Row, eventually, now, visit

PAGE_LINK = re.compile(r"https?://[^/\s]+(/l/[\w.~-]+)")


@dataclass(frozen=True)
class Told:
    """What a patient of one language reads, writes, and reads again."""

    language: str
    asks: str
    yes: str
    confirmed: str
    cannot: str
    options: str
    other_time: str
    wish: str
    stop: str
    stopped: str


STORIES = [
    Told(
        language="en",
        asks="please confirm your visit",
        yes="Yes please",
        confirmed="you are confirmed",
        cannot="Sorry, I can't make it",
        options="we did not understand",
        other_time="R",
        wish="Any Tuesday morning",
        stop="please stop texting me",
        stopped="you are unsubscribed",
    ),
    Told(
        language="es",
        asks="confirme su cita",
        yes="Sí, confirmo",
        confirmed="ha confirmado",
        cannot="no puedo ir",
        options="no entendimos",
        other_time="cambiar la cita",
        wish="Un martes por la mañana",
        stop="ya no me manden mensajes",
        stopped="no le enviaremos otros mensajes",
    ),
    Told(
        language="hi",
        asks="पुष्टि",
        yes="हाँ जी",
        confirmed="धन्यवाद, ",
        cannot="नहीं आ पाऊँगा",
        options="क्षमा करें",
        other_time="समय बदलें",
        wish="मंगलवार की सुबह",
        stop="मैसेज मत भेजो",
        stopped="संदेश बंद कर दिए गए हैं",
    ),
]


@pytest.mark.requirement("R5.1", "R5.2", "R5.3", "R5.5", "R5.6", "R5.7", "R8.1", "R8.2", "R1.7")
@pytest.mark.parametrize("told", STORIES, ids=lambda one: one.language)
def test_a_patient_s_story(installation: Installation, told: Told) -> None:
    story = Story(installation, told)
    story.is_asked_and_confirms()
    story.cannot_come_and_staff_hear_of_it()
    story.asks_for_another_time_on_the_page()
    story.is_moved_and_reminded_anew()
    story.stops_and_hears_nothing()
    story.starts_again()


class Story:
    """The chapters of one patient, in their order."""

    def __init__(self, installation: Installation, told: Told) -> None:
        self.installation = installation
        self.told = told
        self.patient = installation.patient()
        path = f"/patients/{self.patient.id}/comm-preferences"
        answer = installation.call("PUT", path, json={"language": told.language})
        assert answer.status_code == 200, answer.text
        self.name, self.visit_id = installation.book(self.patient)

    def is_asked_and_confirms(self) -> None:
        self.hears(self.told.asks)
        self.writes(self.told.yes)
        self.hears(self.told.confirmed)
        assert self.installation.visit_status(self.visit_id) == "confirmed"

    def cannot_come_and_staff_hear_of_it(self) -> None:
        self.writes(self.told.cannot)
        self.hears(self.told.options)
        assert self.tasks() == ["possible_cancellation"]
        assert self.installation.visit_status(self.visit_id) == "confirmed"

    def asks_for_another_time_on_the_page(self) -> None:
        self.writes(self.told.other_time)
        link = PAGE_LINK.search(self.hears("/l/"))
        assert link is not None
        page = self.installation.api_url + link.group(1)
        wish = {"choice": "reschedule", "wish": self.told.wish}
        assert httpx.post(page, data=wish).status_code == 200
        assert self.tasks() == ["possible_cancellation", "reschedule_wish"]

    def is_moved_and_reminded_anew(self) -> None:
        moved = visit(self.name, self.patient, days=120)
        self.installation.tell("appointment.rescheduled", **moved)
        anew = eventually(lambda: self.reminders(version=2), what="reminders of the new time")
        assert {one["lifecycle"] for one in anew} == {"scheduled"}
        before = self.reminders(version=1)
        assert {one["lifecycle"] for one in before} == {"cancelled"}

    def stops_and_hears_nothing(self) -> None:
        self.writes(self.told.stop)
        jobs = self.installation.jobs(self.patient)
        waiting = [one for one in jobs if one["lifecycle"] in {"scheduled", "queued"}]
        assert [one["purpose"] for one in waiting if one["purpose"] != "reply_optout"] == []
        self.hears(self.told.stopped)
        heard = self.received()
        refused = self.installation.order(self.patient, appointment_id=self.visit_id)
        assert refused["status"] == "refused"
        assert "opted_out" in refused["reasons"]
        assert self.received() == heard

    def starts_again(self) -> None:
        self.writes("START")
        send_at = (now() + timedelta(days=1)).isoformat()

        def look() -> bool:
            taken = self.installation.order(
                self.patient, appointment_id=self.visit_id, send_at=send_at
            )
            return bool(taken["status"] == "scheduled")

        eventually(look, what="a message that may go to the number again")

    def writes(self, text: str) -> None:
        self.installation.write(self.patient.address, text)

    def hears(self, words: str) -> str:
        """A message with these words, whatever came between."""

        def look() -> list[str]:
            return [one for one in self.received() if words in one]

        return eventually(look, what=f"a message that says {words!r}")[0]

    def received(self) -> list[str]:
        return [str(one["body"]) for one in self.installation.received(self.patient.address)]

    def tasks(self) -> list[str]:
        query = "SELECT kind FROM staff_tasks WHERE appointment_id = $1 ORDER BY id"
        return [row["kind"] for row in self.installation.rows(query, self.visit_id)]

    def reminders(self, *, version: int) -> list[Row]:
        return [
            one
            for one in self.installation.jobs(self.patient)
            if one["purpose"] == "appt_reminder" and one["appointment_version"] == version
        ]
