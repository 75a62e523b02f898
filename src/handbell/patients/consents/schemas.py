"""Proof of consent as the clients read it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.consent.types import Altered, ClassState, Entry, Kind, Method
from handbell.patients.consents.service import AddressProof
from handbell.platform.vocabulary import Channel, MessageClass

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "channel": "sms",
    "address": "+12125550123",
    "is_current": True,
    "is_intact": True,
    "first_altered": None,
    "states": {
        "care": {
            "granted": True,
            "is_written": False,
            "text_version": None,
            "since": "2027-03-01T14:30:00Z",
            "entry_no": 1,
        }
    },
    "entries": [
        {
            "no": 1,
            "kind": "grant",
            "message_class": "care",
            "method": "provided_at_registration",
            "text_version": None,
            "at": "2027-03-01T14:30:00Z",
            "recorded_at": "2027-03-01T14:30:02Z",
            "source": "ehr",
            "actor": "ehr",
            "evidence": None,
            "ip": None,
            "sha256": "b7e1f0…",
        }
    ],
}


class ConsentEntryOut(BaseModel):
    """One decision, as it was written. A revocation without a class is for every class;
    `sha256` chains it to the entry before."""

    no: int
    kind: Kind
    message_class: MessageClass | None
    method: Method
    text_version: str | None
    at: datetime
    recorded_at: datetime
    source: str
    actor: str
    evidence: str | None
    ip: str | None
    sha256: str

    @classmethod
    def of(cls, entry: Entry) -> "ConsentEntryOut":
        said = entry.decision
        return cls(
            no=entry.no,
            kind=said.kind,
            message_class=said.message_class,
            method=said.method,
            text_version=said.text_version,
            at=said.at,
            recorded_at=entry.recorded_at,
            source=said.source,
            actor=said.actor,
            evidence=said.evidence,
            ip=said.ip,
            sha256=entry.hash.hex(),
        )


class ConsentStateOut(BaseModel):
    """What holds for a class of messages, and the entry that decided it."""

    granted: bool
    is_written: bool
    text_version: str | None
    since: datetime
    entry_no: int

    @classmethod
    def of(cls, state: ClassState) -> "ConsentStateOut":
        return cls(
            granted=state.granted,
            is_written=state.is_written,
            text_version=state.text_version,
            since=state.at,
            entry_no=state.entry_no,
        )


class AddressProofOut(BaseModel):
    """One address that the patient has or had. A class that nobody decided on is absent.

    `first_altered` is the number of the first entry that is not as it was written.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    channel: Channel
    address: str
    is_current: bool
    is_intact: bool
    first_altered: int | None
    states: Mapping[MessageClass, ConsentStateOut]
    entries: list[ConsentEntryOut]

    @classmethod
    def of(cls, proof: AddressProof) -> "AddressProofOut":
        altered = proof.verdict.no if isinstance(proof.verdict, Altered) else None
        return cls(
            channel=proof.channel,
            address=proof.address,
            is_current=proof.is_current,
            is_intact=altered is None,
            first_altered=altered,
            states={of_class: ConsentStateOut.of(one) for of_class, one in proof.states.items()},
            entries=[ConsentEntryOut.of(entry) for entry in proof.entries],
        )
