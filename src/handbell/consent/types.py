"""Decisions about an address, and what follows from them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from handbell.platform.vocabulary import MessageClass


class Kind(StrEnum):
    GRANT = "grant"
    REVOKE = "revoke"


class Method(StrEnum):
    """How the decision was given. Only what leaves a text behind is written."""

    PROVIDED_AT_REGISTRATION = "provided_at_registration"
    VERBAL = "verbal"
    PAPER_FORM = "paper_form"
    WEB_FORM = "web_form"
    KEYWORD = "keyword"
    UNSUBSCRIBE_LINK = "unsubscribe_link"
    PORTAL = "portal"
    STAFF = "staff"


WRITTEN: Final = frozenset({Method.PAPER_FORM, Method.WEB_FORM, Method.PORTAL})


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A grant or a revocation. A revocation without a class is for every class; a grant
    always names one. `at` is when the patient decided, not when we heard of it."""

    kind: Kind
    message_class: MessageClass | None
    method: Method
    source: str
    actor: str
    at: datetime
    text_version: str | None = None
    evidence: str | None = None
    ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A decision as it stands in the ledger of one address; `no` counts from 1."""

    no: int
    decision: Decision
    recorded_at: datetime
    hash: bytes


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
class Intact:
    """Every entry of the ledger is as it was written."""

    entries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Altered:
    """The first entry of the ledger that is not as it was written, or is missing."""

    no: int


Verdict = Intact | Altered


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerFlaw:
    """The first entry of an address's ledger that is not as it was written, or is missing."""

    organization_id: int
    address_id: int
    no: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCheck:
    """What was looked through, and each ledger that is flawed, by address."""

    ledgers: int
    entries: int
    flaws: tuple[LedgerFlaw, ...]
