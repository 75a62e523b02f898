"""What the caps of a place count besides the patient's own sends: asked only of what they bind."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ARRAY, BigInteger, Integer, Select, bindparam, column, func, or_, select

# allow public-files: who shares a number is a fact of the gate, read beside `messages.facts`
from handbell.directory.tables import ContactPointRow
from handbell.messages.tables import MessageRow
from handbell.messages.types import NOT_ARRIVED
from handbell.platform.db import Tx
from handbell.platform.vocabulary import MessageClass
from handbell.scheduling.caps.policy import COMMERCIAL, PHONE

LOOKS_BACK: Final = timedelta(hours=48)
"""More than the longest local day and than any number of hours of a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Sends that are counted, with those that are decided but not stored; none is named twice.

    `own` count in the patient's own caps. `to_number`: marketing for other patients of the
    number; `commercial`: marketing and billing for the patient.
    """

    own: Sequence[datetime] = ()
    to_number: Sequence[datetime] = ()
    commercial: Sequence[datetime] = ()


NOTHING: Final = Counted()


@dataclass(frozen=True, slots=True)
class _Sent:
    patient_id: int
    address_id: int | None
    message_class: MessageClass
    at: datetime


@dataclass(slots=True)
class Expected:
    """Sends that are decided and not stored: they count for what is asked next."""

    by_patient: dict[int, list[_Sent]] = field(default_factory=lambda: defaultdict(list))
    by_address: dict[int | None, list[_Sent]] = field(default_factory=lambda: defaultdict(list))

    def add(
        self, patient_id: int, address_id: int | None, message_class: MessageClass, at: datetime
    ) -> None:
        sent = _Sent(patient_id, address_id, message_class, at)
        self.by_patient[patient_id].append(sent)
        self.by_address[address_id].append(sent)

    def of(
        self, patient_id: int, address_id: int | None, together: Sequence[MessageClass]
    ) -> Counted:
        """What counts for the next message; `together` are the classes counted with its own."""
        own = self.by_patient.get(patient_id, [])
        others = self.by_address.get(address_id, [])
        return Counted(
            own=[one.at for one in own if one.message_class in together],
            to_number=[
                one.at
                for one in others
                if one.patient_id != patient_id and one.message_class is MessageClass.MARKETING
            ],
            commercial=[one.at for one in own if one.message_class in COMMERCIAL],
        )


async def legal_counts(
    tx: Tx, wanted: Mapping[int, tuple[int, int | None]], *, now: datetime
) -> dict[int, Counted]:
    """By number of a candidate, whose patient and address are given."""
    if not wanted:
        return {}
    bound = {
        "no": list(wanted),
        "patient_id": [patient for patient, _ in wanted.values()],
        "address_id": [address for _, address in wanted.values()],
        "since": now - LOOKS_BACK,
    }
    return {
        row.no: Counted(to_number=row.to_number or (), commercial=row.commercial or ())
        for row in await tx.execute(_statement(), bound)
    }


def _statement() -> Select[Any]:
    """A number is one address for each channel, and no column says that two are the same: what
    those who share it were sent on either channel counts."""
    kinds = {"no": Integer(), "patient_id": BigInteger(), "address_id": BigInteger()}
    arrays = [bindparam(name, None, type_=ARRAY(kind)) for name, kind in kinds.items()]
    named: list[Any] = [column(name, kind) for name, kind in kinds.items()]
    one = func.unnest(*arrays).table_valued(*named).render_derived(name="counted")
    counted = select(func.array_agg(MessageRow.sent_at)).where(
        MessageRow.sent_at >= bindparam("since"),
        func.coalesce(MessageRow.progress, "").not_in(NOT_ARRIVED),
    )
    sharing = (
        select(ContactPointRow.patient_id)
        .where(ContactPointRow.address_id == one.c.address_id, ContactPointRow.is_current)
        .correlate(one)
    )
    to_number = counted.where(
        or_(MessageRow.address_id == one.c.address_id, MessageRow.patient_id.in_(sharing)),
        MessageRow.patient_id != one.c.patient_id,
        MessageRow.channel.in_(PHONE),
        MessageRow.message_class == MessageClass.MARKETING,
    )
    commercial = counted.where(
        MessageRow.patient_id == one.c.patient_id, MessageRow.message_class.in_(COMMERCIAL)
    )
    return select(
        one.c.no,
        to_number.scalar_subquery().label("to_number"),
        commercial.scalar_subquery().label("commercial"),
    ).select_from(one)
