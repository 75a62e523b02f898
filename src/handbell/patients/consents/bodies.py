"""What clients send to record a decision: every field is checked before anything is read."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyAddress, JsonValue

from handbell.consent.types import (
    Agreement,
    Decision,
    Kind,
    Method,
    Signature,
    Wording,
)
from handbell.patients.consents.deciding import Said
from handbell.platform.instants import GivenInstant
from handbell.platform.lines import Line, printable
from handbell.platform.vocabulary import Channel, MessageClass

SOURCE: Final = "rest"

GivenMethod = Literal[
    Method.VERBAL, Method.PAPER_FORM, Method.WEB_FORM, Method.PORTAL, Method.STAFF
]
GivenClass = Literal[
    MessageClass.CARE, MessageClass.BILLING_ADMIN, MessageClass.RESEARCH, MessageClass.MARKETING
]
Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Told = Annotated[str, Field(min_length=1, max_length=254), AfterValidator(printable)]
_AT: Final = "2027-03-01T09:30:00-05:00"
_GRANT: Final[dict[str, JsonValue]] = {
    "channel": "sms",
    "address": "+12125550123",
    "message_class": "marketing",
    "method": "web_form",
    "text_version": "marketing-1",
    "evidence": "form/831",
    "ip": "192.0.2.7",
    "at": _AT,
    "agreement": {
        "signature": "electronic",
        "seller": "Riverside Health",
        "number": "+12125550123",
        "authorises_automated": True,
        "not_a_condition": True,
        "is_prechecked": False,
    },
}
_REVOCATION: Final[dict[str, JsonValue]] = {"channel": "sms", "method": "verbal", "at": _AT}
_RISK: Final[dict[str, JsonValue]] = {
    "channel": "sms",
    "acknowledged": True,
    "method": "paper_form",
    "text_version": "risk-1",
}


class DecisionIn(BaseModel):
    """Where the decision holds and how it was given. Without an `address` it is for every one
    of the channel; without `at` it was made now. `evidence` is a reference, never a text about
    the patient."""

    model_config = ConfigDict(extra="forbid")

    channel: Channel
    address: Told | None = None
    method: GivenMethod
    text_version: Version | None = None
    evidence: Line | None = None
    ip: IPvAnyAddress | None = None
    at: GivenInstant | None = None

    def decision(
        self, kind: Kind, message_class: MessageClass | None, *, actor: str, now: datetime
    ) -> Decision:
        """The decision in our words."""
        return Decision(
            kind=kind,
            message_class=message_class,
            method=self.method,
            source=SOURCE,
            actor=actor,
            at=self.at or now,
            text_version=self.text_version,
            evidence=self.evidence,
            ip=str(self.ip) if self.ip else None,
        )

    def said(self, decision: Decision, agreement: Agreement | None = None) -> Said:
        """The decision with where it holds."""
        return Said(
            channel=self.channel, address=self.address, decision=decision, agreement=agreement
        )


class AgreementIn(BaseModel):
    """A signed agreement to marketing texts. What is missing is refused by name, all at once."""

    model_config = ConfigDict(extra="forbid")

    signature: Signature | None = None
    seller: Line | None = None
    number: Told | None = None
    authorises_automated: bool | None = None
    not_a_condition: bool | None = None
    is_prechecked: bool | None = None

    def to_agreement(self) -> Agreement:
        return Agreement(**self.model_dump())


class GrantIn(DecisionIn):
    """Consent to one class of messages. Marketing by SMS or WhatsApp needs the `agreement`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_GRANT]})

    message_class: GivenClass
    agreement: AgreementIn | None = None

    def to_said(self, *, actor: str, now: datetime) -> Said:
        agreement = self.agreement.to_agreement() if self.agreement else None
        decision = self.decision(Kind.GRANT, self.message_class, actor=actor, now=now)
        return self.said(decision, agreement)


class RevocationIn(DecisionIn):
    """Consent taken back; without a class, every message but emergencies stops."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_REVOCATION]})

    message_class: GivenClass | None = None

    def to_said(self, *, actor: str, now: datetime) -> Said:
        decision = self.decision(Kind.REVOKE, self.message_class, actor=actor, now=now)
        return self.said(decision)


class RiskIn(DecisionIn):
    """Whether the patient, told that messages are not encrypted, prefers them still. What was
    acknowledged needs its `text_version`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_RISK]})

    acknowledged: bool

    def to_said(self, *, actor: str, now: datetime) -> Said:
        kind = Kind.ACKNOWLEDGE_RISK if self.acknowledged else Kind.WITHDRAW_RISK
        return self.said(self.decision(kind, None, actor=actor, now=now))


_WORDING: Final[dict[str, Any]] = {
    "version": "marketing-1",
    "language": "en",
    "text": "I agree to marketing texts from Riverside Health. It is no condition of care.",
}


class WordingIn(BaseModel):
    """The words of a new version. What is published never changes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [_WORDING]})

    version: Version
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")]
    text: Annotated[str, Field(min_length=1, max_length=10_000), AfterValidator(printable)]

    def to_wording(self, *, actor: str, now: datetime) -> Wording:
        return Wording(
            version=self.version,
            language=self.language,
            text=self.text,
            created_at=now,
            created_by=actor,
        )
