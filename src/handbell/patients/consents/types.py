"""The proof of what a patient consented to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from handbell.consent.types import ClassState, Deadline, Entry, RiskState, Verdict, Wording
from handbell.messages.service import SentMessage
from handbell.platform.vocabulary import Channel, MessageClass


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AddressProof:
    """One address that the patient has or had: what holds, and every decision about it.

    The ledger hangs on the address: whoever shares a number shares its decisions. `deadlines`
    go by the number of the revocation, `wordings` by version; `sent` is what this patient was
    sent there.
    """

    address_id: int
    channel: Channel
    address: str
    is_current: bool
    states: Mapping[MessageClass, ClassState]
    risk: RiskState | None
    entries: Sequence[Entry]
    verdict: Verdict
    deadlines: Mapping[int, Deadline]
    wordings: Mapping[str, Wording]
    sent: Sequence[SentMessage]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Proof:
    """The proof for one patient, as it stood at `made_at`. `zone` is the organisation's."""

    patient_id: int
    first_name: str | None
    organization_name: str
    made_at: datetime
    zone: str
    addresses: Sequence[AddressProof]
