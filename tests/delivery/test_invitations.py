"""A visit in a calendar: what it says, how it is written, and which e-mails carry it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.delivery.desk import NOON, VISIT, Desk

from handbell.channels.types import EmailContent
from handbell.delivery.invitations import Visit, invitation

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=90)


def unfolded(made: bytes) -> list[str]:
    """The lines of a calendar file, put together again."""
    return made.decode().replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


@given(practice=NAMES, place=st.none() | NAMES, version=st.integers(1, 99))
def test_every_name_is_written_so_that_it_can_be_read_again(
    practice: str, place: str | None, version: int
) -> None:
    visit = Visit(
        uid="ab12",
        starts_at=VISIT,
        duration=timedelta(minutes=30),
        version=version,
        changed_at=NOON,
        practice=practice,
        place=place,
    )
    made = invitation(visit, language="es-MX", organizer="https://m.example.org")
    assert all(len(line) <= 75 for line in made.split(b"\r\n"))
    told = dict(line.split(":", 1) for line in unfolded(made) if not line.startswith("BEGIN"))
    assert (told["METHOD"], told["UID"], told["SEQUENCE"]) == ("PUBLISH", "ab12", str(version))
    assert (told["DTSTART"], told["DTEND"]) == ("20261208T143000Z", "20261208T150000Z")
    assert read(told["SUMMARY"]) == f"Cita: {practice}"
    assert read(told.get("LOCATION", "")) == (place or "")


def read(value: str) -> str:
    """Undo the escapes of RFC 5545."""
    said = iter(value)
    return "".join(next(said) if char == "\\" else char for char in said)


@pytest.mark.requirement("R8.1", "R2.3")
async def test_a_mail_about_a_visit_carries_it_and_a_moved_one_has_the_next_sequence(
    desk: Desk,
) -> None:
    patient = await desk.practice.patient(("email", "ada@example.org"))
    visit = await desk.practice.visit(patient, VISIT, id="a-9")
    uids = []
    for version in (1, 2):
        starts_at = VISIT + timedelta(hours=version - 1)
        if version > 1:
            await desk.practice.visit(
                patient,
                starts_at,
                id="a-9",
                kind="appointment.rescheduled",
                now=desk.clock.instant,
            )
        told = {"serves_at": starts_at, "appointment_id": visit}
        await desk.order(patient, f"key {version}", channel="email", **told)
        await desk.run()
        content = desk.sender.sent[-1].content
        assert isinstance(content, EmailContent)
        assert content.categories == ("care",)
        (file,) = content.attachments
        lines = unfolded(file.data)
        assert f"SEQUENCE:{version}" in lines
        assert f"DTSTART:{starts_at:%Y%m%dT%H%M%SZ}" in lines
        assert b"Ada" not in file.data
        uids.append(next(line for line in lines if line.startswith("UID:")))
        desk.clock.advance(timedelta(minutes=5))
    assert len(set(uids)) == 1


async def test_the_generic_text_carries_nothing(desk: Desk) -> None:
    await desk.practice.execute("UPDATE provider_accounts SET baa = 'none'")
    patient = await desk.practice.patient(("email", "ada@example.org"))
    await desk.order(patient, channel="email", **await desk.booked(patient))
    await desk.run()
    content = desk.sender.sent[-1].content
    assert isinstance(content, EmailContent)
    assert content.attachments == ()
