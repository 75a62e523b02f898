"""Proof of consent as the clients read it."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from pydantic import BaseModel, ConfigDict, JsonValue

from handbell.consent.types import (
    Altered,
    ClassState,
    Deadline,
    Entry,
    Fault,
    Kind,
    Method,
    RiskState,
    Wording,
)
from handbell.messages.service import SentMessage
from handbell.patients.consents.types import AddressProof
from handbell.platform.vocabulary import Channel, MessageClass, Purpose

_EXAMPLE: Final[dict[str, JsonValue]] = {
    "channel": "sms",
    "address": "+12125550123",
    "is_current": True,
    "is_intact": True,
    "first_altered": None,
    "fault": None,
    "risk": None,
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
            "details": None,
            "sha256": "b7e1f0…",
        }
    ],
    "deadlines": {},
    "wordings": {},
    "sent": [
        {
            "message_id": 88,
            "sent_at": "2027-03-02T14:30:00Z",
            "channel": "sms",
            "purpose": "appt_reminder",
            "message_class": "care",
            "status": "delivered",
            "template_id": 4,
            "template_version": 1,
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
    details: dict[str, str | bool] | None
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
            details=dict(said.details) if said.details is not None else None,
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


class RiskStateOut(BaseModel):
    """Whether the patient knows the risk of unencrypted messages and prefers them still."""

    acknowledged: bool
    text_version: str | None
    since: datetime
    entry_no: int

    @classmethod
    def of(cls, state: RiskState) -> "RiskStateOut":
        return cls(
            acknowledged=state.acknowledged,
            text_version=state.text_version,
            since=state.at,
            entry_no=state.entry_no,
        )


class DeadlineOut(BaseModel):
    """By which day the law wants a revocation honoured, and when it was."""

    rule: str
    due_on: date
    honoured_at: datetime

    @classmethod
    def of(cls, deadline: Deadline) -> "DeadlineOut":
        return cls(rule=deadline.rule, due_on=deadline.due_on, honoured_at=deadline.honoured_at)


_WORDING: Final[dict[str, JsonValue]] = {
    "version": "marketing-1",
    "language": "en",
    "text": "I agree to marketing texts from Riverside Health. It is no condition of care.",
    "created_at": "2027-03-01T14:30:00Z",
    "created_by": "hb_1a2b",
}


class WordingOut(BaseModel):
    """The words of one version, as they were published."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WORDING]})

    version: str
    language: str
    text: str
    created_at: datetime
    created_by: str

    @classmethod
    def of(cls, wording: Wording) -> "WordingOut":
        return cls(
            version=wording.version,
            language=wording.language,
            text=wording.text,
            created_at=wording.created_at,
            created_by=wording.created_by,
        )


class SentOut(BaseModel):
    """A message that left for the patient; its text is behind `GET /comm/jobs/{id}`."""

    message_id: int
    sent_at: datetime
    channel: Channel
    purpose: Purpose
    message_class: MessageClass
    status: str
    template_id: int | None
    template_version: int | None

    @classmethod
    def of(cls, sent: SentMessage) -> "SentOut":
        return cls(
            message_id=sent.id,
            sent_at=sent.sent_at,
            channel=sent.channel,
            purpose=sent.purpose,
            message_class=sent.message_class,
            status=sent.status,
            template_id=sent.template_id,
            template_version=sent.template_version,
        )


class AddressProofOut(BaseModel):
    """One address that the patient has or had. A class that nobody decided on is absent.

    `first_altered` is the number of the first entry that is not as it was written, `fault` what
    is wrong with it; `deadlines` go by the number of the revocation, `wordings` by version: one
    that was never published here is absent.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    channel: Channel
    address: str
    is_current: bool
    is_intact: bool
    first_altered: int | None
    fault: Fault | None
    risk: RiskStateOut | None
    states: Mapping[MessageClass, ConsentStateOut]
    entries: list[ConsentEntryOut]
    deadlines: Mapping[int, DeadlineOut]
    wordings: Mapping[str, WordingOut]
    sent: list[SentOut]

    @classmethod
    def of(cls, proof: AddressProof) -> "AddressProofOut":
        altered = proof.verdict if isinstance(proof.verdict, Altered) else None
        named = {entry.decision.text_version for entry in proof.entries}
        return cls(
            channel=proof.channel,
            address=proof.address,
            is_current=proof.is_current,
            is_intact=altered is None,
            first_altered=altered.no if altered else None,
            fault=altered.fault if altered else None,
            risk=RiskStateOut.of(proof.risk) if proof.risk else None,
            states={of_class: ConsentStateOut.of(one) for of_class, one in proof.states.items()},
            entries=[ConsentEntryOut.of(entry) for entry in proof.entries],
            deadlines={no: DeadlineOut.of(one) for no, one in proof.deadlines.items()},
            wordings={
                version: WordingOut.of(one)
                for version, one in proof.wordings.items()
                if version in named
            },
            sent=[SentOut.of(one) for one in proof.sent],
        )
