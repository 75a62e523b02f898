"""Decisions about an address, and what follows from them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from handbell.platform.vocabulary import MessageClass


class Kind(StrEnum):
    """What was decided. Acknowledging the risk of unencrypted messages (45 CFR 164.522,
    78 FR 5634) is no consent to any class, and withdrawing it stops none."""

    GRANT = "grant"
    REVOKE = "revoke"
    ACKNOWLEDGE_RISK = "acknowledge_risk"
    WITHDRAW_RISK = "withdraw_risk"


OF_RISK: Final = frozenset({Kind.ACKNOWLEDGE_RISK, Kind.WITHDRAW_RISK})


class Method(StrEnum):
    """How the decision was given. Only what leaves a text behind is written.

    `provider_block`: a provider keeps the stop in its own list and told us. `complaint`: the
    patient marked a message as spam. `erasure`: the patient's data were erased.
    """

    PROVIDED_AT_REGISTRATION = "provided_at_registration"
    VERBAL = "verbal"
    PAPER_FORM = "paper_form"
    WEB_FORM = "web_form"
    KEYWORD = "keyword"
    UNSUBSCRIBE_LINK = "unsubscribe_link"
    PORTAL = "portal"
    STAFF = "staff"
    PROVIDER_BLOCK = "provider_block"
    COMPLAINT = "complaint"
    ERASURE = "erasure"


WRITTEN: Final = frozenset({Method.PAPER_FORM, Method.WEB_FORM, Method.PORTAL})

Details = Mapping[str, str | bool]
"""What a decision holds beyond its columns, as it is kept and hashed."""


class Signature(StrEnum):
    """How an agreement was signed; an electronic signature is one (E-SIGN Act)."""

    HANDWRITTEN = "handwritten"
    ELECTRONIC = "electronic"


class Element(StrEnum):
    """What a written agreement to marketing texts must have (47 CFR 64.1200(f)(9), TCPA-05)."""

    METHOD = "method"
    TEXT_VERSION = "text_version"
    EVIDENCE = "evidence"
    SIGNATURE = "signature"
    SELLER = "seller"
    NUMBER = "number"
    AUTOMATED = "authorises_automated"
    NOT_A_CONDITION = "not_a_condition"
    UNCHECKED_BOX = "is_prechecked"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Agreement:
    """A signed agreement to marketing, as it reads; None was not said. `number` is the one in
    the agreement and is compared, never kept; `is_prechecked`: a box was ticked beforehand."""

    signature: Signature | None = None
    seller: str | None = None
    number: str | None = None
    authorises_automated: bool | None = None
    not_a_condition: bool | None = None
    is_prechecked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attested:
    """A record system keeps the signed agreement and vouches for its elements."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A grant or a revocation. A revocation without a class is for every class; a grant
    always names one, and what is said of the risk never does. `at` is when the patient decided,
    not when we heard of it. `details` hold the elements of a written agreement, or what a
    revocation was before a rule made it wider."""

    kind: Kind
    message_class: MessageClass | None
    method: Method
    source: str
    actor: str
    at: datetime
    text_version: str | None = None
    evidence: str | None = None
    ip: str | None = None
    details: Details | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What an entry says in words of ours. Words that are not ours were altered: such an entry
    is not readable, and counts as a stop of everything."""

    kind: Kind
    message_class: MessageClass | None
    method: Method
    is_readable: bool

    @staticmethod
    def read(kind: str, message_class: str | None, method: str) -> "Words":
        """The words as stored."""
        try:
            return Words(
                kind=Kind(kind),
                message_class=MessageClass(message_class) if message_class is not None else None,
                method=Method(method),
                is_readable=True,
            )
        except ValueError:
            return Words(
                kind=Kind.REVOKE, message_class=None, method=Method.STAFF, is_readable=False
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A decision as it stands in the ledger of one address; `no` counts from 1."""

    no: int
    decision: Decision
    recorded_at: datetime
    hash: bytes
    is_readable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassState:
    """What the ledger says of one class. `entry_no` is the entry that decided it."""

    granted: bool
    method: Method
    text_version: str | None
    at: datetime
    entry_no: int

    @property
    def is_written(self) -> bool:
        """Written consent to a wording that can be shown: what marketing texts need."""
        return self.granted and self.method in WRITTEN and self.text_version is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskState:
    """Whether the patient knows the risk of unencrypted messages and prefers them still."""

    acknowledged: bool
    text_version: str | None
    at: datetime
    entry_no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """The words of one version of a disclosure, as patients were shown them; never changed."""

    version: str
    language: str
    text: str
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """How long a revocation may take by law, and that it took no time here.

    `due_on` is a day in the organisation's zone, until whose end there is time; `rule` is an id
    of regulation.yaml.
    """

    rule: str
    due_on: date
    honoured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Intact:
    """Every entry of the ledger is as it was written."""

    entries: int


class Fault(StrEnum):
    """What is wrong with an entry. `unwitnessed`: the audit log knows nothing of it."""

    ALTERED = "altered"
    MISSING = "missing"
    UNWITNESSED = "unwitnessed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """The first entry of the ledger that is not as it was written, or is missing."""

    no: int
    fault: Fault = Fault.ALTERED


Verdict = Intact | Altered


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """What the audit log says of an entry: whose it was, and the hash it had."""

    organization_id: int
    address_id: int
    no: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFlaw:
    """The first entry of an address's ledger that is not as it was written, or is missing."""

    organization_id: int
    address_id: int
    no: int
    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """What was looked through, and each ledger that is flawed, by address."""

    ledgers: int
    entries: int
    flaws: tuple[LedgerFlaw, ...]
